"""Which frequency stands where, and the order with the zero frequency in the middle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unimod.backends._protocol import Array
from unimod.errors import ShapeError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import unary
from unimod.numpy._options import axes_of
from unimod.numpy.axes import roll
from unimod.numpy.conversion import asarray


def fftfreq(
    n: int, /, *, d: float = 1.0, dtype: object = None, device: object = None, backend: str | None = None
) -> Array:
    """The frequencies of ``fft``, ``[0, 1, ..., -2, -1] / (n d)``, of ``n`` samples at the distance ``d``.

    Computed in float64; float32 unless ``dtype`` says otherwise.

    Raises:
        ShapeError: ``n`` is less than 1.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.fft.fftfreq(4, d=0.25).tolist()
        [0.0, 1.0, -2.0, -1.0]
    """
    values = np.fft.fftfreq(_count("fftfreq", n), d)
    return asarray(values, dtype=dtype, device=device, backend=backend)


def rfftfreq(
    n: int, /, *, d: float = 1.0, dtype: object = None, device: object = None, backend: str | None = None
) -> Array:
    """The frequencies of ``rfft``, ``[0, 1, ..., n // 2] / (n d)``, of ``n`` samples at the distance ``d``.

    Computed in float64; float32 unless ``dtype`` says otherwise.

    Raises:
        ShapeError: ``n`` is less than 1.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.fft.rfftfreq(4, d=0.25).tolist()
        [0.0, 1.0, 2.0]
    """
    values = np.fft.rfftfreq(_count("rfftfreq", n), d)
    return asarray(values, dtype=dtype, device=device, backend=backend)


def _count(name: str, n: int) -> int:
    if n >= 1:
        return n
    raise ShapeError(f"{name} needs at least one sample.", got=f"n = {n}", expected="n >= 1")


def fftshift(x: Array, /, *, axes: int | Sequence[int] | None = None) -> Array:
    """The zero frequency moved from the start to the middle of the axes (None: of all axes).

    Example:
        >>> import unimod.numpy as unp
        >>> unp.fft.fftshift(unp.fft.fftfreq(5, d=0.2)).tolist()
        [-2.0, -1.0, 0.0, 1.0, 2.0]
    """
    _, x = unary(x)
    for axis in _places("fftshift", x, axes):
        x = roll(x, x.shape[axis] // 2, axis=axis)
    return x


def ifftshift(x: Array, /, *, axes: int | Sequence[int] | None = None) -> Array:
    """The zero frequency moved from the middle back to the start of the axes: the inverse of :func:`fftshift`.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.fft.ifftshift([-2.0, -1.0, 0.0, 1.0, 2.0]).tolist()
        [0.0, 1.0, 2.0, -2.0, -1.0]
    """
    _, x = unary(x)
    for axis in _places("ifftshift", x, axes):
        x = roll(x, -(x.shape[axis] // 2), axis=axis)
    return x


def _places(name: str, x: Array, axes: int | Sequence[int] | None) -> tuple[int, ...]:
    rank = len(x.shape)
    places = axes_of(axes, rank)
    if all(0 <= place < rank for place in places):
        return places
    raise explain.axis(IndexError(axes), name, x, axes)
