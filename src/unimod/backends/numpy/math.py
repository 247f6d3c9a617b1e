"""NumPy: elementwise functions; reductions and products stand in their own file."""

from __future__ import annotations

from typing import Any

import numpy as np

from unimod.backends import _complex as _rules
from unimod.backends._promotion import inexact
from unimod.backends.numpy._lift import counting, fractional, number, plain, question
from unimod.backends.numpy.dtypes import cast, common, work
from unimod.backends.numpy.reductions import (
    all,
    any,
    argmax,
    argmin,
    cummax,
    cummin,
    cumprod,
    cumsum,
    cumulative_logsumexp,
    einsum,
    logsumexp,
    matmul,
    max,
    mean,
    min,
    prod,
    std,
    sum,
    tensordot,
    var,
)
from unimod.backends.numpy.special import cbrt, digamma, erf, erfc, erfinv, exp2, fmod, lgamma, logaddexp

__all__ = [
    "all", "any", "argmax", "argmin", "cummax", "cummin", "cumprod", "cumsum", "cumulative_logsumexp",
    "einsum", "logsumexp", "matmul", "max", "mean", "min",
    "prod", "std", "sum", "tensordot", "var",
    "cbrt", "digamma", "erf", "erfc", "erfinv", "exp2", "fmod", "lgamma", "logaddexp",
]  # fmt: skip


def _complex(re: Any, im: Any) -> Any:
    found = np.empty(np.shape(re), np.result_type(re, np.complex64))
    found.real, found.imag = re, im
    return found


_complex_expm1 = _rules.mended(np.expm1, "expm1", np, _complex)


def _expm1(x: Any) -> Any:
    return _complex_expm1(x) if x.dtype.kind == "c" else np.expm1(x)


def _floor_divide(x: Any, y: Any) -> Any:
    if x.dtype.kind != "f":
        return np.floor_divide(x, y)
    quotient = np.divide(x, y)
    return np.where(quotient + quotient == quotient, quotient, np.floor_divide(x, y))


exp = fractional(np.exp)
expm1 = fractional(_expm1)
log = fractional(np.log)
log1p = fractional(np.log1p)
log2 = fractional(np.log2)
log10 = fractional(np.log10)
sqrt = fractional(np.sqrt)
rsqrt = fractional(lambda x: 1 / np.sqrt(x))
reciprocal = fractional(np.reciprocal)
sin = fractional(np.sin)
cos = fractional(np.cos)
tan = fractional(np.tan)
asin = fractional(np.arcsin)
acos = fractional(np.arccos)
atan = fractional(np.arctan)
sinh = fractional(np.sinh)
cosh = fractional(np.cosh)
tanh = fractional(np.tanh)
asinh = fractional(np.arcsinh)
acosh = fractional(np.arccosh)
atanh = fractional(np.arctanh)
divide = fractional(np.divide)
atan2 = fractional(np.arctan2)
hypot = fractional(np.hypot)
copysign = fractional(np.copysign)

negative = counting(np.negative)
square = counting(np.square)
sign = counting(np.sign)
floor = counting(np.floor)
ceil = counting(np.ceil)
trunc = counting(np.trunc)
round = counting(np.round)
subtract = counting(np.subtract)
floor_divide = counting(_floor_divide)
remainder = counting(np.remainder)
pow = counting(np.power)

add = plain(np.add)
multiply = plain(np.multiply)
maximum = plain(np.maximum)
minimum = plain(np.minimum)

conj = plain(np.conj)
bitwise_and = plain(np.bitwise_and)
bitwise_or = plain(np.bitwise_or)
bitwise_xor = plain(np.bitwise_xor)
bitwise_invert = plain(np.invert)
bitwise_left_shift = plain(np.left_shift)
bitwise_right_shift = plain(np.right_shift)

signbit = question(np.signbit)
isnan = question(np.isnan)
isinf = question(np.isinf)
isfinite = question(np.isfinite)
logical_not = question(np.logical_not)
logical_and = question(np.logical_and)
logical_or = question(np.logical_or)
logical_xor = question(np.logical_xor)
equal = question(np.equal)
not_equal = question(np.not_equal)
less = question(np.less)
less_equal = question(np.less_equal)
greater = question(np.greater)
greater_equal = question(np.greater_equal)


def nextafter(x: Any, y: Any) -> Any:
    """The next number of the dtype; numpy has none of bfloat16."""
    name = inexact(common(x, y))
    x, y = cast(x, name), cast(y, name)
    return _next_of_bits(x, y) if name == "bfloat16" else np.nextafter(x, y)


def _next_of_bits(x: Any, y: Any) -> Any:
    x, y = np.broadcast_arrays(x, y)
    bits = np.ascontiguousarray(x).view("int16")
    step = np.where((y > x) == (x > 0), 1, -1).astype("int16")
    smallest = np.where(y > 0, 1, -(2**15) + 1).astype("int16")
    moved = np.where(x == 0, smallest, bits + step).view(x.dtype)
    return np.where(np.isnan(x) | np.isnan(y), np.asarray(np.nan, x.dtype), np.where(x == y, y, moved))


def abs(x: Any) -> Any:
    """The magnitude, which is real for complex numbers too."""
    name = number(common(x))
    return work(np.abs, name, x, result={"complex64": "float32", "complex128": "float64"}.get(name))


def real(x: Any) -> Any:
    """The real part."""
    return np.real(x)


def imag(x: Any) -> Any:
    """The imaginary part; 0 for real numbers."""
    return np.imag(x)


def clip(x: Any, lo: Any, hi: Any) -> Any:
    """``x`` held within ``[lo, hi]``."""
    x = x if lo is None else plain(np.maximum)(x, lo)
    return x if hi is None else plain(np.minimum)(x, hi)
