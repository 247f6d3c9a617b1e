"""NumPy: looking up along an axis, and arrays with some elements replaced."""

from __future__ import annotations

from typing import Any

import numpy as np

from unimod.backends.numpy.dtypes import cast

__all__ = ["one_hot", "scatter", "set_slices", "take", "take_along_axis"]


def take(x: Any, indices: Any, axis: int) -> Any:
    """The slices of ``x`` at ``indices`` along an axis; negative indices count from the end."""
    return np.take(x, indices, axis)


def take_along_axis(x: Any, indices: Any, axis: int) -> Any:
    """The elements of ``x`` at ``indices``, which lie beside each other along all other axes."""
    return np.take_along_axis(x, indices, axis)


def one_hot(indices: Any, num_classes: int, dtype: str) -> Any:
    """1 at the index along a new last axis; rows of indices outside the range are all 0."""
    return cast(indices[..., None] == np.arange(num_classes), dtype)


def scatter(
    x: Any, indices: Any, updates: Any, axis: int, op: str, *, drop: bool, unique: bool = False, is_sorted: bool = False
) -> Any:
    """``x`` with the slices at ``indices`` combined with ``updates``: set, add, min or max."""
    found, before = x.copy(), (slice(None),) * axis
    if drop:
        is_inside = indices < x.shape[axis]
        indices, updates = indices[is_inside], updates[(*before, is_inside)]
    if op == "set":
        found[(*before, indices)] = updates
    else:
        with np.errstate(all="ignore"):
            _REDUCTIONS[op].at(found, (*before, indices), updates)
    return found


_REDUCTIONS = {"add": np.add, "min": np.minimum, "max": np.maximum}


def set_slices(x: Any, y: Any, slices: tuple[slice, ...]) -> Any:
    """``x`` with ``y`` in these ascending slices, of which there is one for each axis."""
    found = x.copy()
    found[slices] = y
    return found
