"""JAX: elementwise functions; reductions and products stand in their own file.

The functions of jax.numpy, with the dtypes of a result, and gradients at ties and kinks, as on the other engines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from unimod.backends._promotion import WEAK
from unimod.backends.jax.dtypes import in_float32, is_bool, is_whole, settle, to_inexact
from unimod.backends.jax.reductions import (
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


def _fractional(fn: Op) -> Op:
    rounded_once = in_float32(fn)
    return lambda x: rounded_once(to_inexact(x))


def _counting(fn: Op) -> Op:
    return lambda x: fn(x.astype("int32") if x.dtype.kind == "b" else x)


def _pair(fn: Op) -> Op:
    def op(x: Any, y: Any) -> Any:
        if type(x) in WEAK or type(y) in WEAK:
            x, y = settle(x, y)
        return fn(x, y)

    return op


def _counting_pair(fn: Op) -> Op:
    def op(x: Any, y: Any) -> Any:
        x, y = settle(x, y)
        if is_bool(x) and is_bool(y):
            x, y = jnp.asarray(x, "int32"), jnp.asarray(y, "int32")
        return fn(x, y)

    return op


def _fractional_pair(fn: Op) -> Op:
    def op(x: Any, y: Any) -> Any:
        x, y = settle(x, y)
        if is_whole(x) and is_whole(y):
            x, y = jnp.asarray(x, "float32"), jnp.asarray(y, "float32")
        return fn(x, y)

    return op


exp = _fractional(jnp.exp)
expm1 = _fractional(jnp.expm1)
log = _fractional(jnp.log)
log1p = _fractional(jnp.log1p)
log2 = _fractional(jnp.log2)
log10 = _fractional(jnp.log10)
sqrt = _fractional(jnp.sqrt)
rsqrt = _fractional(jax.lax.rsqrt)
reciprocal = _fractional(jnp.reciprocal)
sin = _fractional(jnp.sin)
cos = _fractional(jnp.cos)
tan = _fractional(jnp.tan)
asin = _fractional(jnp.arcsin)
acos = _fractional(jnp.arccos)
atan = _fractional(jnp.arctan)
sinh = _fractional(jnp.sinh)
cosh = _fractional(jnp.cosh)
tanh = _fractional(jnp.tanh)
asinh = _fractional(jnp.arcsinh)
acosh = _fractional(jnp.arccosh)
atanh = _fractional(jnp.arctanh)
erf = _fractional(jax.lax.erf)

negative = _counting(jnp.negative)
square = _counting(jnp.square)
sign = _counting(jnp.sign)
floor = _counting(jnp.floor)
ceil = _counting(jnp.ceil)
trunc = _counting(jnp.trunc)
round = _counting(jnp.round)

isnan = jnp.isnan
isinf = jnp.isinf
isfinite = jnp.isfinite
logical_not = jnp.logical_not
conj = jnp.conj
real = jnp.real
imag = jnp.imag

add = _pair(jnp.add)
multiply = _pair(jnp.multiply)
maximum = _pair(jnp.maximum)
minimum = _pair(jnp.minimum)
equal = _pair(jnp.equal)
not_equal = _pair(jnp.not_equal)
less = _pair(jnp.less)
less_equal = _pair(jnp.less_equal)
greater = _pair(jnp.greater)
greater_equal = _pair(jnp.greater_equal)
logical_and = _pair(jnp.logical_and)
logical_or = _pair(jnp.logical_or)
logical_xor = _pair(jnp.logical_xor)
subtract = _counting_pair(jnp.subtract)
floor_divide = _counting_pair(jnp.floor_divide)
remainder = _counting_pair(jnp.remainder)
divide = _fractional_pair(jnp.divide)


@_counting
def abs(x: Any) -> Any:
    """The absolute value; the gradient at 0 is 0, where JAX has 1."""
    if is_whole(x):
        return jnp.abs(x)
    is_zero = x == 0
    return jnp.where(is_zero, 0, jnp.abs(jnp.where(is_zero, 1, x)))


@_counting_pair
def pow(x: Any, y: Any) -> Any:
    """``x ** y``; the gradient with respect to ``x`` is 0 where both are 0, where JAX has nan."""
    if type(y) in (int, bool) or (is_whole(x) and is_whole(y)):
        return jnp.power(x, y)
    return jnp.power(jnp.where((x == 0) & (y == 0), 1, x), y)


@_fractional_pair
def atan2(x: Any, y: Any) -> Any:
    """The angle of the point ``(y, x)``; the gradient at the origin is 0, where JAX has nan."""
    at_origin = (x == 0) & (y == 0)
    value = jnp.arctan2(jax.lax.stop_gradient(x), jax.lax.stop_gradient(y))
    return jnp.where(at_origin, value, jnp.arctan2(x, jnp.where(at_origin, 1, y)))


def clip(x: Any, lo: Any, hi: Any) -> Any:
    """``x`` held within ``[lo, hi]``; the gradient is 1 on the bounds, where JAX has one half."""
    x = x if lo is None else _held(x, lo, jnp.less)
    return x if hi is None else _held(x, hi, jnp.greater)


def _held(x: Any, bound: Any, beyond: Op) -> Any:
    x, bound = settle(x, bound)
    return jnp.where(beyond(x, bound), bound, x)
