"""JAX: random numbers by ``jax.random``, with everything said that a setting could change. Keys are uint32[2]."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from unimod.backends import _integers
from unimod.backends._protocol import Array, Shape
from unimod.backends.jax import arrays
from unimod.errors import CapabilityError, UnimodError

# The settings are not among the attributes that jax declares.
_config: Any = jax.config
_WIDE = ("float64", "int64", "uint64")


def key(high: int, low: int, device: str | None = None) -> Array:
    """The key of the 64-bit seed ``(high, low)``."""
    return arrays.asarray(np.array([high, low], np.uint32), "uint32", device)


def _typed(key: Array) -> Array:
    if not _config.jax_threefry_partitionable:
        raise UnimodError(
            "JAX is set to an older layout of its random streams, in which the same key gives other numbers.",
            got="jax_threefry_partitionable = False",
            expected="jax_threefry_partitionable = True, JAX's default",
            fix='jax.config.update("jax_threefry_partitionable", True)',
        )
    return jax.random.wrap_key_data(key, impl="threefry2x32")


def _checked(dtype: str) -> str:
    if dtype in _WIDE and not _config.jax_enable_x64:
        raise CapabilityError(
            f"JAX draws no {dtype} values unless 64-bit numbers are enabled.",
            got=f"{dtype}, with jax_enable_x64 = False",
            fix=f"draw {dtype.replace('64', '32')} values, or call um.enable_x64() first",
        )
    return dtype


def split(key: Array, shape: Shape) -> Array:
    """New keys, uint32[*shape, 2]."""
    return jax.random.key_data(jax.random.split(_typed(key), shape))


def fold_in(key: Array, data: Any) -> Array:
    """A new key that depends on ``data`` modulo 2**32."""
    word = np.uint32(data & 0xFFFFFFFF) if isinstance(data, int) else jnp.asarray(data).astype(jnp.uint32)
    return jax.random.key_data(jax.random.fold_in(_typed(key), word))


def bits(key: Array, shape: Shape, width: int) -> Array:
    """Random bits in unsigned integers."""
    return jax.random.bits(_typed(key), shape, _checked(f"uint{width}"))


def uniform(key: Array, shape: Shape, dtype: str, minval: Any, maxval: Any) -> Array:
    """Uniform values in [minval, maxval)."""
    return jax.random.uniform(_typed(key), shape, _checked(dtype), minval, maxval)


def normal(key: Array, shape: Shape, dtype: str) -> Array:
    """Standard normal values."""
    return jax.random.normal(_typed(key), shape, _checked(dtype))


def truncated_normal(key: Array, lower: Any, upper: Any, shape: Shape, dtype: str) -> Array:
    """Standard normal values inside (lower, upper)."""
    return jax.random.truncated_normal(_typed(key), lower, upper, shape, _checked(dtype))


def bernoulli(key: Array, p: Any, shape: Shape) -> Array:
    """True with probability ``p``."""
    return jax.random.bernoulli(_typed(key), np.float32(p) if isinstance(p, float) else p, shape, "low")


def randint(key: Array, shape: Shape, minval: Any, maxval: Any, dtype: str) -> Array:
    """Integers in [minval, maxval)."""
    if isinstance(minval, jax.Array) or isinstance(maxval, jax.Array):
        return jax.random.randint(_typed(key), shape, minval, maxval, _checked(dtype))
    low, span = _integers.span_of(int(minval), int(maxval), _checked(dtype))
    width = _integers.width_of(dtype)
    wide = dtype if np.iinfo(dtype).bits == width else "int32"
    if maxval > np.iinfo(wide).max:
        return _to_the_top(key, shape, low, span, width).astype(dtype)
    return jax.random.randint(_typed(key), shape, np.asarray(low, wide), np.asarray(low + span, wide), dtype)


def _to_the_top(key: Array, shape: Shape, low: int, span: int, width: int) -> Array:
    """A range up to the last value of the dtype: one above it is no number that could be passed to JAX."""
    higher, lower = (bits(k, shape, width) for k in split(key, (2,)))
    if span:
        factor = np.asarray(_integers.multiplier_of(span, width), lower.dtype)
        divisor = np.asarray(span, lower.dtype)
        lower = (higher % divisor * factor + lower % divisor) % divisor
    return lower + np.asarray(low % 2**width, lower.dtype)


def permutation(key: Array, x: Any, axis: int, independent: bool) -> Array:
    """A permutation of ``x`` along an axis; an int stands for that many numbers."""
    return jax.random.permutation(_typed(key), _numbers(x), axis, independent)


def _numbers(x: Any) -> Array:
    return jnp.arange(x, dtype=jnp.int32) if isinstance(x, int) else x


def categorical(key: Array, logits: Array, axis: int, shape: Shape) -> Array:
    """Indices along ``axis`` with probabilities softmax(logits); ``shape`` ends with the batch shape of ``logits``."""
    return jax.random.categorical(_typed(key), logits, axis, shape, mode="low").astype(jnp.int32)


def gumbel(key: Array, shape: Shape, dtype: str) -> Array:
    """Standard Gumbel values."""
    return jax.random.gumbel(_typed(key), shape, _checked(dtype), "low")


def exponential(key: Array, shape: Shape, dtype: str) -> Array:
    """Exponential values of rate 1."""
    return jax.random.exponential(_typed(key), shape, _checked(dtype))


def choice(key: Array, x: Any, shape: Shape, replace: bool, p: Array | None, axis: int) -> Array:
    """Elements of ``x`` along ``axis``; an int stands for that many numbers."""
    x = _numbers(x)
    if math.prod(shape) == 0:
        axis = axis % x.ndim
        return jnp.zeros((*x.shape[:axis], *shape, *x.shape[axis + 1 :]), x.dtype)
    if p is None and replace:
        # jax.random.choice draws indices of the default integer, which x64 changes.
        return jnp.take(x, randint(key, shape, 0, x.shape[axis], "int32"), axis)
    return jax.random.choice(_typed(key), x, shape, replace, p, axis, "low")
