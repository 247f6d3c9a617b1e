"""Distributions for engines that have none of their own, made of the random bits in the steps of ``jax.random``.

Imported when one of them is called for the first time. The formulas are those that the engines of unimod share; with
the same rounding of every step the numbers are the same to the last bit.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from unimod import config
from unimod.backends import _capabilities as has
from unimod.backends import _samplers
from unimod.backends._protocol import Array, Engine, Shape

_UNIT = {"float16": (16, 6), "bfloat16": (8, 1), "float32": (32, 9), "float64": (64, 12)}
"""How many bits are drawn, and how many of them are dropped."""


def key(engine: Engine, high: int, low: int, device: str | None = None) -> Array:
    """The key of the 64-bit seed ``(high, low)``."""
    return engine.arrays.asarray(np.array([high, low], np.uint32), "uint32", device)


def counts_unsigned(engine: Engine) -> bool:
    """Whether the engine can compute with unsigned integers; else words of up to 32 bits are put into int64."""
    return has.UNSIGNED in engine.facts.CAPABILITIES


def words(engine: Engine, key: Array, shape: Shape, width: int) -> Array:
    """Random bits in integers with which the engine can compute."""
    drawn = engine.random.bits(key, shape, width)
    return drawn if counts_unsigned(engine) else engine.arrays.astype(drawn, "int64")


def unit(engine: Engine, key: Array, shape: Shape, dtype: str) -> Array:
    """Values in [0, 1): whole numbers below a power of two, over that power."""
    width, dropped = _UNIT[dtype]
    whole = engine.math.bitwise_right_shift(words(engine, key, shape, width), dropped)
    if not counts_unsigned(engine):
        # Of 64 bits the first one became a sign.
        whole = engine.math.bitwise_and(whole, 2 ** (width - dropped) - 1)
    return engine.math.multiply(engine.arrays.astype(whole, dtype), 2.0 ** (dropped - width))


def _rowed(engine: Engine, key: Array, shape: Shape, dtype: str) -> Array:
    """The same with an axis at least: not every framework rounds scalars as it rounds arrays."""
    return unit(engine, key, shape or (1,), dtype)


def ops_of(engine: Engine) -> _samplers.Ops:
    """The functions of an engine under the names that the shared formulas have for them."""
    xp = types.SimpleNamespace(
        clip=lambda x, low, high: _clipped(engine, x, low, high),
        log=engine.math.log,
        log1p=engine.math.log1p,
        sqrt=engine.math.sqrt,
        stack=engine.arrays.stack,
        where=engine.arrays.where,
    )
    return _samplers.Ops(
        xp=xp,
        cast=lambda x, name: engine.arrays.astype(_array(engine, x), name),
        is_array=config.is_array,
        scalar=lambda x: _array(engine, x),
        erf64=engine.math.erf,
        nextafter=lambda x, limit: engine.math.nextafter(x, engine.arrays.full_like(x, limit)),
        concat=lambda xs: engine.arrays.concat(xs, -1),
    )


def _array(engine: Engine, x: Any) -> Array:
    """Scalars of numpy as arrays without axes, which leave the dtypes of others as they are."""
    return engine.arrays.asarray(x, x.dtype.name) if isinstance(x, np.generic) else x


def _clipped(engine: Engine, x: Array, low: Any, high: Any) -> Array:
    x = x if low is None else engine.math.maximum(x, low)
    return x if high is None else engine.math.minimum(x, high)


def uniform(engine: Engine, key: Array, shape: Shape, dtype: str, minval: Any, maxval: Any) -> Array:
    """Uniform values in [minval, maxval)."""
    if not (config.is_array(minval) or config.is_array(maxval)) and (minval, maxval) == (0, 1):
        return unit(engine, key, shape, dtype)
    values = _rowed(engine, key, shape, dtype)
    return engine.arrays.reshape(_samplers.between(ops_of(engine), values, minval, maxval, dtype), shape)


def normal(engine: Engine, key: Array, shape: Shape, dtype: str) -> Array:
    """Standard normal values."""
    values = _samplers.normal(ops_of(engine), _rowed(engine, key, shape, dtype), dtype)
    return engine.arrays.reshape(values, shape)


def truncated_normal(engine: Engine, key: Array, lower: Any, upper: Any, shape: Shape, dtype: str) -> Array:
    """Standard normal values inside (lower, upper)."""
    values = _rowed(engine, key, shape, dtype)
    found = _samplers.truncated_normal(ops_of(engine), values, lower, upper, dtype)
    return engine.arrays.reshape(found, shape)


def bernoulli(engine: Engine, key: Array, p: Any, shape: Shape) -> Array:
    """True with probability ``p``."""
    is_array = config.is_array(p)
    values = unit(engine, key, shape, engine.arrays.dtype_name(p) if is_array else "float32")
    return engine.math.less(values, p if is_array else float(_samplers.number(p, "float32")))


def gumbel(engine: Engine, key: Array, shape: Shape, dtype: str) -> Array:
    """Standard Gumbel values."""
    values = _samplers.gumbel(ops_of(engine), _rowed(engine, key, shape, dtype), dtype)
    return engine.arrays.reshape(values, shape)


def exponential(engine: Engine, key: Array, shape: Shape, dtype: str) -> Array:
    """Exponential values of rate 1."""
    values = _samplers.exponential(ops_of(engine), _rowed(engine, key, shape, dtype))
    return engine.arrays.reshape(values, shape)
