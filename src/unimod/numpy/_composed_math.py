"""Elementwise functions that an engine's ``math`` needs not have, written with those that it must have.

Imported when one of them is called for the first time on an engine that has none of its own. Kinks have the
derivatives of the conventions, half precision is computed in float32 where a formula would round more than once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from unimod.backends._host import limits
from unimod.backends._promotion import WEAK, inexact, promote, promote_scalar
from unimod.backends._protocol import Array, Engine
from unimod.dtypes import DType

Op = Callable[..., Array]

HALF = frozenset({"float16", "bfloat16"})


def common(engine: Engine, *xs: Any) -> str:
    """The dtype in which arrays and Python scalars meet."""
    arrays = [engine.arrays.dtype_name(x) for x in xs if type(x) not in WEAK]
    name = arrays[0] if arrays else "bool"
    for other in arrays[1:]:
        name = promote(name, other)
    for x in xs:
        name = promote_scalar(name, type(x)) if type(x) in WEAK else name
    return name


def kind(engine: Engine, *xs: Any) -> str:
    """The kind of that dtype."""
    return DType(common(engine, *xs)).kind


def cast(engine: Engine, x: Any, name: str) -> Array:
    """An array or a Python scalar in a dtype."""
    return engine.arrays.asarray(x, name) if type(x) in WEAK else engine.arrays.astype(x, name)


def widened(fn: Op) -> Op:
    """``fn`` of an array with fractions, in float32 at least; the result in the dtype of the array."""

    def op(engine: Engine, x: Array) -> Array:
        name = inexact(engine.arrays.dtype_name(x))
        wide = engine.arrays.astype(x, "float32" if name in HALF else name)
        return engine.arrays.astype(fn(engine, wide), name)

    return op


def counted(engine: Engine, x: Array) -> Array:
    """``x``; bools as int32."""
    return engine.arrays.astype(x, "int32") if engine.arrays.dtype_name(x) == "bool" else x


def joined(engine: Engine, re: Array, im: Array) -> Array:
    """``re + 1j im`` for finite parts."""
    return engine.math.add(re, engine.math.multiply(im, 1j))


def negative(engine: Engine, x: Array) -> Array:
    """``-x``; of floats by a factor, which keeps the sign of 0."""
    x = counted(engine, x)
    return engine.math.multiply(x, -1.0) if kind(engine, x) == "float" else engine.math.subtract(0, x)


def abs(engine: Engine, x: Array) -> Array:
    """The magnitude; its derivative at 0 is 0."""
    x = counted(engine, x)
    if kind(engine, x) == "complex":
        return engine.math.hypot(engine.math.real(x), engine.math.imag(x))
    if kind(engine, x) == "uint":
        return x
    size = engine.arrays.where(engine.math.less(x, 0), engine.math.negative(x), x)
    return engine.arrays.where(engine.math.equal(x, 0), engine.arrays.full_like(x, 0), size)


def round(engine: Engine, x: Array) -> Array:
    """The nearest whole number, of two the even one."""
    x, ops = counted(engine, x), engine.math
    if kind(engine, x) == "complex":
        return joined(engine, round(engine, ops.real(x)), round(engine, ops.imag(x)))
    if kind(engine, x) != "float":
        return x
    below = ops.floor(x)
    rest, half = ops.subtract(x, below), ops.floor(ops.multiply(below, 0.5))
    is_odd = ops.less(ops.multiply(half, 2.0), below)
    goes_up = ops.logical_or(ops.less(0.5, rest), ops.logical_and(ops.equal(rest, 0.5), is_odd))
    return engine.arrays.where(goes_up, ops.add(below, 1.0), below)


@widened
def log2(engine: Engine, x: Array) -> Array:
    """``log(x) / log(2)``."""
    return engine.math.multiply(engine.math.log(x), 1 / math.log(2))


@widened
def log10(engine: Engine, x: Array) -> Array:
    """``log(x) / log(10)``."""
    return engine.math.multiply(engine.math.log(x), 1 / math.log(10))


@widened
def asin(engine: Engine, x: Array) -> Array:
    """The angle of the point ``(sqrt(1 - x**2), x)``.

    Source: Kahan, "Branch cuts for complex elementary functions" (1987), for complex numbers.
    """
    ops = engine.math
    below, above = (ops.sqrt(part) for part in (ops.subtract(1.0, x), ops.add(x, 1.0)))
    if kind(engine, x) != "complex":
        return ops.atan2(x, ops.multiply(below, above))
    re = ops.atan2(ops.real(x), ops.real(ops.multiply(below, above)))
    return joined(engine, re, ops.asinh(ops.imag(ops.multiply(ops.conj(below), above))))


@widened
def acos(engine: Engine, x: Array) -> Array:
    """The angle of the point ``(x, sqrt(1 - x**2))``.

    Source: as :func:`asin`.
    """
    ops = engine.math
    below, above = (ops.sqrt(part) for part in (ops.subtract(1.0, x), ops.add(x, 1.0)))
    if kind(engine, x) != "complex":
        return ops.atan2(ops.multiply(below, above), x)
    re = ops.multiply(ops.atan2(ops.real(below), ops.real(above)), 2.0)
    return joined(engine, re, ops.asinh(ops.imag(ops.multiply(ops.conj(above), below))))


def minimum(engine: Engine, x: Any, y: Any) -> Array:
    """The smaller of two, by the greater of two in the opposite order; nan stays."""
    name = common(engine, x, y)
    x, y = (opposite(engine, cast(engine, one, name)) for one in (x, y))
    return opposite(engine, engine.math.maximum(x, y))


def opposite(engine: Engine, x: Array) -> Array:
    """Numbers in the opposite order; twice is not at all."""
    name = engine.arrays.dtype_name(x)
    found = DType(name).kind
    if found == "bool":
        return engine.math.logical_not(x)
    if found == "complex":
        raise TypeError("complex numbers have no order")
    if found == "float":
        return engine.math.negative(x)
    return engine.math.subtract(-1 if found == "int" else limits(name)[1], x)


def bitwise_left_shift(engine: Engine, x: Any, y: Any) -> Array:
    """``x * 2**y``, where a power that is too great is 0."""
    x, y = (cast(engine, one, common(engine, x, y)) for one in (x, y))
    return engine.math.multiply(x, engine.math.pow(2, y))


def bitwise_right_shift(engine: Engine, x: Any, y: Any) -> Array:
    """``floor(x / 2**y)`` in two steps, because the greatest power of two is no signed integer."""
    name = common(engine, x, y)
    x, y = (cast(engine, one, name) for one in (x, y))
    places = engine.math.minimum(y, DType(name).bits - (DType(name).kind == "int"))
    half = engine.math.floor_divide(places, 2)
    for step in (half, engine.math.subtract(places, half)):
        x = engine.math.floor_divide(x, engine.math.pow(2, step))
    return x
