"""The kinds of dtypes, and operands in a dtype that can do what is asked of it; for functions written with others."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from unimod.backends._promotion import inexact, promote, promote_scalar
from unimod.backends._protocol import Array
from unimod.dtypes import DType
from unimod.numpy._dispatch import SCALARS, adopt, many, unary


def kind_of(*xs: Any) -> str:
    """``"bool"``, ``"int"``, ``"uint"``, ``"float"`` or ``"complex"``: that of the result of operands.

    Example:
        >>> import numpy as np
        >>> from unimod.numpy._kinds import kind_of
        >>> kind_of(np.ones(2, np.int8)), kind_of(np.ones(2, np.int8), 0.5)
        ('int', 'float')
    """
    return DType(_common(*xs)).kind


def counted(x: Array) -> Array:
    """``x``; bools as int32."""
    engine, x = unary(x)
    return engine.arrays.astype(x, "int32") if kind_of(x) == "bool" else x


def fractional(*xs: Any) -> list[Array]:
    """Operands as arrays of their common dtype, at least float32."""
    engine, *found = many(*xs)
    name = inexact(_common(*found))
    return [engine.arrays.astype(adopt(engine, x), name) for x in found]


def in_floats(fn: Callable[..., Array]) -> Callable[..., Array]:
    """``fn`` of arrays of one dtype with fractions; half precision is computed in float32 and rounded once."""

    @functools.wraps(fn)
    def op(*xs: Any) -> Array:
        engine, *found = many(*xs)
        name = inexact(_common(*found))
        inner = "float32" if name in ("float16", "bfloat16") else name
        return engine.arrays.astype(fn(*(engine.arrays.astype(adopt(engine, x), inner) for x in found)), name)

    return op


def size_of(x: Array) -> Array:
    """``|x|`` of a real array, with the gradient 1 at 0; for functions that are odd there."""
    engine, x = unary(x)
    is_negative = engine.math.less(x, 0)
    return engine.arrays.where(is_negative, engine.math.negative(x), x)


def with_sign_of(x: Array, size: Array) -> Array:
    """``-size`` where ``x`` is negative, else ``size``."""
    engine, x = unary(x)
    return engine.arrays.where(engine.math.less(x, 0), engine.math.negative(size), size)


def _common(*xs: Any) -> str:
    engine, *found = many(*xs)
    names = [engine.arrays.dtype_name(x) for x in found if type(x) not in SCALARS]
    name = names[0] if names else "bool"
    for other in names[1:]:
        name = promote(name, other)
    for x in found:
        if type(x) in SCALARS:
            name = promote_scalar(name, type(x))
    return name
