"""Blocks of a known size at places that a trace does not know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unimod.backends._protocol import Array, Engine
from unimod.config import is_array
from unimod.errors import ShapeError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import adopt, engine_inside
from unimod.numpy._indexing import modes
from unimod.numpy._options import shape_of


def dynamic_slice(x: Array, start_indices: Any, slice_sizes: int | Sequence[int], /) -> Array:
    """``x[start : start + size]`` on every axis, for starts that may be traced and sizes that are not.

    Args:
        x: any array.
        start_indices: an int or an integer array without axes for each axis of ``x``, or one array of all. Negative
            ones count from the end; then they are clamped so that the block lies inside.
        slice_sizes: the shape of the block.

    Raises:
        ShapeError: there is not one start and one size for each axis, or the block is larger than the array.
        DTypeError: a start is no integer.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.dynamic_slice([10, 20, 30, 40], [unp.asarray(9)], [2]).tolist()
        [30, 40]

    Source:
        ``jax.lax.dynamic_slice``.
    """
    engine = engine_inside([x, start_indices])
    x, sizes = adopt(engine, x), shape_of(slice_sizes)
    starts = _starts(engine, "dynamic_slice", x, start_indices, tuple(sizes))
    if all(isinstance(start, int) for start in starts):
        return x[(*(slice(start, start + n) for start, n in zip(starts, sizes, strict=True)), ...)]
    return getattr(engine.arrays, "dynamic_slice", _slice(engine))(x, starts, tuple(sizes))


def dynamic_update_slice(x: Array, update: Array, start_indices: Any, /) -> Array:
    """A new array: ``x`` with ``update`` as the block that begins at ``start_indices``; the dtype of ``x`` is kept.

    Args:
        x: any array.
        update: of as many axes, none of them longer.
        start_indices: as in :func:`dynamic_slice`, clamped in the same way.

    Raises:
        ShapeError: there is not one start for each axis, or the block is larger than the array.
        DTypeError: a start is no integer, or the dtype of ``x`` cannot hold the update.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.dynamic_update_slice([1, 2, 3, 4], [8, 9], [unp.asarray(2)]).tolist()
        [1, 2, 8, 9]

    Source:
        ``jax.lax.dynamic_update_slice``.
    """
    engine = engine_inside([x, update, start_indices])
    x = adopt(engine, x)
    update = modes.fitting(engine, "dynamic_update_slice", update, x)
    sizes = tuple(update.shape)
    starts = _starts(engine, "dynamic_update_slice", x, start_indices, sizes)
    if all(isinstance(start, int) for start in starts):
        box = tuple(slice(start, start + n, 1) for start, n in zip(starts, sizes, strict=True))
        return engine.arrays.set_slices(x, update, box)
    return getattr(engine.arrays, "dynamic_update_slice", _update(engine))(x, update, starts)


def dynamic_index(x: Array, index: Any, /, axis: int = 0, *, keepdims: bool = False) -> Array:
    """``x[index]`` along an axis, for an index that may be traced; it is clamped, and negative ones count from the end.

    Args:
        x: any array.
        index: an int or an integer array without axes.
        axis: the axis.
        keepdims: whether the axis stays, with the length 1.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.dynamic_index([[1, 2], [3, 4]], unp.asarray(-1)).tolist()
        [3, 4]

    Source:
        ``jax.lax.dynamic_index_in_dim``.
    """
    engine = engine_inside([x, index])
    x = adopt(engine, x)
    try:
        place = range(len(x.shape))[axis]
    except IndexError as error:
        raise explain.axis(error, "dynamic_index", x, axis) from error
    starts = [index if k == place else 0 for k in range(len(x.shape))]
    found = dynamic_slice(x, starts, tuple(1 if k == place else n for k, n in enumerate(x.shape)))
    return found if keepdims else engine.arrays.reshape(found, (*x.shape[:place], *x.shape[place + 1 :]))


def _starts(engine: Engine, name: str, x: Array, starts: Any, sizes: tuple[int, ...]) -> list[Any]:
    """One start for each axis, inside: an int, or an array without axes."""
    listed = [starts[k] for k in range(starts.shape[0])] if is_array(starts) and len(starts.shape) == 1 else starts
    listed = [listed] if not isinstance(listed, (list, tuple)) else listed
    if not len(listed) == len(sizes) == len(x.shape) or any(
        not 0 <= n <= m for n, m in zip(sizes, x.shape, strict=True)
    ):
        raise ShapeError(
            f"{name} got a block that does not fit.",
            got=f"{len(listed)} starts and a block of the shape {sizes} for an array of the shape {tuple(x.shape)}",
            expected="one start and one size for each axis, and no size larger than the axis",
        )
    return [_start(engine, name, one, m, n) for one, m, n in zip(listed, x.shape, sizes, strict=True)]


def _start(engine: Engine, name: str, start: Any, size: int, taken: int) -> Any:
    if isinstance(start, (int, np.integer)) and not isinstance(start, bool):
        start = int(start)
        return min(max(start + size if start < 0 else start, 0), size - taken)
    start = modes.integers(engine, name, adopt(engine, start))
    if tuple(start.shape):
        raise ShapeError(f"{name} needs starts without axes.", got=str(tuple(start.shape)), expected="()")
    if size == taken:
        return 0
    positive = engine.arrays.where(engine.math.less(start, 0), engine.math.add(start, size), start)
    return engine.math.clip(positive, 0, size - taken)


def _slice(engine: Engine) -> Any:
    def composite(x: Array, starts: list[Any], sizes: tuple[int, ...]) -> Array:
        for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
            if size != x.shape[axis]:
                x = engine.arrays.take(x, _places(engine, start, size), axis)
        return x

    return composite


def _update(engine: Engine) -> Any:
    def composite(x: Array, update: Array, starts: list[Any]) -> Array:
        partial = [axis for axis in range(len(x.shape)) if update.shape[axis] != x.shape[axis]]
        return _nested(engine, x, update, starts, partial) if partial else engine.arrays.copy(update)

    return composite


def _nested(engine: Engine, x: Array, update: Array, starts: list[Any], axes: list[int]) -> Array:
    axis, *rest = axes
    places = _places(engine, starts[axis], update.shape[axis])
    if rest:
        update = _nested(engine, engine.arrays.take(x, places, axis), update, starts, rest)
    return engine.arrays.scatter(x, places, update, axis, "set", drop=False, unique=True)


def _places(engine: Engine, start: Any, size: int) -> Array:
    return engine.math.add(engine.arrays.arange(0, size, 1, "int32"), start)
