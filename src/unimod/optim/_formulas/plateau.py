"""A factor that shrinks where a value stops falling, and gradients of length 1."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.dtypes import DType
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas._means import following
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


def _highest_dtype(xs: Arrays) -> str:
    return max((sizes.real_dtype(x) for x in xs), key=lambda name: DType(name).bits, default="float32")


def _plateau(lists: Lists, params: Arrays, **options: Any) -> State:
    highest = _highest_dtype(params)
    return {
        "scale": sizes.number(lists, params, 1.0, sizes.lowest_dtype(params)),
        "best_value": sizes.number(lists, params, float("inf"), highest),
        "plateau_count": lists.count(params),
        "cooldown_count": lists.count(params),
        "count": lists.count(params),
        "avg_value": sizes.number(lists, params, 0.0, highest),
    }


@formula(_plateau, extras=("value",))
def reduce_on_plateau(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    value: Any,
    factor: Any,
    patience: Any,
    rtol: Any,
    atol: Any,
    cooldown: Any,
    accumulation_size: Any,
    min_scale: Any,
) -> Result:
    """``scale * u``, where the scale shrinks when the mean of some values has not fallen for some time."""
    count, dtype = following(state["count"]), str(config.dtype_of(state["avg_value"]))
    number = unp.astype(sizes.number(lists, updates, value, sizes.wide_dtype(updates)), dtype)
    weight = unp.divide(1, unp.astype(count, dtype))
    mean = unp.add(state["avg_value"], unp.multiply(unp.subtract(number, state["avg_value"]), weight))
    seen = {**state, "avg_value": mean, "count": count}
    judged = _judged(lists, seen, factor, patience, 1 - rtol, atol, cooldown, min_scale)
    is_full = unp.equal(count, accumulation_size)
    state = {name: unp.where(is_full, judged[name], x) for name, x in seen.items()}
    return lists.mul(updates, state["scale"]), state


def _judged(
    lists: Lists, state: State, factor: Any, patience: Any, share: Any, atol: Any, cooldown: Any, least: Any
) -> State:
    """After a full mean: whether it is better than the best one, and for how long there was no better one."""
    mean, best, scale, zero = state["avg_value"], state["best_value"], state["scale"], unp.zeros_like(state["count"])
    is_better = unp.less(mean, unp.subtract(unp.multiply(best, share), atol))
    waited = unp.where(is_better, zero, following(state["plateau_count"]))
    is_cooling, is_over = unp.greater(state["cooldown_count"], 0), unp.equal(waited, patience)
    smaller = unp.maximum(unp.where(is_over, unp.multiply(scale, lists.like(factor, scale)), scale), least)
    rest = unp.where(is_over, unp.astype(unp.full_like(zero, cooldown), "int32"), zero)
    return {
        "scale": unp.where(is_cooling, scale, smaller),
        "best_value": unp.where(is_better, mean, best),
        "plateau_count": unp.where(unp.logical_or(is_cooling, is_over), zero, waited),
        "cooldown_count": unp.where(is_cooling, unp.subtract(state["cooldown_count"], 1), rest),
        "count": zero,
        "avg_value": unp.zeros_like(mean),
    }


@formula()
def normalize(lists: Lists, updates: Arrays, state: State, params: Arrays | None) -> Result:
    """``u / |u|`` for the norm of all arrays together; 0 stays 0."""
    norm = sizes.norm(lists, updates)
    is_zero = unp.equal(norm, 0)
    return lists.div(updates, unp.where(is_zero, unp.ones_like(norm), norm)), state
