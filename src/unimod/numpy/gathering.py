"""Looking up and updating along one axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from unimod.backends._protocol import Array
from unimod.core import checking
from unimod.errors import OptionError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import several, unary
from unimod.numpy._indexing import modes
from unimod.numpy._indexing import scatter as scatters
from unimod.numpy._options import dtype_name
from unimod.numpy._table import ByDType, Table
from unimod.numpy.indexing import getitem, updated


def take(x: Array, indices: Array, /, axis: int = 0, *, mode: str | None = None, fill_value: Any = None) -> Array:
    """The slices of ``x`` at ``indices`` along an axis; negative indices count from the end.

    Args:
        x: any array.
        indices: integers of any shape, which takes the place of the axis in the result.
        axis: the axis to take from.
        mode: what an index outside the axis does: ``"clip"`` takes the nearest, ``"wrap"`` counts round and round,
            ``"fill"`` gives ``fill_value``. None (or ``"promise"``) promises that there is none, and costs nothing.
        fill_value: of the mode ``"fill"``; nan where it is left out, for integers 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.take([10, 20, 30], [-1, 0]).tolist()
        [30, 10]
        >>> unp.take([10.0, 20.0], [5, 1], mode="fill").tolist()
        [nan, 20.0]

    Differences:
        The standard asks for an axis where there are several; here it is the first one if it is left out.
    """
    try:
        if mode is None and type(x) is type(indices) and checking.kinds() is None:
            return _TAKE[indices.dtype](x, indices, axis)
    except Exception:  # no arrays, or the engine refuses: both are settled below
        pass
    return _taken(x, indices, axis, mode, fill_value)


def _taken(x: Array, indices: Array, axis: int, mode: str | None = None, fill_value: Any = None) -> Array:
    modes.check("take", mode, modes.READING)
    engine, (x, indices) = several((x, indices))
    try:
        indices = modes.integers(engine, "take", indices)
        if mode is None or mode == "promise":
            return engine.arrays.take(x, modes.promised(engine, indices, x.shape[axis]), axis)
        return getitem(x, (*_before(x, axis), indices), mode=mode, fill_value=fill_value)
    except Exception as error:
        raise explain.axis(error, "take", x, axis)  # noqa: B904 (it carries its cause)


_TAKE = ByDType(Table("arrays", "take"), shared=_taken)


def _before(x: Array, axis: int) -> tuple[slice, ...]:
    return (slice(None),) * range(len(x.shape))[axis]


def take_along_axis(
    x: Array, indices: Array, /, axis: int = -1, *, mode: str | None = None, fill_value: Any = None
) -> Array:
    """``result[..., i, ...] = x[..., indices[..., i, ...], ...]``; negative indices count from the end.

    Args:
        x: any array.
        indices: integers, of as many axes as ``x``; all axes but this one broadcast with those of ``x``.
        axis: the axis to take from.
        mode: what an index outside the axis does; see :func:`take`.
        fill_value: of the mode ``"fill"``; nan where it is left out, for integers 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.take_along_axis([[10, 20], [30, 40]], [[1], [-2]]).tolist()
        [[20], [30]]
    """
    modes.check("take_along_axis", mode, modes.READING)
    engine, (x, indices) = several((x, indices))
    try:
        indices = modes.integers(engine, "take_along_axis", indices)
        if mode is None or mode == "promise":
            return engine.arrays.take_along_axis(x, modes.promised(engine, indices, x.shape[axis]), axis)
        places, is_outside = modes.inside(engine, indices, x.shape[axis], mode)
        found = engine.arrays.take_along_axis(x, places, axis)
    except Exception as error:
        raise explain.axis(error, "take_along_axis", x, axis)  # noqa: B904 (it carries its cause)
    return found if is_outside is None else modes.filled(engine, "take_along_axis", found, is_outside, 0, fill_value)


def put_along_axis(
    x: Array,
    indices: Array,
    values: Array,
    /,
    axis: int = -1,
    *,
    op: str = "set",
    mode: str | None = "drop",
    unique_indices: bool = False,
) -> Array:
    """A new array: ``x`` with ``x[..., indices[..., i, ...], ...]`` set to ``values[..., i, ...]``.

    Args:
        x: any array; its dtype is kept.
        indices: integers, of as many axes as ``x``; all axes but this one broadcast with those of ``x``.
        values: of a shape that broadcasts to that of ``indices``.
        axis: the axis along which the indices are.
        op: ``set``, ``add``, or another method of :func:`at`, with its rules for places that are named twice.
        mode: what an index outside the axis does; see :func:`at`.
        unique_indices: promises that no place is named twice.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.put_along_axis([[1, 2], [3, 4]], [[1], [-2]], [[8], [9]]).tolist()
        [[1, 8], [9, 4]]

    Differences:
        numpy changes ``x`` in place.
    """
    _, (x, indices) = several((x, indices))
    try:
        place, rank = range(len(x.shape))[axis], len(x.shape)
        grid = [np.arange(n).reshape(_column(k, rank)) for k, n in enumerate(x.shape)]
        index = tuple(indices if k == place else grid[k] for k in range(rank))
    except Exception as error:
        raise explain.axis(error, "put_along_axis", x, axis)  # noqa: B904 (it carries its cause)
    return updated(x, index, values, _known(op), mode, unique_indices)


def _column(axis: int, rank: int) -> tuple[int, ...]:
    return tuple(-1 if k == axis else 1 for k in range(rank))


def scatter(
    x: Array,
    indices: Array,
    updates: Array,
    /,
    axis: int = 0,
    *,
    op: str = "set",
    mode: str | None = "drop",
    unique_indices: bool = False,
) -> Array:
    """A new array: ``x`` with its slices at ``indices`` along an axis combined with ``updates``; the way back of take.

    Args:
        x: any array; its dtype is kept.
        indices: integers of any shape; negative ones count from the end.
        updates: of a shape that broadcasts to that of ``take(x, indices, axis)``.
        axis: the axis along which the indices are.
        op: ``set``, ``add``, or another method of :func:`at`, with its rules for places that are named twice.
        mode: what an index outside the axis does; see :func:`at`.
        unique_indices: promises that no index stands there twice.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.scatter([1.0, 2.0, 3.0], [0, 0, 7], [10.0, 20.0, 30.0], op="add").tolist()
        [31.0, 2.0, 3.0]
    """
    engine, (x, indices) = several((x, indices))
    try:
        before = _before(x, axis)
    except Exception as error:
        raise explain.axis(error, "scatter", x, axis)  # noqa: B904 (it carries its cause)
    return updated(x, (*before, modes.integers(engine, "scatter", indices)), updates, _known(op), mode, unique_indices)


def _known(op: str) -> str:
    if op in scatters.OPS:
        return op
    raise OptionError(f"There is no update called {op!r}.", got=repr(op), expected=f"one of {', '.join(scatters.OPS)}")


def one_hot(indices: Array, num_classes: int, /, *, dtype: object = "float32", axis: int = -1) -> Array:
    """1 at the index along a new axis; an index outside ``[0, num_classes)`` gives zeros.

    Args:
        indices: integers of any shape.
        num_classes: the length of the new axis.
        dtype: of the result.
        axis: where the new axis stands in the result.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.one_hot([1, 5], 3).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    engine, indices = unary(indices)
    found = engine.arrays.one_hot(modes.integers(engine, "one_hot", indices), num_classes, dtype_name(dtype))
    if axis == -1:
        return found
    try:
        place = range(len(found.shape))[axis]
        order = [k - 1 if k > place else k for k in range(len(found.shape))]
        order[place] = len(found.shape) - 1
        return engine.arrays.permute_dims(found, tuple(order))
    except IndexError as error:
        raise explain.new_axis(error, "one_hot", indices, axis)  # noqa: B904 (it carries its cause)
