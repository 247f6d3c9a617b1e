"""Matrices as products of simpler ones."""

from __future__ import annotations

from typing import Literal, NamedTuple

from unimod.backends._protocol import Array
from unimod.errors import CapabilityError, OptionError
from unimod.numpy.linalg._matrices import (
    adjoint,
    all_narrowed,
    matrices,
    narrowed,
    squares,
    telling,
    working,
)


class QRResult(NamedTuple):
    """``x = Q @ R``."""

    Q: Array
    R: Array


class SVDResult(NamedTuple):
    """``x = U @ diag(S) @ Vh``."""

    U: Array
    S: Array
    Vh: Array


class LUResult(NamedTuple):
    """``x = P @ L @ U``."""

    P: Array
    L: Array
    U: Array


@telling(squares)
def cholesky(x: Array, /, *, upper: bool = False) -> Array:
    """The triangular ``L`` with ``x = L @ L^H`` of Hermitian positive-definite matrices ``(..., n, n)``.

    The lower triangle of ``x`` is read. A matrix that is not positive-definite gives nan. The gradient is Hermitian, as
    if both triangles were read.

    Args:
        x: the matrices; integers give float32.
        upper: whether the result is ``U = L^H`` instead, so that ``x = U^H @ U``.

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.cholesky([[4.0, 2.0], [2.0, 10.0]]).tolist()
        [[2.0, 0.0], [1.0, 3.0]]
    """
    engine, x, name = working(x)
    factor = narrowed(engine, name, engine.linalg.cholesky(x))
    return adjoint(engine, factor) if upper else factor


@telling(matrices)
def qr(x: Array, /, *, mode: Literal["reduced", "complete"] = "reduced") -> QRResult:
    """``(Q, R)`` with ``x = Q @ R``, orthonormal columns in ``Q`` and an upper triangular ``R``.

    The signs are those of LAPACK's Householder reflections: the diagonal of ``R`` may be negative.

    Args:
        x: matrices ``(..., m, n)``; integers give float32.
        mode: ``"reduced"``: ``Q`` is ``(..., m, k)`` and ``R`` ``(..., k, n)`` for ``k = min(m, n)``; ``"complete"``:
            ``Q`` is ``(..., m, m)`` and ``R`` ``(..., m, n)``, without a gradient where ``m > n``.

    Raises:
        OptionError: the mode is another one.
        ShapeError: ``x`` has fewer than two axes.

    Example:
        >>> import unimod.numpy as unp
        >>> q, r = unp.linalg.qr([[3.0, 1.0], [4.0, 2.0]])
        >>> unp.round(unp.matmul(q, r)).tolist()
        [[3.0, 1.0], [4.0, 2.0]]
    """
    if mode not in ("reduced", "complete"):
        raise OptionError(f"qr has no mode {mode!r}.", got=repr(mode), expected="'reduced' or 'complete'")
    engine, x, name = working(x)
    complete = mode == "complete" and x.shape[-2] > x.shape[-1]
    return QRResult(*all_narrowed(engine, name, engine.linalg.qr(x, complete)))


@telling(matrices)
def svd(x: Array, /, *, full_matrices: bool = True) -> SVDResult:
    """The singular value decomposition ``x = U @ diag(S) @ Vh``, with ``S`` in descending order.

    The sign of each pair of singular vectors is LAPACK's; gradients are right for functions that do not depend on it
    (for complex ones: on the phase), and nan at singular values that are equal. A matrix with nan or inf gives nan.

    Args:
        x: matrices ``(..., m, n)``; integers give float32.
        full_matrices: whether ``U`` is ``(..., m, m)`` and ``Vh`` ``(..., n, n)``, without a gradient where ``m != n``;
            else ``(..., m, k)`` and ``(..., k, n)`` for ``k = min(m, n)``.

    Raises:
        ShapeError: ``x`` has fewer than two axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.round(unp.linalg.svd([[0.0, 2.0], [3.0, 0.0]]).S).tolist()
        [3.0, 2.0]
    """
    engine, x, name = working(x)
    full = full_matrices and x.shape[-2] != x.shape[-1]
    return SVDResult(*all_narrowed(engine, name, engine.linalg.svd(x, full)))


@telling(matrices)
def svdvals(x: Array, /) -> Array:
    """The singular values of matrices ``(..., m, n)`` in descending order, as ``(..., min(m, n))``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.round(unp.linalg.svdvals([[0.0, 2.0], [3.0, 0.0]])).tolist()
        [3.0, 2.0]
    """
    engine, x, name = working(x)
    values = getattr(engine.linalg, "svdvals", None) or (lambda a: engine.linalg.svd(a, False)[1])
    return narrowed(engine, name, values(x))


@telling(matrices)
def lu(x: Array, /) -> LUResult:
    """``(P, L, U)`` with ``x = P @ L @ U``: a permutation, a unit lower and an upper triangular matrix.

    Each pivot is the element of greatest magnitude in its column. ``P`` is ``(..., m, m)`` in the dtype of ``x``, ``L``
    ``(..., m, k)`` and ``U`` ``(..., k, n)`` for ``k = min(m, n)``.

    Raises:
        CapabilityError: the engine has no such function.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.lu([[1.0, 2.0], [2.0, 2.0]]).U.tolist()
        [[2.0, 2.0], [0.0, 1.0]]
    """
    engine, x, name = working(x)
    found = getattr(engine.linalg, "lu", None)
    if found is None:
        raise CapabilityError(f"{engine.name} has no lu.")
    return LUResult(*all_narrowed(engine, name, found(x)))
