"""Inverses and solutions of linear equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from unimod.backends._protocol import Array, Engine
from unimod.config import is_array
from unimod.numpy.data_types import finfo
from unimod.numpy.linalg._matrices import (
    adjoint,
    identity_like,
    matrices,
    narrowed,
    square_systems,
    squares,
    systems,
    telling,
    working,
    working_pair,
)
from unimod.numpy.linalg.decompositions import svdvals
from unimod.numpy.linear_algebra import matmul
from unimod.numpy.reductions import sum

_EPS = {"complex64": "float32", "complex128": "float64"}


class LstsqResult(NamedTuple):
    """The solution of least squares, the squared lengths of what is left, the rank and the singular values."""

    solution: Array
    residuals: Array
    rank: Array
    singular_values: Array


@telling(squares)
def inv(x: Array, /) -> Array:
    """The inverses of square matrices ``(..., n, n)``; that of a singular one has inf or nan.

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    engine, x, name = working(x)
    found = getattr(engine.linalg, "inv", None)
    return narrowed(engine, name, engine.linalg.solve(x, identity_like(engine, x)) if found is None else found(x))


@telling(square_systems)
def solve(x1: Array, x2: Array, /) -> Array:
    """The ``x`` with ``x1 @ x = x2``; inf or nan where ``x1`` is singular.

    Args:
        x1: square matrices ``(..., n, n)``.
        x2: one vector ``(n,)``, or matrices ``(..., n, k)``. Leading axes broadcast.

    Returns:
        ``(..., n)`` for a vector, else ``(..., n, k)``.

    Raises:
        ShapeError: the shapes do not fit.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0]).tolist()
        [0.5, 0.25]
    """
    engine, x1, x2, name = working_pair(x1, x2)
    return narrowed(engine, name, _of_columns(engine.linalg.solve, x1, x2))


def _of_columns(solver: Callable[[Array, Array], Array], x: Array, y: Array) -> Array:
    """``solver(x, y)``, where a ``y`` of one axis is one column."""
    return solver(x, y[:, None])[..., 0] if len(y.shape) == 1 else solver(x, y)


@telling(square_systems)
def solve_triangular(a: Array, b: Array, /, *, lower: bool = False, unit_diagonal: bool = False) -> Array:
    """The ``x`` with ``a @ x = b`` for triangular matrices, of which the other triangle is not read.

    Args:
        a: matrices ``(..., n, n)``.
        b: one vector ``(n,)``, or matrices ``(..., n, k)``. Leading axes broadcast.
        lower: whether the lower triangle is read.
        unit_diagonal: whether the diagonal is taken for 1 and not read.

    Raises:
        ShapeError: the shapes do not fit.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.solve_triangular([[2.0, 7.0], [1.0, 1.0]], [2.0, 3.0], lower=True).tolist()
        [1.0, 2.0]
    """
    engine, a, b, name = working_pair(a, b)
    native = getattr(engine.linalg, "solve_triangular", None)

    def solver(x: Array, y: Array) -> Array:
        if native is not None:
            return native(x, y, lower, unit_diagonal)
        return engine.linalg.solve(_triangle(engine, x, lower, unit_diagonal), y)

    return narrowed(engine, name, _of_columns(solver, a, b))


def _triangle(engine: Engine, x: Array, lower: bool, unit_diagonal: bool) -> Array:
    kept, offset = (engine.arrays.tril, -1) if lower else (engine.arrays.triu, 1)
    return engine.math.add(kept(x, offset), identity_like(engine, x)) if unit_diagonal else kept(x, 0)


@telling(square_systems)
def cholesky_solve(factor: Array, b: Array, /, *, upper: bool = False) -> Array:
    """The ``x`` with ``a @ x = b``, given the Cholesky factor of ``a``.

    Args:
        factor: ``cholesky(a, upper=upper)``, ``(..., n, n)``.
        b: one vector ``(n,)``, or matrices ``(..., n, k)``. Leading axes broadcast.
        upper: whether the factor is the upper one.

    Raises:
        ShapeError: the shapes do not fit.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.cholesky_solve([[2.0, 0.0], [1.0, 3.0]], [4.0, 2.0]).tolist()
        [1.0, 0.0]
    """
    engine, factor, b, name = working_pair(factor, b)
    lower = adjoint(engine, factor) if upper else factor
    halfway = solve_triangular(lower, b, lower=True)
    if len(b.shape) == 1 and len(factor.shape) > 2:  # each matrix of the batch has its own vector now
        found = solve_triangular(adjoint(engine, lower), halfway[..., None])[..., 0]
    else:
        found = solve_triangular(adjoint(engine, lower), halfway)
    return narrowed(engine, name, found)


