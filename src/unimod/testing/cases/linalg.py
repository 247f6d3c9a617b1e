"""Linear algebra: products, decompositions, solvers and norms.

Where a decomposition leaves signs or phases open, the row is about what does not depend on them. Gradients of complex
functions are taken by the real and the imaginary part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod import config
from unimod.core import tree
from unimod.dtypes import DType
from unimod.testing.bounds import Bound
from unimod.testing.case import FLOATS, WIDE, Case, Data

Fn = Callable[..., Any]
la = unp.linalg

_SOLVED = Bound(eps=64, why="elimination multiplies roundings by the condition of the matrix, up to about 10 here")
_SLOPES = Bound(eps=512, why="derivatives of inverses have the square of the condition, those of vectors gaps below")
_SMOOTH = ("float32", "float64", "bfloat16", "int32")


def _row(name: str, fn: Fn, inputs: Callable[[Data], tuple[Any, ...]], **options: Any) -> Case:
    options = {"bound": _SOLVED, "gradient_bound": _SLOPES, **options}
    return Case(f"numpy.{name}", fn, inputs, **options)


def _own(name: str, *rest: Any, **options: Any) -> Fn:
    return lambda *xs: getattr(la, name)(*xs, *rest, **options)


# Inputs


def _regular(d: Data, n: int = 3, *batch: int) -> Any:
    x = d.array(*batch, n, n)
    return (x + 4 * np.eye(n)).astype(x.dtype)


def _one_regular(d: Data) -> tuple[Any, ...]:
    return (_regular(d),)


def _batch(d: Data) -> tuple[Any, ...]:
    return (_regular(d, 3, 2),)


def _tall(d: Data) -> tuple[Any, ...]:
    return (d.array(4, 3),)


def _wide(d: Data) -> tuple[Any, ...]:
    return (d.array(3, 4),)


def _definite(d: Data) -> tuple[Any, ...]:
    x = d.array(3, 3).astype("float32")
    return ((x @ x.T / 4 + np.diag([1.0, 2.0, 4.0])).astype(d.array(1).dtype),)


def _parts_of_definite(d: Data) -> tuple[Any, ...]:
    x, y = d.array(3, 3), d.array(3, 3)
    z = (x + 1j * y) @ (x - 1j * y).T / 4 + np.diag([1.0, 2.0, 4.0])
    return z.real.astype(x.dtype), z.imag.astype(x.dtype)


def _system(d: Data) -> tuple[Any, ...]:
    return _regular(d), d.array(3, 2)


def _parts(d: Data) -> tuple[Any, ...]:
    return _regular(d), d.array(3, 3)


def _apart(d: Data) -> tuple[Any, ...]:
    """A matrix whose eigenvalues are real and far apart, so that their order is settled."""
    x = d.array(3, 3, low=-0.5, high=0.5)
    return ((x + np.diag([1.0, 4.0, 8.0])).astype(x.dtype),)


# Functions of real arrays


def _hermitian(x: Any) -> Any:
    return unp.divide(unp.add(x, unp.conj(unp.matrix_transpose(x))), 2.0)


def _of_hermitian(fn: Fn) -> Fn:
    return lambda x: fn(_hermitian(x))


def _on_parts(fn: Fn) -> Fn:
    """The function of a real and an imaginary part, and its result in such parts."""

    def of_parts(real: Any, imag: Any) -> list[Any]:
        found = tree.leaves(fn(unp.add(real, unp.multiply(imag, 1j))))
        return [part for leaf in found for part in _real_parts(leaf)]

    return of_parts


def _real_parts(leaf: Any) -> tuple[Any, ...]:
    return (unp.real(leaf), unp.imag(leaf)) if DType(config.dtype_of(leaf)).kind == "complex" else (leaf,)


def _without_signs(x: Any, full: bool = False) -> Any:
    """What of a singular value decomposition does not depend on signs, and does on which vectors belong together."""
    u, s, vh = la.svd(x, full_matrices=full)
    k = s.shape[-1]
    weights = unp.asarray([1.0, 2.0, 4.0][:k], dtype=config.dtype_of(u))
    return s, unp.matmul(unp.multiply(u[..., :k], weights), vh[..., :k, :])


def _magnitudes(x: Any, mode: Any = "reduced") -> Any:
    q, r = la.qr(x, mode=mode)
    return unp.abs(q), unp.abs(r)


def _lower(x: Any) -> Any:
    return unp.add(unp.tril(x), unp.tril(unp.ones_like(x)))


def _decompositions() -> list[Case]:
    cholesky, eigh = _own("cholesky"), _own("eigh")
    complex_ = {"wrt": (0, 1)}
    return [
        _row("linalg.cholesky", _of_hermitian(cholesky), _definite, dtypes=FLOATS, wrt=(0,)),
        _row("linalg.cholesky[upper]", _of_hermitian(_own("cholesky", upper=True)), _definite, wrt=(0,)),
        _row(
            "linalg.cholesky[complex]",
            _on_parts(_of_hermitian(_own("cholesky", upper=True))),
            _parts_of_definite,
            **complex_,
        ),
        _row("linalg.qr", _own("qr"), _tall, dtypes=_SMOOTH, wrt=(0,)),
        _row("linalg.qr[wide]", _own("qr"), _wide, wrt=(0,)),
        _row("linalg.qr[complete]", lambda x: _magnitudes(x, "complete"), _tall),
        _row("linalg.qr[complex]", _on_parts(_own("qr")), _parts, **complex_),
        _row("linalg.svd", _without_signs, _tall, dtypes=_SMOOTH, wrt=(0,)),
        _row("linalg.svd[wide]", _without_signs, _wide, wrt=(0,)),
        _row("linalg.svd[full_matrices]", lambda x: _without_signs(x, True), _wide),
        _row("linalg.svd[complex]", _on_parts(_without_signs), _parts, **complex_),
        _row("linalg.svdvals", _own("svdvals"), _tall, dtypes=_SMOOTH, wrt=(0,)),
        _row("linalg.lu", _own("lu"), _tall, dtypes=_SMOOTH, wrt=(0,)),
        _row("linalg.lu[wide]", _own("lu"), _wide, wrt=(0,)),
        _row("linalg.eigh", _of_hermitian(eigh), _definite, dtypes=FLOATS, wrt=(0,)),
        _row("linalg.eigh[complex]", _on_parts(_of_hermitian(eigh)), _parts_of_definite, **complex_),
        _row("linalg.eigvalsh", _of_hermitian(_own("eigvalsh")), _definite, dtypes=FLOATS, wrt=(0,)),
        _row("linalg.eig", _eig_in_parts, _apart, dtypes=WIDE, wrt=(0,)),
        _row("linalg.eigvals", lambda x: unp.real(la.eigvals(x)), _apart, dtypes=WIDE, wrt=(0,)),
    ]


def _eig_in_parts(x: Any) -> Any:
    values, vectors = la.eig(x)
    return unp.real(values), unp.real(vectors), unp.imag(vectors)


def _solvers() -> list[Case]:
    pairs = {"wrt": (0, 1)}
    return [
        _row("linalg.inv", _own("inv"), _one_regular, dtypes=_SMOOTH, wrt=(0,)),
        _row("linalg.inv[batch]", _own("inv"), _batch, wrt=(0,)),
        _row("linalg.inv[complex]", _on_parts(_own("inv")), _parts, **pairs),
        _row("linalg.solve", _own("solve"), _system, wrt=(0, 1), dtypes=_SMOOTH),
        _row("linalg.solve[vector]", _own("solve"), lambda d: (_regular(d, 3, 2), d.array(3)), vmap=False, **pairs),
        _row("linalg.solve[broadcast]", _own("solve"), lambda d: (_regular(d, 3, 2, 1), d.array(2, 3, 2)), **pairs),
        _row("linalg.solve[promotion]", _own("solve"), lambda d: (_regular(d), d.ints(1, 5, 3)), wrt=(0,)),
        _row("linalg.solve_triangular", _own("solve_triangular"), _system, wrt=(0, 1), dtypes=_SMOOTH),
        _row("linalg.solve_triangular[lower]", _own("solve_triangular", lower=True), _system, **pairs),
        _row("linalg.solve_triangular[unit_diagonal]", _own("solve_triangular", unit_diagonal=True), _system, **pairs),
        _row("linalg.cholesky_solve", lambda x, y: la.cholesky_solve(_lower(x), y), _system, wrt=(0, 1), dtypes=WIDE),
        _row(
            "linalg.cholesky_solve[upper]",
            lambda x, y: la.cholesky_solve(unp.matrix_transpose(_lower(x)), y[:, 0], upper=True),
            _system,
            **pairs,
        ),
        _row("linalg.pinv", _own("pinv"), _tall, dtypes=_SMOOTH, wrt=(0,), reference=_at_least_32(np.linalg.pinv)),
        _row("linalg.pinv[rtol]", _own("pinv", rtol=0.6), _wide),
        _row("linalg.pinv[complex]", _on_parts(_own("pinv")), _parts, **pairs),
        _row("linalg.lstsq", _least, lambda d: (d.array(4, 3), d.array(4, 2)), wrt=(0, 1), dtypes=_SMOOTH[:3]),
        _row("linalg.lstsq[vector]", _least, lambda d: (d.array(3, 4), d.array(3)), **pairs),
        _row("linalg.lstsq[rtol]", lambda x, y: la.lstsq(x, y, rtol=0.6), lambda d: (d.array(4, 3), d.array(4))),
        _row("linalg.matrix_rank", _own("matrix_rank"), lambda d: (_of_rank_two(d),), dtypes=WIDE),
        _row("linalg.matrix_rank[rtol]", _own("matrix_rank", rtol=0.6), _tall),
        _row("linalg.det", _own("det"), _one_regular, dtypes=_SMOOTH, wrt=(0,)),
        _row("linalg.det[large]", _own("det"), lambda d: (_regular(d, 5, 2),), wrt=(0,), bound=_LARGE),
        _row("linalg.det[singular]", _own("det"), lambda d: (_singular(),), wrt=(0,), widen=False, bound=_LARGE),
        _row("linalg.det[complex]", _on_parts(_own("det")), _parts, **pairs),
        _row("linalg.slogdet", _own("slogdet"), _one_regular, dtypes=_SMOOTH, wrt=(0,)),
    ]


_LARGE = Bound(eps=256, why="products of five numbers near 4, of which the sum has fewer digits")


def _at_least_32(fn: Fn) -> Fn:
    """The function of numpy, in float32 where it would take float64 for bfloat16 and integers."""

    def call(x: Any) -> Any:
        wide = x if x.dtype.name == "float64" else x.astype("float32")
        return fn(wide).astype(x.dtype if x.dtype.kind in "fV" else "float32")

    return call


def _trace(x: Any) -> Any:
    return np.trace(x).astype(x.dtype)


def _least(x: Any, y: Any) -> Any:
    found = la.lstsq(x, y)
    return found.solution, found.residuals, found.singular_values


def _of_rank_two(d: Data) -> Any:
    x = d.array(4, 3)
    return np.asarray(np.concatenate([x[:, :2], x[:, :1] * 2], 1))


def _singular() -> Any:
    return np.array([[1, 2, 3, 4], [2, 1, 0, 1], [3, 3, 3, 5], [0, 1, 1, 2]], "float32")


_ORDERS = (1, -1, 2, -2, np.inf, -np.inf, "nuc")


def _norms() -> list[Case]:
    return [
        _row("linalg.vector_norm", _own("vector_norm"), _tall, dtypes=_SMOOTH, wrt=(0,)),
        _row("linalg.vector_norm[axis]", _own("vector_norm", axis=(0, 2), keepdims=True), _batch, wrt=(0,)),
        *(
            _row(f"linalg.vector_norm[ord={p}]", _own("vector_norm", axis=-1, ord=p), _tall, wrt=(0,))
            for p in (0, 1, 3, 0.5, -2, np.inf, -np.inf)
        ),
        _row("linalg.vector_norm[complex]", _on_parts(_own("vector_norm", axis=0)), _parts, wrt=(0, 1)),
        _row("linalg.matrix_norm", _own("matrix_norm"), _batch, dtypes=_SMOOTH, wrt=(0,)),
        _row("linalg.matrix_norm[keepdims]", _own("matrix_norm", keepdims=True, ord=1), _batch, wrt=(0,)),
        *(_row(f"linalg.matrix_norm[ord={p}]", _own("matrix_norm", ord=p), _tall, wrt=(0,)) for p in _ORDERS),
        _row("linalg.norm", _own("norm"), _batch, wrt=(0,), reference=np.linalg.norm),
        _row("linalg.norm[axis]", lambda x: la.norm(x, 1, (0, 2), keepdims=True), _batch, wrt=(0,)),
        _row("linalg.norm[vector]", lambda x: la.norm(x, 3, 0), _tall, wrt=(0,)),
        _row("linalg.cond", _own("cond"), _tall, dtypes=WIDE, wrt=(0,), reference=np.linalg.cond),
        _row("linalg.cond[p]", _own("cond", 1), _one_regular, wrt=(0,)),
    ]


def _functions() -> list[Case]:
    return [
        _row("linalg.matrix_power", _own("matrix_power", 5), lambda d: (d.array(3, 3),), dtypes=WIDE, wrt=(0,)),
        _row("linalg.matrix_power[negative]", _own("matrix_power", -2), _batch, wrt=(0,)),
        _row("linalg.expm", _own("expm"), lambda d: (d.array(3, 3),), dtypes=WIDE, wrt=(0,), reference=_exponential),
        _row("linalg.expm[large]", _own("expm"), lambda d: (d.array(2, 3, 3) * 5,), bound=_POWERS),
    ]


_POWERS = Bound(eps=4096, why="eight squarings, each of which doubles the relative error")


def _exponential(x: Any) -> Any:
    """By the eigenvectors, which numbers in general position have."""
    values, vectors = np.linalg.eig(x)
    return ((vectors * np.exp(values)) @ np.linalg.inv(vectors)).real.astype(x.dtype)


def _products() -> list[Case]:
    two = lambda d: (d.array(2, 3), d.array(2, 3))  # noqa: E731
    matrices = lambda d: (d.array(2, 3), d.array(3, 4))  # noqa: E731
    chain = lambda d: (d.array(2, 4), d.array(4, 3), d.array(3, 2))  # noqa: E731
    some: dict[str, Any] = {"dtypes": ("float32", "float64", "bfloat16", "int32"), "wrt": (0, 1)}
    top = [
        _row("inner", unp.inner, two, reference=np.inner, **some),
        _row("kron", unp.kron, matrices, reference=np.kron, **some),
        _row("cross", unp.cross, two, reference=np.cross, **some),
        _row("cross[axis]", lambda x, y: unp.cross(x, y, axis=-2), lambda d: (d.array(3, 2), d.array(3, 1)), **some),
        _row("diag", unp.diag, lambda d: (d.array(3),), wrt=(0,), reference=np.diag, dtypes=FLOATS),
        _row("diag[k]", lambda x: unp.diag(x, -2), lambda d: (d.array(3),), wrt=(0,)),
        _row("diagonal", lambda x: unp.diagonal(x, 1), _batch, wrt=(0,), reference=lambda x: np.diagonal(x, 1)),
        _row("trace", unp.trace, _tall, wrt=(0,), reference=_trace, dtypes=("float32", "int32")),
        _row("trace[axes]", lambda x: unp.trace(x, 1, 0, 2), _batch, wrt=(0,)),
        _row("einsum[repeated]", lambda x, y: unp.einsum("iij,jk", x, y), lambda d: (d.array(2, 2, 3), d.array(3, 2)),
             **some),
        _row("einsum[ellipsis]", lambda x, y: unp.einsum("...ij,...j->...i", x, y), lambda d: (d.array(2, 2, 3),
             d.array(3)), vmap=False, **some),
        _row("einsum[three]", lambda x, y, z: unp.einsum("ij,jk,kl->li", x, y, z), chain, wrt=(0, 1, 2)),
        _row("einsum[optimize]", lambda x, y, z: unp.einsum("ij,jk,kl->", x, y, z, optimize="optimal"), chain),
        _row("einsum[unordered]", lambda x, y, z: unp.einsum("ij,jk,kl", x, y, z, optimize=False), chain),
    ]  # fmt: skip
    return [
        *top,
        _row("linalg.matmul", la.matmul, matrices, **some),
        _row("linalg.tensordot", lambda x, y: la.tensordot(x, y, axes=1), matrices, **some),
        _row("linalg.vecdot", la.vecdot, two, **some),
        _row("linalg.vecdot[axis]", lambda x, y: la.vecdot(x, y, axis=-2), lambda d: (d.array(3, 2), d.array(3, 1))),
        _row("linalg.vecdot[complex]", la.vecdot, two, dtypes=("complex64",)),
        _row("linalg.outer", la.outer, lambda d: (d.array(2), d.array(3)), **some),
        _row("linalg.kron", la.kron, matrices, reference=np.kron, **some),
        _row("linalg.cross", la.cross, two, reference=np.cross, **some),
        _row("linalg.matrix_transpose", la.matrix_transpose, _batch, wrt=(0,)),
        _row("linalg.diagonal", _own("diagonal", offset=-1), _batch, wrt=(0,)),
        _row("linalg.trace", _own("trace", offset=1), _batch, wrt=(0,), dtypes=("float32", "int32")),
        _row("linalg.trace[dtype]", _own("trace", dtype="float32"), _batch, dtypes=("int32",)),
        _row("linalg.multi_dot", lambda x, y, z: la.multi_dot([x, y, z]), chain, wrt=(0, 1, 2), dtypes=WIDE),
    ]


CASES = (*_decompositions(), *_solvers(), *_norms(), *_functions(), *_products())
