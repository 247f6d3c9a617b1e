"""Transforms of which one side is real, so that half of the other side says everything.

Options as in :mod:`unimod.numpy.fft.full`. The half that an inverse transform gets may be any numbers: the imaginary
parts of its first element, and of its last where the size is even, count for nothing.
"""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.numpy.fft._steps import OPPOSITE, Axes, Sizes, halved, unhalved
from unimod.numpy.rounding import conj


def rfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """The first ``n // 2 + 1`` elements of ``fft(x)`` along an axis, of a real ``x``.

    Args:
        x: real, of any shape with that axis.
        n: how many elements of the axis are taken, as in :func:`unimod.numpy.fft.fft`.
        axis: the axis.
        norm: ``"backward"``, ``"ortho"`` or ``"forward"``.

    Returns:
        complex64; complex128 for float64.

    Raises:
        DTypeError: ``x`` is complex.
        ShapeError: there is no such axis, or no element to transform.
        OptionError: the norm is not known.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.real(unp.fft.rfft([1.0, 2.0, 3.0, 4.0])).tolist()
        [10.0, -2.0, -2.0]
    """
    return halved("rfft", x, None if n is None else (n,), (axis,), norm)


def irfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """The ``n`` real numbers of which ``x`` is the first half of the transform: the inverse of :func:`rfft`.

    Args:
        x: complex, of any shape with that axis; ``n // 2 + 1`` elements of it are taken.
        n: the size of the axis in the result; None is ``2 * (m - 1)`` for ``m`` elements.
        axis: the axis.
        norm: ``"backward"``, ``"ortho"`` or ``"forward"``.

    Returns:
        float32; float64 for complex128.

    Raises:
        ShapeError: there is no such axis, or the result would have no elements.
        OptionError: the norm is not known.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.fft.irfft([10.0, -2.0, -2.0]).tolist()
        [1.0, 3.0, 3.0, 3.0]
    """
    return unhalved("irfft", x, None if n is None else (n,), (axis,), norm)


def rfftn(x: Array, /, *, s: Sizes = None, axes: Axes = None, norm: str = "backward") -> Array:
    """:func:`rfft` along the last of several axes, and ``fft`` along the others.

    Options are those of :func:`unimod.numpy.fft.fftn`; there must be an axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.real(unp.fft.rfftn([[1.0, 2.0, 0.0], [3.0, 4.0, 0.0]])).tolist()
        [[10.0, 1.0], [-4.0, -1.0]]
    """
    return halved("rfftn", x, s, axes, norm)


def irfftn(x: Array, /, *, s: Sizes = None, axes: Axes = None, norm: str = "backward") -> Array:
    """:func:`irfft` along the last of several axes, and ``ifft`` along the others: the inverse of :func:`rfftn`.

    ``s`` are the sizes in the result; the default for the last axis is that of :func:`irfft`.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.fft.irfftn([[10.0, -2.0], [-4.0, 0.0]]).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    return unhalved("irfftn", x, s, axes, norm)


def rfft2(x: Array, /, *, s: Sizes = None, axes: Axes = (-2, -1), norm: str = "backward") -> Array:
    """:func:`rfftn` along the last two axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.real(unp.fft.rfft2([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [[10.0, -2.0], [-4.0, 0.0]]
    """
    return halved("rfft2", x, s, axes, norm)


def irfft2(x: Array, /, *, s: Sizes = None, axes: Axes = (-2, -1), norm: str = "backward") -> Array:
    """:func:`irfftn` along the last two axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.fft.irfft2([[10.0, -2.0], [-4.0, 0.0]]).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    return unhalved("irfft2", x, s, axes, norm)


def hfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """The ``n`` real numbers that are the transform of ``x`` and its mirrored conjugate: ``n * irfft(conj(x))``.

    Options are those of :func:`irfft`; ``norm`` is that of a forward transform.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.fft.hfft([1.0, 2.0, 3.0]).tolist()
        [8.0, -2.0, 0.0, -2.0]
    """
    return unhalved("hfft", conj(x), None if n is None else (n,), (axis,), OPPOSITE.get(norm, norm))


def ihfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """The first half of the inverse transform of real numbers, ``conj(rfft(x)) / n``: the inverse of :func:`hfft`.

    Options are those of :func:`rfft`; ``norm`` is that of an inverse transform.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.real(unp.fft.ihfft([8.0, -2.0, 0.0, -2.0])).tolist()
        [1.0, 2.0, 3.0]
    """
    return conj(halved("ihfft", x, None if n is None else (n,), (axis,), OPPOSITE.get(norm, norm)))
