"""Activations for engines that have none of their own, written with ``engine.math`` and ``engine.arrays``.

Imported when one of them is called for the first time. Half precision is computed in float32 and rounded once; the
derivative at a kink is that of the flat side. Where one side of a choice could overflow it sees a harmless number, so
that no derivative becomes nan.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from unimod.backends._protocol import Array, Engine

_HALF = frozenset({"float16", "bfloat16"})
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def widened(engine: Engine, x: Array) -> Array:
    """``x``, in float32 at least."""
    return engine.arrays.astype(x, "float32") if engine.arrays.dtype_name(x) in _HALF else x


def wide(fn: Callable[..., Array]) -> Callable[..., Array]:
    """Compute ``fn(engine, x, ...)`` in float32 at least, and give the dtype of ``x``."""

    @functools.wraps(fn)
    def op(engine: Engine, x: Array, *rest: Any, **options: Any) -> Array:
        return engine.arrays.astype(fn(engine, widened(engine, x), *rest, **options), engine.arrays.dtype_name(x))

    return op


def relu(engine: Engine, x: Array) -> Array:
    """``max(x, 0)``."""
    return _held(engine, x, 0.0, math.inf)


def relu6(engine: Engine, x: Array) -> Array:
    """``min(max(x, 0), 6)``."""
    return _held(engine, x, 0.0, 6.0)


def hard_tanh(engine: Engine, x: Array) -> Array:
    """``x`` clipped to [-1, 1]."""
    return _held(engine, x, -1.0, 1.0)


def _held(engine: Engine, x: Array, low: float, high: float) -> Array:
    """``x`` between two bounds, where the derivative is 0; nan stays."""
    is_low = engine.math.less_equal(x, low)
    held = engine.arrays.where(is_low, engine.arrays.full_like(x, low), x)
    if high == math.inf:
        return held
    is_high = engine.math.greater_equal(x, high)
    return engine.arrays.where(is_high, engine.arrays.full_like(x, high), held)


@wide
def leaky_relu(engine: Engine, x: Array, *, negative_slope: float = 0.01) -> Array:
    """``x`` where ``x > 0``, else ``negative_slope * x``."""
    return engine.arrays.where(engine.math.greater(x, 0), x, engine.math.multiply(x, negative_slope))


@wide
def hard_sigmoid(engine: Engine, x: Array) -> Array:
    """``relu6(x + 3) / 6``."""
    return engine.math.divide(_held(engine, engine.math.add(x, 3.0), 0.0, 6.0), 6.0)


@wide
def hard_silu(engine: Engine, x: Array) -> Array:
    """``x * relu6(x + 3) / 6``."""
    return engine.math.multiply(x, hard_sigmoid(engine, x))


@wide
def sigmoid(engine: Engine, x: Array) -> Array:
    """``1 / (1 + exp(-x))``, and ``exp(x) / (1 + exp(x))`` below 0."""
    ops = engine.math
    small = ops.exp(_minus_size(engine, x))
    above = ops.divide(1.0, ops.add(small, 1.0))
    return engine.arrays.where(ops.less(x, 0), ops.multiply(small, above), above)


def _minus_size(engine: Engine, x: Array) -> Array:
    """``-|x|``, with the derivative -1 at 0: what stands above 0 goes on there."""
    return engine.arrays.where(engine.math.less(x, 0), x, engine.math.negative(x))


@wide
def silu(engine: Engine, x: Array) -> Array:
    """``x * sigmoid(x)``."""
    return engine.math.multiply(x, sigmoid(engine, x))


@wide
def tanh(engine: Engine, x: Array) -> Array:
    """The hyperbolic tangent."""
    return engine.math.tanh(x)


@wide
def softplus(engine: Engine, x: Array) -> Array:
    """``log(1 + exp(x))``: ``max(x, 0) + log(1 + exp(-|x|))``."""
    ops = engine.math
    above = engine.arrays.where(ops.less(x, 0), engine.arrays.full_like(x, 0), x)
    return ops.add(above, ops.log1p(ops.exp(_minus_size(engine, x))))


@wide
def log_sigmoid(engine: Engine, x: Array) -> Array:
    """``-softplus(-x)``."""
    return engine.math.negative(softplus(engine, engine.math.negative(x)))


@wide
def mish(engine: Engine, x: Array) -> Array:
    """``x * tanh(softplus(x))``."""
    return engine.math.multiply(x, engine.math.tanh(softplus(engine, x)))


@wide
def elu(engine: Engine, x: Array, *, alpha: float = 1.0) -> Array:
    """``x`` where ``x > 0``, else ``alpha * (exp(x) - 1)``."""
    return _exponential_below(engine, x, alpha, 1.0)


@wide
def celu(engine: Engine, x: Array, *, alpha: float = 1.0) -> Array:
    """``x`` where ``x > 0``, else ``alpha * (exp(x / alpha) - 1)``."""
    return _exponential_below(engine, x, alpha, alpha)


@wide
def selu(engine: Engine, x: Array) -> Array:
    """``scale * elu(x, alpha)`` with the constants of self-normalising networks."""
    return engine.math.multiply(_exponential_below(engine, x, _SELU_ALPHA, 1.0), _SELU_SCALE)


def _exponential_below(engine: Engine, x: Array, factor: float, divisor: float) -> Array:
    is_above = engine.math.greater(x, 0)
    below = engine.arrays.where(is_above, engine.arrays.full_like(x, 0), x)
    grown = engine.math.expm1(below if divisor == 1 else engine.math.divide(below, divisor))
    return engine.arrays.where(is_above, x, engine.math.multiply(grown, factor))


@wide
def gelu(engine: Engine, x: Array, *, approximate: str = "none") -> Array:
    """``x * Phi(x)``, or its approximation by tanh."""
    ops = engine.math
    if approximate == "tanh":
        cube = ops.multiply(ops.multiply(ops.multiply(x, x), x), 0.044715)
        inner = ops.tanh(ops.multiply(ops.add(x, cube), math.sqrt(2 / math.pi)))
        return ops.multiply(ops.multiply(x, 0.5), ops.add(inner, 1.0))
    return ops.multiply(ops.multiply(x, 0.5), ops.erfc(ops.multiply(x, -math.sqrt(0.5))))


@wide
def soft_sign(engine: Engine, x: Array) -> Array:
    """``x / (1 + |x|)``."""
    return engine.math.divide(x, engine.math.add(engine.math.abs(x), 1.0))
