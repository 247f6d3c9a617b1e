"""Trigonometric and hyperbolic functions and their inverses, elementwise.

Bools and integers give float32.
"""

from __future__ import annotations

import math

from unimod.backends._protocol import Array
from unimod.numpy._kinds import in_floats, kind_of, size_of, with_sign_of
from unimod.numpy._table import binary_op, unary_composite, unary_op
from unimod.numpy.arithmetic import abs, add, divide, maximum, minimum, multiply, negative, square, subtract
from unimod.numpy.comparison import greater, isfinite
from unimod.numpy.exponential import exp, expm1, log, log1p, sqrt
from unimod.numpy.searching import where

_FAR = 1e8
"""From here on ``asinh(x)`` and ``acosh(x)`` are ``log(2 x)`` to the last bit of float64."""


@unary_op
def sin(x: Array, /) -> Array:
    """The sine of an angle in radians.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sin([0.0]).tolist()
        [0.0]
    """


@unary_op
def cos(x: Array, /) -> Array:
    """The cosine of an angle in radians.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cos([0.0]).tolist()
        [1.0]
    """


@unary_composite
@in_floats
def tan(x: Array, /) -> Array:
    """The tangent of an angle in radians.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.tan([0.0]).tolist()
        [0.0]
    """
    return multiply(tanh(multiply(x, 1j)), -1j) if kind_of(x) == "complex" else divide(sin(x), cos(x))


@unary_op
def asin(x: Array, /) -> Array:
    """The angle in ``[-pi/2, pi/2]`` whose sine is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.asin([0.0]).tolist()
        [0.0]
    """


@unary_op
def acos(x: Array, /) -> Array:
    """The angle in ``[0, pi]`` whose cosine is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.acos([1.0]).tolist()
        [0.0]
    """


@unary_composite
@in_floats
def atan(x: Array, /) -> Array:
    """The angle in ``(-pi/2, pi/2)`` whose tangent is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.atan([0.0]).tolist()
        [0.0]
    """
    return multiply(atanh(multiply(x, 1j)), -1j) if kind_of(x) == "complex" else atan2(x, 1.0)


@binary_op(only="real")
def atan2(x1: Array, x2: Array, /) -> Array:
    """The angle in ``[-pi, pi]`` of the point ``(x2, x1)``; the gradient at the origin is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.atan2([0.0], [1.0]).tolist()
        [0.0]
    """


@unary_composite
@in_floats
def sinh(x: Array, /) -> Array:
    """``(e**x - e**-x) / 2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sinh([0.0]).tolist()
        [0.0]
    """
    if kind_of(x) == "complex":
        return multiply(sin(multiply(x, 1j)), -1j)
    grown = expm1(size_of(x))
    is_finite = isfinite(grown)
    half = multiply(add(grown, divide(where(is_finite, grown, 0.0), add(where(is_finite, grown, 0.0), 1.0))), 0.5)
    return with_sign_of(x, half)


@unary_composite
@in_floats
def cosh(x: Array, /) -> Array:
    """``(e**x + e**-x) / 2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cosh([0.0]).tolist()
        [1.0]
    """
    if kind_of(x) == "complex":
        return cos(multiply(x, 1j))
    grown = exp(abs(x))
    return multiply(add(grown, divide(1.0, grown)), 0.5)


@unary_op
def tanh(x: Array, /) -> Array:
    """``sinh(x) / cosh(x)``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.tanh([0.0]).tolist()
        [0.0]
    """


@unary_composite
@in_floats
def asinh(x: Array, /) -> Array:
    """The number whose ``sinh`` is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.asinh([0.0]).tolist()
        [0.0]
    """
    if kind_of(x) == "complex":
        return multiply(asin(multiply(x, 1j)), -1j)
    size = size_of(x)
    near = minimum(size, _FAR)
    root = sqrt(add(square(near), 1.0))
    inner = log1p(add(near, divide(square(near), add(root, 1.0))))
    return with_sign_of(x, where(greater(size, _FAR), add(log(maximum(size, 1.0)), math.log(2)), inner))


@unary_composite
@in_floats
def acosh(x: Array, /) -> Array:
    """The number, 0 or above, whose ``cosh`` is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.acosh([1.0]).tolist()
        [0.0]
    """
    if kind_of(x) == "complex":
        half = multiply(x, 0.5)
        return multiply(log(add(sqrt(add(half, 0.5)), sqrt(subtract(half, 0.5)))), 2.0)
    above = subtract(minimum(x, _FAR), 1.0)
    inner = log1p(add(above, sqrt(multiply(above, add(above, 2.0)))))
    return where(greater(x, _FAR), add(log(maximum(x, 1.0)), math.log(2)), inner)


@unary_composite
@in_floats
def atanh(x: Array, /) -> Array:
    """The number whose ``tanh`` is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.atanh([0.0]).tolist()
        [0.0]
    """
    return multiply(subtract(log1p(x), log1p(negative(x))), 0.5)


def deg2rad(x: Array, /) -> Array:
    """An angle in degrees, in radians: ``x * pi / 180``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.divide(unp.deg2rad([180.0, 90.0]), unp.pi).tolist()
        [1.0, 0.5]
    """
    return multiply(x, math.pi / 180)


def rad2deg(x: Array, /) -> Array:
    """An angle in radians, in degrees: ``x * 180 / pi``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.round(unp.rad2deg([unp.pi, 0.0])).tolist()
        [180.0, 0.0]
    """
    return multiply(x, 180 / math.pi)
