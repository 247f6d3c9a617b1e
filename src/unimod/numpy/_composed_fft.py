"""Fourier transforms that an engine needs not have, written with the complex one, ``fftn``.

Imported when one of them is called for the first time on an engine that has none of its own.
"""

from __future__ import annotations

from unimod.backends._protocol import Array, Engine

_INVERSE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def ifftn(engine: Engine, x: Array, axes: tuple[int, ...], norm: str) -> Array:
    """The inverse transform: the conjugate of the transform of the conjugate."""
    return engine.math.conj(engine.fft.fftn(engine.math.conj(x), axes, _INVERSE[norm]))


def rfft(engine: Engine, x: Array, axis: int, norm: str) -> Array:
    """The first half of the transform."""
    return engine.fft.fftn(x, (axis,), norm)[_along(axis, 0, x.shape[axis] // 2 + 1)]


def irfft(engine: Engine, x: Array, size: int, axis: int, norm: str) -> Array:
    """The inverse transform of the half that is there and of the other half, which is its conjugate."""
    others = engine.math.conj(engine.arrays.flip(x[_along(axis, 1, size - x.shape[axis] + 1)], axis))
    return engine.math.real(engine.fft.ifftn(engine.arrays.concat([x, others], axis), (axis,), norm))


def _along(axis: int, start: int, stop: int) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, slice(start, stop))
