"""Interpolation between points."""

from __future__ import annotations

import math
from typing import Any

from unimod.backends._promotion import inexact, promote
from unimod.backends._protocol import Array, Engine
from unimod.config import short
from unimod.errors import OptionError, ShapeError
from unimod.numpy._dispatch import several
from unimod.numpy.arithmetic import add, divide, maximum, multiply, remainder, subtract
from unimod.numpy.comparison import equal, greater, less
from unimod.numpy.finding import searchsorted
from unimod.numpy.gathering import take
from unimod.numpy.joining import concat
from unimod.numpy.rounding import clip
from unimod.numpy.searching import where
from unimod.numpy.sorting import argsort


def interp(
    x: Array, xp: Array, fp: Array, /, *, left: Any = None, right: Any = None, period: float | None = None
) -> Array:
    """The piecewise linear function through the points ``(xp, fp)``, at ``x``.

    Args:
        x: real numbers of any shape.
        xp: real numbers [n], ascending; any, where there is a period.
        fp: real or complex numbers [n].
        left: the value for ``x < xp[0]``; None is ``fp[0]``.
        right: the value for ``x > xp[-1]``; None is ``fp[-1]``.
        period: of the function; then ``left`` and ``right`` mean nothing.

    Returns:
        numbers of the shape of ``x``; integers give float32. The slope at a point is that to its right.

    Raises:
        ShapeError: ``xp`` and ``fp`` are not sequences of one length, or there are no points.
        OptionError: the period is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.interp([0.0, 1.5, 9.0], [1.0, 2.0, 3.0], [10.0, 20.0, 0.0]).tolist()
        [10.0, 15.0, 0.0]
    """
    engine, (x, xp, fp) = several((x, xp, fp))
    if len(xp.shape) != 1 or tuple(xp.shape) != tuple(fp.shape) or not xp.shape[0]:
        got = f"xp = {short(xp)}, fp = {short(fp)}"
        raise ShapeError("interp needs two sequences of one length.", got=got, expected="xp = [n], fp = [n], n > 0")
    (x, xp), (fp,) = _in_fractions(engine, x, xp), _in_fractions(engine, fp)
    if period is not None:
        x, xp, fp = _wrapped(x, xp, fp, period)
        left = right = None
    found = _interpolated(clip(x, xp[0], xp[-1]), xp, fp)
    found = found if left is None else where(less(x, xp[0]), left, found)
    return found if right is None else where(greater(x, xp[-1]), right, found)


def _interpolated(x: Array, xp: Array, fp: Array) -> Array:
    last = xp.shape[0] - 1
    high = clip(searchsorted(xp, x, side="right"), min(1, last), last)
    low = maximum(subtract(high, 1), 0)
    x0, x1, y0, y1 = (take(of, at, axis=0) for of in (xp, fp) for at in (low, high))
    is_flat = equal(x0, x1)
    share = where(is_flat, 1.0, divide(subtract(x, x0), where(is_flat, 1.0, subtract(x1, x0))))
    return add(y0, multiply(share, subtract(y1, y0)))


def _wrapped(x: Array, xp: Array, fp: Array, period: float) -> tuple[Array, Array, Array]:
    """The points of one period in order, with a neighbour on each side, and ``x`` within it."""
    if period == 0:
        raise OptionError("interp needs a period other than 0.", got=f"period={period}")
    period = math.fabs(period)
    x, xp = remainder(x, period), remainder(xp, period)
    order = argsort(xp)
    xp, fp = take(xp, order, axis=0), take(fp, order, axis=0)
    xp = concat([subtract(xp[-1:], period), xp, add(xp[:1], period)])
    return x, xp, concat([fp[-1:], fp, fp[:1]])


def _in_fractions(engine: Engine, *xs: Array) -> list[Array]:
    """Arrays in the one dtype, with fractions, in which they meet."""
    name = inexact(engine.arrays.dtype_name(xs[0]))
    for x in xs[1:]:
        name = promote(name, engine.arrays.dtype_name(x))
    return [engine.arrays.astype(x, name) for x in xs]
