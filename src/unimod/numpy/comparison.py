"""Comparisons, logic and tests, elementwise; the result is bool."""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.numpy._dispatch import several
from unimod.numpy._kinds import kind_of
from unimod.numpy._table import binary_composite, binary_op, unary_composite
from unimod.numpy.arithmetic import abs, add, divide, multiply, subtract
from unimod.numpy.constants import inf
from unimod.numpy.reductions import all


@binary_op
def equal(x1: Array, x2: Array, /) -> Array:
    """``x1 == x2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.equal([1, 2], 2).tolist()
        [False, True]
    """


@binary_composite
def not_equal(x1: Array, x2: Array, /) -> Array:
    """``x1 != x2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.not_equal([1, 2], 2).tolist()
        [True, False]
    """
    return logical_not(equal(x1, x2))


@binary_op(only="real")
def less(x1: Array, x2: Array, /) -> Array:
    """``x1 < x2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.less([1, 2], 2).tolist()
        [True, False]
    """


@binary_composite(only="real")
def less_equal(x1: Array, x2: Array, /) -> Array:
    """``x1 <= x2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.less_equal([1, 2], 2).tolist()
        [True, True]
    """
    return logical_or(less(x1, x2), equal(x1, x2))


@binary_composite(only="real")
def greater(x1: Array, x2: Array, /) -> Array:
    """``x1 > x2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.greater([1, 2], 1).tolist()
        [False, True]
    """
    return less(x2, x1)


@binary_composite(only="real")
def greater_equal(x1: Array, x2: Array, /) -> Array:
    """``x1 >= x2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.greater_equal([1, 2], 1).tolist()
        [True, True]
    """
    return less_equal(x2, x1)


@binary_composite
def logical_and(x1: Array, x2: Array, /) -> Array:
    """Whether both are not 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.logical_and([True, True], [True, False]).tolist()
        [True, False]
    """
    return multiply(not_equal(x1, 0), not_equal(x2, 0))


@binary_composite
def logical_or(x1: Array, x2: Array, /) -> Array:
    """Whether one of the two is not 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.logical_or([True, False], [False, False]).tolist()
        [True, False]
    """
    return add(not_equal(x1, 0), not_equal(x2, 0))


@binary_composite
def logical_xor(x1: Array, x2: Array, /) -> Array:
    """Whether exactly one of the two is not 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.logical_xor([True, True], [True, False]).tolist()
        [False, True]
    """
    return not_equal(not_equal(x1, 0), not_equal(x2, 0))


@unary_composite
def logical_not(x: Array, /) -> Array:
    """Whether ``x`` is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.logical_not([True, False]).tolist()
        [False, True]
    """
    return equal(x, 0)


@unary_composite
def isnan(x: Array, /) -> Array:
    """Whether ``x`` is nan.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.isnan([0.0, float("nan")]).tolist()
        [False, True]
    """
    return not_equal(x, x)


@unary_composite
def isinf(x: Array, /) -> Array:
    """Whether ``x`` is inf or -inf.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.isinf([0.0, float("inf")]).tolist()
        [False, True]
    """
    return equal(abs(x), inf)


@unary_composite
def isfinite(x: Array, /) -> Array:
    """Whether ``x`` is neither infinite nor nan.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.isfinite([0.0, float("inf")]).tolist()
        [True, False]
    """
    return less(abs(x), inf)


def isposinf(x: Array, /) -> Array:
    """Whether ``x`` is inf.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.isposinf([0.0, float("inf"), -float("inf")]).tolist()
        [False, True, False]
    """
    return equal(x, inf)


def isneginf(x: Array, /) -> Array:
    """Whether ``x`` is -inf.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.isneginf([0.0, float("inf"), -float("inf")]).tolist()
        [False, False, True]
    """
    return equal(x, -inf)


@unary_composite(only="real")
def signbit(x: Array, /) -> Array:
    """Whether ``x`` is negative, also for a zero and for nan.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.signbit([1.0, -1.0, -0.0]).tolist()
        [False, True, True]
    """
    # No operation but this one tells -0 from 0; the sign of nan stays unknown.
    return logical_or(less(x, 0), less(divide(1, x), 0)) if kind_of(x) == "float" else less(x, 0)


def isclose(x1: Array, x2: Array, /, *, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """``|x1 - x2| <= atol + rtol * |x2|``; infinities are close to themselves only.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.isclose([1.0, 2.0], [1.000001, 2.1]).tolist()
        [True, False]
    """
    _, (x1, x2) = several((x1, x2))
    is_near = less_equal(abs(subtract(x1, x2)), add(multiply(abs(x2), rtol), atol))
    is_near = logical_and(is_near, logical_and(isfinite(x1), isfinite(x2)))
    is_near = logical_or(is_near, equal(x1, x2))
    return logical_or(is_near, logical_and(isnan(x1), isnan(x2))) if equal_nan else is_near


def allclose(x1: Array, x2: Array, /, *, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """Whether all elements are close in the sense of :func:`isclose`, as an array without axes.

    Example:
        >>> import unimod.numpy as unp
        >>> bool(unp.allclose([1.0, 2.0], [1.000001, 2.1]))
        False
    """
    return all(isclose(x1, x2, rtol=rtol, atol=atol, equal_nan=equal_nan))
