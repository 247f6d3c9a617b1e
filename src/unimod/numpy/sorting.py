"""Sorting along an axis.

Equal elements keep their order, also where it descends; -0 and 0 are equal, and nan counts as the greatest: it comes
last where the order ascends, and first where it descends. Complex numbers have no order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.backends._protocol import Array, Engine
from unimod.errors import OptionError, ShapeError
from unimod.numpy import _reducing as reducing
from unimod.numpy._dispatch import several, unary


def sort(x: Array, /, axis: int = -1, *, descending: bool = False, stable: bool = True) -> Array:
    """Sorted along an axis; nan counts as the greatest.

    Args:
        x: any array of real numbers.
        axis: the axis along which is sorted.
        descending: whether the greatest is to come first.
        stable: equal elements keep their order, whatever is said here.

    Raises:
        ShapeError: there is no such axis.
        DTypeError: the numbers are complex.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sort([2, 3, 1]).tolist(), unp.sort([2, 3, 1], descending=True).tolist()
        ([1, 2, 3], [3, 2, 1])
    """
    engine, x = unary(x)
    try:
        return engine.arrays.sort(_real("sort", engine, x, axis), axis, descending)
    except Exception as error:
        raise reducing.refused(error, "sort", x, axis)  # noqa: B904 (it carries its cause)


def argsort(x: Array, /, axis: int = -1, *, descending: bool = False, stable: bool = True) -> Array:
    """The indices, as int32, that sort along an axis; the options are those of :func:`sort`.

    Raises:
        ShapeError: there is no such axis.
        DTypeError: the numbers are complex.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.argsort([2, 3, 1, 2]).tolist(), unp.argsort([2, 3, 1, 2], descending=True).tolist()
        ([2, 0, 3, 1], [1, 0, 3, 2])
    """
    engine, x = unary(x)
    try:
        return engine.arrays.argsort(_real("argsort", engine, x, axis), axis, descending)
    except Exception as error:
        raise reducing.refused(error, "argsort", x, axis)  # noqa: B904 (it carries its cause)


def _real(name: str, engine: Engine, x: Array, axis: int) -> Array:
    x.shape[axis]  # an axis that is not there is an error on every engine, for arrays without axes too
    dtype = engine.arrays.dtype_name(x)
    if dtype.startswith("complex"):
        raise reducing.unordered(None, name, dtype)
    return x


def partition(x: Array, kth: int, /, axis: int = -1) -> Array:
    """An order in which the element at ``kth`` is where sorting would put it, the smaller ones before it.

    Difference: the whole of ``x`` is sorted, which is one such order; NumPy leaves both sides unsorted.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.partition([3, 1, 2], 1).tolist()[1]
        2
    """
    return sort(_with_place("partition", x, kth, axis), axis)


def argpartition(x: Array, kth: int, /, axis: int = -1) -> Array:
    """The indices, as int32, of :func:`partition`.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.argpartition([3, 1, 2], 1).tolist()[1]
        2
    """
    return argsort(_with_place("argpartition", x, kth, axis), axis)


def _with_place(name: str, x: Array, kth: int, axis: int) -> Array:
    _, x = unary(x)
    try:
        size = x.shape[axis]
    except Exception as error:
        raise reducing.refused(error, name, x, axis)  # noqa: B904 (it carries its cause)
    if not -size <= kth < size:
        raise OptionError(f"{name} got a place outside the axis.", got=f"kth={kth}", expected=f"{-size} to {size - 1}")
    return x


def lexsort(keys: Sequence[Array] | Array, /, *, axis: int = -1) -> Array:
    """The indices, as int32, that sort by the last key, among equals by the one before it, and so on.

    Args:
        keys: arrays of one shape, or one array whose first axis counts the keys.
        axis: the axis along which is sorted.

    Raises:
        ShapeError: there are no keys, or they are of different shapes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.lexsort(([3, 1, 2, 0], [1, 1, 0, 0])).tolist()
        [3, 2, 1, 0]
    """
    engine, listed = several(list(keys))
    shapes = {tuple(key.shape) for key in listed}
    if len(shapes) != 1:
        raise ShapeError("lexsort needs keys of one shape.", got=f"{sorted(shapes)}", expected="one shape, of all keys")
    order = argsort(listed[0], axis)
    for key in listed[1:]:
        inner = argsort(engine.arrays.take_along_axis(key, order, axis), axis)
        order = engine.arrays.take_along_axis(order, inner, axis)
    return order


def top_k(x: Array, k: int, /, *, axis: int = -1, largest: bool = True) -> tuple[Array, Array]:
    """The ``k`` greatest elements along an axis, the greatest first, and their places as int32.

    Of equal elements the first comes first; nan counts as the greatest.

    Args:
        x: any array of real numbers.
        k: how many; at most the size of the axis.
        axis: the axis along which they are sought.
        largest: False for the ``k`` smallest, the smallest first.

    Returns:
        The values and the places, whose size along the axis is ``k``.

    Raises:
        OptionError: ``k`` is negative or greater than the axis.
        ShapeError: there is no such axis.
        DTypeError: the numbers are complex.

    Example:
        >>> import unimod.numpy as unp
        >>> values, places = unp.top_k([1, 4, 2, 4], 2)
        >>> values.tolist(), places.tolist()
        ([4, 4], [1, 3])
    """
    engine, x = unary(x)
    try:
        size = _real("top_k", engine, x, axis).shape[axis]
    except Exception as error:
        raise reducing.refused(error, "top_k", x, axis)  # noqa: B904 (it carries its cause)
    if not 0 <= k <= size:
        raise OptionError("top_k cannot find so many elements.", got=f"k={k}", expected=f"from 0 to {size}")
    native: Any = getattr(engine.arrays, "top_k", None)
    if native is not None and largest:
        values, places = native(x, k, axis % len(x.shape))
        return values, places
    order = engine.arrays.argsort(x, axis, largest)
    places = order[(slice(None),) * (axis % len(x.shape)) + (slice(0, k),)]
    return engine.arrays.take_along_axis(x, places, axis), places
