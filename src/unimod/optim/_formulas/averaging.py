"""Updates averaged or summed over steps."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.optim._formulas._means import following, select
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


def _ema(lists: Lists, params: Arrays, accumulator_dtype: str | None = None, **options: Any) -> State:
    return {"count": lists.count(params), "ema": _cast(lists, lists.zeros(params), accumulator_dtype)}


def _cast(lists: Lists, xs: Arrays, dtype: str | None) -> Arrays:
    return xs if dtype is None else [lists.engine.arrays.astype(x, dtype) for x in xs]


@formula(_ema, spends=("ema",))
def ema(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    decay: Any,
    debias: bool = True,
    accumulator_dtype: str | None = None,
) -> Result:
    """``e = decay * e + (1 - decay) * u``; with ``debias`` the result is ``e / (1 - decay**t)``."""
    count = state["count"] + 1
    mean = lists.decayed(state["ema"], _cast(lists, updates, accumulator_dtype), decay)
    result = lists.div(mean, lists.debias(decay, count)) if debias else mean
    dtypes = [str(config.dtype_of(u)) for u in updates]
    result = [lists.engine.arrays.astype(x, dtype) for x, dtype in zip(result, dtypes, strict=True)]
    return result, {"count": count, "ema": mean}


def _sums(lists: Lists, params: Arrays, **options: Any) -> State:
    return {"count": lists.count(params), "grad_acc": lists.zeros(params)}


@formula(_sums)
def apply_every(lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, k: Any) -> Result:
    """The sum of ``k`` updates in each ``k``-th step, 0 in the others."""
    place = unp.remainder(state["count"], k)
    kept = unp.astype(unp.not_equal(place, 0), "float32")
    summed = lists.add(lists.mul(state["grad_acc"], kept), updates)
    is_last = unp.astype(unp.equal(place, k - 1), "float32")
    return lists.mul(summed, is_last), {"count": unp.remainder(state["count"] + 1, k), "grad_acc": summed}


def _averages(lists: Lists, params: Arrays, **options: Any) -> State:
    return {"count": lists.count(params), "ax": lists.zeros(params)}


@formula(_averages, needs_params=True)
def averaged_descent(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    learning_rate: Any,
    lambd: Any,
    alpha: Any,
    t0: Any,
) -> Result:
    """Down by a rate that shrinks, and towards 0; beside it the mean of the parameters since step ``t0``."""
    old = params or []
    steps = unp.astype(state["count"], "float64" if lists.engine.facts.has_x64() else "float32")
    rate = unp.divide(learning_rate, unp.pow(unp.add(unp.multiply(steps, lambd * learning_rate), 1), alpha))
    down = lists.mul(lists.add_scaled(updates, old, lambd), unp.negative(rate))
    new = lists.add(old, down)
    weight = unp.divide(1, unp.maximum(unp.subtract(steps, t0), 1))
    means = lists.add(state["ax"], lists.mul(lists.sub(new, state["ax"]), weight))
    return down, {"count": following(state["count"]), "ax": select(unp.equal(weight, 1), new, means)}
