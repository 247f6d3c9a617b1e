"""Creation and movement of arrays that an engine needs not have, written with what it must have.

Imported when one of them is called for the first time on an engine that has none of its own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from unimod.backends import _host
from unimod.backends._protocol import Array, Engine, Shape
from unimod.numpy._options import device_of


def devices(engine: Engine) -> list[tuple[str, Any]]:
    """The host, which every engine has; None stands for the default device."""
    return [("cpu", None)]


def device_name(engine: Engine, x: Array) -> str:
    """The only device, or the first one."""
    return engine.arrays.devices()[0][0]


def dtype_name(engine: Engine, x: Array) -> str:
    """What the framework calls the dtype, behind the last dot."""
    return str(x.dtype).rpartition(".")[2]


def is_concrete(engine: Engine, x: Array) -> bool:
    """Whether no function is being traced."""
    return not engine.compile.is_tracing()


def from_foreign(engine: Engine, x: Any, device: str | None = None, must_share: bool = False) -> Array:
    """Another framework's array, by way of the host."""
    if must_share:
        raise BufferError("the engine cannot share memory with others")
    found = _host.from_any(x)
    return engine.arrays.asarray(found, found.dtype.name, device)


def full_like(engine: Engine, x: Array, value: Any, dtype: str | None = None) -> Array:
    """One value in the shape of ``x``."""
    name = engine.arrays.dtype_name(x) if dtype is None else dtype
    return engine.arrays.full(tuple(x.shape), value, name, device_of(engine, x))


def copy(engine: Engine, x: Array) -> Array:
    """A choice between ``x`` and ``x``: the result of a function is new memory."""
    return broadcast_to(engine, x, tuple(x.shape))


def broadcast_to(engine: Engine, x: Array, shape: Shape) -> Array:
    """A choice between ``x`` and ``x``, made in that shape."""
    if np.broadcast_shapes(tuple(x.shape), shape) != tuple(shape):
        raise ValueError("the shape is not that of a broadcast")
    return engine.arrays.where(engine.arrays.full(shape, True, "bool", device_of(engine, x)), x, x)


def one_hot(engine: Engine, indices: Array, num_classes: int, dtype: str) -> Array:
    """1 at the index along a new last axis; rows of indices outside the range are all 0."""
    places = engine.arrays.arange(0, num_classes, 1, "int32", device_of(engine, indices))
    found = engine.math.equal(engine.arrays.reshape(indices, (*indices.shape, 1)), places)
    return engine.arrays.astype(found, dtype)


def sort(engine: Engine, x: Array, axis: int, descending: bool) -> Array:
    """Sorted along an axis."""
    return engine.arrays.take_along_axis(x, engine.arrays.argsort(x, axis, descending), axis)


def take_along_axis(engine: Engine, x: Array, indices: Array, axis: int) -> Array:
    """The elements at ``indices``, which lie beside each other along all other axes; they are counted in one row."""
    axis = axis % len(x.shape)
    size, strides = x.shape[axis], _strides(tuple(x.shape))
    grid = _offsets([1 if i == axis else n for i, n in enumerate(x.shape)], strides)
    before = engine.arrays.asarray(grid, "int32", device_of(engine, x))
    indices = engine.arrays.astype(indices, "int32")
    inside = engine.arrays.where(engine.math.less(indices, 0), engine.math.add(indices, size), indices)
    places = engine.math.add(engine.math.multiply(inside, strides[axis]), before)
    found = engine.arrays.take(_row(engine, x), _row(engine, places), 0)
    return engine.arrays.reshape(found, tuple(places.shape))


def set_slices(engine: Engine, x: Array, y: Array, slices: tuple[slice, ...]) -> Array:
    """``x`` with ``y`` in a box, whose places are counted in one row."""
    places = _offsets(list(x.shape), _strides(tuple(x.shape)))[slices]
    updates = y if tuple(y.shape) == places.shape else engine.arrays.broadcast_to(y, places.shape)
    found = engine.arrays.scatter(
        _row(engine, x),
        engine.arrays.asarray(places.reshape(-1), "int32", device_of(engine, x)),
        _row(engine, updates),
        0,
        "set",
        drop=False,
        unique=True,
        is_sorted=True,
    )
    return engine.arrays.reshape(found, tuple(x.shape))


def _row(engine: Engine, x: Array) -> Array:
    return engine.arrays.reshape(x, (math.prod(x.shape),))


def _strides(shape: Shape) -> Shape:
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def _offsets(sizes: list[int], strides: Shape) -> Any:
    """For each place of a grid how many elements come before it."""
    grid = np.zeros(sizes, np.int64)
    for i, (size, stride) in enumerate(zip(sizes, strides, strict=True)):
        grid += (np.arange(size) * stride).reshape(-1, *(1,) * (len(sizes) - i - 1))
    return grid
