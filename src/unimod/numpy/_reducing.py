"""Reductions of the elements that a mask chooses, and those that begin with a value; and why one was refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from unimod.backends._protocol import Array, Axis, Engine
from unimod.dtypes import DType
from unimod.errors import DTypeError, OptionError, UnimodError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import adopt, many, unary
from unimod.numpy._options import axes_of, dtype_name

_ORDERED = frozenset({"max", "min", "argmax", "argmin", "ptp", "nanmax", "nanmin", "nanargmax", "nanargmin"})


def accumulated(
    name: str, x: Array, axis: Axis, keepdims: bool, dtype: object, where: Array | None, initial: Any
) -> Array:
    """``sum`` or ``prod``, computed and given back in ``dtype``."""
    nothing = 0 if name == "sum" else 1
    engine, x, where = many(x, where)
    x = adopt(engine, x)
    wanted = None if dtype is None else dtype_name(dtype)
    x = x if wanted is None else engine.arrays.astype(x, wanted)
    x = x if where is None else engine.arrays.where(where, x, nothing)
    found = getattr(engine.math, name)(x, axis, keepdims)
    if initial is not None:
        found = (engine.math.add if name == "sum" else engine.math.multiply)(found, initial)
    return found if wanted is None else engine.arrays.astype(found, wanted)


def extreme(name: str, x: Array, axis: Axis, keepdims: bool, where: Array | None, initial: Any) -> Array:
    """``max`` or ``min``; beside a mask there has to be an initial value, which is the result where it chooses none."""
    if initial is None:
        raise OptionError(
            f"{name} of chosen elements has no value where none is chosen.",
            got="where= without initial=",
            fix="pass initial=, which counts as one element more",
        )
    engine, x, where = many(x, where)
    x = adopt(engine, x)
    dtype = engine.arrays.dtype_name(x)
    if dtype.startswith("complex"):
        raise unordered(None, name, dtype)
    if math.prod(x.shape[one] for one in axes_of(axis, len(x.shape))) == 0:
        return engine.arrays.full_like(engine.math.sum(x, axis, keepdims), initial, dtype)
    x = x if where is None else engine.arrays.where(where, x, neutral(name, dtype))
    found = getattr(engine.math, name)(x, axis, keepdims)
    between = engine.math.maximum if name == "max" else engine.math.minimum
    return between(found, initial)


def neutral(name: str, dtype: str) -> Any:
    """The value that is never the greatest (``max``), or the smallest (``min``), as a Python scalar."""
    kind = DType(dtype).kind
    if kind == "bool":
        return name == "min"
    if kind == "float":
        return -math.inf if name == "max" else math.inf
    limits = np.iinfo(dtype)
    return int(limits.min if name == "max" else limits.max)


def mean(x: Array, axis: Axis, keepdims: bool, where: Array) -> Array:
    """The mean of the chosen elements; nan where there are none."""
    engine, x, where = many(x, where)
    x = adopt(engine, x)
    mask = engine.arrays.astype(adopt(engine, where), "bool")
    total = engine.math.sum(engine.arrays.where(mask, _inexact(engine, x), 0), axis, keepdims)
    count = engine.math.sum(engine.arrays.broadcast_to(mask, tuple(x.shape)), axis, keepdims)
    return engine.math.divide(total, count)


def _inexact(engine: Engine, x: Array) -> Array:
    is_whole = DType(engine.arrays.dtype_name(x)).kind in ("bool", "int", "uint")
    return engine.arrays.astype(x, "float32") if is_whole else x


def quantified(name: str, x: Array, axis: Axis, keepdims: bool, where: Array) -> Array:
    """``any`` or ``all`` of the chosen elements."""
    engine, x, where = many(x, where)
    x, where = engine.arrays.astype(adopt(engine, x), "bool"), engine.arrays.astype(adopt(engine, where), "bool")
    nothing = engine.arrays.full_like(x, name == "all")
    return getattr(engine.math, name)(engine.arrays.where(where, x, nothing), axis, keepdims)


def refused(error: Exception, name: str, x: Any, axis: Any) -> Exception:
    """Why an engine refused a reduction, in unimod's words."""
    if isinstance(error, UnimodError):
        return error
    engine, x = unary(x)
    dtype = engine.arrays.dtype_name(x)
    if name in _ORDERED and dtype.startswith("complex"):
        return unordered(error, name, dtype)
    return explain.axis(error, name, x, axis)


def unordered(error: Exception | None, name: str, dtype: str) -> DTypeError:
    """The error for complex numbers where an order is needed."""
    told = DTypeError(
        f"{name} needs numbers that have an order.",
        got=dtype,
        expected="a real dtype",
        fix="pass the real part, the imaginary part or abs",
    )
    told.__cause__ = error
    return told
