"""Elements and arrays several times over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unimod.backends import _host
from unimod.backends._protocol import Array, Engine
from unimod.config import is_array
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.numpy._dispatch import many, unary
from unimod.numpy._options import device_of
from unimod.numpy.axes import place_of
from unimod.numpy.conversion import dtype_of


def repeat(
    x: Array, repeats: int | Array, /, axis: int | None = None, *, total_repeat_length: int | None = None
) -> Array:
    """Each element ``repeats`` times in a row along an axis; None is row-major order.

    Args:
        x: an array.
        repeats: how often; an array of one axis has a number for each element, or one for all.
        axis: an axis, or None.
        total_repeat_length: the size of the result along the axis. What is too long is cut off, and what is missing
            is filled with the last element. Needed where ``repeats`` is an array without values, as under ``um.jit``.

    Raises:
        ShapeError: there is not one number for each element.
        OptionError: a number is negative, or the size of the result cannot be known.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.repeat([1, 2], 2).tolist(), unp.repeat([1, 2], [1, 3]).tolist()
        ([1, 1, 2, 2], [1, 2, 2, 2])
    """
    engine, x = unary(x)
    if axis is None:
        axis, x = 0, engine.arrays.reshape(x, (-1,))
    place = place_of("repeat", x, axis)
    if isinstance(repeats, int) and total_repeat_length is None:
        return _each(engine, x, _counted(repeats), place)
    if not is_array(repeats):
        repeats = _host.array(repeats)
    engine, x, repeats = (engine, x, repeats) if isinstance(repeats, np.ndarray) else many(x, repeats)
    places = _places(engine, x, repeats, x.shape[place], total_repeat_length)
    return engine.arrays.take(x, places, place)


def _counted(repeats: int) -> int:
    if repeats >= 0:
        return repeats
    raise OptionError("repeat got a negative number.", got=f"repeats={repeats}", expected="numbers of at least 0")


def _each(engine: Engine, x: Array, repeats: int, place: int) -> Array:
    shape = tuple(x.shape)
    apart = engine.arrays.reshape(x, (*shape[: place + 1], 1, *shape[place + 1 :]))
    spread = engine.arrays.broadcast_to(apart, (*shape[: place + 1], repeats, *shape[place + 1 :]))
    return engine.arrays.reshape(spread, (*shape[:place], shape[place] * repeats, *shape[place + 1 :]))


def _places(engine: Engine, x: Array, repeats: Array, size: int, total: int | None) -> Array:
    """For each element of the result the place from which it comes."""
    if tuple(repeats.shape) not in ((), (1,), (size,)):
        raise ShapeError(
            "repeat needs one number for each element.",
            got=f"repeats of the shape {tuple(repeats.shape)} for {size} elements",
        )
    if dtype_of(repeats).kind not in ("int", "uint"):
        raise DTypeError("repeat counts in integers.", got=f"repeats of {dtype_of(repeats)}")
    if isinstance(repeats, np.ndarray) or engine.arrays.is_concrete(repeats):
        counts = np.broadcast_to(_host.from_any(repeats), (size,))
        return engine.arrays.asarray(_on_host(counts, total), "int32", device_of(engine, x))
    if total is None:
        raise OptionError(
            "The size of the result of repeat depends on values that a trace does not have.",
            got="repeats, an array without values",
            fix="say total_repeat_length=..., or give repeats as a number or a list",
        )
    spread = engine.arrays.broadcast_to(engine.arrays.astype(repeats, "int32"), (size,))
    return _traced(engine, spread, size, total)


def _on_host(counts: Any, total: int | None) -> Any:
    if counts.size and counts.min() < 0:
        _counted(int(counts.min()))
    places = np.repeat(np.arange(counts.size), counts)
    if total is None:
        return places
    if not counts.size and total:
        raise ShapeError("repeat has no element to fill the result with.", got=f"total_repeat_length={total}")
    return np.concatenate([places, np.full(max(0, total - places.size), counts.size - 1, places.dtype)])[:total]


def _traced(engine: Engine, counts: Array, size: int, total: int) -> Array:
    # Ends of the runs and places in the result, sorted together, ends first where they tie: the rank of a place
    # is its own number plus the number of runs that ended before it.
    ends = engine.math.cumsum(counts, 0)
    there = engine.arrays.arange(0, total, 1, "int32", device_of(engine, counts))
    order = engine.arrays.argsort(engine.arrays.concat([ends, there], 0), 0, False)
    ranks = engine.arrays.argsort(order, 0, False)
    return engine.math.minimum(engine.math.subtract(ranks[size:], there), size - 1)


def tile(x: Array, repetitions: Sequence[int], /) -> Array:
    """The whole array ``repetitions[i]`` times along axis ``i``; axes are counted from the last.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.tile([1, 2], (2, 2)).tolist()
        [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    engine, x = unary(x)
    repetitions = (repetitions,) if isinstance(repetitions, int) else tuple(repetitions)
    rank = max(len(x.shape), len(repetitions))
    shape = (1,) * (rank - len(x.shape)) + tuple(x.shape)
    times = (1,) * (rank - len(repetitions)) + tuple(map(_counted, repetitions))
    apart = engine.arrays.reshape(x, tuple(n for size in shape for n in (1, size)))
    spread = engine.arrays.broadcast_to(apart, tuple(n for pair in zip(times, shape, strict=True) for n in pair))
    return engine.arrays.reshape(spread, tuple(n * size for n, size in zip(times, shape, strict=True)))
