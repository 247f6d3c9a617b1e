"""NumPy: activations, convolution, pooling and normalisation, written for clarity as the reference.

Each function follows its formula directly, in the dtype of its input (float16 in float32). There are no derivatives.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from unimod.backends.numpy.attention import attention
from unimod.backends.numpy.ctc import ctc_loss as ctc_loss
from unimod.backends.numpy.recurrent import gru as gru
from unimod.backends.numpy.recurrent import loop as loop
from unimod.backends.numpy.recurrent import lstm as lstm
from unimod.backends.numpy.recurrent import rnn as rnn

__all__ = [
    "attention", "celu", "conv", "conv_transpose", "ctc_loss", "elu", "gelu", "gru", "hard_sigmoid", "hard_silu",
    "hard_tanh", "layer_norm", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "lstm", "max_pool", "mish",
    "moments", "normalize", "relu", "relu6", "rnn", "selu", "sigmoid", "silu", "soft_sign", "softmax", "softplus",
    "sum_pool", "tanh",
]  # fmt: skip

Array = Any
Shape = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _is_half(x: Array) -> bool:
    return bool(x.dtype.itemsize == 2)


def _widen(x: Array) -> Array:
    return x.astype(np.float32) if _is_half(x) else x


def _wide(fn: Callable[..., Array]) -> Callable[..., Array]:
    """Compute ``fn`` in float32 under half precision, and give an array (not a scalar) of the input's dtype."""

    @functools.wraps(fn)
    def wrapped(x: Array, *args: Any, **options: Any) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(fn(_widen(x), *args, **options)).astype(x.dtype)

    return wrapped


_erfc = np.vectorize(math.erfc, otypes=[np.float64])


@_wide
def relu(x: Array) -> Array:
    """``max(x, 0)``; the derivative at 0 is 0."""
    return np.maximum(x, 0)


@_wide
def relu6(x: Array) -> Array:
    """``min(max(x, 0), 6)``; the derivative at 0 and 6 is 0."""
    return np.clip(x, 0, 6)


@_wide
def hard_tanh(x: Array) -> Array:
    """``x`` clipped to [-1, 1]; the derivative at the bounds is 0."""
    return np.clip(x, -1, 1)


@_wide
def leaky_relu(x: Array, *, negative_slope: float = 0.01) -> Array:
    """``x`` where ``x > 0``, else ``negative_slope * x``."""
    return np.where(x > 0, x, negative_slope * x)


@_wide
def hard_sigmoid(x: Array) -> Array:
    """``relu6(x + 3) / 6``."""
    return np.clip(x + 3, 0, 6) / 6


@_wide
def hard_silu(x: Array) -> Array:
    """``x * relu6(x + 3) / 6``."""
    return x * (np.clip(x + 3, 0, 6) / 6)


