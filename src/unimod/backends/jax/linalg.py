"""JAX: decompositions, solvers and norms of matrices."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp

from unimod.backends.jax._det import det as _differentiable_det
from unimod.errors import CapabilityError


@jax.custom_jvp
def _hermitian(x: Any) -> Any:
    """``x``, with derivatives made Hermitian, as they are on the other engines."""
    return x


@_hermitian.defjvp
def _hermitian_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
    (x,), (dx,) = primals, tangents
    return _hermitian(x), (dx + jnp.conj(dx.mT)) / 2


def cholesky(x: Any) -> Any:
    """The lower factor; nan in its triangle where there is none."""
    return jax.lax.linalg.cholesky(_hermitian(x), symmetrize_input=False)


def eigh(x: Any) -> tuple[Any, Any]:
    """Eigenvalues in ascending order, and the eigenvectors as columns; the lower triangle is read."""
    vectors, values = jax.lax.linalg.eigh(x, lower=True, symmetrize_input=False)
    return values, vectors


def eig(x: Any) -> tuple[Any, Any]:
    """Complex eigenvalues, and the eigenvectors as columns."""
    # JAX guards the derivative, which is right for functions that norms and phases do not change; the front fixes both.
    with _available("eig", x):
        values, vectors = jax.lax.linalg.eig(x, compute_left_eigenvectors=False, enable_eigvec_derivs=True)
    return values, vectors


def eigvals(x: Any) -> Any:
    """Complex eigenvalues."""
    with _available("eigvals", x):
        return jax.lax.linalg.eig(x, compute_left_eigenvectors=False, compute_right_eigenvectors=False)[0]


@contextlib.contextmanager
def _available(name: str, x: Any) -> Iterator[None]:
    """Where JAX has no kernel for the device, say so in unimod's words."""
    try:
        yield
    except NotImplementedError as error:
        raise CapabilityError(
            f"jax has no {name} on this device.",
            got=f"{x.dtype.name} on {jax.default_backend()}",
            fix="move the matrix to the cpu",
        ) from error


def svd(x: Any, full_matrices: bool) -> tuple[Any, Any, Any]:
    """``U, S, Vh``, the singular values in descending order."""
    return tuple(jnp.linalg.svd(x, full_matrices=full_matrices))


def svdvals(x: Any) -> Any:
    """The singular values in descending order."""
    return jnp.linalg.svdvals(x)


def qr(x: Any, complete: bool) -> tuple[Any, Any]:
    """``Q, R``."""
    return tuple(jnp.linalg.qr(x, "complete" if complete else "reduced"))  # type: ignore[return-value]


def slogdet(x: Any) -> tuple[Any, Any]:
    """The sign of the determinant, and the logarithm of its magnitude."""
    return tuple(jnp.linalg.slogdet(x))


def det(x: Any) -> Any:
    """The determinant."""
    return _differentiable_det(x)


solve = jnp.linalg.solve
diagonal = jnp.diagonal


def solve_triangular(x: Any, y: Any, lower: bool, unit_diagonal: bool) -> Any:
    """``x^-1 y`` for matrices ``y``, of which one triangle of ``x`` is read."""
    batch = jnp.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x, y = (jnp.broadcast_to(one, batch + one.shape[-2:]) for one in (x, y))
    return jax.lax.linalg.triangular_solve(x, y, left_side=True, lower=lower, unit_diagonal=unit_diagonal)


def pinv(x: Any, rtol: float) -> Any:
    """The pseudoinverse without the singular values up to ``rtol`` times the greatest."""
    if 0 in x.shape:
        return jnp.conj(x.mT)
    return jnp.linalg.pinv(x, rtol=rtol)


def lu(x: Any) -> tuple[Any, Any, Any]:
    """``P, L, U`` by elimination with the largest pivot of each column."""
    rows, columns = x.shape[-2:]
    packed, _, order = jax.lax.linalg.lu(x)
    least = min(rows, columns)
    lower = jnp.tril(packed[..., :least], -1) + jnp.eye(rows, least, dtype=x.dtype)
    permutation = (order[..., None, :] == jnp.arange(rows)[:, None]).astype(x.dtype)
    return permutation, lower, jnp.triu(packed[..., :least, :])
