"""numpy: random numbers, equal to those of the other engines. Keys are uint32[2]."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from unimod.backends import _host, _integers, _samplers, _threefry
from unimod.backends._draws import draw
from unimod.backends._protocol import Array, Shape
from unimod.backends._samplers import HOST


def key(high: int, low: int, device: str | None = None) -> Array:
    """The key of the 64-bit seed ``(high, low)``."""
    return np.array([high, low], np.uint32)


def split(key: Array, shape: Shape) -> Array:
    """New keys, uint32[*shape, 2]."""
    return _threefry.split(key, tuple(shape))


def fold_in(key: Array, data: Any) -> Array:
    """A new key that depends on ``data`` modulo 2**32."""
    words = np.uint32(data & _threefry.MASK) if isinstance(data, int) else np.asarray(data).astype(np.uint32)
    return _threefry.fold_in(key, words)


def bits(key: Array, shape: Shape, width: int) -> Array:
    """Random bits in unsigned integers."""
    return draw(key, tuple(shape), f"uint{width}")


def uniform(key: Array, shape: Shape, dtype: str, minval: Any, maxval: Any) -> Array:
    """Uniform values in [minval, maxval)."""
    unit = _unit(key, shape, dtype)
    if not (HOST.is_array(minval) or HOST.is_array(maxval)) and (minval, maxval) == (0, 1):
        return unit.reshape(shape)
    return _samplers.between(HOST, unit, minval, maxval, dtype).reshape(shape)


def _unit(key: Array, shape: Shape, dtype: str) -> Array:
    """Values in [0, 1). They have an axis at least: numpy and ml_dtypes do not round scalars as they round arrays."""
    return draw(key, tuple(shape) or (1,), dtype).view(_host.dtype(dtype))


def normal(key: Array, shape: Shape, dtype: str) -> Array:
    """Standard normal values."""
    if dtype == "float32":
        return draw(key, tuple(shape), "normal")
    return _samplers.normal(HOST, _unit(key, shape, dtype), dtype).reshape(shape)


def truncated_normal(key: Array, lower: Any, upper: Any, shape: Shape, dtype: str) -> Array:
    """Standard normal values inside (lower, upper)."""
    # A bound at infinity puts u at 1, where the inverse is infinite before it is clipped.
    with np.errstate(all="ignore"):
        return _samplers.truncated_normal(HOST, _unit(key, shape, dtype), lower, upper, dtype).reshape(shape)


def bernoulli(key: Array, p: Any, shape: Shape) -> Array:
    """True with probability ``p``."""
    dtype = p.dtype.name if HOST.is_array(p) else "float32"
    limit = p if HOST.is_array(p) else _samplers.number(p, dtype)
    return (_unit(key, shape, dtype) < limit).reshape(shape)


def randint(key: Array, shape: Shape, minval: Any, maxval: Any, dtype: str) -> Array:
    """Integers in [minval, maxval)."""
    width = _integers.width_of(dtype)
    low, span = _range(minval, maxval, dtype, np.dtype(f"uint{width}"))
    higher, lower = (bits(k, shape, width) for k in split(key, (2,)))
    # A span of 0 stands for all values, of which the lower word is one.
    divisor = np.where(span == 0, span.dtype.type(1), span)
    half = span.dtype.type(2 ** (width // 2)) % divisor
    with np.errstate(over="ignore"):
        offset = (higher % divisor * (half * half % divisor) + lower % divisor) % divisor
        return np.asarray(np.where(span == 0, lower, offset) + low).astype(dtype)


def _range(minval: Any, maxval: Any, dtype: str, unsigned: np.dtype[Any]) -> tuple[Array, Array]:
    """The lowest value and the number of values, modulo 2**width, as unsigned integers."""
    span_of = np.frompyfunc(lambda a, b: _integers.span_of(int(a), int(b), dtype), 2, 2)
    low, span = span_of(np.asarray(minval, object), np.asarray(maxval, object))
    return np.asarray(low % 2 ** (8 * unsigned.itemsize), unsigned), np.asarray(span, unsigned)


def permutation(key: Array, x: Any, axis: int, independent: bool) -> Array:
    """A permutation of ``x`` along an axis; an int stands for that many numbers."""
    x = np.arange(x, dtype=np.int32) if isinstance(x, int) else x
    if independent or x.ndim == 1:
        return _shuffle(key, x, axis)
    return np.take(x, _shuffle(key, np.arange(x.shape[axis]), 0), axis=axis)


def _shuffle(key: Array, x: Array, axis: int) -> Array:
    for _ in range(_samplers.num_sorts(x.size)):
        key, sort_key = split(key, (2,))
        order = np.argsort(bits(sort_key, x.shape, 32), axis=axis, kind="stable")
        x = np.take_along_axis(x, order, axis=axis)
    return x


def categorical(key: Array, logits: Array, axis: int, shape: Shape) -> Array:
    """Indices along ``axis`` with probabilities softmax(logits); ``shape`` ends with the batch shape of ``logits``."""
    axis = axis % logits.ndim - logits.ndim
    full = (*shape[: len(shape) + 1 + axis], logits.shape[axis], *shape[len(shape) + 1 + axis :])
    noise = gumbel(key, full, logits.dtype.name)
    return np.asarray(np.argmax(noise + logits, axis=axis)).astype(np.int32)


def gumbel(key: Array, shape: Shape, dtype: str) -> Array:
    """Standard Gumbel values."""
    return _samplers.gumbel(HOST, _unit(key, shape, dtype), dtype).reshape(shape)


def exponential(key: Array, shape: Shape, dtype: str) -> Array:
    """Exponential values of rate 1."""
    return _samplers.exponential(HOST, _unit(key, shape, dtype)).reshape(shape)


def choice(key: Array, x: Any, shape: Shape, replace: bool, p: Array | None, axis: int) -> Array:
    """Elements of ``x`` along ``axis``; an int stands for that many numbers."""
    x = np.arange(x, dtype=np.int32) if isinstance(x, int) else x
    axis, draws = axis % x.ndim, math.prod(shape)
    full = (*x.shape[:axis], *shape, *x.shape[axis + 1 :])
    if draws == 0:
        return np.zeros(full, x.dtype)
    if p is None and not replace:
        chosen = permutation(key, x, axis, False)
        return chosen[(slice(None),) * axis + (slice(draws),)].reshape(full)
    return np.take(x, _indices(key, x.shape[axis], shape, replace, p), axis=axis).reshape(full)


def _indices(key: Array, size: int, shape: Shape, replace: bool, p: Array | None) -> Array:
    if p is None:
        return randint(key, shape, 0, size, "int32")
    if replace:
        sums = _samplers.cumsum(HOST, p)
        return np.searchsorted(sums, sums[-1] * (1 - uniform(key, shape, p.dtype.name, 0.0, 1.0)))
    with np.errstate(divide="ignore"):
        scores = gumbel(key, (size,), p.dtype.name) + np.log(p)
    return np.argsort(-scores, kind="stable")[: math.prod(shape)]
