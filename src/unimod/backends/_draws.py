"""What is made of the random words while they are in the cache: bits, uniform and normal values.

A kind of draw is named by its dtype: ``uint8 .. uint64`` are bits, ``float16 .. float64`` are uniform in [0, 1), and
``normal`` is a standard normal value of float32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from unimod.backends import _threefry
from unimod.backends._erf import CENTRE_32, TAIL_32

Array = Any
Shape = tuple[int, ...]

# The largest float32 above -1, so that no normal value is infinite.
_LOWEST = -1.0 + 2.0**-24


def draw(keys: Array, shape: Shape, kind: str, out: Array | None = None) -> Array:
    """Random values of a kind, [*batch, *shape], from keys uint32[*batch, 2].

    bfloat16 comes as uint16 of the same bits. ``out`` is the memory to fill, if there is some already.
    """
    batch, size = keys.shape[:-1], math.prod(shape)
    dtype, finish = _KINDS[kind]
    if out is None:
        out = np.empty((*batch, *shape), dtype)
    _threefry.fill(keys.reshape(-1, 2), out.view(dtype).reshape(math.prod(batch), size), finish)
    return out


def _bits(x0: Array, x1: Array, out: Array) -> None:
    np.bitwise_xor(x0, x1, out=out, casting="unsafe")


def _bits64(x0: Array, x1: Array, out: Array) -> None:
    out[:] = x0
    np.left_shift(out, 32, out=out)
    np.bitwise_or(out, x1, out=out)


def _uniform32(x0: Array, x1: Array, out: Array) -> None:
    """The upper 23 bits become the mantissa of a number in [1, 2)."""
    np.bitwise_xor(x0, x1, out=x0)
    np.right_shift(x0, 9, out=x0)
    np.bitwise_or(x0, 0x3F800000, out=x0)
    np.subtract(x0.view(np.float32), 1.0, out=out)


def _uniform16(x0: Array, x1: Array, out: Array) -> None:
    """Ten of sixteen bits; small integers are exact in float16."""
    np.bitwise_xor(x0, x1, out=x0)
    np.bitwise_and(x0, 0xFFFF, out=x0)
    np.right_shift(x0, 6, out=x0)
    np.multiply(x0, 2.0**-10, out=out, casting="unsafe")


def _uniform_bfloat16(x0: Array, x1: Array, out: Array) -> None:
    """Seven of eight bits; a bfloat16 is the upper half of a float32."""
    np.bitwise_xor(x0, x1, out=x0)
    np.bitwise_and(x0, 0xFF, out=x0)
    np.right_shift(x0, 1, out=x0)
    out[:] = (x0 * np.float32(2.0**-7)).astype(np.float32).view(np.uint32) >> 16


def _uniform64(x0: Array, x1: Array, out: Array) -> None:
    words = out.view(np.uint64)
    _bits64(x0, x1, words)
    np.right_shift(words, 12, out=words)
    np.multiply(words, 2.0**-52, out=out)


def _normal32(x0: Array, x1: Array, out: Array) -> None:
    """``sqrt(2) erfinv(u)``; the polynomial of the tails is evaluated for the 0.3 % that need it."""
    u, w = x0.view(np.float32), x1.view(np.float32)
    _uniform32(x0, x1, u)
    np.multiply(u, 2.0, out=u)
    np.add(u, _LOWEST, out=u)
    _minus_log1p(u, w)
    np.subtract(w, 2.5, out=w)
    _horner(CENTRE_32, w, out)
    tail = np.flatnonzero(w >= 2.5)
    out[tail] = _horner(TAIL_32, root := np.sqrt(w[tail] + 2.5) - 3.0, np.empty_like(root))
    np.multiply(out, u, out=out)
    np.multiply(out, np.float32(math.sqrt(2.0)), out=out)


def _minus_log1p(u: Array, w: Array) -> None:
    np.multiply(u, u, out=w)
    np.negative(w, out=w)
    np.log1p(w, out=w)
    np.negative(w, out=w)


def _horner(coefficients: tuple[float, ...], w: Array, out: Array) -> Array:
    np.multiply(w, coefficients[0], out=out)
    np.add(out, coefficients[1], out=out)
    for coefficient in coefficients[2:]:
        np.multiply(out, w, out=out)
        np.add(out, coefficient, out=out)
    return out


_KINDS: dict[str, tuple[np.dtype[Any], _threefry.Finish]] = {
    "uint8": (np.dtype(np.uint8), _bits),
    "uint16": (np.dtype(np.uint16), _bits),
    "uint32": (np.dtype(np.uint32), _bits),
    "uint64": (np.dtype(np.uint64), _bits64),
    "float16": (np.dtype(np.float16), _uniform16),
    "bfloat16": (np.dtype(np.uint16), _uniform_bfloat16),
    "float32": (np.dtype(np.float32), _uniform32),
    "float64": (np.dtype(np.float64), _uniform64),
    "normal": (np.dtype(np.float32), _normal32),
}
