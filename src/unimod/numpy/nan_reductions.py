"""Reductions that leave nan out; of nothing but nan they give what the functions say."""

from __future__ import annotations

import math
from typing import Any

from unimod.backends._protocol import Array, Engine
from unimod.dtypes import DType
from unimod.numpy import _reducing as reducing
from unimod.numpy._dispatch import unary
from unimod.numpy.reductions import Axes, prod, std, sum, var
from unimod.numpy.statistics import as_rows


def _present(x: Array) -> tuple[Engine, Array, Array]:
    """The engine, the array, and where it is not nan."""
    engine, x = unary(x)
    return engine, x, engine.math.equal(x, x)


def nansum(x: Array, /, axis: Axes = None, *, keepdims: bool = False, dtype: object = None) -> Array:
    """:func:`sum` without nan; 0 of none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.nansum([1.0, unp.nan, 2.0]).tolist()
        3.0
    """
    engine, x, is_number = _present(x)
    return sum(engine.arrays.where(is_number, x, 0), axis, keepdims=keepdims, dtype=dtype)


def nanprod(x: Array, /, axis: Axes = None, *, keepdims: bool = False, dtype: object = None) -> Array:
    """:func:`prod` without nan; 1 of none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.nanprod([3.0, unp.nan, 2.0]).tolist()
        6.0
    """
    engine, x, is_number = _present(x)
    return prod(engine.arrays.where(is_number, x, 1), axis, keepdims=keepdims, dtype=dtype)


def nanmean(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """:func:`mean` without nan; nan of none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.nanmean([1.0, unp.nan, 2.0]).tolist()
        1.5
    """
    _, x, is_number = _present(x)
    try:
        return reducing.mean(x, axis, keepdims, is_number)
    except Exception as error:
        raise reducing.refused(error, "nanmean", x, axis)  # noqa: B904 (it carries its cause)


def nanvar(x: Array, /, axis: Axes = None, *, keepdims: bool = False, correction: float = 0.0) -> Array:
    """:func:`var` without nan: the sum of the squared distances by the count less ``correction``; nan of none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.nanvar([1.0, unp.nan, 3.0]).tolist()
        1.0
    """
    engine, x, is_number = _present(x)
    dtype = engine.arrays.dtype_name(x)
    if DType(dtype).kind in ("bool", "int", "uint"):
        return var(x, axis, keepdims=keepdims, correction=correction)
    wide = engine.arrays.astype(x, "float32") if dtype in ("float16", "bfloat16") else x
    center = nanmean(wide, axis, keepdims=True)
    distance = engine.math.abs(engine.math.subtract(engine.arrays.where(is_number, wide, center), center))
    total = sum(engine.math.square(distance), axis, keepdims=keepdims)
    degrees = engine.math.subtract(sum(is_number, axis, keepdims=keepdims), correction)
    found = engine.math.divide(total, engine.arrays.where(engine.math.greater(degrees, 0), degrees, math.nan))
    return engine.arrays.astype(found, dtype) if wide is not x else found


def nanstd(x: Array, /, axis: Axes = None, *, keepdims: bool = False, correction: float = 0.0) -> Array:
    """The square root of :func:`nanvar`; its gradient is 0 where it is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.nanstd([1.0, unp.nan, 3.0]).tolist()
        1.0
    """
    engine, x, _ = _present(x)
    if DType(engine.arrays.dtype_name(x)).kind in ("bool", "int", "uint"):
        return std(x, axis, keepdims=keepdims, correction=correction)
    variance = nanvar(x, axis, keepdims=keepdims, correction=correction)
    is_zero = engine.math.equal(variance, 0)
    root = engine.math.sqrt(engine.arrays.where(is_zero, 1, variance))
    return engine.arrays.where(is_zero, 0, root)


def nanmax(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """:func:`max` without nan; nan of none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.nanmax([1.0, unp.nan, 2.0]).tolist()
        2.0
    """
    return _extreme("max", "nanmax", x, axis, keepdims)


def nanmin(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """:func:`min` without nan; nan of none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.nanmin([1.0, unp.nan, 2.0]).tolist()
        1.0
    """
    return _extreme("min", "nanmin", x, axis, keepdims)


def _extreme(name: str, public: str, x: Array, axis: Any, keepdims: bool) -> Array:
    engine, x, is_number = _present(x)
    reduce = getattr(engine.math, name)
    try:
        if DType(engine.arrays.dtype_name(x)).kind != "float":
            return reduce(x, axis, keepdims)
        found = reduce(engine.arrays.where(is_number, x, reducing.neutral(name, "float32")), axis, keepdims)
        return engine.arrays.where(engine.math.any(is_number, axis, keepdims), found, math.nan)
    except Exception as error:
        raise reducing.refused(error, public, x, axis)  # noqa: B904 (it carries its cause)


def nanargmax(x: Array, /, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """:func:`argmax` without nan; -1 of none, where NumPy raises.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.nanargmax([1.0, unp.nan, 2.0]).tolist()
        2
    """
    return _place("max", "nanargmax", x, axis, keepdims)


def nanargmin(x: Array, /, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """:func:`argmin` without nan; -1 of none, where NumPy raises.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.nanargmin([2.0, unp.nan, 1.0]).tolist()
        2
    """
    return _place("min", "nanargmin", x, axis, keepdims)


def _place(name: str, public: str, x: Array, axis: int | None, keepdims: bool) -> Array:
    engine, x = unary(x)
    # nan is equal to nothing, so that an element beside it that is -inf is found too.
    found = engine.math.equal(x, _extreme(name, public, x, axis, True))
    place = engine.math.argmax(found, axis, keepdims)
    return engine.arrays.where(engine.math.any(found, axis, keepdims), place, -1)


def nanmedian(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """:func:`median` without nan; nan of none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.nanmedian([1.0, unp.nan, 2.0, 9.0]).tolist()
        2.0
    """
    engine, x, _ = _present(x)
    dtype = engine.arrays.dtype_name(x)
    if dtype.startswith("complex"):
        raise reducing.unordered(None, "nanmedian", dtype)
    inner = "float64" if dtype == "float64" else "float32"
    try:
        rows, kept = as_rows("nanmedian", engine, engine.arrays.astype(x, inner), axis, keepdims)
        values = engine.arrays.sort(rows, -1, False)
        middle = _middle(engine, values)
    except Exception as error:
        raise reducing.refused(error, "nanmedian", x, axis)  # noqa: B904 (it carries its cause)
    found = engine.arrays.reshape(middle, kept)
    return engine.arrays.astype(found, dtype) if DType(dtype).kind == "float" else found


def _middle(engine: Engine, values: Array) -> Array:
    """The mean of the middle two of what comes before the nan."""
    count = engine.math.sum(engine.math.equal(values, values), -1, True)
    upper = engine.math.floor_divide(count, 2)
    lower = engine.math.maximum(engine.math.floor_divide(engine.math.subtract(count, 1), 2), 0)
    low, high = (engine.arrays.take_along_axis(values, place, -1) for place in (lower, upper))
    return engine.math.add(engine.math.multiply(low, 0.5), engine.math.multiply(high, 0.5))
