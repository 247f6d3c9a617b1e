"""Places: where elements are not 0, and where values belong in a sorted array.

How many elements are not 0 depends on the values, which a trace does not have: there ``size=`` has to say how many
places are wanted.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from unimod.backends._protocol import Array, Engine
from unimod.errors import CapabilityError, OptionError, ShapeError
from unimod.numpy import _reducing as reducing
from unimod.numpy._dispatch import many, several, unary
from unimod.numpy._options import dtype_name
from unimod.numpy.data_types import result_type
from unimod.numpy.joining import stack
from unimod.numpy.padding import pad


def nonzero(x: Array, /, *, size: int | None = None, fill_value: Any = 0) -> tuple[Array, ...]:
    """The places of the elements that are not 0, in row-major order: for each axis their indices, as int32.

    Args:
        x: any array with axes.
        size: how many places to give, whatever there are; needed under ``jit`` and ``vmap``.
        fill_value: the index, or one for each axis, of the places that there are not.

    Raises:
        ShapeError: ``x`` has no axes.
        CapabilityError: ``x`` is being traced, and there is no ``size``.

    Example:
        >>> import unimod.numpy as unp
        >>> rows, columns = unp.nonzero([[0, 5], [7, 0]])
        >>> rows.tolist(), columns.tolist()
        ([0, 1], [1, 0])
    """
    engine, x = unary(x)
    shape = tuple(x.shape)
    if not shape:
        raise ShapeError("nonzero needs an array with axes.", got="an array without axes")
    mask = engine.arrays.reshape(engine.arrays.astype(x, "bool"), (math.prod(shape),))
    places, is_there = true_places(engine, "nonzero", mask, size)
    filled = fill_value if isinstance(fill_value, (tuple, list)) else (fill_value,) * len(shape)
    indices = _unraveled(engine, places, shape)
    if is_there is None:
        return indices
    return tuple(
        engine.arrays.astype(engine.arrays.where(is_there, index, value), "int32")
        for index, value in zip(indices, filled, strict=True)
    )


def _unraveled(engine: Engine, places: Array, shape: tuple[int, ...]) -> tuple[Array, ...]:
    found = []
    for axis, size in enumerate(shape):
        step = math.prod(shape[axis + 1 :])
        index = places if step in (0, 1) else engine.math.floor_divide(places, step)
        found.append(index if axis == 0 or size == 0 else engine.math.remainder(index, size))
    return tuple(found)


def true_places(engine: Engine, name: str, mask: Array, size: int | None) -> tuple[Array, Array | None]:
    """The places where a mask of one axis is True; with a ``size`` also whether each of them is really one."""
    if size is None:
        count = _known(engine, name, mask)
        native = getattr(engine.arrays, "flatnonzero", None)
        return (native(mask) if native is not None else _first_true(engine, mask)[:count]), None
    if size < 0:
        raise OptionError(f"{name} got a negative size.", got=f"size={size}", expected="size >= 0")
    places = _first_true(engine, mask)[:size]
    if size > places.shape[0]:
        places = pad(places, ((0, size - places.shape[0]),))
    numbers = engine.arrays.arange(0, size, 1, "int32", engine.arrays.device_name(mask))
    return places, engine.math.less(numbers, engine.math.sum(mask, None, False))


def _first_true(engine: Engine, mask: Array) -> Array:
    """All places, those where the mask is True before the others."""
    return engine.arrays.argsort(engine.math.logical_not(mask), 0, False)


def _known(engine: Engine, name: str, mask: Array) -> int:
    try:
        return int(engine.math.sum(mask, None, False))
    except Exception as error:
        raise CapabilityError(
            f"{name} gives as many elements as the values say, and a trace has no values.",
            got="an array that is being traced",
            expected="size=, the number of elements to give",
            fix="pass size=, and fill_value= for those that there are not, or call it outside of jit and vmap",
        ) from error


def flatnonzero(x: Array, /, *, size: int | None = None, fill_value: int = 0) -> Array:
    """The places, as int32, of the elements that are not 0, counted in row-major order.

    Args:
        x: any array.
        size: how many places to give, whatever there are; needed under ``jit`` and ``vmap``.
        fill_value: the index of the places that there are not.

    Raises:
        CapabilityError: ``x`` is being traced, and there is no ``size``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.flatnonzero([[0, 5], [7, 0]]).tolist(), unp.flatnonzero([0, 5], size=2, fill_value=-1).tolist()
        ([1, 2], [1, -1])
    """
    engine, x = unary(x)
    return nonzero(engine.arrays.reshape(x, (math.prod(x.shape),)), size=size, fill_value=fill_value)[0]


def argwhere(x: Array, /, *, size: int | None = None, fill_value: int = 0) -> Array:
    """The places of the elements that are not 0, in row-major order: int32 of shape ``(places, axes)``.

    Args:
        x: any array.
        size: how many places to give, whatever there are; needed under ``jit`` and ``vmap``.
        fill_value: the index of the places that there are not.

    Raises:
        CapabilityError: ``x`` is being traced, and there is no ``size``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.argwhere([[0, 5], [7, 0]]).tolist()
        [[0, 1], [1, 0]]
    """
    engine, x = unary(x)
    if not len(x.shape):
        return argwhere(engine.arrays.reshape(x, (1,)), size=size, fill_value=fill_value)[:, :0]
    return stack(list(nonzero(x, size=size, fill_value=fill_value)), 1)


def searchsorted(
    x1: Array, x2: Array, /, *, side: Literal["left", "right"] = "left", sorter: Array | None = None
) -> Array:
    """The places, as int32, before which the elements of ``x2`` would have to be put to keep ``x1`` sorted.

    Args:
        x1: real numbers in ascending order, along one axis; nan counts as the greatest.
        x2: real numbers, of any shape, or one Python number.
        side: ``"left"`` gives the first place that fits (``x1[i - 1] < v <= x1[i]``), ``"right"`` the last one
            (``x1[i - 1] <= v < x1[i]``).
        sorter: integers that sort ``x1``, where it is not sorted, as :func:`argsort` gives them.

    Returns:
        int32 of the shape of ``x2``.

    Raises:
        ShapeError: ``x1`` has not exactly one axis.
        OptionError: the side is neither of the two.
        DTypeError: the numbers are complex.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.searchsorted([1, 2, 2, 5], [2, 9]).tolist(), unp.searchsorted([1, 2, 2, 5], 2, side="right").tolist()
        ([1, 4], 3)
    """
    if side not in ("left", "right"):
        raise OptionError("searchsorted knows two sides.", got=f"side={side!r}", expected='"left" or "right"')
    engine, x1, x2, sorter = many(x1, x2, sorter)
    dtype = dtype_name(result_type(x1, x2))
    engine, (x1, x2) = several((x1, x2))
    if dtype.startswith("complex"):
        raise reducing.unordered(None, "searchsorted", dtype)
    if len(x1.shape) != 1:
        raise ShapeError("searchsorted searches along one axis.", got=f"{len(x1.shape)} axes", expected="one axis")
    x1 = x1 if sorter is None else engine.arrays.take(x1, sorter, 0)
    x1, x2 = engine.arrays.astype(x1, dtype), engine.arrays.astype(x2, dtype)
    found: Any = getattr(engine.arrays, "searchsorted", None)
    return _ranked(engine, x1, x2, side) if found is None else found(x1, x2, side)


def _ranked(engine: Engine, x1: Array, x2: Array, side: str) -> Array:
    """The places by sorting: those of ``x2`` in both together, less those in ``x2`` alone."""
    values = engine.arrays.reshape(x2, (math.prod(x2.shape),))
    both = engine.arrays.concat([values, x1] if side == "left" else [x1, values], 0)
    start = 0 if side == "left" else x1.shape[0]
    ranks = _ranks(engine, both)[start : start + values.shape[0]]
    return engine.arrays.reshape(engine.math.subtract(ranks, _ranks(engine, values)), tuple(x2.shape))


def _ranks(engine: Engine, x: Array) -> Array:
    return engine.arrays.argsort(engine.arrays.argsort(x, 0, False), 0, False)
