"""PyTorch: discrete Fourier transforms."""

from __future__ import annotations

import torch
from torch import Tensor


def fftn(x: Tensor, axes: tuple[int, ...], norm: str) -> Tensor:
    """The transform over some axes, of real or complex numbers."""
    return torch.fft.fftn(x, dim=axes, norm=norm) if x.numel() else _complex(x)


def ifftn(x: Tensor, axes: tuple[int, ...], norm: str) -> Tensor:
    """The inverse transform over some axes, of real or complex numbers."""
    return torch.fft.ifftn(x, dim=axes, norm=norm) if x.numel() else _complex(x)


def rfft(x: Tensor, axis: int, norm: str) -> Tensor:
    """The first half of the transform of real numbers."""
    if not x.numel():
        return torch.narrow(_complex(x), axis, 0, x.shape[axis] // 2 + 1)
    found: Tensor = torch.fft.rfft(x, dim=axis, norm=norm)
    return found


def irfft(x: Tensor, size: int, axis: int, norm: str) -> Tensor:
    """The ``size`` real numbers of which ``x`` is the first half of the transform."""
    if not x.numel():
        return torch.repeat_interleave(torch.narrow(_complex(x).real, axis, 0, 1), size, axis)
    found: Tensor = torch.fft.irfft(x, size, axis, norm)
    return found


def _complex(x: Tensor) -> Tensor:
    # Of an empty batch MKL, torch 2.13, makes an error.
    return x.to(torch.promote_types(x.dtype, torch.complex64))
