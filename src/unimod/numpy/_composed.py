"""Reductions and products that an engine's ``math`` needs not have, written with those that it must have.

They are put in place when the engine is loaded, so the front may call them on every engine.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from unimod.backends import _registry
from unimod.backends._promotion import inexact
from unimod.backends._protocol import Array, Axis, Engine
from unimod.dtypes import DType
from unimod.numpy._defaults import complete
from unimod.numpy._options import axes_of


def mean(engine: Engine, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """``sum(x) / n``."""
    total = engine.math.sum(_fractional(engine, x), axis, keepdims)
    return engine.math.divide(total, float(_count(x, axis)))


def var(engine: Engine, x: Array, axis: Axis = None, keepdims: bool = False, correction: float = 0.0) -> Array:
    """``sum(|x - mean(x)|**2) / (n - correction)``, in two passes."""
    x = _fractional(engine, x)
    away = engine.math.subtract(x, mean(engine, x, axis, True))
    if DType(engine.arrays.dtype_name(x)).kind == "complex":
        away = engine.math.abs(away)
    total = engine.math.sum(engine.math.multiply(away, away), axis, keepdims)
    return engine.math.divide(total, float(max(_count(x, axis) - correction, 0)))


def std(engine: Engine, x: Array, axis: Axis = None, keepdims: bool = False, correction: float = 0.0) -> Array:
    """The square root of the variance; its gradient is 0 where it is 0."""
    squared = var(engine, x, axis, keepdims, correction)
    is_zero = engine.math.equal(squared, 0)
    root = engine.math.sqrt(engine.arrays.where(is_zero, engine.arrays.full_like(squared, 1), squared))
    return engine.arrays.where(is_zero, engine.arrays.full_like(squared, 0), root)


def logsumexp(engine: Engine, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """``log(sum(exp(x)))`` without overflow."""
    x, ops = _fractional(engine, x), engine.math
    greatest = ops.max(x, axis, True)
    is_finite = ops.less(ops.abs(greatest), math.inf)
    shift = engine.arrays.where(is_finite, greatest, engine.arrays.full_like(greatest, 0))
    found = ops.add(ops.log(ops.sum(ops.exp(ops.subtract(x, shift)), axis, True)), shift)
    if keepdims:
        return found
    axes = axes_of(axis, len(x.shape))
    return engine.arrays.reshape(found, tuple(n for place, n in enumerate(x.shape) if place not in axes))


def any(engine: Engine, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether one element is not 0."""
    is_zero = engine.math.sum(engine.math.equal(x, 0), axis, keepdims)
    return engine.math.less(is_zero, _count(x, axis))


def all(engine: Engine, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether no element is 0."""
    return engine.math.equal(engine.math.sum(engine.math.equal(x, 0), axis, keepdims), 0)


def argmin(engine: Engine, x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The place of the first least element, or of the first nan."""
    least = engine.math.equal(x, engine.math.min(x, axis, True))
    is_it = engine.math.add(engine.arrays.astype(least, "int32"), engine.arrays.astype(_is_nan(engine, x), "int32"))
    return engine.math.argmax(is_it, axis, keepdims)


def tensordot(engine: Engine, x: Array, y: Array, axes: Any) -> Array:
    """The sum of products over pairs of axes, by one matrix product."""
    left, right = _pairs(axes, len(x.shape))
    left, right = axes_of(left, len(x.shape)), axes_of(right, len(y.shape))
    kept = [i for i in range(len(x.shape)) if i not in left], [i for i in range(len(y.shape)) if i not in right]
    sizes = tuple(x.shape[i] for i in left)
    if sizes != tuple(y.shape[i] for i in right):
        raise ValueError("the sizes of the axes differ")
    rows, columns = (tuple(array.shape[i] for i in own) for array, own in zip((x, y), kept, strict=True))
    x = _matrix(engine, x, (*kept[0], *left), (math.prod(rows), math.prod(sizes)))
    y = _matrix(engine, y, (*right, *kept[1]), (math.prod(sizes), math.prod(columns)))
    return engine.arrays.reshape(engine.math.matmul(x, y), (*rows, *columns))


def _matrix(engine: Engine, x: Array, order: tuple[int, ...], shape: tuple[int, int]) -> Array:
    return engine.arrays.reshape(engine.arrays.permute_dims(x, order), shape)


def _pairs(axes: Any, rank: int) -> tuple[Sequence[int], Sequence[int]]:
    if isinstance(axes, int):
        return range(rank - axes, rank), range(axes)
    left, right = axes
    return ((left,) if isinstance(left, int) else left), ((right,) if isinstance(right, int) else right)


def _count(x: Array, axis: Axis) -> int:
    return math.prod(x.shape[place] for place in axes_of(axis, len(x.shape)))


def _fractional(engine: Engine, x: Array) -> Array:
    return engine.arrays.astype(x, inexact(engine.arrays.dtype_name(x)))


def _is_nan(engine: Engine, x: Array) -> Array:
    return engine.math.equal(engine.arrays.astype(engine.math.equal(x, x), "int32"), 0)


COMPOSED: tuple[Callable[..., Array], ...] = (mean, var, std, logsumexp, any, all, argmin, tensordot)
"""The functions, whose first argument is the engine."""


_registry.on_load(functools.partial(complete, "math", COMPOSED))
