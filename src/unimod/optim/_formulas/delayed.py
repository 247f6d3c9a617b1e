"""Directions that divide by the second moment of the step before: ACProp and ADOPT."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas._means import (
    cast,
    corrected,
    following,
    mean,
    mean_of_squares,
    over_root,
    select,
    two_moments,
)
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


@formula(two_moments)
def scale_by_acprop(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any,
) -> Result:
    """The gradient over the root of the squares of surprises, as they were before it."""
    before, is_first = state["count"], unp.equal(state["count"], 0)
    mu = mean(lists, state["mu"], updates, b1)
    surprises = lists.sub(updates, state["mu"])
    nu = lists.add(mean_of_squares(lists, state["nu"], surprises, b2), eps_root)
    second = corrected(lists, state["nu"], b2, unp.maximum(before, 1))
    second = select(is_first, [unp.ones_like(x) for x in second], second)
    return over_root(lists, updates, second, eps), {"count": following(before), "mu": mu, "nu": nu}


@formula(two_moments, is_real=True)
def scale_by_adopt(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    b1: Any,
    b2: Any,
    eps: Any,
    mu_dtype: str | None = None,
    nesterov: bool = False,
    use_clipping: bool = True,
    clip_value: Any = None,
) -> Result:
    """The mean of gradients, each over the root of the second moment before it; nothing at the first step."""
    count = state["count"]
    b1, b2 = _but_first(lists, updates, count, b1, 1.0), _but_first(lists, updates, count, b2, 0.0)
    scaled = lists.div(updates, lists.maximum(lists.sqrt(state["nu"]), eps))
    if use_clipping:
        bound = fourth_root(lists, updates, count) if clip_value is None else clip_value
        scaled = [unp.clip(x, -lists.like(bound, x), lists.like(bound, x)) for x in scaled]
    mu, nu = mean(lists, state["mu"], scaled, b1), mean_of_squares(lists, state["nu"], updates, b2)
    ahead = mean(lists, mu, scaled, b1) if nesterov else mu
    return ahead, {"count": following(count), "mu": cast(mu, mu_dtype), "nu": nu}


def _but_first(lists: Lists, xs: Arrays, count: Array, decay: Any, first: float) -> Array:
    """The decay, and in the first step another one."""
    dtype = sizes.wide_dtype(xs)
    decay = unp.astype(decay, dtype) if config.is_array(decay) else sizes.number(lists, xs, decay, dtype)
    return unp.where(unp.equal(count, 0), unp.full_like(decay, first), decay)


def fourth_root(lists: Lists, xs: Arrays, count: Array) -> Array:
    """``count**0.25``, the bound of ADOPT in the step of that number."""
    return unp.sqrt(unp.sqrt(unp.astype(count, sizes.wide_dtype(xs))))
