"""PyTorch: decompositions, solvers and norms of matrices.

Where torch would raise for what the values are, the result is nan or inf, as under a trace nothing could be raised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch import _private
from unimod.backends.torch._det import differentiable_det as _differentiable_det

_Fn = Callable[[Tensor], tuple[Tensor, ...]]


def _where_finite(fn: _Fn, x: Tensor) -> tuple[Tensor, ...]:
    """``fn(x)``, with nan for each matrix that has nan or inf, for which torch raises; a trace has to expect them."""
    if not (_private.is_fake(x) or _private.in_functorch()):
        try:
            return fn(x)
        except RuntimeError:  # of one matrix of the batch, or of the shape, which is refused again
            pass
    return _masked(fn, x)


def _masked(fn: _Fn, x: Tensor) -> tuple[Tensor, ...]:
    is_finite = torch.isfinite(x).all(-1).all(-1)
    results = fn(torch.where(is_finite[..., None, None], x, 0))
    return tuple(_kept(is_finite, y, x.dim()) for y in results)


def _kept(chosen: Tensor, y: Tensor, rank: int) -> Tensor:
    wide = chosen[..., None, None] if y.dim() == rank else chosen[..., None]
    return torch.where(wide, y, torch.nan)


def cholesky(x: Tensor) -> Tensor:
    """The lower factor; nan in its triangle where there is none."""
    factor, info = torch.linalg.cholesky_ex(x)
    return torch.where((info == 0)[..., None, None], factor, torch.nan).tril()


def eigh(x: Tensor) -> tuple[Tensor, ...]:
    """Eigenvalues in ascending order, and the eigenvectors as columns; the lower triangle is read."""
    return _where_finite(lambda a: tuple(torch.linalg.eigh(a)), x)


def eigvalsh(x: Tensor) -> Tensor:
    """The eigenvalues in ascending order; the lower triangle is read."""
    return _where_finite(lambda a: (torch.linalg.eigvalsh(a),), x)[0]


def eig(x: Tensor) -> tuple[Tensor, ...]:
    """Complex eigenvalues, and the eigenvectors as columns."""
    return _where_finite(lambda a: tuple(torch.linalg.eig(a)), x)


def eigvals(x: Tensor) -> Tensor:
    """Complex eigenvalues."""
    # never without the mask: of nan some versions of MKL end the process
    return _masked(lambda a: (torch.linalg.eigvals(a),), x)[0]


def svd(x: Tensor, full_matrices: bool) -> tuple[Tensor, ...]:
    """``U, S, Vh``, the singular values in descending order."""
    return _where_finite(lambda a: tuple(torch.linalg.svd(a, full_matrices)), x)


def svdvals(x: Tensor) -> Tensor:
    """The singular values in descending order."""
    return _where_finite(lambda a: (torch.linalg.svdvals(a),), x)[0]


def qr(x: Tensor, complete: bool) -> tuple[Tensor, ...]:
    """``Q, R``."""
    return tuple(torch.linalg.qr(x, "complete" if complete else "reduced"))


def slogdet(x: Tensor) -> tuple[Tensor, ...]:
    """The sign of the determinant, and the logarithm of its magnitude."""
    return tuple(torch.linalg.slogdet(x))


def det(x: Tensor) -> Tensor:
    """The determinant; its gradient is right for singular matrices too, where torch has 0."""
    if x.requires_grad or _private.in_functorch():
        return _differentiable_det(x)
    found: Tensor = torch.linalg.det(x)
    return found


def inv(x: Tensor) -> Tensor:
    """The inverse; inf or nan where there is none."""
    found: Tensor = torch.linalg.inv_ex(x)[0]
    return found


def solve(x: Tensor, y: Tensor) -> Tensor:
    """``x^-1 y`` for matrices ``y``; inf or nan where ``x`` is singular."""
    # torch takes a y of one axis less than x for vectors, where the sizes allow it
    found: Tensor = torch.linalg.solve_ex(x, y[(None,) * (x.dim() - y.dim())])[0]
    return found


def solve_triangular(x: Tensor, y: Tensor, lower: bool, unit_diagonal: bool) -> Tensor:
    """``x^-1 y`` for matrices ``y``, of which one triangle of ``x`` is read."""
    found: Tensor = torch.linalg.solve_triangular(x, y, upper=not lower, unitriangular=unit_diagonal)
    return found


def pinv(x: Tensor, rtol: float) -> Tensor:
    """The pseudoinverse without the singular values up to ``rtol`` times the greatest."""
    if 0 in x.shape:
        return x.mH.clone()
    return _where_finite(lambda a: (torch.linalg.pinv(a, rtol=rtol),), x)[0]


def lu(x: Tensor) -> tuple[Tensor, ...]:
    """``P, L, U`` by elimination with the largest pivot of each column."""
    return tuple(torch.linalg.lu(x))


def expm(x: Tensor) -> Tensor:
    """The matrix exponential."""
    found: Tensor = torch.linalg.matrix_exp(x)
    return found


def diagonal(x: Tensor, offset: int, axis1: int, axis2: int) -> Tensor:
    """A diagonal of two axes, as the last axis."""
    return torch.diagonal(x, offset, axis1, axis2)


def vector_norm(x: Tensor, ord: Any, axis: Any, keepdims: bool) -> Tensor:
    """The norm of the numbers along the axes (None: all); its gradient at 0 is 0."""
    found: Tensor = torch.linalg.vector_norm(x, ord, axis, keepdims)
    return found
