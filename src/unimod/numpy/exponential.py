"""Exponentials, logarithms, roots and the error function, elementwise.

Bools and integers give float32.
"""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.numpy._dispatch import by_type, unary


def exp(x: Array, /) -> Array:
    """``e**x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.exp([0.0]).tolist()
        [1.0]
    """
    engine = by_type.get(type(x))
    if engine is None:
        engine, x = unary(x)
    return engine.math.exp(x)


def expm1(x: Array, /) -> Array:
    """``e**x - 1``, exact for small ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.expm1([0.0]).tolist()
        [0.0]
    """
    engine = by_type.get(type(x))
    if engine is None:
        engine, x = unary(x)
    return engine.math.expm1(x)


def log(x: Array, /) -> Array:
    """The natural logarithm; -inf at 0, nan below.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.log([1.0, 0.0]).tolist()
        [0.0, -inf]
    """
    engine = by_type.get(type(x))
    if engine is None:
        engine, x = unary(x)
    return engine.math.log(x)


def log1p(x: Array, /) -> Array:
    """``log(1 + x)``, exact for small ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.log1p([0.0]).tolist()
        [0.0]
    """
    engine = by_type.get(type(x))
    if engine is None:
        engine, x = unary(x)
    return engine.math.log1p(x)


def log2(x: Array, /) -> Array:
    """The logarithm to base 2.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.log2([1.0, 2.0]).tolist()
        [0.0, 1.0]
    """
    engine = by_type.get(type(x))
    if engine is None:
        engine, x = unary(x)
    return engine.math.log2(x)


def log10(x: Array, /) -> Array:
    """The logarithm to base 10.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.log10([1.0]).tolist()
        [0.0]
    """
    engine = by_type.get(type(x))
    if engine is None:
        engine, x = unary(x)
    return engine.math.log10(x)


def sqrt(x: Array, /) -> Array:
    """The square root; its gradient at 0 is inf.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sqrt([4.0, 9.0]).tolist()
        [2.0, 3.0]
    """
    engine = by_type.get(type(x))
    if engine is None:
        engine, x = unary(x)
    return engine.math.sqrt(x)


def rsqrt(x: Array, /) -> Array:
    """``1 / sqrt(x)``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.rsqrt([4.0, 16.0]).tolist()
        [0.5, 0.25]
    """
    engine = by_type.get(type(x))
    if engine is None:
        engine, x = unary(x)
    return engine.math.rsqrt(x)


def erf(x: Array, /) -> Array:
    """The error function, ``2 / sqrt(pi) * integral of exp(-t**2) from 0 to x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.erf([0.0]).tolist()
        [0.0]
    """
    engine = by_type.get(type(x))
    if engine is None:
        engine, x = unary(x)
    return engine.math.erf(x)
