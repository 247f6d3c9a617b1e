"""NumPy: decompositions, solvers and norms of matrices.

LAPACK refuses a whole batch for one matrix; here that matrix alone becomes nan, as on the other engines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_Fn = Callable[..., Any]


def _each(fn: _Fn, x: Any, *rest: Any) -> Any:
    """``fn(x, *rest)``, with nan for each matrix that LAPACK refuses."""
    with np.errstate(all="ignore"):
        try:
            return fn(x, *rest)
        except np.linalg.LinAlgError:
            if x.ndim < 2:
                raise
            return _one_by_one(fn, x, rest)


def _one_by_one(fn: _Fn, x: Any, rest: tuple[Any, ...]) -> Any:
    if x.ndim == 2:
        return _filled(fn(np.eye(*x.shape, dtype=x.dtype), *rest))
    batch = np.broadcast_shapes(x.shape[:-2], *(one.shape[:-2] for one in rest))
    stacks = [np.broadcast_to(one, batch + one.shape[-2:]) for one in (x, *rest)]
    found = [_each(fn, *matrices) for matrices in zip(*stacks, strict=True)]
    return tuple(map(np.stack, zip(*found, strict=True))) if isinstance(found[0], tuple) else np.stack(found)


def _filled(result: Any) -> Any:
    return tuple(map(_filled, result)) if isinstance(result, tuple) else np.full_like(result, np.nan)


def cholesky(x: Any) -> Any:
    """The lower factor; nan in its triangle where there is none."""
    return np.tril(_each(np.linalg.cholesky, x))


def eigh(x: Any) -> tuple[Any, Any]:
    """Eigenvalues in ascending order, and the eigenvectors as columns; the lower triangle is read."""
    return tuple(_each(lambda a: tuple(np.linalg.eigh(a)), x))


def eigvalsh(x: Any) -> Any:
    """The eigenvalues in ascending order; the lower triangle is read."""
    return _each(np.linalg.eigvalsh, x)


def eig(x: Any) -> tuple[Any, Any]:
    """Complex eigenvalues, and the eigenvectors as columns."""
    values, vectors = _each(lambda a: tuple(np.linalg.eig(a)), x)
    return _complex(values), _complex(vectors)


def eigvals(x: Any) -> Any:
    """Complex eigenvalues."""
    return _complex(_each(np.linalg.eigvals, x))


def _complex(x: Any) -> Any:
    return x.astype(np.result_type(x.dtype, np.complex64), copy=False)


def svd(x: Any, full_matrices: bool) -> tuple[Any, Any, Any]:
    """``U, S, Vh``, the singular values in descending order."""
    return tuple(_each(lambda a: tuple(np.linalg.svd(a, full_matrices=full_matrices)), x))


def svdvals(x: Any) -> Any:
    """The singular values in descending order."""
    return _each(lambda a: np.linalg.svd(a, compute_uv=False), x)


def qr(x: Any, complete: bool) -> tuple[Any, Any]:
    """``Q, R``."""
    return tuple(np.linalg.qr(x, "complete" if complete else "reduced"))  # type: ignore[return-value]


def slogdet(x: Any) -> tuple[Any, Any]:
    """The sign of the determinant, and the logarithm of its magnitude."""
    with np.errstate(all="ignore"):
        sign, logarithm = np.linalg.slogdet(x)
    return np.asarray(sign), np.asarray(logarithm)


def det(x: Any) -> Any:
    """The determinant."""
    with np.errstate(all="ignore"):
        return np.asarray(np.linalg.det(x))


def solve(x: Any, y: Any) -> Any:
    """``x^-1 y`` for matrices ``y``; nan where ``x`` is singular."""
    return _each(np.linalg.solve, x, y)


def diagonal(x: Any, offset: int, axis1: int, axis2: int) -> Any:
    """A diagonal of two axes, as the last axis."""
    return np.diagonal(x, offset, axis1, axis2).copy()


def lu(x: Any) -> tuple[Any, Any, Any]:
    """``P, L, U`` by elimination with the largest pivot of each column."""
    rows, columns = x.shape[-2:]
    work, order = np.array(x), np.broadcast_to(np.arange(rows), x.shape[:-1]).copy()
    with np.errstate(all="ignore"):
        for k in range(min(rows, columns)):
            _eliminate(work, order, k)
    least = min(rows, columns)
    lower = np.tril(work[..., :least], -1) + np.eye(rows, least, dtype=x.dtype)
    permutation = (order[..., None, :] == np.arange(rows)[:, None]).astype(x.dtype)
    return permutation, lower, np.triu(work[..., :least, :])


def _eliminate(work: Any, order: Any, k: int) -> None:
    pivot = k + np.argmax(np.abs(work[..., k:, k]), axis=-1)
    _swap(work, k, pivot[..., None, None])
    _swap(order[..., None], k, pivot[..., None, None])
    divisor = np.where(work[..., k : k + 1, k] == 0, 1, work[..., k : k + 1, k])
    work[..., k + 1 :, k] /= divisor
    work[..., k + 1 :, k + 1 :] -= work[..., k + 1 :, k : k + 1] * work[..., k : k + 1, k + 1 :]


def _swap(x: Any, k: int, pivot: Any) -> None:
    chosen, here = np.take_along_axis(x, pivot, -2), x[..., k : k + 1, :].copy()
    np.put_along_axis(x, pivot, here, -2)
    x[..., k : k + 1, :] = chosen
