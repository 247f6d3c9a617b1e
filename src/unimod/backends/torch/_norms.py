"""PyTorch: normalisation by the statistics of channels, on the native kernels.

The kernels read the array where it lies, channels last or first, and keep what the derivative needs. Those for channels
last on CPUs (torch 2.13) sum without carrying the rounding errors along, and take the variance of groups as a mean of
squares less a square: where the mean is large against the deviation they run a second time, on what is left after the
first mean. Within transforms and traces, in which no number can be looked at, the formulas are written out, and a
compiler fuses them.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone knows
from torch import Tensor

from unimod.backends.torch import _private

Array = Any

_HALF = (torch.float16, torch.bfloat16)
_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
_FAR = 16.0
"""The square of a mean, over the variance, from which on the kernels run on centred data."""


def widen(x: Array) -> Array:
    """``x`` in float32 where it has half precision."""
    return x.float() if x.dtype in _HALF else x


def moments(x: Array, *, axis: int) -> tuple[Array, Array]:
    """Mean and biased two-pass variance over all axes but that of the channels, in float32 at least."""
    wide, axes = widen(x), _others(x, axis)
    mean = wide.mean(axes)
    return mean, (wide - _along(mean, x, axis)).square().mean(axes)


def normalize(
    x: Array, mean: Array, var: Array, scale: Array | None, bias: Array | None, *, axis: int, epsilon: float
) -> Array:
    """``(x - mean) * rsqrt(var + epsilon) * scale + bias``, one value for each channel."""
    mean, var, scale, bias = (None if w is None else widen(w) for w in (mean, var, scale, bias))
    # The kernel has no derivative by the statistics.
    if _is_native(x, mean, var, scale, bias) and not _private.any_requires_grad([mean, var]):
        out = F.batch_norm(_image(x, axis), mean, var, scale, bias, False, 0.0, epsilon)
        return _restored(out, x, axis)
    factor = torch.rsqrt(var + epsilon)
    factor = _along(factor if scale is None else factor * scale, x, axis)
    centred = widen(x) - _along(mean, x, axis)
    out = centred * factor if bias is None else torch.addcmul(_along(bias, x, axis), centred, factor)
    return out.to(x.dtype)


def batch_norm(
    x: Array, scale: Array | None, bias: Array | None, *, axis: int, epsilon: float
) -> tuple[Array, Array, Array]:
    """``x`` normalised by its own statistics, and these; see ``_optional``."""
    scale, bias = _affine(scale, bias)
    if not _is_native(x, scale, bias):
        mean, var = moments(x, axis=axis)
        return normalize(x, mean, var, scale, bias, axis=axis, epsilon=epsilon), mean, var
    image = _image(x, axis)
    out, mean, var = _batch_norm(image, scale, bias, epsilon)
    if _is_far(x, mean, torch.rsqrt(var + epsilon)):
        out, rest, var = _batch_norm(widen(image) - _along(mean, image, 1), scale, bias, epsilon)
        out, mean = out.to(x.dtype), mean + rest
    return _restored(out, x, axis), mean, var


def group_norm(
    x: Array, num_groups: int, scale: Array | None, bias: Array | None, *, axis: int, epsilon: float
) -> Array:
    """Normalise each group of channels of each example; see ``_optional``."""
    scale, bias = _affine(scale, bias)
    if not _is_native(x, scale, bias):
        return _group_norm_composed(x, num_groups, scale, bias, axis, epsilon)
    lying = _dense(_image(x, axis, is_flat=False))
    # The kernel's derivative of single channels is slow channels last: two copies take less (torch 2.13).
    is_turned = num_groups == lying.shape[1] and _private.any_requires_grad([x])
    image = lying.contiguous() if is_turned else lying
    sizes = (image.shape[0], image.shape[1], math.prod(image.shape[2:]), num_groups)
    out, mean, rstd = torch.native_group_norm(image, scale, bias, *sizes, epsilon)
    if _is_far(x, mean, rstd):
        shift = mean.detach().repeat_interleave(image.shape[1] // num_groups, 1)
        centred = widen(image) - shift.reshape(*shift.shape, *(1,) * (image.ndim - 2))
        out = torch.native_group_norm(centred, scale, bias, *sizes, epsilon)[0].to(x.dtype)
    if image is not lying and image.ndim in _CHANNELS_LAST:
        out = out.contiguous(memory_format=_CHANNELS_LAST[image.ndim])
    return _restored(out, x, axis)


def rms_norm(x: Array, scale: Array | None, *, num_axes: int, epsilon: float) -> Array:
    """Divide the last ``num_axes`` axes by the root of their mean square."""
    shape = x.shape[x.ndim - num_axes :]
    if x.dtype not in _HALF and (scale is None or scale.dtype == x.dtype):
        return F.rms_norm(x, shape, scale, epsilon)
    return F.rms_norm(widen(x), shape, None if scale is None else widen(scale), epsilon).to(x.dtype)


def _affine(scale: Array | None, bias: Array | None) -> tuple[Array | None, Array | None]:
    """Both in float32 at least. With a bias alone the kernels have no derivative (torch 2.13): the scale is 1 then."""
    bias = None if bias is None else widen(bias)
    if scale is None:
        return None if bias is None else torch.ones_like(bias), bias
    return widen(scale), bias


def _is_native(x: Array, *values: Array | None) -> bool:
    """Whether the kernels serve: nothing traces or transforms, there is something, and the dtypes fit."""
    wide = torch.float32 if x.dtype in _HALF else x.dtype
    is_plain = not _private.is_transforming() and not torch.compiler.is_compiling()
    return is_plain and x.ndim > 1 and x.numel() > 0 and all(w is None or w.dtype == wide for w in values)


def _is_far(x: Array, mean: Tensor, rstd: Tensor) -> bool:
    """Whether a mean is large against its deviation, on a device where the kernels mind and a look is cheap."""
    return x.device.type == "cpu" and not (mean.detach() * rstd.detach()).square().amax().item() < _FAR


def _batch_norm(image: Tensor, scale: Tensor | None, bias: Tensor | None, epsilon: float) -> tuple[Tensor, ...]:
    wide, count = torch.float32 if image.dtype in _HALF else image.dtype, image.numel() // image.shape[1]
    # Running statistics that keep nothing of what they were are those of the batch, the variance with n / (n - 1).
    mean, var = (torch.zeros(image.shape[1], dtype=wide, device=image.device) for _ in range(2))
    out = torch.native_batch_norm(image, scale, bias, mean, var, True, 1.0, epsilon)[0]
    return out, mean, var * ((count - 1) / count)


def _image(x: Tensor, axis: int, *, is_flat: bool = True) -> Tensor:
    """``x`` with the channels on axis 1 and as many axes as the kernels want to know channels last memory."""
    image = x.movedim(axis, 1)
    if image.is_contiguous() or image.ndim in (4, 5):
        return image
    last = x.movedim(axis, -1)
    # One spatial axis as two; for batches all rows are alike, so that they may also be one axis.
    return last.flatten(0, -2) if is_flat else last.reshape(last.shape[0], 1, -1, last.shape[-1]).movedim(-1, 1)


def _restored(out: Tensor, x: Tensor, axis: int) -> Tensor:
    """An array made of an image, with the axes of ``x``."""
    if out.ndim == x.ndim:
        return out.movedim(1, axis)
    last = x.movedim(axis, -1)
    rows = out if out.ndim == 2 else out.movedim(1, -1)
    return rows.reshape(last.shape).movedim(-1, axis)


def _dense(image: Tensor) -> Tensor:
    if image.device.type != "cpu":
        return image.contiguous()
    wanted = _CHANNELS_LAST.get(image.ndim)
    is_last = wanted is not None and image.is_contiguous(memory_format=wanted)
    return image if is_last else image.contiguous()


def _group_norm_composed(
    x: Array, num_groups: int, scale: Array | None, bias: Array | None, axis: int, epsilon: float
) -> Array:
    grouped = widen(x).unflatten(axis, (num_groups, -1))
    axes = tuple(a for a in range(1, grouped.ndim) if a != axis)
    centred = grouped - grouped.mean(axes, keepdim=True)
    factor = torch.rsqrt(centred.square().mean(axes, keepdim=True) + epsilon)
    out = (centred * factor).flatten(axis, axis + 1)
    out = out if scale is None else out * _along(scale, x, axis)
    return (out if bias is None else out + _along(bias, x, axis)).to(x.dtype)


def _others(x: Tensor, axis: int) -> tuple[int, ...]:
    return tuple(a for a in range(x.ndim) if a != axis)


def _along(values: Tensor, x: Tensor, axis: int) -> Tensor:
    """One value for each channel, to be broadcast to ``x``."""
    return values.reshape(-1, *(1 for _ in range(x.ndim - axis - 1)))
