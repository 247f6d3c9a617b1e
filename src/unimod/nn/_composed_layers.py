"""Softmax, affine layers and normalisation for engines that have none of their own.

Imported when one of them is called for the first time. Half precision is computed in float32 and rounded once.
"""

from __future__ import annotations

from unimod.backends._protocol import Array, Engine
from unimod.nn._composed import wide, widened


@wide
def softmax(engine: Engine, x: Array, axis: int) -> Array:
    """``exp(x) / sum(exp(x))`` along one axis."""
    grown = engine.math.exp(_below_greatest(engine, x, axis))
    return engine.math.divide(grown, engine.math.sum(grown, axis, True))


@wide
def log_softmax(engine: Engine, x: Array, axis: int) -> Array:
    """``x - log(sum(exp(x)))`` along one axis."""
    x = _below_greatest(engine, x, axis)
    return engine.math.subtract(x, engine.math.log(engine.math.sum(engine.math.exp(x), axis, True)))


def _below_greatest(engine: Engine, x: Array, axis: int) -> Array:
    return engine.math.subtract(x, engine.math.max(x, axis, True))


def linear(engine: Engine, x: Array, kernel: Array, bias: Array | None) -> Array:
    """``x @ kernel + bias`` on the last axis."""
    out = engine.math.matmul(x, kernel)
    return out if bias is None else engine.math.add(out, bias)


def moments(engine: Engine, x: Array, *, axis: int) -> tuple[Array, Array]:
    """Mean and biased two-pass variance over all axes but that of the channels, in float32 at least."""
    axes = tuple(place for place in range(len(x.shape)) if place != axis)
    mean, var, _ = _statistics(engine, widened(engine, x), axes)
    return engine.arrays.reshape(mean, (x.shape[axis],)), engine.arrays.reshape(var, (x.shape[axis],))


def _statistics(engine: Engine, x: Array, axes: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Mean, variance, and ``x`` without its mean."""
    mean = engine.math.mean(x, axes, True)
    away = engine.math.subtract(x, mean)
    return mean, engine.math.mean(engine.math.multiply(away, away), axes, True), away


@wide
def normalize(
    engine: Engine,
    x: Array,
    mean: Array,
    var: Array,
    scale: Array | None,
    bias: Array | None,
    *,
    axis: int,
    epsilon: float,
) -> Array:
    """``(x - mean) * rsqrt(var + epsilon) * scale + bias``, one value for each channel."""
    shape = (x.shape[axis], *(1,) * (len(x.shape) - axis - 1))

    def placed(values: Array) -> Array:
        return engine.arrays.reshape(widened(engine, values), shape)

    scale, bias = (None if values is None else placed(values) for values in (scale, bias))
    return _scaled(engine, engine.math.subtract(x, placed(mean)), placed(var), scale, bias, epsilon)


@wide
def layer_norm(
    engine: Engine, x: Array, scale: Array | None, bias: Array | None, *, num_axes: int, epsilon: float
) -> Array:
    """Normalise the last ``num_axes`` axes."""
    rank = len(x.shape)
    _, var, away = _statistics(engine, x, tuple(range(rank - num_axes, rank)))
    scale, bias = (None if values is None else widened(engine, values) for values in (scale, bias))
    return _scaled(engine, away, var, scale, bias, epsilon)


def _scaled(engine: Engine, away: Array, var: Array, scale: Array | None, bias: Array | None, epsilon: float) -> Array:
    out = engine.math.divide(away, engine.math.sqrt(engine.math.add(var, epsilon)))
    out = out if scale is None else engine.math.multiply(out, scale)
    return out if bias is None else engine.math.add(out, bias)
