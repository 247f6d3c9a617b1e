"""What callers may write for an index, read into the terms of a plan and the index arrays."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from unimod.backends import _registry
from unimod.backends._protocol import Array, Engine
from unimod.config import is_array, short
from unimod.dtypes import DType
from unimod.errors import CapabilityError, DTypeError, OptionError, ShapeError
from unimod.numpy._dispatch import engine_inside
from unimod.numpy._indexing.plan import GAP, Lookup

STATIC_FILL = ("fill", "drop")
"""The modes in which a Python int outside is looked up like an array, which does what is to be done."""


def _listed(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def read(shape: tuple[int, ...], index: Any, mode: str | None) -> tuple[list[Any], list[Array]]:
    """The terms of an index, one for each axis, and the index arrays behind the look-ups among them.

    Raises:
        ShapeError: there are more indices than axes, or a mask is of another shape than its axes.
        DTypeError: an index is no integer, slice, None, Ellipsis, integer array or mask.
        CapabilityError: a mask is traced, so that the shape of the result is not known.
    """
    items = _spread_out([_item(one) for one in _listed(index)], shape)
    terms: list[Any] = []
    arrays: list[Array] = []
    axis = 0
    for item in items:
        if item is None or item is GAP:
            terms.append(item)
        elif isinstance(item, (int, slice)):
            item = _static(item, shape[axis], mode)
            terms.append(item if isinstance(item, (int, slice)) else Lookup(()))
            arrays += [] if isinstance(item, (int, slice)) else [item]
            axis += 1
        else:
            found = _positions(item, shape, axis)
            rank = _rank(item)
            terms += [Lookup(tuple(one.shape), is_new=rank == 0) for one in found]
            arrays += found
            axis += rank
    return terms, arrays


def _item(item: Any) -> Any:
    if item is None or isinstance(item, slice) or item is Ellipsis:
        return _bounded(item) if isinstance(item, slice) else item
    if isinstance(item, (bool, np.bool_)):
        return np.asarray(item)
    if isinstance(item, (int, np.integer)):
        return operator.index(item)
    if isinstance(item, (list, tuple)):
        item = engine_inside(item).arrays.asarray(item) if _holds_arrays(item) else _host_array(item)
    if not is_array(item):
        raise _no_index(repr(item))
    kind = _kind(item)
    if kind not in ("int", "uint", "bool"):
        raise _no_index(short(item))
    return item


def _holds_arrays(items: Any) -> bool:
    return any(_holds_arrays(one) if isinstance(one, (list, tuple)) else is_array(one) for one in items)


def _host_array(items: Any) -> Any:
    found = np.asarray(items)
    return found if found.size else found.astype(np.int32)


def _no_index(got: str) -> DTypeError:
    return DTypeError(
        "An index is of a type that is no index.",
        got=got,
        expected="an int, a slice, None, Ellipsis, an integer array, or a boolean mask",
    )


def _kind(x: Array) -> str:
    return DType(_engine(x).arrays.dtype_name(x)).kind


def _engine(x: Array) -> Engine:
    engine = _registry.of_type(type(x))
    assert engine is not None
    return engine


def _rank(item: Any) -> int:
    """How many axes an index stands for."""
    if item is None or item is Ellipsis:
        return 0
    if isinstance(item, (int, slice)):
        return 1
    return len(item.shape) if _kind(item) == "bool" else 1


def _bounded(item: slice) -> slice:
    for bound in (item.start, item.stop, item.step):
        if is_array(bound) and not _engine(bound).arrays.is_concrete(bound):
            raise CapabilityError(
                "A bound of a slice is traced, so the shape of the result is not known.",
                got=short(bound),
                expected="Python ints as bounds",
                fix="use dynamic_slice(x, start_indices, slice_sizes)",
            )
    return item


def _spread_out(items: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """The Ellipsis, or the missing indices at the end, as slices of whole axes."""
    if sum(item is Ellipsis for item in items) > 1:
        raise OptionError("An index has more than one Ellipsis.", got=str(items), expected="at most one")
    used = sum(_rank(item) for item in items)
    if used > len(shape):
        raise ShapeError(
            "There are more indices than axes.",
            got=f"{used} indices for an array of {len(shape)} axes",
            expected="at most one index for each axis",
        )
    whole = [slice(None)] * (len(shape) - used)
    if not any(item is Ellipsis for item in items):
        return [*items, *whole]
    place = next(i for i, item in enumerate(items) if item is Ellipsis)
    return [*items[:place], GAP, *whole, *items[place + 1 :]]


def _static(item: int | slice, size: int, mode: str | None) -> Any:
    """A Python int that lies inside, where the mode says where; else, for the modes that drop it, an index array."""
    if isinstance(item, slice) or -size <= item < size:
        return max(item, 0) if mode == "clip" and isinstance(item, int) else item
    if mode == "wrap" and size:
        return item % size
    if mode == "clip" and size:
        return min(max(item, 0), size - 1)
    return np.asarray(item, np.int64) if mode in STATIC_FILL else item


def _positions(item: Array, shape: tuple[int, ...], axis: int) -> list[Array]:
    """The index arrays of an index array: itself, or the places at which a mask holds."""
    if _kind(item) != "bool":
        return [item]
    mask = _host(item)
    if tuple(mask.shape) != tuple(shape[axis : axis + mask.ndim]):
        raise ShapeError(
            "A mask is of another shape than the axes that it is for.",
            got=short(item),
            expected=f"the shape {tuple(shape[axis : axis + mask.ndim])}",
        )
    if mask.ndim == 0:
        return [np.zeros(int(mask), np.int32)]
    return [places.astype(np.int64) for places in np.nonzero(mask)]


def _host(mask: Array) -> Any:
    arrays = _engine(mask).arrays
    if not arrays.is_concrete(mask):
        raise CapabilityError(
            "A mask is traced, so the shape of the result is not known.",
            got=short(mask),
            expected="a mask of the host, or one that holds values now",
            fix="use where(mask, x, y); at(x)[mask] updates under a trace with values of one row for all of the mask",
        )
    return arrays.to_numpy(mask)
