"""JAX: discrete Fourier transforms."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

_FACTORS = {"backward": None, "ortho": "ortho", "forward": "forward"}
"""The option of JAX: for ``"backward"`` it would multiply by one."""


def fftn(x: Any, axes: tuple[int, ...], norm: str) -> Any:
    """The transform over some axes, of real or complex numbers."""
    return jnp.fft.fftn(x, axes=axes, norm=_FACTORS[norm])


def ifftn(x: Any, axes: tuple[int, ...], norm: str) -> Any:
    """The inverse transform over some axes, of real or complex numbers."""
    return jnp.fft.ifftn(x, axes=axes, norm=_FACTORS[norm])


def rfft(x: Any, axis: int, norm: str) -> Any:
    """The first half of the transform of real numbers."""
    return jnp.fft.rfft(x, axis=axis, norm=_FACTORS[norm])


def irfft(x: Any, size: int, axis: int, norm: str) -> Any:
    """The ``size`` real numbers of which ``x`` is the first half of the transform."""
    return jnp.fft.irfft(x, size, axis, _FACTORS[norm])
