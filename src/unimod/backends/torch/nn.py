"""PyTorch: activations, convolution, pooling and normalisation, on the native kernels.

Images are channels-last in memory. Kernels of torch see them through a permuted view, which is torch's own
``channels_last`` format, so that no layout is copied. Native kernels compute half precision in float32 by themselves;
what is composed here does so by hand. Composed where a native kernel has no second derivative (hard_sigmoid).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone knows

from unimod.backends.torch._foreign_modules import foreign_module as foreign_module
from unimod.backends.torch._native_modules import native_module as native_module
from unimod.backends.torch._norms import batch_norm as batch_norm
from unimod.backends.torch._norms import group_norm as group_norm
from unimod.backends.torch._norms import moments as moments
from unimod.backends.torch._norms import normalize as normalize
from unimod.backends.torch._norms import rms_norm as rms_norm
from unimod.backends.torch.attention import attention
from unimod.backends.torch.ctc import ctc_loss as ctc_loss
from unimod.backends.torch.recurrent import gru as gru
from unimod.backends.torch.recurrent import lstm as lstm
from unimod.backends.torch.recurrent import rnn as rnn

__all__ = [
    "attention", "batch_norm", "celu", "conv", "conv_transpose", "ctc_loss", "elu", "gelu", "group_norm", "gru",
    "hard_sigmoid", "hard_silu", "hard_tanh", "layer_norm", "leaky_relu", "linear", "log_sigmoid", "log_softmax",
    "lstm", "max_pool", "mish", "moments", "normalize", "relu", "relu6", "rms_norm", "rnn", "selu", "sigmoid", "silu",
    "soft_sign", "softmax", "softplus", "sum_pool", "tanh",
]  # fmt: skip

Array = Any
Shape = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]

_HALF = (torch.float16, torch.bfloat16)


def _widen(x: Array) -> Array:
    return x.float() if x.dtype in _HALF else x


def _wide(fn: Callable[..., Array]) -> Callable[..., Array]:
    """Compute ``fn`` in float32 under half precision, and cast the result back."""

    @functools.wraps(fn)
    def wrapped(x: Array, *args: Any, **options: Any) -> Array:
        if x.dtype not in _HALF:
            return fn(x, *args, **options)
        return fn(x.float(), *args, **options).to(x.dtype)

    return wrapped


def relu(x: Array) -> Array:
    """``max(x, 0)``; the derivative at 0 is 0."""
    return torch.relu(x)


def relu6(x: Array) -> Array:
    """``min(max(x, 0), 6)``; the derivative at 0 and 6 is 0."""
    return F.relu6(x)


def hard_tanh(x: Array) -> Array:
    """``x`` clipped to [-1, 1]; the derivative at the bounds is 0."""
    return F.hardtanh(x)


def leaky_relu(x: Array, *, negative_slope: float = 0.01) -> Array:
    """``x`` where ``x > 0``, else ``negative_slope * x``."""
    return F.leaky_relu(x, negative_slope)


@_wide
def hard_sigmoid(x: Array) -> Array:
    """``relu6(x + 3) / 6``."""
    return F.relu6(x + 3) / 6


@_wide
def hard_silu(x: Array) -> Array:
    """``x * relu6(x + 3) / 6``."""
    return x * (F.relu6(x + 3) / 6)


def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``."""
    return torch.sigmoid(x)


def silu(x: Array) -> Array:
    """``x * sigmoid(x)``."""
    return F.silu(x)


def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    return torch.tanh(x)


def softplus(x: Array) -> Array:
    """``log(1 + exp(x))``."""
    # F.softplus is linear from 20 on, which is right to float32 but 2e-9 off in float64.
    return -F.logsigmoid(-x) if x.dtype == torch.float64 else F.softplus(x)


def log_sigmoid(x: Array) -> Array:
    """``-softplus(-x)``."""
    return F.logsigmoid(x)


@_wide
def mish(x: Array) -> Array:
    """``x * tanh(softplus(x))``."""
    # The second derivative of F.mish is NaN in torch 2.13 where exp(x) overflows.
    return x * torch.tanh(softplus(x))


def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """``x`` where ``x > 0``, else ``alpha * (exp(x) - 1)``."""
    return F.elu(x, alpha)


def celu(x: Array, *, alpha: float = 1.0) -> Array:
    """``x`` where ``x > 0``, else ``alpha * (exp(x / alpha) - 1)``."""
    return F.celu(x, alpha)


def selu(x: Array) -> Array:
    """``scale * elu(x, alpha)`` with the constants of self-normalising networks."""
    return F.selu(x)


def gelu(x: Array, *, approximate: str = "none") -> Array:
    """``x * Phi(x)``, or its approximation by tanh."""
    return F.gelu(x, approximate=approximate)


@_wide
def soft_sign(x: Array) -> Array:
    """``x / (1 + |x|)``."""
    return F.softsign(x)


def softmax(x: Array, axis: int) -> Array:
    """``exp(x) / sum(exp(x))`` along one axis."""
    return torch.softmax(x, axis)


