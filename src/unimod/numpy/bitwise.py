"""Functions of the bits of integers and bools, elementwise."""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.numpy._kinds import kind_of
from unimod.numpy._table import binary_composite, binary_op, unary_composite
from unimod.numpy.arithmetic import add, multiply, negative, subtract
from unimod.numpy.comparison import logical_not, logical_or, logical_xor


@binary_op(only="whole")
def bitwise_and(x1: Array, x2: Array, /) -> Array:
    """The bits that are set in both.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.bitwise_and([6, 7], 3).tolist()
        [2, 3]
    """


@binary_composite(only="whole")
def bitwise_or(x1: Array, x2: Array, /) -> Array:
    """The bits that are set in one of the two, or in both.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.bitwise_or([4, 2], 1).tolist()
        [5, 3]
    """
    if kind_of(x1, x2) == "bool":
        return logical_or(x1, x2)
    return subtract(add(x1, x2), bitwise_and(x1, x2))


@binary_composite(only="whole")
def bitwise_xor(x1: Array, x2: Array, /) -> Array:
    """The bits that are set in exactly one of the two.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.bitwise_xor([6, 7], 3).tolist()
        [5, 4]
    """
    if kind_of(x1, x2) == "bool":
        return logical_xor(x1, x2)
    return subtract(add(x1, x2), multiply(bitwise_and(x1, x2), 2))


@unary_composite(only="whole")
def bitwise_invert(x: Array, /) -> Array:
    """The bits that are not set: ``-x - 1`` for signed integers, the opposite for bools.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.bitwise_invert([0, 5]).tolist()
        [-1, -6]
    """
    return logical_not(x) if kind_of(x) == "bool" else subtract(negative(x), 1)


@binary_op(only="integer")
def bitwise_left_shift(x1: Array, x2: Array, /) -> Array:
    """``x1 * 2**x2`` in the bits that there are: 0 where ``x2``, which is not negative, is their number or more.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.bitwise_left_shift([1, 3], [4, 32]).tolist()
        [16, 0]
    """


@binary_op(only="integer")
def bitwise_right_shift(x1: Array, x2: Array, /) -> Array:
    """``floor(x1 / 2**x2)``, also where ``x2``, which is not negative, is the number of bits or more.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.bitwise_right_shift([16, -3], [2, 40]).tolist()
        [4, -1]
    """
