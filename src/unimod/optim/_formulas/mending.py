"""Gradients put right: centred, without NaN, or such that parameters stay in bounds."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Array
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


@formula()
def identity(lists: Lists, updates: Arrays, state: State, params: Arrays | None) -> Result:
    """``u``."""
    return updates, state


@formula()
def set_to_zero(lists: Lists, updates: Arrays, state: State, params: Arrays | None) -> Result:
    """0."""
    return lists.zeros(updates), state


@formula()
def centralize(lists: Lists, updates: Arrays, state: State, params: Arrays | None) -> Result:
    """``u - mean(u)``, the mean over all axes but the first; arrays with less than two axes stay as they are."""
    return [_centred(u) if len(u.shape) > 1 else u for u in updates], state


def _centred(u: Array) -> Array:
    return unp.subtract(u, unp.mean(u, axis=tuple(range(1, len(u.shape))), keepdims=True))


def _found(lists: Lists, params: Arrays, **options: Any) -> State:
    nothing = unp.not_equal(lists.count(params), 0)
    return {"found_nan": [nothing for _ in params]}


@formula(_found)
def zero_nans(lists: Lists, updates: Arrays, state: State, params: Arrays | None) -> Result:
    """0 where an element is NaN."""
    found = [unp.isnan(u) for u in updates]
    mended = [unp.where(is_nan, unp.zeros_like(u), u) for is_nan, u in zip(found, updates, strict=True)]
    return mended, {"found_nan": [unp.any(is_nan) for is_nan in found]}


@formula(needs_params=True, is_real=True)
def keep_params_nonnegative(lists: Lists, updates: Arrays, state: State, params: Arrays) -> Result:
    """``-p`` where ``p + u`` were negative."""
    rows = zip(params, updates, strict=True)
    return [unp.where(unp.less(unp.add(p, u), 0), unp.negative(p), u) for p, u in rows], state