@_wide
def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``."""
    return np.exp(-np.logaddexp(0, -x))


@_wide
def silu(x: Array) -> Array:
    """``x * sigmoid(x)``."""
    return x * np.exp(-np.logaddexp(0, -x))


@_wide
def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    return np.tanh(x)


@_wide
def softplus(x: Array) -> Array:
    """``log(1 + exp(x))``."""
    return np.logaddexp(0, x)


@_wide
def log_sigmoid(x: Array) -> Array:
    """``-softplus(-x)``."""
    return -np.logaddexp(0, -x)


@_wide
def mish(x: Array) -> Array:
    """``x * tanh(softplus(x))``."""
    return x * np.tanh(np.logaddexp(0, x))


@_wide
def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """``x`` where ``x > 0``, else ``alpha * (exp(x) - 1)``."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@_wide
def celu(x: Array, *, alpha: float = 1.0) -> Array:
    """``x`` where ``x > 0``, else ``alpha * (exp(x / alpha) - 1)``."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


@_wide
def selu(x: Array) -> Array:
    """``scale * elu(x, alpha)`` with the constants of self-normalising networks."""
    return _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0)))


@_wide
def gelu(x: Array, *, approximate: str = "none") -> Array:
    """``x * Phi(x)``, or its approximation by tanh."""
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * _erfc(-x / math.sqrt(2))


@_wide
def soft_sign(x: Array) -> Array:
    """``x / (1 + |x|)``."""
    return x / (1 + np.abs(x))


@_wide
def softmax(x: Array, axis: int) -> Array:
    """``exp(x) / sum(exp(x))`` along one axis."""
    shifted = np.exp(x - np.max(x, axis, keepdims=True))
    return shifted / np.sum(shifted, axis, keepdims=True)


@_wide
def log_softmax(x: Array, axis: int) -> Array:
    """``x - log(sum(exp(x)))`` along one axis."""
    shifted = x - np.max(x, axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis, keepdims=True))


@_wide
def linear(x: Array, kernel: Array, bias: Array | None) -> Array:
    """``x @ kernel + bias`` on the last axis."""
    out = x @ _widen(kernel)
    return out if bias is None else out + _widen(bias)


def _windows(x: Array, window: Shape, stride: Shape, padding: Pads, dilation: Shape, fill: float) -> Array:
    """All windows of a channels-last array: (N, out..., C, window...)."""
    padded = np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=fill)
    axes = tuple(range(1, x.ndim - 1))
    reach = tuple((size - 1) * step + 1 for size, step in zip(window, dilation, strict=True))
    views = np.lib.stride_tricks.sliding_window_view(padded, reach, axes)
    return views[
        (slice(None), *(slice(None, None, s) for s in stride), slice(None), *(slice(None, None, d) for d in dilation))
    ]


@_wide
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
    *window, _, features = kernel.shape
    views = _windows(x, tuple(window), stride, padding, dilation, 0.0)
    views = np.moveaxis(views, len(window) + 1, -1)
    columns = views.reshape(*views.shape[: len(window) + 1], math.prod(window), groups, -1)
    weight = _widen(kernel).reshape(math.prod(window), -1, groups, features // groups)
    out = np.einsum("...kgi,kigo->...go", columns, weight)
    out = out.reshape(*out.shape[:-2], features)
    return out if bias is None else out + _widen(bias)


@_wide
def conv_transpose(
    x: Array, kernel: Array, bias: Array | None = None, *, stride: Shape, crop: Pads, dilation: Shape, groups: int
) -> Array:
    """``y[p * stride + k * dilation] += x[p] * kernel[k]``; ``crop`` is cut from the full output, or added."""
    reach = [(size - 1) * step for size, step in zip(kernel.shape, dilation, strict=False)]
    spread = np.zeros(
        (x.shape[0], *((n - 1) * s + 1 for n, s in zip(x.shape[1:-1], stride, strict=True)), x.shape[-1]), x.dtype
    )
    spread[(slice(None), *(slice(None, None, s) for s in stride))] = x
    room = [(max(r - low, 0), max(r - high, 0)) for r, (low, high) in zip(reach, crop, strict=True)]
    cut = (slice(max(low - r, 0), -max(high - r, 0) or None) for r, (low, high) in zip(reach, crop, strict=True))
    flipped = np.flip(kernel, tuple(range(len(reach))))
    ones = (1,) * len(reach)
    return conv(
        spread[(slice(None), *cut)], flipped, bias, stride=ones, padding=tuple(room), dilation=dilation, groups=groups
    )


def max_pool(x: Array, *, window: Shape, stride: Shape, padding: Pads) -> Array:
    """The largest value of each window; padding is -inf."""
    views = _windows(x, window, stride, padding, (1,) * len(window), -math.inf)
    return views.max(tuple(range(-len(window), 0)))


@_wide
def sum_pool(x: Array, *, window: Shape, stride: Shape, padding: Pads) -> Array:
    """The sum of each window; padding is 0."""
    views = _windows(x, window, stride, padding, (1,) * len(window), 0.0)
    return views.sum(tuple(range(-len(window), 0)))


def moments(x: Array, *, axis: int) -> tuple[Array, Array]:
    """Mean and biased two-pass variance over all axes but that of the channels, in float32 at least."""
    wide, axes = _widen(x), tuple(a for a in range(x.ndim) if a != axis)
    mean = np.mean(wide, axes, keepdims=True)
    return mean.reshape(-1), np.asarray(np.mean(np.square(wide - mean), axes))


@_wide
def normalize(
    x: Array, mean: Array, var: Array, scale: Array | None, bias: Array | None, *, axis: int, epsilon: float
) -> Array:
    """``(x - mean) * rsqrt(var + epsilon) * scale + bias``, one value for each channel."""
    shape = (-1, *(1,) * (x.ndim - axis - 1))
    mean, var, scale, bias = (None if w is None else _widen(w).reshape(shape) for w in (mean, var, scale, bias))
    return _affine((x - mean) / np.sqrt(var + epsilon), scale, bias)


@_wide
def layer_norm(x: Array, scale: Array | None, bias: Array | None, *, num_axes: int, epsilon: float) -> Array:
    """Normalise the last ``num_axes`` axes."""
    axes = tuple(range(x.ndim - num_axes, x.ndim))
    centred = x - np.mean(x, axes, keepdims=True)
    out = centred / np.sqrt(np.mean(np.square(centred), axes, keepdims=True) + epsilon)
    return _affine(out, scale, bias)


def _affine(x: Array, scale: Array | None, bias: Array | None) -> Array:
    scaled = x if scale is None else x * _widen(scale)
    return scaled if bias is None else scaled + _widen(bias)
