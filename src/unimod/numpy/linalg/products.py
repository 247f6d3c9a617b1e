"""Products of several matrices, of vectors, and diagonals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.backends._protocol import Array
from unimod.errors import OptionError, ShapeError
from unimod.numpy._dispatch import several, unary
from unimod.numpy.linalg._matrices import identity_like, matrices, squares, telling, vectors
from unimod.numpy.linalg.solvers import inv
from unimod.numpy.linear_algebra import diagonal as _diagonal
from unimod.numpy.linear_algebra import matmul
from unimod.numpy.linear_algebra import outer as _outer
from unimod.numpy.linear_algebra import trace as _trace


@telling(vectors)
def outer(x1: Array, x2: Array, /) -> Array:
    """``result[i, j] = x1[i] * x2[j]`` of two arrays of one axis.

    Raises:
        ShapeError: an array has not one axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.outer([1, 2], [3, 4]).tolist()
        [[3, 4], [6, 8]]
    """
    wrong = vectors("outer", x1, x2)
    if wrong is not None:
        raise wrong
    return _outer(x1, x2)


@telling(matrices)
def diagonal(x: Array, /, *, offset: int = 0) -> Array:
    """The diagonals of matrices ``(..., m, n)``, as the last axis.

    Args:
        x: the matrices.
        offset: how many columns right of the main diagonal; negative: left of it.

    Raises:
        ShapeError: ``x`` has fewer than two axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.diagonal([[1, 2, 3], [4, 5, 6]], offset=1).tolist()
        [2, 6]
    """
    return _diagonal(x, offset, -2, -1)


@telling(matrices)
def trace(x: Array, /, *, offset: int = 0, dtype: object = None) -> Array:
    """The sums over the diagonals of matrices ``(..., m, n)``; integers of up to 32 bits give int32.

    Args:
        x: the matrices.
        offset: how many columns right of the main diagonal; negative: left of it.
        dtype: of the result and the summands.

    Raises:
        ShapeError: ``x`` has fewer than two axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.trace([[1, 2], [3, 4]]).tolist()
        5
    """
    return _trace(x, offset, -2, -1, dtype)


@telling(squares)
def matrix_power(x: Array, n: int, /) -> Array:
    """``x @ x @ ... @ x`` with ``n`` factors, of square matrices; of the inverse for a negative ``n``.

    Raises:
        OptionError: ``n`` is not an integer.
        ShapeError: the matrices are not square.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.matrix_power([[1.0, 1.0], [0.0, 1.0]], 5).tolist()
        [[1.0, 5.0], [0.0, 1.0]]
    """
    engine, x = unary(x)
    if not isinstance(n, int):
        raise OptionError("matrix_power takes whole numbers.", got=repr(n), expected="an int")
    if n < 0:
        x, n = inv(x), -n
    matmul(x, x)  # refuses what is not square
    return identity_like(engine, x) if n == 0 else _power(x, n)


def _power(x: Array, n: int) -> Array:
    if n == 1:
        return x
    half = _power(matmul(x, x), n // 2)
    return matmul(half, x) if n % 2 else half


def multi_dot(arrays: Sequence[Array], /) -> Array:
    """``arrays[0] @ arrays[1] @ ...``, in the order that takes the fewest multiplications.

    Args:
        arrays: two matrices or more; the first and the last may have one axis.

    Raises:
        ShapeError: there are fewer than two, or the shapes do not fit.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.multi_dot([[1.0, 2.0], [[1.0, 0.0], [0.0, 1.0]], [3.0, 4.0]]).tolist()
        11.0
    """
    _, xs = several(arrays)
    ranks = [len(x.shape) for x in xs]
    ends = {0, len(xs) - 1}
    if len(xs) < 2 or any(rank != 2 and not (rank == 1 and i in ends) for i, rank in enumerate(ranks)):
        raise ShapeError(
            "multi_dot got what is no chain of matrices.",
            got=f"arrays of {ranks} axes",
            expected="at least two matrices, of which the first and the last may be vectors",
        )
    first = xs[0].shape[0] if ranks[0] == 2 else 1
    sizes = [first, *(x.shape[0] for x in xs[1:]), xs[-1].shape[-1] if ranks[-1] == 2 else 1]
    return _chained(xs, _best_splits(tuple(sizes)), 0, len(xs) - 1)


def _chained(xs: Sequence[Any], splits: dict[tuple[int, int], int], start: int, end: int) -> Array:
    if start == end:
        return xs[start]
    cut = splits[start, end]
    return matmul(_chained(xs, splits, start, cut), _chained(xs, splits, cut + 1, end))


def _best_splits(sizes: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """Where to cut the chain of matrices of ``sizes[i] x sizes[i + 1]``, for each part of it."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    splits: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            choices = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            splits[i, j] = min(choices, key=lambda k: choices[k])
            cost[i, j] = choices[splits[i, j]]
    return splits
