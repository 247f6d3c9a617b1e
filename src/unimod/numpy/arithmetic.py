"""Arithmetic, elementwise.

Operands broadcast; a Python scalar takes the dtype of the array beside it, and bools count as int32 where their
arithmetic is not defined.
"""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import binary, by_type, unary


def add(x1: Array, x2: Array, /) -> Array:
    """``x1 + x2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.add([1.0, 2.0], 0.5).tolist()
        [1.5, 2.5]
    """
    engine = by_type.get(type(x1))
    if engine is None or type(x1) is not type(x2):
        engine, x1, x2 = binary(x1, x2)
    try:
        return engine.math.add(x1, x2)
    except Exception as error:
        raise explain.operands(error, "add", x1, x2)  # noqa: B904 (it carries its cause)


def subtract(x1: Array, x2: Array, /) -> Array:
    """``x1 - x2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.subtract([1.0, 2.0], 0.5).tolist()
        [0.5, 1.5]
    """
    engine = by_type.get(type(x1))
    if engine is None or type(x1) is not type(x2):
        engine, x1, x2 = binary(x1, x2)
    try:
        return engine.math.subtract(x1, x2)
    except Exception as error:
        raise explain.operands(error, "subtract", x1, x2)  # noqa: B904 (it carries its cause)


def multiply(x1: Array, x2: Array, /) -> Array:
    """``x1 * x2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.multiply([1.0, 2.0], 0.5).tolist()
        [0.5, 1.0]
    """
    engine = by_type.get(type(x1))
    if engine is None or type(x1) is not type(x2):
        engine, x1, x2 = binary(x1, x2)
    try:
        return engine.math.multiply(x1, x2)
    except Exception as error:
        raise explain.operands(error, "multiply", x1, x2)  # noqa: B904 (it carries its cause)


def divide(x1: Array, x2: Array, /) -> Array:
    """``x1 / x2``; integers give float32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.divide([1, 2], 2).tolist()
        [0.5, 1.0]
    """
    engine = by_type.get(type(x1))
    if engine is None or type(x1) is not type(x2):
        engine, x1, x2 = binary(x1, x2)
    try:
        return engine.math.divide(x1, x2)
    except Exception as error:
        raise explain.operands(error, "divide", x1, x2)  # noqa: B904 (it carries its cause)


def floor_divide(x1: Array, x2: Array, /) -> Array:
    """``floor(x1 / x2)``; its gradient is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.floor_divide([5, -5], 2).tolist()
        [2, -3]
    """
    engine = by_type.get(type(x1))
    if engine is None or type(x1) is not type(x2):
        engine, x1, x2 = binary(x1, x2)
    try:
        return engine.math.floor_divide(x1, x2)
    except Exception as error:
        raise explain.operands(error, "floor_divide", x1, x2)  # noqa: B904 (it carries its cause)


def remainder(x1: Array, x2: Array, /) -> Array:
    """``x1 - floor(x1 / x2) * x2``, with the sign of ``x2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.remainder([5, -5], 3).tolist()
        [2, 1]
    """
    engine = by_type.get(type(x1))
    if engine is None or type(x1) is not type(x2):
        engine, x1, x2 = binary(x1, x2)
    try:
        return engine.math.remainder(x1, x2)
    except Exception as error:
        raise explain.operands(error, "remainder", x1, x2)  # noqa: B904 (it carries its cause)


def pow(x1: Array, x2: Array, /) -> Array:
    """``x1 ** x2``; the gradient by ``x1`` is 0 where both are 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.pow([2.0, 3.0], 2).tolist()
        [4.0, 9.0]
    """
    engine = by_type.get(type(x1))
    if engine is None or type(x1) is not type(x2):
        engine, x1, x2 = binary(x1, x2)
    try:
        return engine.math.pow(x1, x2)
    except Exception as error:
        raise explain.operands(error, "pow", x1, x2)  # noqa: B904 (it carries its cause)


def maximum(x1: Array, x2: Array, /) -> Array:
    """The greater of two; a tie gives each half of the gradient, and nan wins.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.maximum([1.0, 3.0], 2.0).tolist()
        [2.0, 3.0]
    """
    engine = by_type.get(type(x1))
    if engine is None or type(x1) is not type(x2):
        engine, x1, x2 = binary(x1, x2)
    try:
        return engine.math.maximum(x1, x2)
    except Exception as error:
        raise explain.operands(error, "maximum", x1, x2)  # noqa: B904 (it carries its cause)


def minimum(x1: Array, x2: Array, /) -> Array:
    """The smaller of two; a tie gives each half of the gradient, and nan wins.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.minimum([1.0, 3.0], 2.0).tolist()
        [1.0, 2.0]
    """
    engine = by_type.get(type(x1))
    if engine is None or type(x1) is not type(x2):
        engine, x1, x2 = binary(x1, x2)
    try:
        return engine.math.minimum(x1, x2)
    except Exception as error:
        raise explain.operands(error, "minimum", x1, x2)  # noqa: B904 (it carries its cause)


def negative(x: Array, /) -> Array:
    """``-x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.negative([1.0, -2.0]).tolist()
        [-1.0, 2.0]
    """
    engine = by_type.get(type(x))
    if engine is None:
        engine, x = unary(x)
    return engine.math.negative(x)


def abs(x: Array, /) -> Array:
    """``|x|``, also of complex numbers; the gradient at 0 is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.abs([1.0, -2.0]).tolist()
        [1.0, 2.0]
    """
    engine = by_type.get(type(x))
    if engine is None:
        engine, x = unary(x)
    return engine.math.abs(x)


def square(x: Array, /) -> Array:
    """``x * x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.square([1.0, -2.0]).tolist()
        [1.0, 4.0]
    """
    engine = by_type.get(type(x))
    if engine is None:
        engine, x = unary(x)
    return engine.math.square(x)


def reciprocal(x: Array, /) -> Array:
    """``1 / x``; integers give float32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.reciprocal([2.0, 4.0]).tolist()
        [0.5, 0.25]
    """
    engine = by_type.get(type(x))
    if engine is None:
        engine, x = unary(x)
    return engine.math.reciprocal(x)


def positive(x: Array, /) -> Array:
    """``x`` itself.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.positive([1.0, -2.0]).tolist()
        [1.0, -2.0]
    """
    return unary(x)[1]
