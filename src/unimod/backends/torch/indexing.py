"""PyTorch: looking up along an axis, and tensors with some elements replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._protocol import Shape
from unimod.backends.torch._lift import plainly
from unimod.backends.torch.dtypes import moved, native

__all__ = ["dynamic_slice", "dynamic_update_slice", "one_hot", "scatter", "set_slices", "take", "take_along_axis"]


def take(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """The slices of ``x`` at ``indices`` along an axis; negative indices count from the end."""
    if axis == 0 and indices.dim():
        is_table = x.dim() == 2 and x.is_floating_point() and indices.device == x.device
        # Its derivative adds rows up several times as fast as that of an index.
        return torch.embedding(x, _wrapped(indices, x.shape[0])) if is_table else x[indices]
    axis = range(x.dim())[axis]
    if indices.dim():
        return x[(slice(None),) * axis + (indices,)]
    # an index without axes would be read as a Python number, which a trace does not have
    return x[(slice(None),) * axis + (indices.reshape(1),)].squeeze(axis)


plainly(take, take, (torch.int32, torch.int64))


def take_along_axis(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """The elements of ``x`` at ``indices``, which lie beside each other along all other axes."""
    places = _wrapped(indices, x.shape[axis]).to(x.device, torch.int64)
    # torch.take_along_dim fixes the sizes of a trace that leaves them open
    are_alike = all(m == n for i, (m, n) in enumerate(zip(x.shape, places.shape, strict=True)) if i != axis % x.dim())
    return moved(lambda x: torch.gather(x, axis, places) if are_alike else torch.take_along_dim(x, places, axis), x)


def _wrapped(indices: Tensor, size: int) -> Tensor:
    # torch itself refuses negative indices in take_along_dim
    return torch.where(indices < 0, indices + size, indices)


def one_hot(indices: Tensor, num_classes: int, dtype: str) -> Tensor:
    """1 at the index along a new last axis; rows of indices outside the range are all 0."""
    classes = torch.arange(num_classes, dtype=torch.int32, device=indices.device)
    return (indices[..., None] == classes).to(native(dtype))


def scatter(
    x: Tensor,
    indices: Tensor,
    updates: Tensor,
    axis: int,
    op: str,
    *,
    drop: bool,
    unique: bool = False,
    is_sorted: bool = False,
) -> Tensor:
    """``x`` with the slices at ``indices`` combined with ``updates``: set, add, min or max."""
    size, indices, updates = x.shape[axis], indices.to(x.device, torch.int64), updates.to(x.device)
    if drop:  # what is dropped goes to a slice of its own
        x = torch.cat([x, x.new_zeros((*x.shape[:axis], 1, *x.shape[axis + 1 :]))], axis)
    if op == "set":
        found = torch.index_copy(x, axis, indices, updates)
    elif op == "add":
        found = torch.index_add(x, axis, indices, updates)
    else:
        found = _extreme(x, indices, updates, axis, f"a{op}")
    return found.narrow(axis, 0, size) if drop else found


def _extreme(x: Tensor, indices: Tensor, updates: Tensor, axis: int, reduction: str) -> Tensor:
    """The least or greatest; index_reduce, which needs no spread indices, is a loop under vmap, torch 2.13."""
    spread = indices.reshape((-1,) + (1,) * (x.dim() - axis - 1)).expand(updates.shape)
    return torch.scatter_reduce(x, axis, spread, updates, reduction)


def set_slices(x: Tensor, y: Tensor, slices: tuple[slice, ...]) -> Tensor:
    """``x`` with ``y`` in these ascending slices, of which there is one for each axis."""
    partial = [axis for axis, one in enumerate(slices) if y.shape[axis] != x.shape[axis]]
    return _nested(x, y, slices, partial) if partial else y.clone()


def _nested(x: Tensor, y: Tensor, slices: tuple[slice, ...], axes: list[int]) -> Tensor:
    axis, *rest = axes
    one = slices[axis]
    if rest:
        y = _nested(x[(slice(None),) * axis + (one,)], y, slices, rest)
    return torch.slice_scatter(x, y, axis, one.start, one.stop, one.step)


def dynamic_slice(x: Tensor, starts: Sequence[Any], sizes: Shape) -> Tensor:
    """A block of this size; the starts, which lie inside already, may be tensors without axes."""
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        if size != x.shape[axis]:
            x = torch.index_select(x, axis, _places(x, start, size))
    return x


def dynamic_update_slice(x: Tensor, update: Tensor, starts: Sequence[Any]) -> Tensor:
    """``x`` with ``update`` as the block that begins at ``starts``."""
    partial = [axis for axis in range(x.dim()) if update.shape[axis] != x.shape[axis]]
    return _moved_in(x, update, starts, partial) if partial else update.clone()


def _moved_in(x: Tensor, update: Tensor, starts: Sequence[Any], axes: list[int]) -> Tensor:
    axis, *rest = axes
    places = _places(x, starts[axis], update.shape[axis])
    if rest:
        update = _moved_in(torch.index_select(x, axis, places), update, starts, rest)
    return torch.index_copy(x, axis, places, update)


def _places(x: Tensor, start: Any, size: int) -> Tensor:
    places: Tensor = torch.arange(size, device=x.device) + start
    return places
