"""Integrals and derivatives of samples, and values put right."""

from __future__ import annotations

import math
from typing import Any

from unimod.backends._promotion import inexact
from unimod.backends._protocol import Array, Engine
from unimod.config import short
from unimod.dtypes import DType
from unimod.errors import OptionError, ShapeError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import several, unary
from unimod.numpy._options import axes_of
from unimod.numpy.arithmetic import abs, add, multiply, remainder, subtract
from unimod.numpy.comparison import equal, greater, isnan, less, logical_and
from unimod.numpy.constants import inf
from unimod.numpy.cumulative import cumsum
from unimod.numpy.data_types import finfo
from unimod.numpy.joining import concat
from unimod.numpy.reductions import sum
from unimod.numpy.rounding import imag, real
from unimod.numpy.searching import where

_PARTS = {"complex64": "float32", "complex128": "float64"}


def _fractional(engine: Engine, *xs: Array) -> list[Array]:
    """Arrays with a dtype that has fractions, each its own."""
    return [engine.arrays.astype(x, inexact(engine.arrays.dtype_name(x))) for x in xs]


def _place(name: str, x: Array, axis: int) -> int:
    (place,) = axes_of(axis, len(x.shape))
    if 0 <= place < len(x.shape):
        return place
    raise explain.axis(IndexError(axis), name, x, axis)


def _along(x: Array, axis: int, start: int | None, stop: int | None) -> Array:
    return x[(*(slice(None),) * axis, slice(start, stop))]


def _steps(x: Array, axis: int) -> Array:
    return subtract(_along(x, axis, 1, None), _along(x, axis, None, -1))


def _spread(engine: Engine, x: Array, axis: int, rank: int) -> Array:
    """A sequence along one axis of ``rank`` axes."""
    return engine.arrays.reshape(x, tuple(-1 if place == axis else 1 for place in range(rank)))


def trapezoid(y: Array, /, x: Array | None = None, *, dx: float = 1.0, axis: int = -1) -> Array:
    """``sum_i (x[i + 1] - x[i]) (y[i] + y[i + 1]) / 2``: the integral of samples along an axis.

    Args:
        y: the samples, of any shape with that axis.
        x: where they are: a sequence for the axis, or an array of the shape of ``y``; None is every ``dx``.
        dx: the distance of samples, where ``x`` is left out.
        axis: the axis.

    Returns:
        numbers of the shape of ``y`` without the axis; integers give float32.

    Raises:
        ShapeError: there is no such axis, or ``x`` does not fit.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.trapezoid([1.0, 2.0, 3.0], dx=2.0).tolist()
        8.0
        >>> unp.trapezoid([1.0, 2.0, 3.0], [0.0, 1.0, 3.0]).tolist()
        6.5
    """
    engine, arrays = several((y,) if x is None else (y, x))
    (y, *rest) = _fractional(engine, *arrays)
    place = _place("trapezoid", y, axis)
    sums = add(_along(y, place, 1, None), _along(y, place, None, -1))
    widths = _widths(engine, y, rest[0], place) if rest else dx
    return multiply(sum(multiply(sums, widths), axis=place), 0.5)


def _widths(engine: Engine, y: Array, x: Array, axis: int) -> Array:
    if tuple(x.shape) == (y.shape[axis],):
        return _spread(engine, _steps(x, 0), axis, len(y.shape))
    if tuple(x.shape) == tuple(y.shape):
        return _steps(x, axis)
    raise ShapeError(
        "trapezoid got places that do not fit the samples.",
        got=f"x = {short(x)}, y = {short(y)}",
        expected=f"x = [{y.shape[axis]}], or of the shape of y",
    )