def relative_tolerance(engine: Engine, x: Array, name: str, rtol: Any) -> Any:
    """``rtol``, with a new axis where it is an array; by default the larger size times the precision of the dtype."""
    if rtol is None:
        return max(x.shape[-2:]) * finfo(_EPS.get(name, name)).eps
    return engine.arrays.expand_dims(rtol, -1) if is_array(rtol) else rtol


@telling(matrices)
def pinv(x: Array, /, *, rtol: float | Array | None = None) -> Array:
    """The Moore-Penrose pseudoinverse ``(..., n, m)`` of matrices ``(..., m, n)``.

    Singular values up to ``rtol`` times the greatest are taken for 0.

    Args:
        x: the matrices; integers give float32.
        rtol: a number, or one for each matrix of the batch; by default ``max(m, n)`` times the precision of the dtype.

    Raises:
        ShapeError: ``x`` has fewer than two axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.round(unp.linalg.pinv([[2.0, 0.0], [0.0, 0.0], [0.0, 0.0]]) * 4).tolist()
        [[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    engine, x, name = working(x)
    tolerance = relative_tolerance(engine, x, name, rtol)
    native = getattr(engine.linalg, "pinv", None)
    if native is None or is_array(tolerance):
        return narrowed(engine, name, _pinv(engine, x, tolerance))
    return narrowed(engine, name, native(x, tolerance))


def _pinv(engine: Engine, x: Array, rtol: Any) -> Array:
    math, where = engine.math, engine.arrays.where
    if 0 in x.shape:
        return adjoint(engine, x)
    u, values, vh = engine.linalg.svd(x, False)
    is_kept = math.greater(values, math.multiply(math.max(values, -1, True), rtol))
    factors = where(is_kept, math.reciprocal(where(is_kept, values, 1)), 0)
    return math.matmul(math.multiply(adjoint(engine, vh), factors[..., None, :]), adjoint(engine, u))


@telling(matrices)
def matrix_rank(x: Array, /, *, rtol: float | Array | None = None) -> Array:
    """How many singular values of matrices ``(..., m, n)`` are above ``rtol`` times the greatest, as int32.

    Args:
        x: the matrices.
        rtol: a number, or one for each matrix of the batch; by default ``max(m, n)`` times the precision of the dtype.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.matrix_rank([[1.0, 2.0], [2.0, 4.0]]).tolist()
        1
    """
    engine, x, name = working(x)
    return _rank(engine, svdvals(x), relative_tolerance(engine, x, name, rtol))


def _rank(engine: Engine, values: Array, rtol: Any) -> Array:
    if values.shape[-1] == 0:
        return engine.arrays.astype(sum(values, -1), "int32")
    math = engine.math
    is_kept = math.greater(values, math.multiply(math.max(values, -1, True), rtol))
    return math.sum(engine.arrays.astype(is_kept, "int32"), -1, False)


@telling(systems)
def lstsq(a: Array, b: Array, /, *, rtol: float | None = None) -> LstsqResult:
    """The shortest ``x`` for which ``|a @ x - b|`` is least.

    Args:
        a: matrices ``(..., m, n)``.
        b: one vector ``(m,)``, or matrices ``(..., m, k)``. Leading axes broadcast.
        rtol: singular values up to ``rtol`` times the greatest are taken for 0; by default ``max(m, n)`` times the
            precision of the dtype.

    Returns:
        ``(solution, residuals, rank, singular_values)``: ``(..., n)`` or ``(..., n, k)``; the squared lengths of
        ``a @ x - b``, ``(...)`` or ``(..., k)``; the rank of ``a`` as int32, ``(...)``; ``(..., min(m, n))``.

    Raises:
        ShapeError: the shapes do not fit.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.round(unp.linalg.lstsq([[1.0], [1.0]], [1.0, 3.0]).solution).tolist()
        [2.0]

    Differences: the residuals are there whatever the rank; ``numpy`` leaves them out where it is not ``n``, or not
    below ``m``.
    """
    engine, a, b, name = working_pair(a, b)
    tolerance = relative_tolerance(engine, a, name, rtol)
    inverse, values = pinv(a, rtol=tolerance), svdvals(a)
    solution = matmul(inverse, b)
    rest = engine.math.subtract(matmul(a, solution) if len(b.shape) > 1 else _applied(a, solution), b)
    squares = sum(engine.math.square(engine.math.abs(rest)), -1 if len(b.shape) == 1 else -2)
    found = [narrowed(engine, name, x) for x in (solution, squares, values)]
    return LstsqResult(found[0], found[1], _rank(engine, values, tolerance), found[2])


def _applied(a: Array, vectors: Array) -> Array:
    return matmul(a, vectors[..., None])[..., 0]
