"""Products of arrays. Dtypes are promoted; half precision is accumulated in float32."""

from __future__ import annotations

from collections.abc import Sequence

from unimod.backends._protocol import Array
from unimod.errors import ShapeError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import binary, by_type, several
from unimod.numpy._options import axes_of
from unimod.numpy.arithmetic import multiply
from unimod.numpy.manipulation import ravel, reshape
from unimod.numpy.reductions import sum
from unimod.numpy.rounding import conj


def matmul(x1: Array, x2: Array, /) -> Array:
    """The matrix product of the last two axes, ``[..., n, k] @ [..., k, m] = [..., n, m]``.

    An array of one axis is a row on the left, a column on the right; leading axes broadcast.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.matmul([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).tolist()
        [3.0, 7.0]
    """
    engine = by_type.get(type(x1))
    if engine is None or type(x1) is not type(x2):
        engine, x1, x2 = binary(x1, x2)
    try:
        return engine.math.matmul(x1, x2)
    except Exception as error:
        raise explain.product(error, "matmul", x1, x2)  # noqa: B904 (it carries its cause)


def einsum(subscripts: str, /, *arrays: Array) -> Array:
    """Einstein's summation: letters name axes, and those that the result does not name are summed over.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).tolist()
        [3.0, 7.0]
    """
    engine, xs = several(arrays)
    try:
        return engine.math.einsum(subscripts, xs)
    except Exception as error:
        raise explain.einsum(error, subscripts, xs)  # noqa: B904 (it carries its cause)


def tensordot(x1: Array, x2: Array, /, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Array:
    """The sum of products over pairs of axes: the last ``axes`` of ``x1`` with the first of ``x2``, or those listed.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.tensordot([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0], axes=1).tolist()
        [3.0, 7.0]
    """
    engine, (x1, x2) = several((x1, x2))
    left, right = _paired(len(x1.shape), len(x2.shape), axes)
    if [x1.shape[i] for i in left] != [x2.shape[i] for i in right]:
        raise ShapeError(
            "tensordot got axes whose sizes differ.",
            got=f"axes {left} of the shape {tuple(x1.shape)} with axes {right} of the shape {tuple(x2.shape)}",
        )
    return engine.math.tensordot(x1, x2, (left, right))


def _paired(rank1: int, rank2: int, axes: int | tuple[Sequence[int], Sequence[int]]) -> tuple[list[int], list[int]]:
    if isinstance(axes, int):
        return list(range(rank1 - axes, rank1)), list(range(axes))
    left, right = axes
    return list(axes_of(left, rank1)), list(axes_of(right, rank2))


def vecdot(x1: Array, x2: Array, /, axis: int = -1) -> Array:
    """``sum(conj(x1) * x2)`` over an axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.vecdot([[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [2.0, 0.0]]).tolist()
        [3.0, 6.0]
    """
    return sum(multiply(conj(x1), x2), axis)


def vdot(x1: Array, x2: Array, /) -> Array:
    """``sum(conj(x1) * x2)`` over all elements in row-major order.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.vdot([[1.0, 2.0]], [[3.0, 4.0]]).tolist()
        11.0
    """
    return matmul(conj(ravel(x1)), ravel(x2))


def outer(x1: Array, x2: Array, /) -> Array:
    """``result[i, j] = x1[i] * x2[j]``, of all elements in row-major order.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.outer([1, 2], [3, 4]).tolist()
        [[3, 4], [6, 8]]
    """
    return multiply(reshape(x1, (-1, 1)), reshape(x2, (1, -1)))
