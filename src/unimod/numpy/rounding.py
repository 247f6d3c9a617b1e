"""Rounding, sign, clipping and the parts of complex numbers, elementwise.

The dtype is kept; bools count as int32 where they have no arithmetic of their own.
"""

from __future__ import annotations

from collections.abc import Callable

from unimod.backends import _registry
from unimod.backends._protocol import Array, Engine
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import adopt, many
from unimod.numpy._kinds import counted, kind_of
from unimod.numpy._table import unary_composite, unary_op
from unimod.numpy.arithmetic import abs, divide, multiply, negative
from unimod.numpy.comparison import equal, greater, less, not_equal
from unimod.numpy.searching import where
from unimod.numpy.trigonometry import atan2


@unary_composite
def sign(x: Array, /) -> Array:
    """-1, 0 or 1; nan stays nan.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sign([3.0, 0.0, -2.0]).tolist()
        [1.0, 0.0, -1.0]
    """
    x = counted(x)
    is_zero = equal(x, 0)
    if kind_of(x) == "complex":
        return where(is_zero, 0, divide(x, where(is_zero, 1, abs(x))))
    found = where(greater(x, 0), 1, multiply(x, 0))
    return found if kind_of(x) == "uint" else where(less(x, 0), -1, found)


@unary_op(only="real")
def floor(x: Array, /) -> Array:
    """The greatest integer that is not above ``x``, in the dtype of ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.floor([1.5, -1.5]).tolist()
        [1.0, -2.0]
    """


@unary_composite(only="real")
def ceil(x: Array, /) -> Array:
    """The smallest integer that is not below ``x``, in the dtype of ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.ceil([1.5, -1.5]).tolist()
        [2.0, -1.0]
    """
    return negative(floor(negative(x)))


@unary_composite(only="real")
def trunc(x: Array, /) -> Array:
    """The integer part of ``x``, in the dtype of ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.trunc([1.5, -1.5]).tolist()
        [1.0, -1.0]
    """
    x = counted(x)
    return where(less(x, 0), ceil(x), floor(x)) if kind_of(x) == "float" else x


@unary_op(only="real")
def round(x: Array, /) -> Array:
    """The nearest integer, halves to the even one, in the dtype of ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.round([0.5, 1.5, 2.6]).tolist()
        [0.0, 2.0, 3.0]
    """


@unary_op
def conj(x: Array, /) -> Array:
    """The complex conjugate; real numbers stay as they are.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.conj([1 + 2j]).tolist()
        [(1-2j)]
    """


@unary_op
def real(x: Array, /) -> Array:
    """The real part.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.real([1 + 2j]).tolist()
        [1.0]
    """


@unary_op
def imag(x: Array, /) -> Array:
    """The imaginary part; 0 for real numbers.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.imag([1 + 2j]).tolist()
        [2.0]
    """


def angle(x: Array, /) -> Array:
    """The angle of a complex number in ``[-pi, pi]``; of a real one 0, or pi where it is negative.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.angle([1 + 0j, 0 + 0j]).tolist()
        [0.0, 0.0]
    """
    return atan2(imag(x), real(x))


def isreal(x: Array, /) -> Array:
    """Whether the imaginary part is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.isreal([1 + 0j, 1j]).tolist()
        [True, False]
    """
    return equal(imag(x), 0)


def iscomplex(x: Array, /) -> Array:
    """Whether the imaginary part is not 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.iscomplex([1 + 0j, 1j]).tolist()
        [False, True]
    """
    return not_equal(imag(x), 0)


def clip(x: Array, /, min: Array | None = None, max: Array | None = None) -> Array:
    """``min`` where ``x < min``, ``max`` where ``x > max``, else ``x``; the gradient is 1 on the bounds.

    Args:
        x: the array.
        min: the lower bound, an array or a number; None for no bound.
        max: the upper one; it wins where the bounds are in the wrong order.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.clip([-1.0, 0.5, 2.0], 0.0, 1.0).tolist()
        [0.0, 0.5, 1.0]
    """
    engine, x, min, max = many(x, min, max)
    x = adopt(engine, x)
    try:
        return engine.math.clip(x, min, max)
    except Exception as error:
        raise explain.operands(error, "clip", x, *(b for b in (min, max) if b is not None))  # noqa: B904


def _clip(x: Array, low: Array | None, high: Array | None) -> Array:
    x = x if low is None else _held(x, low, less)
    return x if high is None else _held(x, high, greater)


def _held(x: Array, bound: Array, is_beyond: Callable[[Array, Array], Array]) -> Array:
    return where(is_beyond(x, bound), bound, x)


def _complete(engine: Engine) -> None:
    if not hasattr(engine.math, clip.__name__):
        setattr(engine.math, clip.__name__, _clip)


_registry.on_load(_complete)
