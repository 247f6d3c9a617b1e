"""NumPy: discrete Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np


def fftn(x: Any, axes: tuple[int, ...], norm: str) -> Any:
    """The transform over some axes, of real or complex numbers."""
    return np.fft.fftn(x, axes=axes, norm=norm)  # type: ignore[arg-type]


def ifftn(x: Any, axes: tuple[int, ...], norm: str) -> Any:
    """The inverse transform over some axes, of real or complex numbers."""
    return np.fft.ifftn(x, axes=axes, norm=norm)  # type: ignore[arg-type]


def rfft(x: Any, axis: int, norm: str) -> Any:
    """The first half of the transform of real numbers."""
    return np.fft.rfft(x, axis=axis, norm=norm)  # type: ignore[arg-type]


def irfft(x: Any, size: int, axis: int, norm: str) -> Any:
    """The ``size`` real numbers of which ``x`` is the first half of the transform."""
    return np.fft.irfft(x, size, axis, norm)  # type: ignore[arg-type]
