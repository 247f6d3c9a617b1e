"""JAX: activations, convolution, pooling and normalisation.

Under half precision activations, softmax, sums and statistics are computed in float32 and cast back; XLA fuses the
casts away. Kinks have the derivatives of the conventions: 0 at 0 for relu, the slope at 0 for leaky_relu, 0 at the
bounds of relu6, hard_tanh and hard_sigmoid.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from unimod.backends.jax import _pools
from unimod.backends.jax._foreign_modules import foreign_module as foreign_module
from unimod.backends.jax._foreign_modules import native_module as native_module
from unimod.backends.jax._norms import layer_norm as layer_norm
from unimod.backends.jax._norms import moments as moments
from unimod.backends.jax._norms import normalize as normalize
from unimod.backends.jax._norms import widen
from unimod.backends.jax._pools import max_pool as max_pool
from unimod.backends.jax.attention import attention
from unimod.backends.jax.ctc import ctc_loss as ctc_loss
from unimod.backends.jax.recurrent import gru as gru
from unimod.backends.jax.recurrent import loop as loop
from unimod.backends.jax.recurrent import lstm as lstm
from unimod.backends.jax.recurrent import rnn as rnn

__all__ = [
    "attention", "celu", "conv", "conv_transpose", "ctc_loss", "elu", "gelu", "gru", "hard_sigmoid", "hard_silu",
    "hard_tanh", "layer_norm", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "lstm", "max_pool", "mish",
    "moments", "normalize", "relu", "relu6", "rnn", "selu", "sigmoid", "silu", "soft_sign", "softmax", "softplus",
    "sum_pool", "tanh",
]  # fmt: skip

Array = Any
Shape = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]

_SPATIAL = {1: "H", 2: "HW", 3: "DHW"}


def _wide(fn: Callable[..., Array]) -> Callable[..., Array]:
    """Compute ``fn`` in float32 under half precision, and cast the result back."""

    @functools.wraps(fn)
    def wrapped(x: Array, *args: Any, **options: Any) -> Array:
        return fn(widen(x), *args, **options).astype(x.dtype)

    return wrapped


def relu(x: Array) -> Array:
    """``max(x, 0)``; the derivative at 0 is 0."""
    return jax.nn.relu(x)


def relu6(x: Array) -> Array:
    """``min(max(x, 0), 6)``; the derivative at 0 and 6 is 0."""
    return jnp.where(x <= 0, jnp.zeros((), x.dtype), jnp.where(x >= 6, jnp.asarray(6, x.dtype), x))


def hard_tanh(x: Array) -> Array:
    """``x`` clipped to [-1, 1]; the derivative at the bounds is 0."""
    return jnp.where(x >= 1, jnp.ones((), x.dtype), jnp.where(x <= -1, -jnp.ones((), x.dtype), x))


@_wide
def leaky_relu(x: Array, *, negative_slope: float = 0.01) -> Array:
    """``x`` where ``x > 0``, else ``negative_slope * x``."""
    return jnp.where(x > 0, x, negative_slope * x)


@_wide
def hard_sigmoid(x: Array) -> Array:
    """``relu6(x + 3) / 6``."""
    return relu6(x + 3) / 6


@_wide
def hard_silu(x: Array) -> Array:
    """``x * relu6(x + 3) / 6``."""
    return x * (relu6(x + 3) / 6)


@_wide
def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``."""
    return jax.nn.sigmoid(x)


@_wide
def silu(x: Array) -> Array:
    """``x * sigmoid(x)``."""
    return jax.nn.silu(x)


@_wide
def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    return jnp.tanh(x)


@_wide
def softplus(x: Array) -> Array:
    """``log(1 + exp(x))``."""
    return jax.nn.softplus(x)


@_wide
def log_sigmoid(x: Array) -> Array:
    """``-softplus(-x)``."""
    return -jax.nn.softplus(-x)


@_wide
def mish(x: Array) -> Array:
    """``x * tanh(softplus(x))``."""
    return x * jnp.tanh(jax.nn.softplus(x))


@_wide
def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """``x`` where ``x > 0``, else ``alpha * (exp(x) - 1)``."""
    return jax.nn.elu(x, alpha)


@_wide
def celu(x: Array, *, alpha: float = 1.0) -> Array:
    """``x`` where ``x > 0``, else ``alpha * (exp(x / alpha) - 1)``."""
    # jax.nn.celu adds two clipped branches, and each of them gives half of the derivative at 0 to second order.
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.where(x > 0, 0.0, x) / alpha))


@_wide
def selu(x: Array) -> Array:
    """``scale * elu(x, alpha)`` with the constants of self-normalising networks."""
    return jax.nn.selu(x)


@_wide
def gelu(x: Array, *, approximate: str = "none") -> Array:
    """``x * Phi(x)``, or its approximation by tanh."""
    return jax.nn.gelu(x, approximate=approximate == "tanh")


@_wide
def soft_sign(x: Array) -> Array:
    """``x / (1 + |x|)``."""
    # jnp.abs has the derivative 1 at 0, which shows in the second derivative here.
    return x / (1 + jnp.where(x == 0, 0.0, jnp.abs(x)))


@_wide
def softmax(x: Array, axis: int) -> Array:
    """``exp(x) / sum(exp(x))`` along one axis."""
    return jax.nn.softmax(x, axis=axis)


@_wide
def log_softmax(x: Array, axis: int) -> Array:
    """``x - log(sum(exp(x)))`` along one axis."""
    return jax.nn.log_softmax(x, axis=axis)


def linear(x: Array, kernel: Array, bias: Array | None) -> Array:
    """``x @ kernel + bias`` on the last axis."""
    # As one product of matrices: the derivative of a product with more axes takes XLA 1.5 times as long on CPUs.
    rows = x if x.ndim < 3 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    out = rows @ kernel if bias is None else rows @ kernel + bias
    return out if x.ndim < 3 else out.reshape(*x.shape[:-1], kernel.shape[1])


def conv(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    stride: Shape,
    padding: Pads,
    dilation: Shape,
    groups: int,
) -> Array:
    """Cross-correlation of (N, spatial..., in) with (spatial..., in // groups, out)."""
    out = lax.conv_general_dilated(
        x,
        kernel,
        window_strides=stride,
        padding=padding,
        rhs_dilation=dilation,
        dimension_numbers=_dimension_numbers(x.ndim - 2),
        feature_group_count=groups,
    )
    return out if bias is None else out + bias


def conv_transpose(
    x: Array, kernel: Array, bias: Array | None = None, *, stride: Shape, crop: Pads, dilation: Shape, groups: int
) -> Array:
    """``y[p * stride + k * dilation] += x[p] * kernel[k]``; ``crop`` is cut from the full output, or added."""
    rank = x.ndim - 2
    reach = [(size - 1) * step for size, step in zip(kernel.shape[:rank], dilation, strict=True)]
    out = lax.conv_general_dilated(
        x,
        jnp.flip(kernel, tuple(range(rank))),
        window_strides=(1,) * rank,
        padding=[(r - low, r - high) for r, (low, high) in zip(reach, crop, strict=True)],
        lhs_dilation=stride,
        rhs_dilation=dilation,
        dimension_numbers=_dimension_numbers(rank),
        feature_group_count=groups,
    )
    return out if bias is None else out + bias


def _dimension_numbers(rank: int) -> tuple[str, str, str]:
    letters = _SPATIAL[rank]
    return f"N{letters}C", f"{letters}IO", f"N{letters}C"


sum_pool = _wide(_pools.sum_pool)
