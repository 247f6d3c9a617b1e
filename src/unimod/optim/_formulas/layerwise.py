"""Scaling of each array by the norms of the parameter and of its update."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Array
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


@formula(needs_params=True)
def scale_by_trust_ratio(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    min_norm: Any = 0.0,
    trust_coefficient: Any = 1.0,
    eps: Any = 0.0,
) -> Result:
    """``u * c * |p| / (|u| + eps)``, and ``u`` where one of the norms is 0."""
    of_params, of_updates = sizes.norms(lists, params, min_norm), sizes.norms(lists, updates, min_norm)
    numbers = zip(
        of_params, of_updates, lists.mul(of_params, trust_coefficient), lists.add(of_updates, eps), strict=True
    )
    return lists.mul(updates, [_ratio(*four) for four in numbers]), state


def _ratio(of_param: Array, of_update: Array, above: Array, below: Array) -> Array:
    """``above / below``, and 1 where one of the norms is 0."""
    is_zero = unp.logical_or(unp.equal(of_param, 0), unp.equal(of_update, 0))
    ratio = unp.divide(above, unp.where(is_zero, unp.ones_like(below), below))
    return unp.where(is_zero, unp.ones_like(ratio), ratio)


@formula(needs_params=True)
def scale_by_param_block_norm(
    lists: Lists, updates: Arrays, state: State, params: Arrays, *, min_scale: Any = 1e-3
) -> Result:
    """``u * max(|p|, min_scale)``."""
    return lists.mul(updates, sizes.norms(lists, params, min_scale)), state


@formula(needs_params=True)
def scale_by_param_block_rms(
    lists: Lists, updates: Arrays, state: State, params: Arrays, *, min_scale: Any = 1e-3
) -> Result:
    """``u * max(rms(p), min_scale)``."""
    return lists.mul(updates, sizes.root_mean_squares(lists, params, min_scale)), state
