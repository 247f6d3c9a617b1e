"""Choosing and looking up."""

from __future__ import annotations

from typing import Any

from unimod.backends._protocol import Array
from unimod.dtypes import is_inexact
from unimod.errors import DTypeError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import many, several, unary
from unimod.numpy._options import dtype_name


def where(condition: Array, x1: Array, x2: Array, /) -> Array:
    """``x1`` where the condition is not 0, else ``x2``; the gradient of the branch that is not taken is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.where([True, False], [1.0, 2.0], 0.0).tolist()
        [1.0, 0.0]
    """
    engine, condition, x1, x2 = many(condition, x1, x2)
    if isinstance(condition, (bool, int, float)):
        condition = engine.arrays.asarray(bool(condition))
    try:
        return engine.arrays.where(condition, x1, x2)
    except Exception as error:
        raise explain.operands(error, "where", condition, x1, x2)  # noqa: B904 (it carries its cause)


def take(x: Array, indices: Array, /, axis: int = 0, *, mode: str | None = None) -> Array:
    """The slices of ``x`` at ``indices`` along an axis; negative indices count from the end.

    Args:
        x: any array.
        indices: integers of any shape, which takes the place of the axis in the result.
        axis: the axis to take from.
        mode: what an index outside the axis does: ``"clip"`` takes the nearest, ``"wrap"`` counts round and round,
            ``"fill"`` gives nan (0 for integers). None promises nothing, and costs nothing.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.take([10, 20, 30], [-1, 0]).tolist()
        [30, 10]
        >>> unp.take([10.0, 20.0], [5, 1], mode="fill").tolist()
        [nan, 20.0]
    """
    engine, (x, indices) = several((x, indices))
    try:
        size = x.shape[axis]
        inside, is_outside = _inside(engine, _integers(engine, "take", indices), size, mode)
        found = engine.arrays.take(x, inside, axis)
    except Exception as error:
        raise explain.axis(error, "take", x, axis)  # noqa: B904 (it carries its cause)
    return found if is_outside is None else _filled(engine, found, is_outside, axis % len(x.shape))


def _integers(engine: Any, name: str, indices: Array) -> Array:
    dtype = engine.arrays.dtype_name(indices)
    if is_inexact(dtype) or dtype == "bool":
        raise DTypeError(f"{name} needs integers as indices.", got=dtype, expected="an integer dtype")
    return indices


def _inside(engine: Any, indices: Array, size: int, mode: str | None) -> tuple[Array, Array | None]:
    if mode is None:
        return indices, None
    if mode == "wrap":
        return engine.math.remainder(indices, size), None
    if mode == "clip":
        return engine.math.clip(indices, 0, size - 1), None
    if mode != "fill":
        raise ValueError(f'take knows the modes "fill", "clip", "wrap" and None, not {mode!r}')
    is_outside = engine.math.logical_or(engine.math.less(indices, -size), engine.math.greater_equal(indices, size))
    return engine.arrays.where(is_outside, 0, indices), is_outside


def _filled(engine: Any, found: Array, is_outside: Array, axis: int) -> Array:
    behind = len(found.shape) - axis - len(is_outside.shape)
    mask = engine.arrays.reshape(is_outside, (*is_outside.shape, *(1,) * behind))
    value = float("nan") if is_inexact(engine.arrays.dtype_name(found)) else 0
    return engine.arrays.where(mask, value, found)


def take_along_axis(x: Array, indices: Array, /, axis: int = -1) -> Array:
    """``result[..., i, ...] = x[..., indices[..., i, ...], ...]``; negative indices count from the end.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.take_along_axis([[10, 20], [30, 40]], [[1], [-2]]).tolist()
        [[20], [30]]
    """
    engine, (x, indices) = several((x, indices))
    try:
        return engine.arrays.take_along_axis(x, _integers(engine, "take_along_axis", indices), axis)
    except Exception as error:
        raise explain.axis(error, "take_along_axis", x, axis)  # noqa: B904 (it carries its cause)


def one_hot(indices: Array, num_classes: int, /, *, dtype: object = "float32") -> Array:
    """1 at the index along a new last axis; an index outside ``[0, num_classes)`` gives zeros.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.one_hot([1, 5], 3).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    engine, indices = unary(indices)
    return engine.arrays.one_hot(_integers(engine, "one_hot", indices), num_classes, dtype_name(dtype))
