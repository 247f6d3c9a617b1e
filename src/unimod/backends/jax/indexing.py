"""JAX: looking up along an axis, and arrays with some elements replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from unimod.backends._protocol import Shape
from unimod.backends.jax.dtypes import native

__all__ = ["dynamic_slice", "dynamic_update_slice", "one_hot", "scatter", "set_slices", "take", "take_along_axis"]


def take(x: Any, indices: Any, axis: int) -> Any:
    """The slices of ``x`` at ``indices`` along an axis; negative indices count from the end."""
    return jnp.take(x, indices, axis)


def take_along_axis(x: Any, indices: Any, axis: int) -> Any:
    """The elements of ``x`` at ``indices``, which lie beside each other along all other axes."""
    return jnp.take_along_axis(x, indices, axis)


def one_hot(indices: Any, num_classes: int, dtype: str) -> Any:
    """1 at the index along a new last axis; rows of indices outside the range are all 0."""
    return (indices[..., None] == jnp.arange(num_classes, dtype="int32")).astype(native(dtype))


def scatter(
    x: Any, indices: Any, updates: Any, axis: int, op: str, *, drop: bool, unique: bool = False, is_sorted: bool = False
) -> Any:
    """``x`` with the slices at ``indices`` combined with ``updates``: set, add, min or max."""
    place = x.at[(slice(None),) * axis + (indices,)]
    mode = "drop" if drop else "promise_in_bounds"
    return getattr(place, op)(updates, mode=mode, unique_indices=unique, indices_are_sorted=is_sorted)


def set_slices(x: Any, y: Any, slices: tuple[slice, ...]) -> Any:
    """``x`` with ``y`` in these ascending slices, of which there is one for each axis."""
    if all(one.step == 1 for one in slices):
        return lax.dynamic_update_slice(x, y, [one.start for one in slices])
    return x.at[slices].set(y)


def dynamic_slice(x: Any, starts: Sequence[Any], sizes: Shape) -> Any:
    """A block of this size; the starts, which lie inside already, may be arrays without axes."""
    return lax.dynamic_slice(x, _starts(starts), sizes, allow_negative_indices=False)


def dynamic_update_slice(x: Any, update: Any, starts: Sequence[Any]) -> Any:
    """``x`` with ``update`` as the block that begins at ``starts``."""
    return lax.dynamic_update_slice(x, update, _starts(starts), allow_negative_indices=False)


def _starts(starts: Sequence[Any]) -> list[Any]:
    return [jnp.asarray(start, "int32") if isinstance(start, int) else start.astype("int32") for start in starts]
