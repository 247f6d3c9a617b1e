"""JAX: normalisation about a mean that is held constant.

For any constant ``c`` the variance is ``mean((x - c)**2) - (mean - c)**2``, and ``(x - mean) * f`` is
``(x - c) * f + (c - mean) * f``. With the mean itself as ``c``, cut from its derivatives, the values are those of the
two-pass formulas and so are the derivatives of every order, but the derivative with respect to the mean no longer is a
sum over all of ``x``: a batch norm reads its gradient twice instead of four times.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax

Array = Any
Shape = tuple[int, ...]

_HALF = (jnp.float16, jnp.bfloat16)


def widen(x: Array) -> Array:
    """``x`` in float32 where it has half precision."""
    return x.astype(jnp.float32) if x.dtype in _HALF else x


def moments(x: Array, *, axis: int) -> tuple[Array, Array]:
    """Mean and biased variance over all axes but that of the channels, in float32 at least."""
    axes = tuple(a for a in range(x.ndim) if a != axis)
    mean, var = _mean_and_var(widen(x), axes)
    return jnp.squeeze(mean, axes), jnp.squeeze(var, axes)


def normalize(
    x: Array, mean: Array, var: Array, scale: Array | None, bias: Array | None, *, axis: int, epsilon: float
) -> Array:
    """``(x - mean) * rsqrt(var + epsilon) * scale + bias``, one value for each channel."""
    shape = (-1, *(1,) * (x.ndim - axis - 1))
    mean, var, scale, bias = (None if w is None else widen(w).reshape(shape) for w in (mean, var, scale, bias))
    factor = lax.rsqrt(var + epsilon)
    return _centred(widen(x), mean, factor if scale is None else factor * scale, bias).astype(x.dtype)


def layer_norm(x: Array, scale: Array | None, bias: Array | None, *, num_axes: int, epsilon: float) -> Array:
    """Normalise the last ``num_axes`` axes."""
    # XLA on CPUs would compute the sums of all residual blocks before it anew in each block's derivative: with 100
    # blocks it compiles for minutes (jax 0.10).
    barrier: Any = lax.optimization_barrier
    wide, axes = widen(barrier(x)), tuple(range(x.ndim - num_axes, x.ndim))
    centred = wide - jnp.mean(wide, axes, keepdims=True)
    # Along a row the sums that a constant mean saves cost nothing.
    out = centred * lax.rsqrt(jnp.mean(jnp.square(centred), axes, keepdims=True) + epsilon)
    out = out if scale is None else out * widen(scale)
    return (out if bias is None else out + widen(bias)).astype(x.dtype)


def _mean_and_var(x: Array, axes: Shape) -> tuple[Array, Array]:
    mean = jnp.mean(x, axes, keepdims=True)
    centre = lax.stop_gradient(mean)
    return mean, jnp.mean(jnp.square(x - centre), axes, keepdims=True) - jnp.square(mean - centre)


def _centred(x: Array, mean: Array, factor: Array, bias: Array | None) -> Array:
    centre = lax.stop_gradient(mean)
    shift = (centre - mean) * factor
    return (x - centre) * factor + (shift if bias is None else shift + bias)
