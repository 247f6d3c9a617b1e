"""Integers, permutations and choices for engines that have none of their own, made of the random bits.

Imported when one of them is called for the first time. The steps are those of ``jax.random``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from unimod import config
from unimod.backends import _integers, _samplers
from unimod.backends._protocol import Array, Engine, Shape
from unimod.numpy._options import device_of
from unimod.numpy.finding import searchsorted
from unimod.random._composed import counts_unsigned, gumbel, ops_of, unit, words


def randint(engine: Engine, key: Array, shape: Shape, minval: Any, maxval: Any, dtype: str) -> Array:
    """Integers in [minval, maxval): two words for each, and remainders that wrap as unsigned integers do."""
    ops, width = engine.math, _integers.width_of(dtype)
    inner = f"uint{width}" if counts_unsigned(engine) else "int64"
    low, span = _range(engine, minval, maxval, dtype, inner)
    keys = engine.random.split(key, (2,))
    higher, lower = (words(engine, keys[place], shape, width) for place in (0, 1))
    # A span of 0 stands for all values, of which the lower word is one.
    is_all = ops.equal(span, 0)
    divisor = engine.arrays.where(is_all, engine.arrays.full_like(span, 1), span)
    half = ops.remainder(engine.arrays.full_like(span, 2 ** (width // 2)), divisor)
    factor = ops.remainder(_wrapped(engine, ops.multiply(half, half)), divisor)
    offset = ops.add(ops.multiply(ops.remainder(higher, divisor), factor), ops.remainder(lower, divisor))
    chosen = engine.arrays.where(is_all, lower, ops.remainder(_wrapped(engine, offset), divisor))
    return engine.arrays.astype(ops.add(chosen, low), dtype)


def _wrapped(engine: Engine, x: Array) -> Array:
    """What is left of words in int64 by 32 bits; unsigned integers wrap by themselves."""
    return x if counts_unsigned(engine) else engine.math.bitwise_and(x, 2**32 - 1)


def _range(engine: Engine, minval: Any, maxval: Any, dtype: str, inner: str) -> tuple[Array, Array]:
    """The lowest value and the number of values, modulo a power of two."""
    ops, width = engine.math, _integers.width_of(dtype)
    if not (config.is_array(minval) or config.is_array(maxval)):
        low, span = _integers.span_of(int(minval), int(maxval), dtype)
        first, count = (np.asarray(value % 2**width, f"uint{width}").astype(inner) for value in (low, span))
        return engine.arrays.asarray(first, inner), engine.arrays.asarray(count, inner)
    low, _ = _bound(engine, minval, dtype)
    high, is_over = _bound(engine, maxval, dtype)
    first = engine.arrays.astype(low, inner)
    count = ops.add(ops.subtract(engine.arrays.astype(high, inner), first), engine.arrays.astype(is_over, inner))
    low, high = (engine.arrays.astype(bound, dtype if counts_unsigned(engine) else inner) for bound in (low, high))
    is_there = ops.logical_or(ops.less(low, high), is_over)
    return first, engine.arrays.where(is_there, _wrapped(engine, count), engine.arrays.full_like(count, 1))


def _bound(engine: Engine, bound: Any, dtype: str) -> tuple[Array, Array]:
    """A bound held in the range of the dtype, and whether it is above all of it."""
    info = np.iinfo(dtype)
    least, greatest = int(info.min), int(info.max)
    if not config.is_array(bound):
        held = engine.arrays.asarray(min(max(int(bound), least), greatest), dtype)
        return held, engine.arrays.asarray(int(bound) > greatest, "bool")
    own = np.iinfo(engine.arrays.dtype_name(bound))
    is_over = engine.math.greater(bound, min(greatest, int(own.max)))
    held = engine.math.minimum(engine.math.maximum(bound, max(least, int(own.min))), min(greatest, int(own.max)))
    return engine.arrays.astype(held, dtype), is_over


def permutation(engine: Engine, key: Array, x: Any, axis: int, independent: bool) -> Array:
    """A permutation of ``x`` along an axis; an int stands for that many numbers."""
    x = _elements(engine, key, x)
    if independent or len(x.shape) == 1:
        return _shuffled(engine, key, x, axis)
    return engine.arrays.take(x, _shuffled(engine, key, _elements(engine, key, x.shape[axis]), 0), axis)


def _elements(engine: Engine, key: Array, x: Any) -> Array:
    return x if config.is_array(x) else engine.arrays.arange(0, x, 1, "int32", device_of(engine, key))


def _shuffled(engine: Engine, key: Array, x: Array, axis: int) -> Array:
    for _ in range(_samplers.num_sorts(math.prod(x.shape))):
        keys = engine.random.split(key, (2,))
        key = keys[0]
        order = engine.arrays.argsort(words(engine, keys[1], tuple(x.shape), 32), axis, False)
        x = engine.arrays.take_along_axis(x, order, axis)
    return x


def categorical(engine: Engine, key: Array, logits: Array, axis: int, shape: Shape) -> Array:
    """Indices along ``axis`` with probabilities softmax(logits); ``shape`` ends with the batch shape of ``logits``."""
    axis = axis % len(logits.shape) - len(logits.shape)
    place = len(shape) + 1 + axis
    full = (*shape[:place], logits.shape[axis], *shape[place:])
    noise = gumbel(engine, key, full, engine.arrays.dtype_name(logits))
    return engine.math.argmax(engine.math.add(noise, logits), axis, False)


def choice(engine: Engine, key: Array, x: Any, shape: Shape, replace: bool, p: Array | None, axis: int) -> Array:
    """Elements of ``x`` along ``axis``; an int stands for that many numbers."""
    x = _elements(engine, key, x)
    axis, draws = axis % len(x.shape), math.prod(shape)
    full = (*x.shape[:axis], *shape, *x.shape[axis + 1 :])
    if draws == 0:
        return engine.arrays.zeros(full, engine.arrays.dtype_name(x), device_of(engine, x))
    if p is None and not replace:
        chosen = permutation(engine, key, x, axis, False)[(*(slice(None),) * axis, slice(draws))]
    else:
        chosen = engine.arrays.take(x, _indices(engine, key, x.shape[axis], draws, replace, p), axis)
    return engine.arrays.reshape(chosen, full)


def _indices(engine: Engine, key: Array, size: int, draws: int, replace: bool, p: Array | None) -> Array:
    """In one row: random numbers do not depend on the shape."""
    if p is None:
        return randint(engine, key, (draws,), 0, size, "int32")
    dtype, ops = engine.arrays.dtype_name(p), engine.math
    if replace:
        sums = _samplers.cumsum(ops_of(engine), p)
        return searchsorted(sums, ops.multiply(ops.subtract(1, unit(engine, key, (draws,), dtype)), sums[-1]))
    scores = ops.add(gumbel(engine, key, (size,), dtype), ops.log(p))
    return engine.arrays.argsort(ops.negative(scores), 0, False)[:draws]
