"""Trigonometric and hyperbolic functions and their inverses, elementwise.

Bools and integers give float32.
"""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.numpy._table import binary_op, unary_op


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


@unary_op
def tan(x: Array, /) -> Array:
    """The tangent of an angle in radians.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.tan([0.0]).tolist()
        [0.0]
    """


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


@unary_op
def atan(x: Array, /) -> Array:
    """The angle in ``(-pi/2, pi/2)`` whose tangent is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.atan([0.0]).tolist()
        [0.0]
    """


@binary_op
def atan2(x1: Array, x2: Array, /) -> Array:
    """The angle in ``[-pi, pi]`` of the point ``(x2, x1)``; the gradient at the origin is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.atan2([0.0], [1.0]).tolist()
        [0.0]
    """


@unary_op
def sinh(x: Array, /) -> Array:
    """``(e**x - e**-x) / 2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sinh([0.0]).tolist()
        [0.0]
    """


@unary_op
def cosh(x: Array, /) -> Array:
    """``(e**x + e**-x) / 2``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cosh([0.0]).tolist()
        [1.0]
    """


@unary_op
def tanh(x: Array, /) -> Array:
    """``sinh(x) / cosh(x)``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.tanh([0.0]).tolist()
        [0.0]
    """


@unary_op
def asinh(x: Array, /) -> Array:
    """The number whose ``sinh`` is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.asinh([0.0]).tolist()
        [0.0]
    """


@unary_op
def acosh(x: Array, /) -> Array:
    """The number, 0 or above, whose ``cosh`` is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.acosh([1.0]).tolist()
        [0.0]
    """


@unary_op
def atanh(x: Array, /) -> Array:
    """The number whose ``tanh`` is ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.atanh([0.0]).tolist()
        [0.0]
    """
