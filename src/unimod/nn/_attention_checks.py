"""Checks of the arrays and options of attention. Pure functions of shapes, dtypes and numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from unimod.backends._protocol import Engine
from unimod.config import describe_value
from unimod.dtypes import is_inexact
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.nn import _checks

Array = Any
Shape = tuple[int, ...]


def operands(name: str, engine: Engine, query: Array, key: Array, value: Array) -> None:
    """Query, key and value have one floating dtype, and shapes that belong together."""
    _checks.floating(name, engine, query)
    for argument, array in (("key", key), ("value", value)):
        if array.dtype != query.dtype:
            raise DTypeError(
                f"{name} got a query and a {argument} of different dtypes.",
                got=f"query = {describe_value(query)}, {argument} = {describe_value(array)}",
                expected="one dtype",
                fix=f"cast one of them: um.numpy.astype({argument}, um.dtype_of(query))",
            )
    if not _fit(tuple(query.shape), tuple(key.shape), tuple(value.shape)):
        raise ShapeError(
            f"{name} got shapes that do not belong together.",
            got=f"query = {describe_value(query)}, key = {describe_value(key)}, value = {describe_value(value)}",
            expected="query (..., Tq, H, D), key (..., Tk, K, D) and value (..., Tk, K, Dv), with H divisible by K",
            fix="give the three the same leading axes, and split the features into heads: (..., length, heads, size)",
        )


def _fit(query: Shape, key: Shape, value: Shape) -> bool:
    return (
        len(query) >= 3
        and len(query) == len(key)
        and query[:-3] == key[:-3]
        and query[-1] == key[-1]
        and key[:-1] == value[:-1]
        and key[-2] > 0
        and query[-2] % key[-2] == 0
    )


def scores(query: Array, key: Array) -> Shape:
    """The shape of the weights: ``(..., H, Tq, Tk)``."""
    return (*query.shape[:-3], query.shape[-2], query.shape[-3], key.shape[-3])


def broadcasts(name: str, argument: str, array: Array | None, shape: Shape) -> None:
    """``array`` broadcasts to the weights, of the shape ``shape``."""
    if array is None:
        return
    given = tuple(array.shape)
    sizes = (1,) * (len(shape) - len(given)) + given
    if len(given) > len(shape) or any(n not in (1, m) for n, m in zip(sizes, shape, strict=True)):
        raise ShapeError(
            f"{name} got a `{argument}` that does not broadcast to the weights.",
            got=f"{argument} = {describe_value(array)}",
            expected=f"a shape that broadcasts to (..., H, Tq, Tk) = {shape}",
            fix="add the missing axes with um.numpy.expand_dims: a mask of keys (batch, Tk) becomes (batch, 1, 1, Tk)",
        )


def is_mask(name: str, argument: str, engine: Engine, mask: Array | None) -> None:
    """``mask`` holds bools."""
    if mask is not None and engine.arrays.dtype_name(mask) != "bool":
        raise DTypeError(
            f"{name} takes bools as `{argument}`: True where a query attends to a key.",
            got=f"{argument} = {describe_value(mask)}",
            expected="bool",
            fix=f"compare: um.numpy.not_equal({argument}, 0); numbers to add to the scores are a `bias`",
        )


def is_bias(name: str, engine: Engine, bias: Array | None) -> None:
    """``bias`` holds floating-point numbers."""
    if bias is not None and not is_inexact(engine.arrays.dtype_name(bias)):
        raise DTypeError(
            f"{name} adds `bias` to the scores.",
            got=f"bias = {describe_value(bias)}",
            expected="float32, or another floating dtype",
            fix="bools that say where to attend are a `mask`",
        )


def window(name: str, value: int | Sequence[int] | None) -> tuple[int, int] | None:
    """How many keys before and after its own place a query sees."""
    if value is None:
        return None
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) == 2 and all(isinstance(n, int) and n >= 0 for n in pair):
        return pair
    raise OptionError(
        f"The window of {name} is not a number of keys.",
        got=f"window = {value!r}",
        expected="an int >= 0, or a pair (before, after) of them",
        fix="pass window=(3, 0) for a query to see its own place and three keys before it",
    )


def divides(what: str, whole: int, by: int, names: tuple[str, str]) -> int:
    """``whole // by``, where that leaves no rest."""
    if by > 0 and whole % by == 0:
        return whole // by
    raise ShapeError(
        f"{what} cannot split {whole} {names[0]} evenly.",
        got=f"{names[0]} = {whole}, {names[1]} = {by}",
        expected=f"{names[0]} divisible by {names[1]}",
        fix=f"choose {names[1]} as a divisor of {whole}" + (f", such as {math.gcd(whole, by)}" if by > 0 else ""),
    )


def room(new: Shape, cached: Shape, used: int) -> None:
    """A cache of the shape ``cached`` has room for new entries after ``used`` of them, and is of their batch."""
    if new[:-3] != cached[:-3]:
        raise ShapeError(
            "The cache was made for another batch.",
            got=f"batch axes {new[:-3]}",
            expected=f"batch axes {cached[:-3]}",
            fix=f"call init_cache with batch={new[:-3]}",
        )
    length, capacity = new[-3], cached[-3]
    if used + length > capacity:
        raise ShapeError(
            "The cache is too short.",
            got=f"{length} new entries after {used}",
            expected=f"at most {capacity} in all",
            fix=f"call init_cache with max_length={used + length} or more, or reset_cache before a new sequence",
        )
