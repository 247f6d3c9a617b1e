"""Sets: the different elements of arrays, in ascending order.

nan comes last. Complex numbers are put in the order of their real parts, then of their imaginary parts.

How many different elements there are depends on the values, which a trace does not have: there ``size=`` has to say how
many are wanted, and ``fill_value=`` what stands for those that there are not (by default the smallest element).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from unimod.backends._protocol import Array, Engine
from unimod.numpy._dispatch import several, unary
from unimod.numpy._options import dtype_name
from unimod.numpy.data_types import result_type
from unimod.numpy.finding import searchsorted, true_places
from unimod.numpy.padding import pad
from unimod.numpy.sorting import lexsort


class UniqueAll(NamedTuple):
    """What :func:`unique_all` gives."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCounts(NamedTuple):
    """What :func:`unique_counts` gives."""

    values: Array
    counts: Array


class UniqueInverse(NamedTuple):
    """What :func:`unique_inverse` gives."""

    values: Array
    inverse_indices: Array


class _Sorted(NamedTuple):
    """The elements in order, where they were, and which of them differ from the one before."""

    engine: Engine
    shape: tuple[int, ...]
    values: Array
    order: Array
    is_first: Array


def unique_all(x: Array, /, *, size: int | None = None, fill_value: Any = None) -> UniqueAll:
    """The different elements, and where and how often they are; each nan is an element of its own.

    Args:
        x: any array.
        size: how many elements to give, whatever there are; needed under ``jit`` and ``vmap``.
        fill_value: what stands for elements that there are not; their index is 0, their count 0.

    Returns:
        ``values``; ``indices``, the place of the first of each, in row-major order; ``inverse_indices``, of the shape
        of ``x``, with ``values[inverse_indices] == x``; ``counts``, how many there are of each. All but the values are
        int32.

    Raises:
        CapabilityError: ``x`` is being traced, and there is no ``size``.

    Example:
        >>> import unimod.numpy as unp
        >>> found = unp.unique_all([3, 1, 3])
        >>> found.values.tolist(), found.indices.tolist(), found.inverse_indices.tolist(), found.counts.tolist()
        ([1, 3], [1, 0], [1, 0, 1], [1, 2])
    """
    return _everything("unique_all", x, size, fill_value, equal_nan=False)


def unique_counts(x: Array, /, *, size: int | None = None, fill_value: Any = None) -> UniqueCounts:
    """The different elements, and how often they are; the options are those of :func:`unique_all`.

    Raises:
        CapabilityError: ``x`` is being traced, and there is no ``size``.

    Example:
        >>> import unimod.numpy as unp
        >>> values, counts = unp.unique_counts([3, 1, 3])
        >>> values.tolist(), counts.tolist()
        ([1, 3], [1, 2])
    """
    found = _everything("unique_counts", x, size, fill_value, equal_nan=False)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x: Array, /, *, size: int | None = None, fill_value: Any = None) -> UniqueInverse:
    """The different elements, and which of them each element is; the options are those of :func:`unique_all`.

    Raises:
        CapabilityError: ``x`` is being traced, and there is no ``size``.

    Example:
        >>> import unimod.numpy as unp
        >>> values, inverse = unp.unique_inverse([3, 1, 3])
        >>> values.tolist(), inverse.tolist()
        ([1, 3], [1, 0, 1])
    """
    found = _everything("unique_inverse", x, size, fill_value, equal_nan=False)
    return UniqueInverse(found.values, found.inverse_indices)


def unique_values(x: Array, /, *, size: int | None = None, fill_value: Any = None) -> Array:
    """The different elements; each nan is one of its own. The options are those of :func:`unique_all`.

    Raises:
        CapabilityError: ``x`` is being traced, and there is no ``size``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.unique_values([3, 1, 3]).tolist(), unp.unique_values([3, 1], size=3, fill_value=0).tolist()
        ([1, 3], [1, 3, 0])
    """
    return _values("unique_values", _sorted(x, equal_nan=False), None, size, fill_value)


