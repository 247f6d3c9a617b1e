"""Exponentials, logarithms, roots, and trigonometric and hyperbolic functions, elementwise.

Bools and integers give float32.
"""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import binary, unary


def exp(x: Array, /) -> Array:
    """``e**x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.exp([0.0]).tolist()
        [1.0]
    """
    engine, x = unary(x)
    return engine.math.exp(x)


def expm1(x: Array, /) -> Array:
    """``e**x - 1``, exact for small ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.expm1([0.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.expm1(x)


def log(x: Array, /) -> Array:
    """The natural logarithm; -inf at 0, nan below.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.log([1.0, 0.0]).tolist()
        [0.0, -inf]
    """
    engine, x = unary(x)
    return engine.math.log(x)


def log1p(x: Array, /) -> Array:
    """``log(1 + x)``, exact for small ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.log1p([0.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.log1p(x)


def log2(x: Array, /) -> Array:
    """The logarithm to base 2.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.log2([1.0, 2.0]).tolist()
        [0.0, 1.0]
    """
    engine, x = unary(x)
    return engine.math.log2(x)


def log10(x: Array, /) -> Array:
    """The logarithm to base 10.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.log10([1.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.log10(x)


def sqrt(x: Array, /) -> Array:
    """The square root; its gradient at 0 is inf.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sqrt([4.0, 9.0]).tolist()
        [2.0, 3.0]
    """
    engine, x = unary(x)
    return engine.math.sqrt(x)


def rsqrt(x: Array, /) -> Array:
    """``1 / sqrt(x)``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.rsqrt([4.0, 16.0]).tolist()
        [0.5, 0.25]
    """
    engine, x = unary(x)
    return engine.math.rsqrt(x)


def sin(x: Array, /) -> Array:
    """The sine of an angle in radians.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sin([0.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.sin(x)


def cos(x: Array, /) -> Array:
    """The cosine of an angle in radians.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cos([0.0]).tolist()
        [1.0]
    """
    engine, x = unary(x)
    return engine.math.cos(x)


def tan(x: Array, /) -> Array:
    """The tangent of an angle in radians.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.tan([0.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.tan(x)


def asin(x: Array, /) -> Array:
    """The angle in ``[-pi/2, pi/2]`` whose sine is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.asin([0.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.asin(x)


def acos(x: Array, /) -> Array:
    """The angle in ``[0, pi]`` whose cosine is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.acos([1.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.acos(x)


def atan(x: Array, /) -> Array:
    """The angle in ``(-pi/2, pi/2)`` whose tangent is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.atan([0.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.atan(x)


def atan2(x1: Array, x2: Array, /) -> Array:
    """The angle in ``[-pi, pi]`` of the point ``(x2, x1)``; the gradient at the origin is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.atan2([0.0], [1.0]).tolist()
        [0.0]
    """
    engine, x1, x2 = binary(x1, x2)
    try:
        return engine.math.atan2(x1, x2)
    except Exception as error:
        raise explain.operands(error, "atan2", x1, x2)  # noqa: B904 (it carries its cause)


def sinh(x: Array, /) -> Array:
    """``(e**x - e**-x) / 2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sinh([0.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.sinh(x)


def cosh(x: Array, /) -> Array:
    """``(e**x + e**-x) / 2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cosh([0.0]).tolist()
        [1.0]
    """
    engine, x = unary(x)
    return engine.math.cosh(x)


def tanh(x: Array, /) -> Array:
    """``sinh(x) / cosh(x)``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.tanh([0.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.tanh(x)


def asinh(x: Array, /) -> Array:
    """The number whose ``sinh`` is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.asinh([0.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.asinh(x)


def acosh(x: Array, /) -> Array:
    """The number, 0 or above, whose ``cosh`` is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.acosh([1.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.acosh(x)


def atanh(x: Array, /) -> Array:
    """The number whose ``tanh`` is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.atanh([0.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.atanh(x)


def erf(x: Array, /) -> Array:
    """The error function, ``2 / sqrt(pi) * integral of exp(-t**2) from 0 to x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.erf([0.0]).tolist()
        [0.0]
    """
    engine, x = unary(x)
    return engine.math.erf(x)
