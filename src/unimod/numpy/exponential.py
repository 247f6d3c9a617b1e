"""Exponentials, logarithms and roots, elementwise.

Bools and integers give float32.
"""

from __future__ import annotations

import math

from unimod.backends._protocol import Array
from unimod.numpy._kinds import in_floats
from unimod.numpy._table import binary_composite, unary_composite, unary_op
from unimod.numpy.arithmetic import (
    abs,
    add,
    divide,
    maximum,
    minimum,
    multiply,
    negative,
    pow,
    square,
    subtract,
)
from unimod.numpy.comparison import equal, greater, isfinite, isinf, logical_and, logical_or, not_equal
from unimod.numpy.constants import inf
from unimod.numpy.floating import copysign
from unimod.numpy.searching import where


@unary_op
def exp(x: Array, /) -> Array:
    """``e**x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.exp([0.0]).tolist()
        [1.0]
    """


@unary_op
def expm1(x: Array, /) -> Array:
    """``e**x - 1``, exact for small ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.expm1([0.0]).tolist()
        [0.0]
    """


@unary_op
def log(x: Array, /) -> Array:
    """The natural logarithm; -inf at 0, nan below.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.log([1.0, 0.0]).tolist()
        [0.0, -inf]
    """


@unary_op
def log1p(x: Array, /) -> Array:
    """``log(1 + x)``, exact for small ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.log1p([0.0]).tolist()
        [0.0]
    """


@unary_op
def log2(x: Array, /) -> Array:
    """The logarithm to base 2.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.log2([1.0, 2.0]).tolist()
        [0.0, 1.0]
    """


@unary_op
def log10(x: Array, /) -> Array:
    """The logarithm to base 10.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.log10([1.0]).tolist()
        [0.0]
    """


@unary_op
def sqrt(x: Array, /) -> Array:
    """The square root; its gradient at 0 is inf.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sqrt([4.0, 9.0]).tolist()
        [2.0, 3.0]
    """


@unary_composite
def rsqrt(x: Array, /) -> Array:
    """``1 / sqrt(x)``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.rsqrt([4.0, 16.0]).tolist()
        [0.5, 0.25]
    """
    return divide(1, sqrt(x))


@unary_composite
@in_floats
def exp2(x: Array, /) -> Array:
    """``2**x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.exp2([3.0, -1.0]).tolist()
        [8.0, 0.5]
    """
    return pow(2.0, x)


@unary_composite(only="real")
@in_floats
def cbrt(x: Array, /) -> Array:
    """The real cube root, with the sign of ``x``; its gradient at 0 is inf.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.round(unp.cbrt([8.0, -27.0])).tolist()
        [2.0, -3.0]
    """
    is_plain = logical_and(not_equal(x, 0), isfinite(x))
    size = where(is_plain, abs(x), 1.0)
    root = pow(size, 1 / 3)
    # A step of Newton's method, for the last bits: 1 / 3 is not exact.
    root = subtract(root, divide(subtract(multiply(square(root), root), size), multiply(square(root), 3.0)))
    at_rest = pow(where(is_plain, 1.0, x), 1 / 3)
    return multiply(where(is_plain, root, at_rest), copysign(1.0, x))


@binary_composite(only="real")
@in_floats
def logaddexp(x1: Array, x2: Array, /) -> Array:
    """``log(exp(x1) + exp(x2))`` without overflow; two equal operands have each half of the gradient.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.logaddexp([float("-inf")], [2.0]).tolist()
        [2.0]
    """
    apart = where(equal(x1, x2), 0.0, subtract(x1, x2))
    return add(maximum(x1, x2), log1p(exp(negative(abs(apart)))))


@in_floats
def logaddexp2(x1: Array, x2: Array, /) -> Array:
    """``log2(2**x1 + 2**x2)`` without overflow.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.logaddexp2([float("-inf")], [2.0]).tolist()
        [2.0]
    """
    apart = where(equal(x1, x2), 0.0, subtract(x1, x2))
    return add(maximum(x1, x2), multiply(log1p(exp2(negative(abs(apart)))), 1 / math.log(2)))


@binary_composite(only="real")
@in_floats
def hypot(x1: Array, x2: Array, /) -> Array:
    """``sqrt(x1**2 + x2**2)`` without overflow; its gradient at the origin is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.hypot([3.0, 0.0], [4.0, 0.0]).tolist()
        [5.0, 0.0]
    """
    first, second = abs(x1), abs(x2)
    great, small = maximum(first, second), minimum(first, second)
    is_plain = logical_and(greater(great, 0), isfinite(great))
    divisor = where(is_plain, great, 1.0)
    ratio = divide(where(is_plain, small, 0.0), divisor)
    length = where(is_plain, multiply(divisor, sqrt(add(square(ratio), 1.0))), great)
    return where(logical_or(isinf(x1), isinf(x2)), inf, length)
