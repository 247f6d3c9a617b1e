"""Estimates of second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod import config, random
from unimod.backends._protocol import Array
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._formulas.noise import first_key, keys_like
from unimod.optim._lists import Arrays, Lists
from unimod.random import Key
from unimod.transforms import grad


def _key(lists: Lists, params: Arrays, *, random_seed: tuple[int, int], **options: Any) -> State:
    return {"key": first_key(lists, params, random_seed)}


@formula(_key, extras=("obj_fn",), needs_params=True)
def hutchinson_estimator_diag_hessian(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    obj_fn: Callable[[Arrays], Array],
    random_seed: tuple[int, int],
) -> Result:
    """``r * (H r)`` for random signs ``r``: in the mean the diagonal of the Hessian ``H``."""
    kept, used = random.split(state["key"])
    signs = [_signs(key, p) for key, p in zip(keys_like(used, params), params, strict=True)]
    slope = grad(obj_fn)
    products = grad(lambda xs: sizes.inner(lists, signs, slope(xs)))(params)
    return lists.mul(products, signs), {"key": kept}


def _signs(key: Key, x: Array) -> Array:
    """-1 and 1, each with a chance of a half."""
    is_up = random.bernoulli(key, 0.5, tuple(x.shape))
    return unp.subtract(unp.multiply(unp.astype(is_up, str(config.dtype_of(x))), 2.0), 1.0)
