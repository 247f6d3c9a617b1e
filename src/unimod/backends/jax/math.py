"""JAX: elementwise functions; reductions and products stand in their own file.

The functions of jax.numpy, with the dtypes of a result, and gradients at ties and kinks, as on the other engines.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from unimod.backends.jax._lift import (
    Op,
    arrays,
    counting,
    counting_pair,
    fractional,
    fractional_pair,
    fused,
    half_in_float32,
    pair,
)
from unimod.backends.jax.dtypes import is_whole, settle
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
from unimod.backends.jax.special import cbrt, digamma, erf, erfc, erfinv, exp2, fmod, lgamma, logaddexp

__all__ = [
    "all", "any", "argmax", "argmin", "cummax", "cummin", "cumprod", "cumsum", "cumulative_logsumexp",
    "einsum", "logsumexp", "matmul", "max", "mean", "min",
    "prod", "std", "sum", "tensordot", "var",
    "cbrt", "digamma", "erf", "erfc", "erfinv", "exp2", "fmod", "lgamma", "logaddexp",
]  # fmt: skip

exp = fractional(jnp.exp, "exp")
expm1 = fractional(jnp.expm1, "expm1")
log = fractional(jnp.log, "log")
log1p = fractional(jnp.log1p, "log1p")
log2 = fractional(jnp.log2)
log10 = fractional(jnp.log10)
sqrt = fractional(jnp.sqrt, "sqrt")
rsqrt = fractional(jax.lax.rsqrt)
reciprocal = fractional(jnp.reciprocal)
sin = fractional(jnp.sin)
cos = fractional(jnp.cos)
tan = fractional(jnp.tan)
asin = fractional(jnp.arcsin)
acos = fractional(jnp.arccos, "acos")
atan = fractional(jnp.arctan)
sinh = fractional(jnp.sinh, "sinh")
cosh = fractional(jnp.cosh, "cosh")
tanh = fractional(jnp.tanh, "tanh")
asinh = fractional(jnp.arcsinh, "asinh")
acosh = fractional(jnp.arccosh, "acosh")
atanh = fractional(jnp.arctanh, "atanh")

negative = counting(jnp.negative)
square = counting(jnp.square)
floor = counting(jnp.floor)
ceil = counting(jnp.ceil)
trunc = counting(jnp.trunc)
round = counting(jnp.round)

isnan = jnp.isnan
isinf = jnp.isinf
isfinite = jnp.isfinite
logical_not = jnp.logical_not
conj = jnp.conj
real = jnp.real
imag = jnp.imag

add = pair(jnp.add)
multiply = pair(jnp.multiply)
maximum = pair(jnp.maximum)
minimum = pair(jnp.minimum)
equal = pair(jnp.equal)
not_equal = pair(jnp.not_equal)
less = pair(jnp.less)
less_equal = pair(jnp.less_equal)
greater = pair(jnp.greater)
greater_equal = pair(jnp.greater_equal)
logical_and = pair(jnp.logical_and)
logical_or = pair(jnp.logical_or)
logical_xor = pair(jnp.logical_xor)
subtract = counting_pair(jnp.subtract)
divide = fractional_pair(jnp.divide)


signbit = jnp.signbit
bitwise_invert = jnp.bitwise_invert
bitwise_and = pair(jnp.bitwise_and)
bitwise_or = pair(jnp.bitwise_or)
bitwise_xor = pair(jnp.bitwise_xor)
bitwise_left_shift = pair(jnp.left_shift)
bitwise_right_shift = pair(jnp.right_shift)


@counting
def sign(x: Any) -> Any:
    """The sign; that of a zero is 0, where JAX keeps the signs of zeros."""
    return jnp.where(x == 0, jnp.zeros_like(x), jnp.sign(x)) if x.dtype.kind in "fcV" else jnp.sign(x)


@counting_pair
@fused
def floor_divide(x: Any, y: Any) -> Any:
    """``floor(x / y)``; where the quotient is 0 or infinite it is that, where JAX has -1 and nan."""
    if is_whole(x) and is_whole(y):
        return jnp.floor_divide(x, y)
    x, y = jax.lax.stop_gradient((x, y))
    quotient = jnp.divide(x, y)
    return jnp.where(quotient + quotient == quotient, quotient, jnp.floor_divide(x, y))


@counting_pair
@fused
def remainder(x: Any, y: Any) -> Any:
    """The remainder with the sign of ``y``, which a remainder of 0 has too."""
    found = jnp.remainder(x, y)
    if is_whole(x) and is_whole(y):
        return found
    kept = jax.lax.stop_gradient(found)
    # Adding the second part keeps the gradient of a zero, and its sign.
    zero = jnp.copysign(kept, jax.lax.stop_gradient(y)) - (kept - found)
    return jnp.where(found == 0, zero, found)


@counting
def abs(x: Any) -> Any:
    """The absolute value; the gradient at 0 is 0, where JAX has 1."""
    if is_whole(x):
        return jnp.abs(x)
    is_zero = x == 0
    return jnp.where(is_zero, 0, jnp.abs(jnp.where(is_zero, 1, x)))


@counting_pair
def pow(x: Any, y: Any) -> Any:
    """``x ** y``; the gradient with respect to ``x`` is 0 where both are 0, where JAX has nan."""
    if type(y) in (int, bool) or (is_whole(x) and is_whole(y)):
        return jnp.power(x, y)
    return jnp.power(jnp.where((x == 0) & (y == 0), 1, x), y)


@fractional_pair
def atan2(x: Any, y: Any) -> Any:
    """The angle of the point ``(y, x)``; the gradient at the origin is 0, where JAX has nan."""
    at_origin = (x == 0) & (y == 0)
    value = jnp.arctan2(jax.lax.stop_gradient(x), jax.lax.stop_gradient(y))
    return jnp.where(at_origin, value, jnp.arctan2(x, jnp.where(at_origin, 1, y)))


@fractional_pair
@arrays
@half_in_float32
@fused
def hypot(x: Any, y: Any) -> Any:
    """``sqrt(x**2 + y**2)``; the gradient at the origin is 0, where JAX has one half."""
    at_origin = (x == 0) & (y == 0)
    return jnp.where(at_origin, 0, jnp.hypot(x, jnp.where(at_origin, 1, y)))


@fractional_pair
@arrays
def nextafter(x: Any, y: Any) -> Any:
    """The next number; its gradient is 0, where JAX has none."""
    return jnp.nextafter(*jax.lax.stop_gradient((x, y)))


@fractional_pair
@arrays
def copysign(x: Any, y: Any) -> Any:
    """``|x|`` with the sign of ``y``; the gradient at 0 is 0, where JAX has 1 or -1."""
    is_zero = x == 0
    return jnp.copysign(jnp.where(is_zero, jax.lax.stop_gradient(x), x), y)


def clip(x: Any, lo: Any, hi: Any) -> Any:
    """``x`` held within ``[lo, hi]``; the gradient is 1 on the bounds, where JAX has one half."""
    x = x if lo is None else _held(x, lo, jnp.less)
    return x if hi is None else _held(x, hi, jnp.greater)


def _held(x: Any, bound: Any, beyond: Op) -> Any:
    x, bound = settle(x, bound)
    return jnp.where(beyond(x, bound), bound, x)
