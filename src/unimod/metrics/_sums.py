"""Sums that lose nothing: a float32 with its rounding error beside it.

A sum is an array with a first axis of 2: the rounded sum, and what rounding has left out. Together they hold counts up
to 2^48 exactly, where float32 alone stops counting at 2^24 and int32 wraps at 2^31.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.config import dtype_of

Array = Any


def empty(shape: tuple[int, ...] = (), dtype: str = "float32") -> Array:
    """The sum of nothing, of the host: it follows the arrays that are added."""
    return np.zeros((2, *shape), dtype)


def add(one: Array, other: Array) -> Array:
    """The sum of two sums.

    Source: Knuth, "The Art of Computer Programming", volume 2, 4.2.2, theorem B: the error of an addition is exact.
    """
    rounded = unp.add(one[0], other[0])
    taken = unp.subtract(rounded, one[0])
    error = unp.add(unp.subtract(one[0], unp.subtract(rounded, taken)), unp.subtract(other[0], taken))
    rest = unp.add(unp.add(one[1], other[1]), error)
    high = unp.add(rounded, rest)
    return unp.stack([high, unp.subtract(rest, unp.subtract(high, rounded))])


def total(pair: Array) -> Array:
    """A sum as one array."""
    return unp.add(pair[0], pair[1])


def whole(pair: Array) -> Array:
    """A sum of counts as int32."""
    return unp.add(unp.astype(unp.round(pair[0]), "int32"), unp.astype(unp.round(pair[1]), "int32"))


def of(value: Array, like: Array) -> Array:
    """The sum of one value, in the dtype of another sum; an integer is split so that nothing is lost."""
    dtype = str(dtype_of(like))
    if dtype_of(value).kind in ("int", "uint"):
        high = unp.astype(value, dtype)
        return unp.stack([high, unp.astype(unp.subtract(value, unp.astype(high, "int32")), dtype)])
    value = unp.astype(value, dtype)
    return unp.stack([value, unp.zeros_like(value)])


def tally(mask: Array, weight: Array | None, axis: Any = None) -> Array:
    """How many are True, as int32; or the sum of their weights, which broadcast against the mask."""
    if weight is None:
        return unp.sum(unp.astype(mask, "int32"), axis=axis)
    return unp.sum(unp.where(mask, weight, 0.0), axis=axis)
