"""Activations and functions of probabilities that are written with other functions, on arrays of any engine.

As in :mod:`unimod.nn.activations` ints are taken as float32; half precision is computed in float32 and rounded once.
"""

from __future__ import annotations

import math
from typing import Any

import unimod.numpy as unp
from unimod.errors import OptionError
from unimod.nn import _axes
from unimod.nn._precision import entering, leaving
from unimod.numpy._dispatch import unary

Array = Any


def identity(x: Array) -> Array:
    """``x`` as it is, an array of its engine.

    Example:
        >>> import unimod as um
        >>> um.nn.identity(um.numpy.asarray([1.0, 2.0])).tolist()
        [1.0, 2.0]
    """
    return unary(x)[1]


def squareplus(x: Array, *, b: float = 4.0) -> Array:
    """``(x + sqrt(x**2 + b)) / 2``: a softplus without exponentials.

    Args:
        x: a floating array.
        b: how smooth; 0 would be relu.

    Raises:
        OptionError: ``b`` is not positive.

    Example:
        >>> import unimod as um
        >>> um.nn.squareplus(um.numpy.asarray([-1.5, 0.0, 1.5])).tolist()
        [0.5, 1.0, 2.0]

    Source: Barron (2021), arXiv:2112.11687.
    """
    if not b > 0:
        raise OptionError(
            "squareplus needs a positive smoothness.", got=f"b = {b!r}", expected="b > 0", fix="use relu for b = 0"
        )
    wide, dtype = entering(x)
    # For negative x the two terms cancel; b / (sqrt + |x|) is the same without that.
    total = unp.add(unp.sqrt(unp.add(unp.square(wide), b)), unp.where(unp.greater(wide, 0.0), wide, unp.negative(wide)))
    out = unp.where(unp.greater(wide, 0.0), unp.multiply(total, 0.5), unp.divide(0.5 * b, total))
    return leaving(out, dtype)


def log1mexp(x: Array) -> Array:
    """``log(1 - exp(-x))`` for positive ``x``, without cancellation; -inf at 0, and nan below.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.log1mexp(um.numpy.asarray([1e-4, 1.0])).tolist()]
        [-9.2104, -0.4587]

    Source: Maechler (2012), Accurately computing log(1 - exp(-|a|)).
    """
    wide, dtype = entering(x)
    is_small = unp.less(wide, math.log(2.0))
    # Each branch sees numbers of its own range only, so that its derivative is finite where it is not taken.
    small, large = unp.where(is_small, wide, 1.0), unp.where(is_small, 1.0, wide)
    near = unp.log(unp.negative(unp.expm1(unp.negative(small))))
    far = unp.log1p(unp.negative(unp.exp(unp.negative(large))))
    return leaving(unp.where(is_small, near, far), dtype)


def logsumexp(x: Array, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Array:
    """``log(sum(exp(x)))`` over axes, without overflow.

    Args:
        x: a floating array.
        axis: the axis, or axes, to sum over; None for all.
        keepdims: whether they stay, with the length 1.

    Raises:
        ShapeError: ``x`` has no such axis.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.logsumexp(um.numpy.asarray([[0.0, 0.0], [100.0, 0.0]]), axis=1).tolist()]
        [0.6931, 100.0]
    """
    wide, dtype = entering(x)
    return leaving(unp.logsumexp(wide, axis=axis, keepdims=keepdims), dtype)


def standardize(x: Array, *, axis: int = -1, epsilon: float = 1e-5, where: Array | None = None) -> Array:
    """``(x - mean) / sqrt(var + epsilon)`` along an axis, with the biased two-pass variance.

    Args:
        x: a floating array.
        axis: the axis.
        epsilon: is added to the variance.
        where: bool, broadcastable to ``x``: the entries that count for mean and variance; all are standardized.

    Raises:
        ShapeError: ``x`` has no such axis.

    Example:
        >>> import unimod as um
        >>> [round(v, 3) for v in um.nn.standardize(um.numpy.asarray([1.0, 2.0, 3.0])).tolist()]
        [-1.225, 0.0, 1.225]
    """
    wide, dtype = entering(x)
    place = _axes.resolve(wide, axis)
    mean = _mean(wide, place, where)
    centred = unp.subtract(wide, mean)
    var = _mean(unp.square(centred), place, where)
    return leaving(unp.multiply(centred, unp.rsqrt(unp.add(var, epsilon))), dtype)


def _mean(x: Array, axis: int, where: Array | None) -> Array:
    if where is None:
        return unp.mean(x, axis=axis, keepdims=True)
    mask = unp.broadcast_to(where, tuple(x.shape))
    count = unp.maximum(unp.sum(unp.astype(mask, x.dtype), axis=axis, keepdims=True), 1.0)
    return unp.divide(unp.sum(unp.where(mask, x, 0.0), axis=axis, keepdims=True), count)
