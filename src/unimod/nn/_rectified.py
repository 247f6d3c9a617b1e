"""Activations in pieces: shrinking, thresholds, sparse and parametric ones, as functions of arrays of any engine.

As in :mod:`unimod.nn.activations` ints are taken as float32, half precision is computed in float32 and rounded once,
and at a kink the derivative is that of the flat side.
"""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.errors import OptionError
from unimod.nn._precision import entering, leaving
from unimod.numpy._dispatch import many

Array = Any


def tanh_shrink(x: Array) -> Array:
    """``x - tanh(x)``.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.tanh_shrink(um.numpy.asarray([-1.0, 0.0, 2.0])).tolist()]
        [-0.2384, 0.0, 1.036]
    """
    wide, dtype = entering(x)
    return leaving(unp.subtract(wide, unp.tanh(wide)), dtype)


def soft_shrink(x: Array, *, threshold: float = 0.5) -> Array:
    """``x`` moved towards 0 by ``threshold``, and 0 where it would cross. Its derivative at the kinks is 0.

    Raises:
        OptionError: the threshold is negative.

    Example:
        >>> import unimod as um
        >>> um.nn.soft_shrink(um.numpy.asarray([-2.0, 0.25, 1.0])).tolist()
        [-1.5, 0.0, 0.5]
    """
    _check_not_negative("soft_shrink", threshold)
    wide, dtype = entering(x)
    above = unp.where(unp.greater(wide, threshold), unp.subtract(wide, threshold), 0.0)
    return leaving(unp.where(unp.less(wide, -threshold), unp.add(wide, threshold), above), dtype)


def hard_shrink(x: Array, *, threshold: float = 0.5) -> Array:
    """``x`` where ``|x| > threshold``, else 0. Its derivative at the jumps is 0.

    Raises:
        OptionError: the threshold is negative.

    Example:
        >>> import unimod as um
        >>> um.nn.hard_shrink(um.numpy.asarray([-2.0, 0.25, 1.0])).tolist()
        [-2.0, 0.0, 1.0]
    """
    _check_not_negative("hard_shrink", threshold)
    wide, dtype = entering(x)
    is_kept = unp.logical_or(unp.greater(wide, threshold), unp.less(wide, -threshold))
    return leaving(unp.where(is_kept, wide, 0.0), dtype)


def threshold(x: Array, *, threshold: float, value: float = 0.0) -> Array:
    """``x`` where ``x > threshold``, else ``value``. Its derivative at the threshold is 0.

    Example:
        >>> import unimod as um
        >>> um.nn.threshold(um.numpy.asarray([-2.0, 1.0, 2.0]), threshold=1.0, value=-5.0).tolist()
        [-5.0, -5.0, 2.0]
    """
    wide, dtype = entering(x)
    return leaving(unp.where(unp.greater(wide, threshold), wide, value), dtype)


def prelu(x: Array, slope: Array) -> Array:
    """``x`` where ``x > 0``, else ``slope * x``, with a slope that is trained. The derivative at 0 is the slope.

    Args:
        x: a floating array.
        slope: an array that broadcasts to ``x``, such as one number, or one for each channel on the last axis.

    Example:
        >>> import unimod as um
        >>> um.nn.prelu(um.numpy.asarray([-4.0, 2.0]), um.numpy.asarray(0.25)).tolist()
        [-1.0, 2.0]

    Source: He et al. (2015), arXiv:1502.01852, equation 1.
    """
    _, x, slope = many(x, slope)
    wide, dtype = entering(x)
    factor, _ = entering(slope)
    return leaving(unp.where(unp.greater(wide, 0.0), wide, unp.multiply(wide, factor)), dtype)


def sparse_plus(x: Array) -> Array:
    """``0`` up to -1, ``(x + 1)**2 / 4`` up to 1, and ``x`` from there on: a softplus without tails.

    Example:
        >>> import unimod as um
        >>> um.nn.sparse_plus(um.numpy.asarray([-2.0, 0.0, 3.0])).tolist()
        [0.0, 0.25, 3.0]

    Source: that its derivative is :func:`sparse_sigmoid`, as softplus has sigmoid.
    """
    wide, dtype = entering(x)
    middle = unp.multiply(unp.square(unp.add(wide, 1.0)), 0.25)
    upper = unp.where(unp.greater_equal(wide, 1.0), wide, middle)
    return leaving(unp.where(unp.less_equal(wide, -1.0), 0.0, upper), dtype)


def sparse_sigmoid(x: Array) -> Array:
    """``(x + 1) / 2`` clipped to [0, 1]. Its derivative at -1 and 1 is 0.

    Example:
        >>> import unimod as um
        >>> um.nn.sparse_sigmoid(um.numpy.asarray([-2.0, 0.0, 3.0])).tolist()
        [0.0, 0.5, 1.0]

    Source: Martins, Astudillo (2016), arXiv:1602.02068: sparsemax of two.
    """
    wide, dtype = entering(x)
    middle = unp.multiply(unp.add(wide, 1.0), 0.5)
    upper = unp.where(unp.greater_equal(wide, 1.0), 1.0, middle)
    return leaving(unp.where(unp.less_equal(wide, -1.0), 0.0, upper), dtype)


def _check_not_negative(name: str, value: float) -> None:
    if not value >= 0:
        raise OptionError(
            f"{name} needs a threshold that is not negative.",
            got=f"threshold = {value!r}",
            expected="threshold >= 0",
            fix="pass the distance from 0 within which everything is 0",
        )
