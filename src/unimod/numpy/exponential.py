"""Exponentials, logarithms, roots and the error function, elementwise.

Bools and integers give float32.
"""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.numpy._table import unary_op


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


@unary_op
def rsqrt(x: Array, /) -> Array:
    """``1 / sqrt(x)``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.rsqrt([4.0, 16.0]).tolist()
        [0.5, 0.25]
    """


@unary_op
def erf(x: Array, /) -> Array:
    """The error function, ``2 / sqrt(pi) * integral of exp(-t**2) from 0 to x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.erf([0.0]).tolist()
        [0.0]
    """
