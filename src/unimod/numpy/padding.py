"""Elements put around an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unimod.backends import _host
from unimod.backends._protocol import Array, Engine
from unimod.errors import OptionError, ShapeError
from unimod.numpy._defaults import framed
from unimod.numpy._dispatch import unary
from unimod.numpy._options import device_of

MODES = ("constant", "edge", "reflect", "symmetric", "wrap")
Pairs = tuple[tuple[Any, Any], ...]


def pad(
    x: Array,
    widths: int | Sequence[int] | Sequence[tuple[int, int]],
    /,
    *,
    mode: str = "constant",
    value: Any = 0,
) -> Array:
    """Elements put before and after each axis.

    Args:
        x: an array.
        widths: ``widths[i]`` elements before and after axis ``i``; one pair, or one number, holds for all axes.
        mode: what is put there: ``"constant"``: ``value``; ``"edge"``: the element at the edge; ``"reflect"``: the
            array mirrored at its first and last element, forth and back where that is not enough; ``"symmetric"``: the
            array mirrored at its edges, those elements twice; ``"wrap"``: the array again, from its other end.
        value: of the constant elements: a number, or a pair (before, after) for all axes or for each.

    Raises:
        ShapeError: there are not two widths of at least 0 for each axis, or an axis without elements would be extended
            by what is in it.
        OptionError: there is no such mode.
        DTypeError: the dtype of ``x`` cannot hold the value.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.pad([1, 2], [(1, 2)], value=9).tolist()
        [9, 1, 2, 9, 9]
        >>> unp.pad([1, 2, 3], 4, mode="reflect").tolist()
        [1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3]

    Source: https://numpy.org/doc/2.4/reference/generated/numpy.pad.html
    """
    engine, x = unary(x)
    pairs = _pairs("pad", widths, tuple(x.shape))
    if mode == "constant":
        return _with_values(engine, x, pairs, value)
    if mode not in MODES:
        raise OptionError("pad has no such mode.", got=f"mode={mode!r}", expected=f"one of {', '.join(MODES)}")
    for axis, (before, after) in enumerate(pairs):
        if before or after:
            x = engine.arrays.take(x, _places(engine, x, axis, before, after, mode), axis)
    return x


def _pairs(name: str, widths: Any, shape: tuple[int, ...]) -> Pairs:
    pairs = _spread(widths, len(shape))
    if len(pairs) != len(shape) or any(len(pair) != 2 or min(pair) < 0 for pair in pairs):
        raise ShapeError(f"{name} needs two widths of at least 0 for each axis.", got=f"{widths} for the shape {shape}")
    return pairs


def _spread(given: Any, rank: int) -> Pairs:
    """One number, one pair or a pair for each axis, as a pair for each axis."""
    if not isinstance(given, (tuple, list)):
        return ((given, given),) * rank
    if given and not isinstance(given[0], (tuple, list)):
        return (tuple(given),) * rank
    listed = tuple(tuple(pair) for pair in given)
    return listed * rank if len(listed) == 1 else listed


def _with_values(engine: Engine, x: Array, pairs: Pairs, value: Any) -> Array:
    dtype = engine.arrays.dtype_name(x)
    if not isinstance(value, (tuple, list)):
        return engine.arrays.pad(x, pairs, _host.number(value, dtype))
    values = _spread(value, len(pairs))
    if len(values) != len(pairs) or any(len(pair) != 2 for pair in values):
        raise ShapeError("pad needs two values for each axis.", got=f"value={value} for the shape {tuple(x.shape)}")
    for axis, (widths, two) in enumerate(zip(pairs, values, strict=True)):
        x = framed(engine, x, axis, widths, tuple(_host.number(one, dtype) for one in two))
    return x


def _places(engine: Engine, x: Array, axis: int, before: int, after: int, mode: str) -> Array:
    """For each element of the result the place from which it comes; numpy knows the rules, on the host."""
    size = int(x.shape[axis])
    if not size:
        raise ShapeError(
            "pad cannot extend an axis without elements by what is in it.",
            got=f"mode={mode!r} for the shape {tuple(x.shape)}",
            fix='use mode="constant"',
        )
    places: Any = np.pad(np.arange(size), (before, after), mode=mode)  # type: ignore[call-overload]
    return engine.arrays.asarray(places, "int32", device_of(engine, x))