def unique(
    x: Array,
    /,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    *,
    equal_nan: bool = True,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different elements, as ``numpy.unique`` without an axis gives them: all nan are one, by default.

    Args:
        x: any array; it is taken in row-major order as one axis.
        return_index: whether to give the place of the first of each.
        return_inverse: whether to give, in the shape of ``x``, which of them each element is.
        return_counts: whether to give how many there are of each.
        equal_nan: whether all nan are one element.
        size: how many elements to give, whatever there are; needed under ``jit`` and ``vmap``.
        fill_value: what stands for elements that there are not.

    Returns:
        The values, or a tuple of the values and of what else was asked for, in this order.

    Raises:
        CapabilityError: ``x`` is being traced, and there is no ``size``.

    Example:
        >>> import unimod.numpy as unp
        >>> values, counts = unp.unique([[3, 1], [3, 2]], return_counts=True)
        >>> values.tolist(), counts.tolist()
        ([1, 2, 3], [1, 1, 2])
    """
    if not (return_index or return_inverse or return_counts):
        return _values("unique", _sorted(x, equal_nan=equal_nan), None, size, fill_value)
    found = _everything("unique", x, size, fill_value, equal_nan=equal_nan)
    wanted = (True, return_index, return_inverse, return_counts)
    return tuple(part for part, is_wanted in zip(found, wanted, strict=True) if is_wanted)


def _sorted(x: Array, *, equal_nan: bool) -> _Sorted:
    engine, x = unary(x)
    shape = tuple(x.shape)
    flat = engine.arrays.reshape(x, (math.prod(shape),))
    is_complex = engine.arrays.dtype_name(flat).startswith("complex")
    order = _complex_order(engine, flat) if is_complex else engine.arrays.argsort(flat, 0, False)
    values = engine.arrays.take(flat, order, 0)
    return _Sorted(engine, shape, values, order, _is_first(engine, values, equal_nan))


def _complex_order(engine: Engine, x: Array) -> Array:
    is_nan = engine.math.not_equal(x, x)
    return lexsort([engine.math.imag(x), engine.math.real(x), engine.arrays.astype(is_nan, "int32")])


def _is_first(engine: Engine, values: Array, equal_nan: bool) -> Array:
    """Which elements, in order, differ from the one before; the first one does."""
    before, behind = values[:-1], values[1:]
    differs = engine.math.not_equal(before, behind)
    if equal_nan:
        are_nan = engine.math.logical_and(engine.math.not_equal(before, before), engine.math.not_equal(behind, behind))
        differs = engine.math.logical_and(differs, engine.math.logical_not(are_nan))
    return pad(differs, ((min(1, values.shape[0]), 0),), value=True)


def _everything(name: str, x: Array, size: int | None, fill_value: Any, *, equal_nan: bool) -> UniqueAll:
    found = _sorted(x, equal_nan=equal_nan)
    engine, length = found.engine, found.values.shape[0]
    starts, is_there = true_places(engine, name, found.is_first, size)
    numbers = engine.math.cumsum(found.is_first, 0)
    inverse = engine.arrays.take(engine.math.subtract(numbers, 1), engine.arrays.argsort(found.order, 0, False), 0)
    # Where the next one starts; behind the last one, and for elements that there are not, is the end.
    begins = starts if is_there is None else engine.arrays.where(is_there, starts, length)
    ends = pad(begins[1:], ((0, min(1, begins.shape[0])),), value=length)
    if is_there is not None and size is not None and 0 < size < length:
        ends = _last_end(engine, found.is_first, ends, size)
    indices = engine.arrays.take(found.order, starts, 0) if length else starts
    if is_there is not None:
        indices = engine.arrays.where(is_there, indices, 0)
    return UniqueAll(
        _filled(found, starts, is_there, fill_value),
        indices,
        engine.arrays.reshape(inverse, found.shape),
        engine.math.subtract(ends, begins),
    )


def _last_end(engine: Engine, is_first: Array, ends: Array, size: int) -> Array:
    """The ends, where the last element given need not be the last that there is."""
    length = is_first.shape[0]
    starts, is_there = true_places(engine, "unique", is_first, size + 1)
    last = engine.arrays.where(is_there, starts, length)[size:]
    return engine.arrays.concat([ends[:-1], last], 0)


def _values(name: str, found: _Sorted, chosen: Array | None, size: int | None, fill_value: Any) -> Array:
    engine = found.engine
    mask = found.is_first if chosen is None else engine.math.logical_and(found.is_first, chosen)
    places, is_there = true_places(engine, name, mask, size)
    return _filled(found, places, is_there, fill_value)


def _filled(found: _Sorted, places: Array, is_there: Array | None, fill_value: Any) -> Array:
    engine, dtype = found.engine, found.engine.arrays.dtype_name(found.values)
    if not found.values.shape[0]:
        fill = engine.arrays.asarray(0 if fill_value is None else fill_value, dtype)
        return engine.arrays.broadcast_to(fill, tuple(places.shape))
    values = engine.arrays.take(found.values, places, 0)
    if is_there is None:
        return values
    fill = found.values[0] if fill_value is None else fill_value
    return engine.arrays.astype(engine.arrays.where(is_there, values, fill), dtype)


_FEW = 16


def isin(x1: Array, x2: Array, /, *, invert: bool = False) -> Array:
    """For each element of ``x1`` whether it is among those of ``x2``; nan is in nothing.

    Args:
        x1: any array, or a Python number.
        x2: any array, or a Python number.
        invert: whether to say the opposite.

    Returns:
        bool of the shape of ``x1``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.isin([[1, 2], [3, 4]], [2, 4, 9]).tolist()
        [[False, True], [False, True]]
    """
    dtype = dtype_name(result_type(*_typed(x1, x2)))
    engine, (x1, x2) = several((x1, x2))
    x1, x2 = engine.arrays.astype(x1, dtype), engine.arrays.astype(x2, dtype)
    count = math.prod(x2.shape)
    values = engine.arrays.reshape(x2, (count,))
    if count <= _FEW or dtype.startswith("complex"):
        found = engine.math.any(engine.math.equal(engine.arrays.reshape(x1, (*x1.shape, 1)), values), -1, False)
    else:
        values = engine.arrays.sort(values, 0, False)
        low, high = searchsorted(values, x1, side="left"), searchsorted(values, x1, side="right")
        found = engine.math.logical_and(engine.math.less(low, high), engine.math.equal(x1, x1))
    return engine.math.logical_not(found) if invert else found


def _typed(*values: Any) -> tuple[Any, ...]:
    """Lists as arrays, so that they have a dtype."""
    return tuple(unary(one)[1] if isinstance(one, (list, tuple)) else one for one in values)


def _flat(*xs: Any) -> tuple[Any, ...]:
    dtype = dtype_name(result_type(*_typed(*xs)))
    engine, listed = several(xs)
    return engine, *(engine.arrays.reshape(engine.arrays.astype(x, dtype), (math.prod(x.shape),)) for x in listed)


def union1d(x1: Array, x2: Array, /, *, size: int | None = None, fill_value: Any = None) -> Array:
    """The different elements of both; the options are those of :func:`unique`.

    Raises:
        CapabilityError: something is being traced, and there is no ``size``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.union1d([3, 1], [2, 3]).tolist()
        [1, 2, 3]
    """
    engine, x1, x2 = _flat(x1, x2)
    both = engine.arrays.concat([x1, x2], 0)
    return _values("union1d", _sorted(both, equal_nan=True), None, size, fill_value)


def intersect1d(x1: Array, x2: Array, /, *, size: int | None = None, fill_value: Any = None) -> Array:
    """The different elements that are in both; the options are those of :func:`unique`.

    Raises:
        CapabilityError: something is being traced, and there is no ``size``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.intersect1d([3, 1, 3], [2, 3]).tolist()
        [3]
    """
    _, x1, x2 = _flat(x1, x2)
    found = _sorted(x1, equal_nan=True)
    return _values("intersect1d", found, isin(found.values, x2), size, fill_value)


def setdiff1d(x1: Array, x2: Array, /, *, size: int | None = None, fill_value: Any = None) -> Array:
    """The different elements of ``x1`` that are not in ``x2``; the options are those of :func:`unique`.

    Raises:
        CapabilityError: something is being traced, and there is no ``size``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.setdiff1d([3, 1, 3], [2, 3]).tolist()
        [1]
    """
    _, x1, x2 = _flat(x1, x2)
    found = _sorted(x1, equal_nan=True)
    return _values("setdiff1d", found, isin(found.values, x2, invert=True), size, fill_value)
