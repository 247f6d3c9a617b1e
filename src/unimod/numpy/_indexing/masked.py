"""Updates at a mask without looking for its places: the values of one row go wherever the mask holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from unimod.backends._protocol import Array, Engine
from unimod.config import is_array
from unimod.numpy._dispatch import adopt
from unimod.numpy._indexing.run import spread_over
from unimod.numpy._indexing.scatter import combined

_NEUTRAL = {"add": 0, "subtract": 0, "multiply": 1, "divide": 1, "power": 1}


def alone(engine: Engine, index: Any, x: Array) -> Array | None:
    """The mask, if it is the whole index (an Ellipsis or whole slices may follow) and fits the leading axes."""
    first, *others = index if isinstance(index, tuple) and index else (index,)
    if any(not (other is Ellipsis or other == slice(None)) if not is_array(other) else True for other in others):
        return None
    if isinstance(first, (bool, list, np.bool_)):
        first = np.asarray(first)
    if not is_array(first) or len(first.shape) + sum(other is not Ellipsis for other in others) > len(x.shape):
        return None
    mask = adopt(engine, first)
    fits = tuple(mask.shape) == tuple(x.shape[: len(mask.shape)])
    return mask if fits and engine.arrays.dtype_name(mask) == "bool" else None


def is_one_row(x: Array, mask: Array, y: Array) -> bool:
    """Whether the values do not tell the places of the mask apart."""
    rest = len(x.shape) - len(mask.shape)
    return len(y.shape) <= rest or (len(y.shape) == rest + 1 and y.shape[0] == 1)


def update(engine: Engine, x: Array, mask: Array, y: Array, op: str) -> Array:
    """The update, with a neutral value where the mask does not hold, so that no gradient comes from there."""
    rest = len(x.shape) - len(mask.shape)
    mask = engine.arrays.reshape(mask, (*mask.shape, *(1,) * rest))
    if len(y.shape) > rest:
        y = engine.arrays.reshape(y, tuple(y.shape[1:]))
    y = spread_over(engine, y, tuple(x.shape))
    if op in _NEUTRAL:
        y = engine.arrays.where(mask, y, engine.arrays.full_like(y, _NEUTRAL[op]))
    return engine.arrays.where(mask, y if op == "set" else combined(engine, op, x, y), x)
