"""The error function and its relatives, the gamma function, and functions of entropies, elementwise.

Bools and integers give float32.
"""

from __future__ import annotations

import math

from unimod.backends._erf import erfinv_near_one, horner
from unimod.backends._protocol import Array
from unimod.numpy._dispatch import unary
from unimod.numpy._kinds import in_floats
from unimod.numpy._table import binary_composite, unary_composite, unary_op
from unimod.numpy.arithmetic import abs, add, divide, multiply, negative, square, subtract
from unimod.numpy.comparison import equal, isnan, less, logical_and, logical_not, logical_or
from unimod.numpy.constants import inf
from unimod.numpy.exponential import log, log1p, sqrt
from unimod.numpy.searching import where
from unimod.numpy.trigonometry import sin


@unary_op(only="real")
def erf(x: Array, /) -> Array:
    """The error function, ``2 / sqrt(pi) * integral of exp(-t**2) from 0 to x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.erf([0.0]).tolist()
        [0.0]
    """


@unary_op(only="real")
def erfc(x: Array, /) -> Array:
    """``1 - erf(x)``, exact where ``x`` is great.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.erfc([0.0]).tolist()
        [1.0]
    """


@unary_composite(only="real")
@in_floats
def erfinv(x: Array, /) -> Array:
    """The number whose ``erf`` is ``x``; inf at 1, -inf at -1, nan beyond.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.erfinv([0.0, 1.0]).tolist()
        [0.0, inf]

    Source:
        Giles, "Approximating the erfinv function" (2010).
    """
    engine, x = unary(x)
    return erfinv_near_one(x, _Namespace, engine.arrays.dtype_name(x))


class _Namespace:
    """The few functions that the polynomials ask for."""

    abs, log, sqrt, where = staticmethod(abs), staticmethod(log), staticmethod(sqrt), staticmethod(where)

    @staticmethod
    def zeros_like(x: Array) -> Array:
        return multiply(x, 0.0)


@unary_op(only="real")
def lgamma(x: Array, /) -> Array:
    """``log(|gamma(x)|)``; inf at 0 and at the negative integers.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.round(unp.lgamma([1.0, 0.0])).tolist()
        [0.0, inf]
    """


@unary_op(only="real")
def digamma(x: Array, /) -> Array:
    """The derivative of :func:`lgamma`; nan at the negative integers.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.round(unp.digamma([1.0])).tolist()
        [-1.0]
    """


@unary_composite(only="real")
@in_floats
def logit(x: Array, /) -> Array:
    """``log(x / (1 - x))``, the inverse of the sigmoid; nan outside of ``[0, 1]``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.logit([0.5, 1.0]).tolist()
        [0.0, inf]
    """
    return subtract(log(x), log1p(negative(x)))


@unary_composite(only="real")
@in_floats
def expit(x: Array, /) -> Array:
    """``1 / (1 + exp(-x))``, the sigmoid.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.expit([0.0]).tolist()
        [0.5]
    """
    engine, x = unary(x)
    return engine.nn.sigmoid(x)


@binary_composite(only="real")
@in_floats
def xlogy(x1: Array, x2: Array, /) -> Array:
    """``x1 * log(x2)``, and 0 where ``x1`` is 0 and ``x2`` is not nan; the gradient at (0, 0) is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.xlogy([0.0, 2.0], [0.0, 1.0]).tolist()
        [0.0, 0.0]
    """
    return multiply(x1, log(where(_is_mute(x1, x2), 1.0, x2)))


@binary_composite(only="real")
@in_floats
def xlog1py(x1: Array, x2: Array, /) -> Array:
    """``x1 * log(1 + x2)``, and 0 where ``x1`` is 0 and ``x2`` is not nan; the gradient at (0, -1) is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.xlog1py([0.0, 2.0], [-1.0, 0.0]).tolist()
        [0.0, 0.0]
    """
    return multiply(x1, log1p(where(_is_mute(x1, add(x2, 1.0)), 0.0, x2)))


def _is_mute(factor: Array, x: Array) -> Array:
    """Where the factor of ``log(x)`` is 0 and the logarithm no number, though ``x`` is one."""
    is_number = logical_and(less(0, x), less(x, inf))
    return logical_and(equal(factor, 0), logical_not(logical_or(is_number, isnan(x))))


@unary_composite(only="real")
@in_floats
def entr(x: Array, /) -> Array:
    """The term of an entropy, ``-x * log(x)``: 0 at 0, where its gradient is 0 too, and -inf below.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.entr([1.0, 0.0, -1.0]).tolist()
        [-0.0, 0.0, -inf]
    """
    is_inside = less(0, x)
    inside = where(is_inside, x, 1.0)
    found = where(is_inside, negative(multiply(inside, log(inside))), multiply(x, 0.0))
    return where(less(x, 0), -inf, found)


# The Taylor series of sin(y) / y in y**2, the highest power first; right to the last bit of float64 for |y| < 0.5.
_SINC = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(8, -1, -1))


@unary_composite
@in_floats
def sinc(x: Array, /) -> Array:
    """``sin(pi * x) / (pi * x)``, and 1 at 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sinc([0.0]).tolist()
        [1.0]
    """
    angle = multiply(x, math.pi)
    # By the quotient the gradient would cancel near 0.
    is_near = less(abs(angle), 0.5)
    far = where(is_near, 1.0, angle)
    return where(is_near, horner(_SINC, square(where(is_near, angle, 0.0))), divide(sin(far), far))
