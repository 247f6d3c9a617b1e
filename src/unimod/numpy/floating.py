"""Signs, neighbours, remainders and extremes of floats, elementwise."""

from __future__ import annotations

from collections.abc import Callable

from unimod.backends._protocol import Array
from unimod.numpy._kinds import counted, fractional, size_of, with_sign_of
from unimod.numpy._table import binary_composite, binary_op
from unimod.numpy.arithmetic import abs, maximum, minimum, multiply, negative, remainder
from unimod.numpy.comparison import equal, greater, isnan, less, signbit
from unimod.numpy.searching import where


@binary_composite(only="real")
def copysign(x1: Array, x2: Array, /) -> Array:
    """``|x1|`` with the sign of ``x2``, also of a zero; the gradient at 0 is 0, and integers give float32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.copysign([1.0, -2.0], [-0.0, 3.0]).tolist()
        [-1.0, 2.0]
    """
    x1, x2 = fractional(x1, x2)
    size = abs(where(equal(x1, 0), 0.0, x1))
    return where(signbit(x2), negative(size), size)


@binary_op(only="real")
def nextafter(x1: Array, x2: Array, /) -> Array:
    """The next number of the dtype after ``x1`` in the direction of ``x2``; its gradient is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.subtract(unp.nextafter([1.0], 2.0), 1.0).tolist() == [2.0**-23]
        True
    """


@binary_composite(only="real")
def fmod(x1: Array, x2: Array, /) -> Array:
    """``x1 - trunc(x1 / x2) * x2``, with the sign of ``x1``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.fmod([5.0, -5.0], 3.0).tolist()
        [2.0, -2.0]
    """
    x1, x2 = counted(x1), counted(x2)
    return with_sign_of(x1, remainder(size_of(x1), size_of(x2)))


def fmax(x1: Array, x2: Array, /) -> Array:
    """The greater of two; a nan beside a number is passed over.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.fmax([1.0, float("nan")], 2.0).tolist()
        [2.0, 2.0]
    """
    return _but_nan(maximum, x1, x2)


def fmin(x1: Array, x2: Array, /) -> Array:
    """The smaller of two; a nan beside a number is passed over.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.fmin([1.0, float("nan")], 2.0).tolist()
        [1.0, 2.0]
    """
    return _but_nan(minimum, x1, x2)


def _but_nan(fn: Callable[[Array, Array], Array], x1: Array, x2: Array) -> Array:
    return fn(where(isnan(x1), x2, x1), where(isnan(x2), x1, x2))


def heaviside(x1: Array, x2: Array, /) -> Array:
    """0 where ``x1`` is negative, 1 where it is positive, ``x2`` where it is 0; integers give float32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.heaviside([-1.0, 0.0, 2.0], 0.5).tolist()
        [0.0, 0.5, 1.0]
    """
    x1, x2 = fractional(x1, x2)
    return where(equal(x1, 0), x2, where(less(x1, 0), 0.0, where(greater(x1, 0), 1.0, multiply(x1, 0.0))))
