"""Rounding, sign, clipping and the parts of complex numbers, elementwise.

The dtype is kept; bools count as int32 where they have no arithmetic of their own.
"""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import adopt, many
from unimod.numpy._table import unary_op


@unary_op
def sign(x: Array, /) -> Array:
    """-1, 0 or 1; nan stays nan.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sign([3.0, 0.0, -2.0]).tolist()
        [1.0, 0.0, -1.0]
    """


@unary_op
def floor(x: Array, /) -> Array:
    """The greatest integer that is not above ``x``, in the dtype of ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.floor([1.5, -1.5]).tolist()
        [1.0, -2.0]
    """


@unary_op
def ceil(x: Array, /) -> Array:
    """The smallest integer that is not below ``x``, in the dtype of ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.ceil([1.5, -1.5]).tolist()
        [2.0, -1.0]
    """


@unary_op
def trunc(x: Array, /) -> Array:
    """The integer part of ``x``, in the dtype of ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.trunc([1.5, -1.5]).tolist()
        [1.0, -1.0]
    """


@unary_op
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


def clip(x: Array, /, min: Array | None = None, max: Array | None = None) -> Array:
    """``min`` where ``x < min``, ``max`` where ``x > max``, else ``x``; the gradient is 1 on the bounds.

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
