"""Order statistics, and averages with weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from unimod.backends._protocol import Array, Engine
from unimod.config import HOST, engine_of, is_array, short
from unimod.dtypes import DType
from unimod.errors import OptionError, ShapeError
from unimod.numpy import _reducing as reducing
from unimod.numpy._dispatch import adopt, many, unary
from unimod.numpy._options import axes_of

Axes = int | tuple[int, ...] | None
Method = Literal["linear", "lower", "higher", "nearest", "midpoint"]
METHODS = ("linear", "lower", "higher", "nearest", "midpoint")


class _Between(NamedTuple):
    """Two neighbours in sorted order, and how far the wanted place is from the lower one."""

    lower: Any
    upper: Any
    share: Any


def quantile(
    x: Array,
    q: Array | float | Sequence[float],
    /,
    axis: Axes = None,
    *,
    keepdims: bool = False,
    method: Method = "linear",
) -> Array:
    """The value below which the share ``q`` of the elements lies; nan where one of the elements is nan.

    The place ``q * (n - 1)`` in sorted order may lie between two elements a and b. Then ``linear`` gives
    ``a + share * (b - a)``, ``lower`` a, ``higher`` b, ``midpoint`` their mean, and ``nearest`` the nearer one
    (half-way, the one at an even place).

    Args:
        x: any array of real numbers; integers give float32.
        q: numbers from 0 to 1, of any shape. As Python numbers, or an array of numpy, they are exact.
        axis: the axis or axes of which quantiles are taken; None is all.
        keepdims: whether these axes are kept, with size 1.
        method: what is given between two elements.

    Returns:
        An array of the shape of ``q``, then that of ``x`` without the axes.

    Raises:
        OptionError: the method is not known, or ``q`` is not from 0 to 1 where that can be seen.
        ShapeError: there is no such axis, or nothing to take a quantile of.
        DTypeError: the numbers are complex.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.quantile([4.0, 1.0, 2.0], [0.0, 0.25, 1.0]).tolist(), unp.quantile([1, 2], 0.5, method="lower").tolist()
        ([1.0, 1.5, 4.0], 1.0)
    """
    return _quantile("quantile", x, q, 1.0, axis, keepdims, method)


def percentile(
    x: Array,
    q: Array | float | Sequence[float],
    /,
    axis: Axes = None,
    *,
    keepdims: bool = False,
    method: Method = "linear",
) -> Array:
    """:func:`quantile` with ``q`` in percent.

    Raises:
        OptionError: the method is not known, or ``q`` is not from 0 to 100 where that can be seen.
        ShapeError: there is no such axis, or nothing to take a percentile of.
        DTypeError: the numbers are complex.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.percentile([4.0, 1.0, 2.0], 25).tolist()
        1.5
    """
    return _quantile("percentile", x, q, 100.0, axis, keepdims, method)


def median(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """The middle element in sorted order, or the mean of the middle two; nan where one of the elements is nan.

    Raises:
        ShapeError: there is no such axis, or nothing to take a median of.
        DTypeError: the numbers are complex.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.median([[1, 5], [3, 2]]).tolist(), unp.median([[1, 5], [3, 2]], axis=1).tolist()
        (2.5, [3.0, 2.5])
    """
    return _quantile("median", x, 0.5, 1.0, axis, keepdims, "midpoint")


def _quantile(name: str, x: Array, q: Any, whole: float, axis: Axes, keepdims: bool, method: str) -> Array:
    if method not in METHODS:
        raise OptionError(f"{name} knows no method {method!r}.", got=f"method={method!r}", expected=", ".join(METHODS))
    is_native = is_array(q) and engine_of(q).name != HOST
    engine, x, _ = many(x, q if is_native else None)
    x = adopt(engine, x)
    dtype = engine.arrays.dtype_name(x)
    if dtype.startswith("complex"):
        raise reducing.unordered(None, name, dtype)
    result = dtype if DType(dtype).kind == "float" else "float32"
    inner = "float64" if dtype == "float64" else "float32"
    try:
        rows, kept = as_rows(name, engine, x, axis, keepdims)
    except Exception as error:
        raise reducing.refused(error, name, x, axis)  # noqa: B904 (it carries its cause)
    values = engine.arrays.sort(engine.arrays.astype(rows, inner), -1, False)
    size = values.shape[-1]
    places = (
        _traced_places(engine, q, whole, size, inner, method) if is_native else _places(name, q, whole, size, method)
    )
    found = _between(engine, values, places, inner)
    is_nan = engine.math.isnan(values[..., -1:])
    last = len(values.shape) - 1
    found = engine.arrays.permute_dims(engine.arrays.where(is_nan, math.nan, found), (last, *range(last)))
    return engine.arrays.astype(engine.arrays.reshape(found, (*np.shape(q), *kept)), result)


def as_rows(name: str, engine: Engine, x: Array, axis: Axes, keepdims: bool) -> tuple[Array, tuple[int, ...]]:
    """``x`` with the reduced axes as one, the last, which is not empty; and the shape of the result."""
    rank = len(x.shape)
    axes = axes_of(axis, rank)
    size = math.prod(x.shape[one] for one in axes)
    if not size:
        raise ShapeError(f"{name} of no elements is not defined.", got=short(x), expected="at least one element")
    others = tuple(one for one in range(rank) if one not in axes)
    moved = engine.arrays.permute_dims(x, (*others, *axes))
    lengths = tuple(x.shape[one] for one in others)
    kept = tuple(1 if one in axes else x.shape[one] for one in range(rank)) if keepdims else lengths
    return engine.arrays.reshape(moved, (*lengths, size)), kept


def _places(name: str, q: Any, whole: float, size: int, method: str) -> _Between:
    """The places for a ``q`` whose values are known, in float64."""
    shares = np.ravel(np.asarray(q, np.float64)) / whole
    if not np.all((shares >= 0) & (shares <= 1)):
        raise OptionError(f"{name} got a q outside its range.", got=f"q={q!r}", expected=f"numbers from 0 to {whole:g}")
    return _ends(np, shares * (size - 1), method)


def _traced_places(engine: Engine, q: Array, whole: float, size: int, dtype: str, method: str) -> _Between:
    flat = engine.arrays.astype(engine.arrays.reshape(q, (math.prod(q.shape),)), dtype)
    places = engine.math.multiply(engine.math.divide(flat, whole), float(size - 1))
    return _ends(engine.math, places, method)


def _ends(functions: Any, places: Any, method: str) -> _Between:
    if method in _ONE:
        place = getattr(functions, _ONE[method])(places)
        return _Between(place, place, None)
    lower, upper = functions.floor(places), functions.ceil(places)
    share = functions.subtract(places, lower)
    # Two places are one apart or the same, so that this is the half of 1 or of 0.
    return _Between(lower, upper, share if method == "linear" else functions.multiply(functions.ceil(share), 0.5))


_ONE = {"lower": "floor", "higher": "ceil", "nearest": "round"}
"""The methods that give one of the elements, by the function that gives its place; halves are rounded to even."""


def _between(engine: Engine, values: Array, found: _Between, dtype: str) -> Array:
    lower = _taken(engine, values, found.lower)
    if found.share is None:
        return lower
    share = engine.arrays.asarray(found.share, dtype)
    return _blend(engine, lower, _taken(engine, values, found.upper), share)


def _taken(engine: Engine, values: Array, places: Any) -> Array:
    return engine.arrays.take(values, engine.arrays.asarray(places, "int32"), len(values.shape) - 1)


def _blend(engine: Engine, lower: Array, upper: Array, share: Any) -> Array:
    """``lower + share * (upper - lower)``; between two equal infinities there is no difference."""
    are_infinite = engine.math.logical_and(engine.math.isinf(lower), engine.math.equal(lower, upper))
    start, end = (engine.arrays.where(are_infinite, 0, one) for one in (lower, upper))
    width = engine.math.subtract(end, start)
    return engine.math.add(lower, engine.math.multiply(width, share))


def ptp(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """The greatest element less the smallest.

    Raises:
        ShapeError: there is no such axis, or no element.
        DTypeError: the numbers are complex.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.ptp([[4, 9], [1, 2]], axis=1).tolist()
        [5, 1]
    """
    engine, x = unary(x)
    try:
        return engine.math.subtract(engine.math.max(x, axis, keepdims), engine.math.min(x, axis, keepdims))
    except Exception as error:
        raise reducing.refused(error, "ptp", x, axis)  # noqa: B904 (it carries its cause)


def average(x: Array, /, axis: Axes = None, *, weights: Array | None = None, keepdims: bool = False) -> Array:
    """``sum(weights * x) / sum(weights)``, or the mean.

    Args:
        x: any array of numbers; integers give float32.
        axis: the axis or axes over which is averaged; None is all.
        weights: of the shape of ``x``, or of one axis, for the one that is averaged over.
        keepdims: whether the axes are kept, with size 1.

    Raises:
        ShapeError: there is no such axis, or the weights do not fit.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.average([1.0, 3.0], weights=[3.0, 1.0]).tolist()
        1.5
    """
    engine, x, weights = many(x, weights)
    x = adopt(engine, x)
    try:
        if weights is None:
            return engine.math.mean(x, axis, keepdims)
        weights = _spread(engine, weights, x, axis)
        total = engine.math.sum(engine.math.multiply(x, weights), axis, keepdims)
        return engine.math.divide(total, engine.math.sum(weights, axis, keepdims))
    except Exception as error:
        raise reducing.refused(error, "average", x, axis)  # noqa: B904 (it carries its cause)


def _spread(engine: Engine, weights: Array, x: Array, axis: Axes) -> Array:
    """The weights in the shape of ``x``."""
    if tuple(weights.shape) != tuple(x.shape):
        if not isinstance(axis, int) or tuple(weights.shape) != (x.shape[axis],):
            raise ShapeError(
                "average got weights that do not fit.",
                got=f"weights of shape {tuple(weights.shape)} for {tuple(x.shape)} and axis={axis}",
                expected="the shape of x, or one axis of the size of that which is averaged over",
            )
        place = axis % len(x.shape)
        shape = tuple(size if one == place else 1 for one, size in enumerate(x.shape))
        weights = engine.arrays.broadcast_to(engine.arrays.reshape(weights, shape), tuple(x.shape))
    return weights
