"""Threefry2x32 in numpy, laid out as JAX lays it out; the numpy and torch backends share it.

Element ``i`` of an array in C order is made of the block of the 64-bit counter ``i`` and nothing else (JAX calls the
layout partitionable), so a stream does not depend on shapes or on how the work is cut into pieces.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

MASK = 0xFFFFFFFF
PARITY = 0x1BD11BDA
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
# Arrays of no axes: numpy takes twice as long for a Python int.
_SHIFTS = tuple(tuple((np.array(r, np.uint32), np.array(32 - r, np.uint32)) for r in four) for four in ROTATIONS)

# Three buffers of this many words stay in the second-level cache.
CHUNK = 32 * 1024
# Below this many blocks Python ints are faster than a hundred calls of numpy.
FEW = 10

Array = Any
Finish = Callable[[Array, Array, Array], None]
"""``finish(x0, x1, out)``: turn the two words of each block into values; ``x0`` and ``x1`` may be overwritten."""


def block(key0: int, key1: int, count0: int, count1: int) -> tuple[int, int]:
    """One block in Python ints: the two words for the counter ``(count0, count1)``."""
    keys = (key0, key1, key0 ^ key1 ^ PARITY)
    x0, x1 = count0 + key0, count1 + key1
    for i in range(5):
        for r in ROTATIONS[i & 1]:
            x0 = (x0 + x1) & MASK
            x1 &= MASK
            x1 = ((x1 << r | x1 >> (32 - r)) & MASK) ^ x0
        x0 += keys[(i + 1) % 3]
        x1 += keys[(i + 2) % 3] + i + 1
    return x0 & MASK, x1 & MASK


def fill(keys: Array, out: Array, finish: Finish) -> Array:
    """Fill ``out[b]`` with the stream of ``keys[b]``.

    Args:
        keys: uint32[batch, 2].
        out: [batch, size], C-contiguous.
        finish: what the values are.
    """
    batch, size = out.shape
    if size * batch == 0:
        return out
    if size * batch <= FEW:
        _fill_few(keys, out, finish)
    elif size >= CHUNK // 8 or batch == 1:
        for (key0, key1), row in zip(keys.tolist(), out, strict=True):
            _fill_long(key0, key1, row, finish)
    else:
        _fill_many(keys, out, finish)
    return out


def _fill_few(keys: Array, out: Array, finish: Finish) -> None:
    words = [block(key0, key1, 0, i) for key0, key1 in keys.tolist() for i in range(out.shape[1])]
    x = np.array(words, np.uint32).T.copy()
    finish(x[0], x[1], out.reshape(-1))


def _fill_long(key0: int, key1: int, out: Array, finish: Finish, first: int = 0) -> None:
    """The values from the counter ``first`` on, a multiple of ``CHUNK``."""
    size = min(CHUNK, len(out))
    counts, buffers = np.arange(size, dtype=np.uint32), np.empty((3, size), np.uint32)
    for start in range(0, len(out), size):
        part = out[start : start + size]
        x0, x1, spare = buffers[:, : len(part)]
        high, low = divmod(first + start, 2**32)
        x0[:] = (high + key0) & MASK
        np.add(counts[: len(part)], (low + key1) & MASK, out=x1)
        _rounds(x0, x1, spare, np.array(key0, np.uint32), np.array(key1, np.uint32))
        finish(x0, x1, part)


def _fill_many(keys: Array, out: Array, finish: Finish) -> None:
    batch, size = out.shape
    rows = CHUNK // size
    counts, buffers = np.arange(size, dtype=np.uint32), np.empty((3, min(rows, batch), size), np.uint32)
    for start in range(0, batch, rows):
        part = out[start : start + rows]
        key0, key1 = keys[start : start + rows, :1], keys[start : start + rows, 1:]
        x0, x1, spare = buffers[:, : len(part)]
        x0[:] = key0
        np.add(counts, key1, out=x1)
        _rounds(x0, x1, spare, key0, key1)
        finish(x0.reshape(-1), x1.reshape(-1), part.reshape(-1))


def _rounds(x0: Array, x1: Array, spare: Array, key0: Array, key1: Array) -> None:
    """The twenty rounds, in place, on counters to which the key was added already."""
    for shifts, (add0, add1) in zip(_SHIFTS * 3, _schedule(key0, key1), strict=False):
        for left, right in shifts:
            np.add(x0, x1, out=x0)
            np.left_shift(x1, left, out=spare)
            np.right_shift(x1, right, out=x1)
            np.bitwise_or(x1, spare, out=x1)
            np.bitwise_xor(x1, x0, out=x1)
        np.add(x0, add0, out=x0)
        np.add(x1, add1, out=x1)


def _schedule(key0: Array, key1: Array) -> list[tuple[Array, Array]]:
    """What is added to the two words after each of the five groups of rounds."""
    keys = (key0, key1, np.asarray(key0 ^ key1 ^ PARITY))
    # A buffer of 64 bits: adding scalars of 32 bits would warn where they wrap.
    return [(keys[i % 3], _wrapped(keys[(i + 1) % 3], i)) for i in range(1, 6)]


def _wrapped(key: Array, i: int) -> Array:
    return ((key.astype(np.uint64) + i) & MASK).astype(np.uint32)


def split(keys: Array, shape: tuple[int, ...]) -> Array:
    """New keys, uint32[*batch, *shape, 2], from keys uint32[*batch, 2]: key ``i`` is the block of the counter ``i``."""
    batch = keys.shape[:-1]
    # Eight bytes hold the pair of words, whatever type they are said to have.
    pairs = np.empty((math.prod(batch), math.prod(shape)), np.uint64)
    return fill(keys.reshape(-1, 2), pairs, _pairs).view(np.uint32).reshape(*batch, *shape, 2)


def _pairs(x0: Array, x1: Array, out: Array) -> None:
    words = out.view(np.uint32).reshape(-1, 2)
    words[:, 0], words[:, 1] = x0, x1


def fold_in(keys: Array, data: Array) -> Array:
    """The blocks of the counters ``(0, data)``, as keys; keys are uint32[*batch, 2] and data uint32[*batch]."""
    if keys.ndim == 1 and data.ndim == 0:
        key0, key1 = keys.tolist()
        return np.array(block(key0, key1, 0, int(data)), np.uint32)
    shape = np.broadcast_shapes(keys.shape[:-1], data.shape)
    # Copies: the first is overwritten, and the strides of a broadcast array are slow.
    key0, key1 = (np.array(np.broadcast_to(keys[..., i], shape)) for i in (0, 1))
    x0, x1 = key0.copy(), data + key1
    _rounds(x0, x1, np.empty_like(x0), key0, key1)
    return np.stack([x0, x1], axis=-1)
