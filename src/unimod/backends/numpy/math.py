"""NumPy: elementwise functions; reductions and products stand in their own file."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from unimod.backends._promotion import inexact
from unimod.backends.numpy.dtypes import common, work
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

__all__ = [
    "all", "any", "argmax", "argmin", "cummax", "cummin", "cumprod", "cumsum", "cumulative_logsumexp",
    "einsum", "logsumexp", "matmul", "max", "mean", "min",
    "prod", "std", "sum", "tensordot", "var",
]  # fmt: skip

Op = Callable[..., Any]


def _number(name: str) -> str:
    return "int32" if name == "bool" else name


def _fractional(fn: Op) -> Op:
    return lambda *xs: work(fn, inexact(common(*xs)), *xs)


def _counting(fn: Op) -> Op:
    return lambda *xs: work(fn, _number(common(*xs)), *xs)


def _plain(fn: Op) -> Op:
    return lambda *xs: work(fn, common(*xs), *xs)


def _question(fn: Op) -> Op:
    return lambda *xs: work(fn, common(*xs), *xs, result="bool")


def _erf(x: Any) -> Any:
    return np.frompyfunc(math.erf, 1, 1)(x.astype("float64")).astype(x.dtype)


exp = _fractional(np.exp)
expm1 = _fractional(np.expm1)
log = _fractional(np.log)
log1p = _fractional(np.log1p)
log2 = _fractional(np.log2)
log10 = _fractional(np.log10)
sqrt = _fractional(np.sqrt)
rsqrt = _fractional(lambda x: 1 / np.sqrt(x))
reciprocal = _fractional(np.reciprocal)
sin = _fractional(np.sin)
cos = _fractional(np.cos)
tan = _fractional(np.tan)
asin = _fractional(np.arcsin)
acos = _fractional(np.arccos)
atan = _fractional(np.arctan)
sinh = _fractional(np.sinh)
cosh = _fractional(np.cosh)
tanh = _fractional(np.tanh)
asinh = _fractional(np.arcsinh)
acosh = _fractional(np.arccosh)
atanh = _fractional(np.arctanh)
erf = _fractional(_erf)
divide = _fractional(np.divide)
atan2 = _fractional(np.arctan2)

negative = _counting(np.negative)
square = _counting(np.square)
sign = _counting(np.sign)
floor = _counting(np.floor)
ceil = _counting(np.ceil)
trunc = _counting(np.trunc)
round = _counting(np.round)
subtract = _counting(np.subtract)
floor_divide = _counting(np.floor_divide)
remainder = _counting(np.remainder)
pow = _counting(np.power)

add = _plain(np.add)
multiply = _plain(np.multiply)
maximum = _plain(np.maximum)
minimum = _plain(np.minimum)

conj = _plain(np.conj)

isnan = _question(np.isnan)
isinf = _question(np.isinf)
isfinite = _question(np.isfinite)
logical_not = _question(np.logical_not)
logical_and = _question(np.logical_and)
logical_or = _question(np.logical_or)
logical_xor = _question(np.logical_xor)
equal = _question(np.equal)
not_equal = _question(np.not_equal)
less = _question(np.less)
less_equal = _question(np.less_equal)
greater = _question(np.greater)
greater_equal = _question(np.greater_equal)


def abs(x: Any) -> Any:
    """The magnitude, which is real for complex numbers too."""
    name = _number(common(x))
    return work(np.abs, name, x, result={"complex64": "float32", "complex128": "float64"}.get(name))


def real(x: Any) -> Any:
    """The real part."""
    return np.real(x)


def imag(x: Any) -> Any:
    """The imaginary part; 0 for real numbers."""
    return np.imag(x)


def clip(x: Any, lo: Any, hi: Any) -> Any:
    """``x`` held within ``[lo, hi]``."""
    x = x if lo is None else _plain(np.maximum)(x, lo)
    return x if hi is None else _plain(np.minimum)(x, hi)
