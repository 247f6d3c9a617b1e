"""JAX: the error function and its relatives, the gamma function, and sums and roots of exponentials."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from unimod.backends import _erf
from unimod.backends.jax._lift import arrays, counting_pair, fractional, fractional_pair, fused, half_in_float32

cbrt = fractional(jnp.cbrt)
digamma = fractional(jax.lax.digamma)
erf = fractional(jax.lax.erf)
erfc = fractional(jax.lax.erfc)
exp2 = fractional(jnp.exp2)
lgamma = fractional(jax.lax.lgamma)
fmod = counting_pair(jnp.fmod)


@jax.custom_jvp
def _erfinv(x: Any) -> Any:
    return _erf.erfinv_near_one(x, jnp, x.dtype.name)


@_erfinv.defjvp
def _erfinv_jvp(primals: Any, tangents: Any) -> Any:
    value = _erfinv(*primals)
    return value, tangents[0] * (math.sqrt(math.pi) / 2 * jnp.exp(value * value))


erfinv = fractional(fused(_erfinv))


@fractional_pair
@arrays
@half_in_float32
@fused
def logaddexp(x: Any, y: Any) -> Any:
    """``log(exp(x) + exp(y))``; two equal infinities have each half of the gradient, where JAX has other numbers."""
    is_same = x == y
    away = jnp.logaddexp(jnp.where(is_same, 0, x), jnp.where(is_same, 0, y))
    return jnp.where(is_same, jnp.maximum(x, y) + math.log(2), away)
