"""Products of arrays, and diagonals. Dtypes are promoted; half precision is accumulated in float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.backends._protocol import Array, Engine
from unimod.config import short
from unimod.errors import ShapeError
from unimod.numpy import _explain as explain
from unimod.numpy._contraction import Path, steps
from unimod.numpy._dispatch import binary, several, unary
from unimod.numpy._options import axes_of
from unimod.numpy._table import ByDType, Table
from unimod.numpy.arithmetic import multiply, subtract
from unimod.numpy.joining import stack, unstack
from unimod.numpy.manipulation import broadcast_to, expand_dims, moveaxis, ravel, reshape, tril, triu
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
    try:
        dtype = x1.dtype
        if dtype is x2.dtype:
            return _MATMUL[dtype](x1, x2)
    except Exception:  # no arrays, or the framework's function refuses: both are settled below
        pass
    return _product(x1, x2)


def _product(x1: Array, x2: Array) -> Array:
    try:
        engine, x1, x2 = binary(x1, x2)
        return engine.math.matmul(x1, x2)
    except Exception as error:
        raise explain.product(error, "matmul", x1, x2)  # noqa: B904 (it carries its cause)


_MATMUL = ByDType(Table("math", "matmul"), shared=_product)


def einsum(subscripts: str, /, *arrays: Array, optimize: bool | str | Path = True) -> Array:
    """Einstein's summation: letters name axes, and those that the result does not name are summed over.

    Args:
        subscripts: a term for each array, and behind ``->`` the letters of the result. Without ``->`` these are the
            letters that stand once, in alphabetical order. A letter that a term repeats is a diagonal; ``...`` stands
            for any number of axes, which broadcast.
        arrays: the operands.
        optimize: of three operands or more: True or ``"greedy"`` for an order by their sizes, ``"optimal"`` for the
            cheapest one of all, or the pairs of places to contract one after the other, as ``numpy.einsum_path`` lists
            them; False leaves the order to the engine.

    Raises:
        ShapeError: the operands do not fit the subscripts.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).tolist()
        [3.0, 7.0]
        >>> unp.einsum("ii", [[1.0, 2.0], [3.0, 4.0]]).tolist()
        5.0
    """
    engine, xs = several(arrays)
    try:
        if len(xs) < 3 or optimize is False or "..." in subscripts:
            return engine.math.einsum(subscripts, xs)
        return _stepwise(engine, xs, steps(subscripts, tuple(tuple(x.shape) for x in xs), optimize))
    except Exception as error:
        raise explain.einsum(error, subscripts, xs)  # noqa: B904 (it carries its cause)


def _stepwise(engine: Engine, xs: list[Any], plan: tuple[tuple[tuple[int, ...], str], ...]) -> Array:
    for places, subscripts in plan:
        found = engine.math.einsum(subscripts, [xs[place] for place in places])
        xs = [*(x for place, x in enumerate(xs) if place not in places), found]
    return xs[0]


def tensordot(x1: Array, x2: Array, /, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Array:
    """The sum of products over pairs of axes: the last ``axes`` of ``x1`` with the first of ``x2``, or those listed.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.tensordot([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0], axes=1).tolist()
        [3.0, 7.0]
    """
    engine, (x1, x2) = several((x1, x2))
    left, right = _paired(len(x1.shape), len(x2.shape), axes)
    try:
        fits = [x1.shape[i] for i in left] == [x2.shape[i] for i in right] and min((*left, *right), default=0) >= 0
    except IndexError:
        fits = False
    if not fits:
        raise ShapeError(
            "tensordot got axes that do not pair.",
            got=f"axes={axes} for {short(x1)} and {short(x2)}",
            expected="as many axes of both, which exist, in pairs of equal size",
        )
    return engine.math.tensordot(x1, x2, (left, right))


def _paired(rank1: int, rank2: int, axes: int | tuple[Sequence[int], Sequence[int]]) -> tuple[list[int], list[int]]:
    if isinstance(axes, int):
        return list(range(rank1 - axes, rank1)), list(range(axes))
    left, right = axes
    return list(axes_of(left, rank1)), list(axes_of(right, rank2))


def vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """``sum(conj(x1) * x2)`` over an axis, which both have in the same size; the others broadcast.

    Raises:
        ShapeError: the sizes do not fit, or there is no such axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.vecdot([[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [2.0, 0.0]]).tolist()
        [3.0, 6.0]
    """
    _, (x1, x2) = several((x1, x2))
    rows, columns = expand_dims(conj(moveaxis(x1, axis, -1)), axis=-2), expand_dims(moveaxis(x2, axis, -1), axis=-1)
    try:
        return matmul(rows, columns)[..., 0, 0]
    except ShapeError as error:
        raise _misfit("vecdot", x1, x2, f"an equal size on axis {axis}, and others that broadcast") from error


def _misfit(name: str, x1: Array, x2: Array, expected: str) -> ShapeError:
    got = f"{short(x1)}, {short(x2)}"
    return ShapeError(f"{name} got operands whose shapes do not fit.", got=got, expected=expected)


def vdot(x1: Array, x2: Array, /) -> Array:
    """``sum(conj(x1) * x2)`` over all elements in row-major order.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.vdot([[1.0, 2.0]], [[3.0, 4.0]]).tolist()
        11.0
    """
    return matmul(conj(ravel(x1)), ravel(x2))


def inner(x1: Array, x2: Array, /) -> Array:
    """``sum(x1[..., i] * x2[..., i])`` for each pair of vectors along the last axes; the product, for numbers.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.inner([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).tolist()
        [3.0, 7.0]
    """
    _, (x1, x2) = several((x1, x2))
    if not (x1.shape and x2.shape):
        return multiply(x1, x2)
    return tensordot(x1, x2, axes=((-1,), (-1,)))


def outer(x1: Array, x2: Array, /) -> Array:
    """``result[i, j] = x1[i] * x2[j]``, of all elements in row-major order.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.outer([1, 2], [3, 4]).tolist()
        [[3, 4], [6, 8]]
    """
    return multiply(reshape(x1, (-1, 1)), reshape(x2, (1, -1)))


def kron(x1: Array, x2: Array, /) -> Array:
    """Kronecker's product: ``x1`` with each element ``a`` replaced by the block ``a * x2``.

    Axes of size 1 are put before those of the array that has fewer.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.kron([1, 10], [1, 2, 3]).tolist()
        [1, 2, 3, 10, 20, 30]
    """
    _, (x1, x2) = several((x1, x2))
    rank = max(len(x1.shape), len(x2.shape))
    left, right = ((1,) * (rank - len(x.shape)) + tuple(x.shape) for x in (x1, x2))
    coarse = reshape(x1, tuple(size for n in left for size in (n, 1)))
    fine = reshape(x2, tuple(size for n in right for size in (1, n)))
    return reshape(multiply(coarse, fine), tuple(m * n for m, n in zip(left, right, strict=True)))


def cross(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """The cross product of vectors along an axis, of size 3 in both; the other axes broadcast.

    Raises:
        ShapeError: a size is not 3, or the others do not broadcast.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cross([1, 0, 0], [0, 1, 0]).tolist()
        [0, 0, 1]
    """
    _, (x1, x2) = several((x1, x2))
    first, second = unstack(x1, axis=axis), unstack(x2, axis=axis)
    if not len(first) == len(second) == 3:
        raise _misfit("cross", x1, x2, f"the size 3 on axis {axis}, and others that broadcast")
    (a, b, c), (d, e, f) = first, second
    pairs = ((b, f, c, e), (c, d, a, f), (a, e, b, d))
    return stack([subtract(multiply(p, q), multiply(r, s)) for p, q, r, s in pairs], axis)


def diagonal(x: Array, /, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The elements whose place on ``axis2`` is that on ``axis1`` plus ``offset``; they lie along the last axis.

    Differences: ``unp.linalg.diagonal`` takes the last two axes, as the standard says.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.diagonal([[1, 2, 3], [4, 5, 6]], 1).tolist()
        [2, 6]
    """
    engine, x = unary(x)
    first, second = _two_axes("diagonal", x, axis1, axis2)
    rows, columns = x.shape[first], x.shape[second]
    if not -rows <= offset <= columns:  # beyond the corner there are no elements either
        offset = -rows if offset < 0 else columns
    native = getattr(engine.linalg, "diagonal", None)
    return _diagonal(engine, x, offset, first, second) if native is None else native(x, offset, first, second)


def _two_axes(name: str, x: Array, axis1: int, axis2: int) -> tuple[int, int]:
    rank = len(x.shape)
    first, second = axes_of((axis1, axis2), rank)
    if first == second or not (0 <= first < rank and 0 <= second < rank):
        got = f"axes {axis1} and {axis2} of {short(x)}"
        raise ShapeError(f"{name} needs two axes.", got=got, expected="two different axes of the array")
    return first, second


def _diagonal(engine: Engine, x: Array, offset: int, first: int, second: int) -> Array:
    """By indices into the two axes as one, for an engine that has no function for it."""
    rows, columns = x.shape[first], x.shape[second]
    rest = [axis for axis in range(len(x.shape)) if axis not in (first, second)]
    flat = engine.arrays.permute_dims(x, (*rest, first, second))
    flat = engine.arrays.reshape(flat, (*(x.shape[axis] for axis in rest), rows * columns))
    start, count = max(0, -offset), max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    places = [(start + i) * columns + start + i + offset for i in range(count)]
    return engine.arrays.take(flat, engine.arrays.asarray(places, "int32"), -1)


def trace(x: Array, /, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: object = None) -> Array:
    """The sum over :func:`diagonal`; of bools and integers of up to 32 bits in int32, unless ``dtype`` says otherwise.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.trace([[1, 2], [3, 4]]).tolist()
        5
    """
    return sum(diagonal(x, offset, axis1, axis2), -1, dtype=dtype)


def diag(x: Array, /, k: int = 0) -> Array:
    """A matrix with the vector ``x`` on its ``k``-th diagonal, else 0; of a matrix, its ``k``-th diagonal.

    Raises:
        ShapeError: ``x`` has neither one axis nor two.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.diag([1, 2]).tolist(), unp.diag([[1, 2], [3, 4]], 1).tolist()
        ([[1, 0], [0, 2]], [2])
    """
    engine, x = unary(x)
    rank = len(x.shape)
    if rank == 2:
        return diagonal(x, k)
    if rank != 1:
        raise ShapeError("diag takes a vector or a matrix.", got=short(x), expected="one axis or two")
    size = x.shape[0] + abs(k)
    filled = engine.arrays.pad(x, ((max(k, 0), max(-k, 0)),))
    # the vector as a row: its element j belongs to column j + max(k, 0)
    return tril(triu(broadcast_to(filled, (size, size)), k=k), k=k)
