"""Norms and means of lists of arrays, as arrays without axes."""

from __future__ import annotations

import functools
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.dtypes import DType
from unimod.optim._lists import Arrays, Lists


def total(lists: Lists, xs: Arrays) -> Array:
    """The sum of arrays without axes, in the widest of their dtypes; 0 in float32 without any."""
    return functools.reduce(unp.add, xs) if xs else lists.engine.arrays.full((), 0.0, "float32")


def squared(x: Array) -> Array:
    """``|x|**2``, real of complex arrays."""
    return _real_product(x, x)


def square_norm(lists: Lists, xs: Arrays) -> Array:
    """The sum of ``|x|**2`` over all arrays."""
    return total(lists, [unp.sum(square) for square in lists.squares(xs)])


def norm(lists: Lists, xs: Arrays) -> Array:
    """The root of :func:`square_norm`."""
    return root(square_norm(lists, xs))


def root(x: Array) -> Array:
    """The square root; of 0 with derivatives of 0."""
    is_zero = unp.equal(x, 0)
    return unp.where(is_zero, x, unp.sqrt(unp.where(is_zero, unp.ones_like(x), x)))


def inner(lists: Lists, xs: Arrays, ys: Arrays) -> Array:
    """The real part of the sum of ``conj(x) * y`` over all arrays."""
    return total(lists, [unp.sum(_real_product(x, y)) for x, y in zip(xs, ys, strict=True)])


def _real_product(x: Array, y: Array) -> Array:
    return unp.real(unp.multiply(unp.conj(x), y)) if config.dtype_of(x).kind == "complex" else unp.multiply(x, y)


def norms(lists: Lists, xs: Arrays, least: Any) -> Arrays:
    """The norm of each array, at least ``least``; where it is that, of derivatives 0."""
    return _at_least(lists, xs, least, unp.sum)


def root_mean_squares(lists: Lists, xs: Arrays, least: Any) -> Arrays:
    """The root mean square of each array, at least ``least``; where it is that, of derivatives 0."""
    return _at_least(lists, xs, least, unp.mean)


def _at_least(lists: Lists, xs: Arrays, least: Any, reduce: Any) -> Arrays:
    found = []
    for square in lists.squares(xs):
        reduced = reduce(square)
        least_here = lists.engine.arrays.full_like(reduced, least)
        is_small = unp.less_equal(unp.sqrt(reduced), least_here)
        # A root has no derivative at 0: there it is taken of 1 instead.
        root = unp.sqrt(unp.where(is_small, unp.ones_like(reduced), reduced))
        found.append(unp.where(is_small, least_here, root))
    return found


def lowest_dtype(xs: Arrays) -> str:
    """The narrowest dtype among the arrays; float32 without any."""
    return min((real_dtype(x) for x in xs), key=lambda name: DType(name).bits, default="float32")


def real_dtype(x: Array) -> str:
    """The dtype of the real parts."""
    name = str(config.dtype_of(x))
    return {"complex64": "float32", "complex128": "float64"}.get(name, name)


def wide_dtype(xs: Arrays) -> str:
    """float64 where an array has that, else float32."""
    return "float64" if any(real_dtype(x) == "float64" for x in xs) else "float32"


def wide(x: Array) -> Array:
    """A number to compute with: in float32 at least."""
    return x if str(config.dtype_of(x)) == "float64" else unp.astype(x, "float32")


def number(lists: Lists, xs: Arrays, value: Any, dtype: str) -> Array:
    """An array without axes, on the device of the arrays."""
    return lists.engine.arrays.full_like(lists.count(xs), value, dtype)