def gradient(
    x: Array, /, *spacing: Any, axis: int | tuple[int, ...] | None = None, edge_order: int = 1
) -> Array | tuple[Array, ...]:
    """The slopes of samples along axes, by central differences of second order; at the ends by one-sided ones.

    Args:
        x: the samples, of any shape with these axes; integers give float32.
        spacing: their distance: nothing (1), a number for all axes, or for each axis a number or the places [n].
        axis: the axes; None is all of them.
        edge_order: the order of the differences at the ends, 1 or 2.

    Returns:
        an array of the shape of ``x`` for one axis, else a tuple with one for each axis.

    Raises:
        ShapeError: there is no such axis, it has less than ``edge_order + 1`` elements, or the places do not fit.
        OptionError: the order is not 1 or 2, or there is not one spacing for each axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.gradient([0.0, 1.0, 4.0, 9.0]).tolist()
        [1.0, 2.0, 4.0, 5.0]
        >>> unp.gradient([0.0, 1.0, 4.0, 9.0], 0.5, edge_order=2).tolist()
        [0.0, 4.0, 8.0, 12.0]
    """
    engine, x = unary(x)
    (x,) = _fractional(engine, x)
    listed = range(len(x.shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    places = [_place("gradient", x, one) for one in listed]
    if edge_order not in (1, 2):
        raise OptionError("gradient knows two orders at the ends.", got=f"edge_order={edge_order}", expected="1 or 2")
    slopes = [_slope(engine, x, h, place, edge_order) for h, place in zip(_each(spacing, places), places, strict=True)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _each(spacing: tuple[Any, ...], places: list[int]) -> tuple[Any, ...]:
    found = spacing or (1.0,)
    if len(found) == 1 and not getattr(found[0], "shape", None) and not isinstance(found[0], (list, tuple)):
        found = found * len(places)
    if len(found) == len(places):
        return found
    expected = f"a number, or {len(places)} of numbers and sequences"
    raise OptionError("gradient needs a spacing for each axis.", got=f"{len(spacing)} of them", expected=expected)


def _slope(engine: Engine, x: Array, spacing: Any, axis: int, edge_order: int) -> Array:
    name = engine.arrays.dtype_name(x)
    h = engine.arrays.asarray(spacing, _PARTS.get(name, name))
    if x.shape[axis] <= edge_order or (h.shape and tuple(h.shape) != (x.shape[axis],)):
        raise ShapeError(
            "gradient needs more samples, or places for all of them.",
            got=f"x = {short(x)}, spacing = {short(h)} for the axis {axis}",
            expected=f"more than {edge_order} samples, and a spacing [] or [{x.shape[axis]}]",
        )
    h = _spread(engine, _steps(h, 0), axis, len(x.shape)) if h.shape else h
    return concat([_end(x, h, axis, 1, edge_order), _inner(x, h, axis), _end(x, h, axis, -1, edge_order)], axis=axis)


def _inner(x: Array, h: Array, axis: int) -> Array:
    before, here, after = (_along(x, axis, *ends) for ends in ((None, -2), (1, -1), (2, None)))
    if not h.shape:
        return (after - before) / (h + h)
    a, b = _along(h, axis, None, -1), _along(h, axis, 1, None)
    return (a * a * after + (b * b - a * a) * here - b * b * before) / (a * b * (a + b))


def _end(x: Array, h: Array, axis: int, sign: int, order: int) -> Array:
    """The slope at the first element, or (with the sign -1) at the last one, from that element inwards."""
    a, b = (_one(h, axis, sign, place) if h.shape else h for place in (0, 1))
    y0, y1 = (_one(x, axis, sign, place) for place in (0, 1))
    if order == 1:
        slope = (y1 - y0) / a
    else:
        y2 = _one(x, axis, sign, 2)
        slope = ((a + b) * (a + b) * (y1 - y0) - a * a * (y2 - y0)) / (a * b * (a + b))
    return slope if sign == 1 else -slope


def _one(x: Array, axis: int, sign: int, place: int) -> Array:
    """The slice at a place counted from the first element, or (with the sign -1) from the last one."""
    start = place if sign == 1 else x.shape[axis] - 1 - place
    return _along(x, axis, start, start + 1)


def nan_to_num(x: Array, /, *, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Array:
    """``x`` with numbers for nan and the infinities, where no gradient passes.

    Args:
        x: numbers of any shape; integers and bools are what they are.
        nan: what stands for nan.
        posinf: what stands for inf; None is the greatest number of the dtype.
        neginf: what stands for -inf; None is the smallest number of the dtype.

    Returns:
        numbers of the shape and the dtype of ``x``; of complex ones both parts are looked at.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.nan_to_num([1.0, float("nan"), float("inf")], posinf=9.0).tolist()
        [1.0, 0.0, 9.0]
    """
    engine, x = unary(x)
    kind = DType(engine.arrays.dtype_name(x)).kind
    if kind not in ("float", "complex"):
        return x
    limits = finfo(engine.arrays.dtype_name(x))
    high, low = limits.max if posinf is None else posinf, limits.min if neginf is None else neginf
    if kind == "float":
        return _finite(x, nan, high, low)
    return add(_finite(real(x), nan, high, low), multiply(_finite(imag(x), nan, high, low), 1j))


def _finite(x: Array, nan: Any, high: Any, low: Any) -> Array:
    return where(isnan(x), nan, where(equal(x, inf), high, where(equal(x, -inf), low, x)))


def unwrap(x: Array, /, *, discont: float | None = None, axis: int = -1, period: float = 2 * math.pi) -> Array:
    """``x`` with multiples of the period added, so that steps along an axis are at most half a period.

    Args:
        x: real numbers of any shape with that axis; integers give float32.
        discont: the size from which on a step is changed; at least, and by default, half a period.
        axis: the axis.
        period: the size of the jumps to take out.

    Raises:
        ShapeError: there is no such axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.unwrap([0.0, 3.0, 1.0, 2.0], period=4.0).tolist()
        [0.0, -1.0, -3.0, -2.0]
    """
    engine, x = unary(x)
    (x,) = _fractional(engine, x)
    place = _place("unwrap", x, axis)
    steps, half = _steps(x, place), period / 2
    wrapped = subtract(remainder(add(steps, half), period), half)
    wrapped = where(logical_and(equal(wrapped, -half), greater(steps, 0)), half, wrapped)
    is_small = less(abs(steps), half if discont is None else max(discont, half))
    shifts = cumsum(where(is_small, 0.0, subtract(wrapped, steps)), axis=place)
    return concat([_along(x, place, None, 1), add(_along(x, place, 1, None), shifts)], axis=place)
