"""Arithmetic, elementwise.

Operands broadcast; a Python scalar takes the dtype of the array beside it, and bools count as int32 where their
arithmetic is not defined.
"""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.numpy._dispatch import unary
from unimod.numpy._kinds import counted
from unimod.numpy._table import binary_op, unary_composite, unary_op


@binary_op
def add(x1: Array, x2: Array, /) -> Array:
    """``x1 + x2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.add([1.0, 2.0], 0.5).tolist()
        [1.5, 2.5]
    """


@binary_op
def subtract(x1: Array, x2: Array, /) -> Array:
    """``x1 - x2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.subtract([1.0, 2.0], 0.5).tolist()
        [0.5, 1.5]
    """


@binary_op
def multiply(x1: Array, x2: Array, /) -> Array:
    """``x1 * x2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.multiply([1.0, 2.0], 0.5).tolist()
        [0.5, 1.0]
    """


@binary_op
def divide(x1: Array, x2: Array, /) -> Array:
    """``x1 / x2``; integers give float32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.divide([1, 2], 2).tolist()
        [0.5, 1.0]
    """


@binary_op(only="real")
def floor_divide(x1: Array, x2: Array, /) -> Array:
    """``floor(x1 / x2)``; its gradient is 0. A quotient that is 0 or infinite is the result.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.floor_divide([5, -5], 2).tolist()
        [2, -3]
    """


@binary_op(only="real")
def remainder(x1: Array, x2: Array, /) -> Array:
    """``x1 - floor(x1 / x2) * x2``, with the sign of ``x2``, also where it is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.remainder([5, -5], 3).tolist()
        [2, 1]
    """


@binary_op
def pow(x1: Array, x2: Array, /) -> Array:
    """``x1 ** x2``; the gradient by ``x1`` is 0 where both are 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.pow([2.0, 3.0], 2).tolist()
        [4.0, 9.0]
    """


@binary_op(only="real")
def maximum(x1: Array, x2: Array, /) -> Array:
    """The greater of two; a tie gives each half of the gradient, and nan wins.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.maximum([1.0, 3.0], 2.0).tolist()
        [2.0, 3.0]
    """


@binary_op(only="real")
def minimum(x1: Array, x2: Array, /) -> Array:
    """The smaller of two; a tie gives each half of the gradient, and nan wins.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.minimum([1.0, 3.0], 2.0).tolist()
        [1.0, 2.0]
    """


@unary_op
def negative(x: Array, /) -> Array:
    """``-x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.negative([1.0, -2.0]).tolist()
        [-1.0, 2.0]
    """


@unary_op
def abs(x: Array, /) -> Array:
    """``|x|``, also of complex numbers; the gradient at 0 is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.abs([1.0, -2.0]).tolist()
        [1.0, 2.0]
    """


@unary_composite
def square(x: Array, /) -> Array:
    """``x * x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.square([1.0, -2.0]).tolist()
        [1.0, 4.0]
    """
    x = counted(x)
    return multiply(x, x)


@unary_composite
def reciprocal(x: Array, /) -> Array:
    """``1 / x``; integers give float32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.reciprocal([2.0, 4.0]).tolist()
        [0.5, 0.25]
    """
    return divide(1, x)


def positive(x: Array, /) -> Array:
    """``x`` itself.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.positive([1.0, -2.0]).tolist()
        [1.0, -2.0]
    """
    return unary(x)[1]