@_wide  # torch itself rounds the logarithm before it subtracts it
def log_softmax(x: Array, axis: int) -> Array:
    """``x - log(sum(exp(x)))`` along one axis."""
    return torch.log_softmax(x, axis)


def linear(x: Array, kernel: Array, bias: Array | None) -> Array:
    """``x @ kernel + bias`` on the last axis."""
    if bias is not None and x.ndim == 2:
        return torch.addmm(bias, x, kernel)
    return F.linear(x, kernel.t(), bias)


_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def _channels_first(x: Array) -> Array:
    return x.movedim(-1, 1)


def _channels_last(x: Array) -> Array:
    return x.movedim(1, -1)


def _pad(x: Array, padding: Pads, value: float) -> Array:
    """Pad the spatial axes of a channels-first array (F.pad starts from the last axis)."""
    return F.pad(x, [width for pair in reversed(padding) for width in pair], value=value)


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
    if len(padding) == 1 and x.stride(-1) == 1:
        # As two axes, whose kernels know channels-last memory; those of one axis copy it.
        pads, step, ahead = ((0, 0), *padding), (1, *stride), (1, *dilation)
        image = conv(
            x.unsqueeze(1), kernel.unsqueeze(0), bias, stride=step, padding=pads, dilation=ahead, groups=groups
        )
        return image.squeeze(1)
    x = _channels_first(x)
    lows = [low for low, _ in padding]
    if any(low != high for low, high in padding):
        x, lows = _pad(x, padding, 0.0), [0] * len(padding)
    weight = kernel.movedim((-1, -2), (0, 1))
    return _channels_last(_CONV[len(padding)](x, weight, bias, stride, lows, dilation, groups))


def conv_transpose(
    x: Array, kernel: Array, bias: Array | None = None, *, stride: Shape, crop: Pads, dilation: Shape, groups: int
) -> Array:
    """``y[p * stride + k * dilation] += x[p] * kernel[k]``; ``crop`` is cut from the full output, or added."""
    lows, more = zip(*map(_native_crop, crop, stride, dilation), strict=True)
    rest = tuple((p - low, p - m - high) for p, m, (low, high) in zip(lows, more, crop, strict=True))
    fn, weight = _CONV_TRANSPOSE[len(crop)], _transposed_weight(kernel, groups)
    if not any(map(any, rest)):
        return _channels_last(fn(_channels_first(x), weight, bias, stride, lows, more, groups, dilation))
    out = _channels_last(_pad(fn(_channels_first(x), weight, None, stride, lows, more, groups, dilation), rest, 0.0))
    return out if bias is None else out + bias


def _native_crop(pair: tuple[int, int], stride: int, dilation: int) -> tuple[int, int]:
    """What torch itself cuts from both ends, and how much of it less from the high end (its output_padding)."""
    low, high = pair
    if 0 <= low - high < max(stride, dilation) and low >= 0:
        return low, low - high
    return max(min(pair), 0), 0


def _transposed_weight(kernel: Array, groups: int) -> Array:
    """(spatial..., in // groups, out) as torch's (in, out // groups, spatial...)."""
    weight = kernel.movedim((-1, -2), (0, 1)).unflatten(0, (groups, -1))
    return weight.transpose(1, 2).flatten(0, 1)


def _pool(fn: Callable[..., Array], x: Array, window: Shape, stride: Shape, padding: Pads, fill: float) -> Array:
    """Pool a channels-last array; one spatial axis is treated as two, whose kernel knows channels-last memory."""
    if len(window) == 1:
        return _pool(fn, x.unsqueeze(1), (1, *window), (1, *stride), ((0, 0), *padding), fill).squeeze(1)
    x, lows = _channels_first(x), [low for low, _ in padding]
    if any(low != high or 2 * low > size for (low, high), size in zip(padding, window, strict=True)):
        x, lows = _pad(x, padding, fill), [0] * len(padding)
    return _channels_last(fn(x, window, stride, lows))


def max_pool(x: Array, *, window: Shape, stride: Shape, padding: Pads) -> Array:
    """The largest value of each window; padding is -inf."""
    fn = F.max_pool2d if len(window) < 3 else F.max_pool3d
    return _pool(fn, x, window, stride, padding, -math.inf)


@_wide
def sum_pool(x: Array, *, window: Shape, stride: Shape, padding: Pads) -> Array:
    """The sum of each window; padding is 0."""
    fn = F.avg_pool2d if len(window) < 3 else F.avg_pool3d
    return _pool(functools.partial(fn, divisor_override=1), x, window, stride, padding, 0.0)


def layer_norm(x: Array, scale: Array | None, bias: Array | None, *, num_axes: int, epsilon: float) -> Array:
    """Normalise the last ``num_axes`` axes."""
    shape = x.shape[x.ndim - num_axes :]
    if (scale is None or scale.dtype is x.dtype) and (bias is None or bias.dtype is x.dtype):
        return F.layer_norm(x, shape, scale, bias, epsilon)
    scale, bias = (None if w is None else _widen(w) for w in (scale, bias))
    return F.layer_norm(_widen(x), shape, scale, bias, epsilon).to(x.dtype)
