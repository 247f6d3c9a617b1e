"""Transforms of complex numbers; real ones are taken for complex.

``norm`` says where the factor ``1 / n`` stands: at the inverse transform (``"backward"``), at the other one
(``"forward"``), or its square root at both (``"ortho"``).
"""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.numpy.fft._steps import Axes, Sizes, full


def fft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """``y[k] = sum_j x[j] exp(-2 pi i j k / n)`` along an axis, of which ``n`` elements are taken.

    Where ``n`` is not the size of the axis, the axis is cut, or filled up with zeros.

    Args:
        x: complex or real, of any shape with that axis.
        n: how many elements of the axis; None is all of them.
        axis: the axis.
        norm: ``"backward"``, ``"ortho"`` (``y / sqrt(n)``) or ``"forward"`` (``y / n``).

    Returns:
        complex64, or complex128 for an ``x`` of 64 bits a number.

    Raises:
        ShapeError: there is no such axis, or no element to transform.
        OptionError: the norm is not known.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.real(unp.fft.fft([1.0, 2.0, 3.0, 4.0])).tolist()
        [10.0, -2.0, -2.0, -2.0]
    """
    return full("fft", x, None if n is None else (n,), (axis,), norm, is_inverse=False)


def ifft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """``y[k] = sum_j x[j] exp(2 pi i j k / n) / n``: the inverse of :func:`fft`, with the same options.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.real(unp.fft.ifft([10.0, -2.0, -2.0, -2.0])).tolist()
        [1.0, 3.0, 3.0, 3.0]
    """
    return full("ifft", x, None if n is None else (n,), (axis,), norm, is_inverse=True)


def fftn(x: Array, /, *, s: Sizes = None, axes: Axes = None, norm: str = "backward") -> Array:
    """:func:`fft` along each of several axes.

    Args:
        x: complex or real, of any shape with these axes.
        s: how many elements of each axis, as ``n`` of :func:`fft`; None, and -1 for one axis, is all of them.
        axes: the axes; None is all of them, or the last ``len(s)``. One that is named twice is transformed twice.
        norm: as in :func:`fft`, with the product of the sizes for ``n``.

    Raises:
        ShapeError: there is no such axis, no element to transform, or not one size for each axis.
        OptionError: the norm is not known.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.real(unp.fft.fftn([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [[10.0, -2.0], [-4.0, 0.0]]
    """
    return full("fftn", x, s, axes, norm, is_inverse=False)


def ifftn(x: Array, /, *, s: Sizes = None, axes: Axes = None, norm: str = "backward") -> Array:
    """:func:`ifft` along each of several axes: the inverse of :func:`fftn`, with the same options.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.real(unp.fft.ifftn([[10.0, -2.0], [-4.0, 0.0]])).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    return full("ifftn", x, s, axes, norm, is_inverse=True)


def fft2(x: Array, /, *, s: Sizes = None, axes: Axes = (-2, -1), norm: str = "backward") -> Array:
    """:func:`fftn` along the last two axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.real(unp.fft.fft2([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [[10.0, -2.0], [-4.0, 0.0]]
    """
    return full("fft2", x, s, axes, norm, is_inverse=False)


def ifft2(x: Array, /, *, s: Sizes = None, axes: Axes = (-2, -1), norm: str = "backward") -> Array:
    """:func:`ifftn` along the last two axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.real(unp.fft.ifft2([[10.0, -2.0], [-4.0, 0.0]])).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    return full("ifft2", x, s, axes, norm, is_inverse=True)
