"""Orthogonal updates of matrices: Muon."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas._means import cast, first_moment, following, mean
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


def _init(
    lists: Lists, params: Arrays, *, ns_coeffs: Any, ns_steps: int = 5, mu_dtype: str | None = None, **options: Any
) -> State:
    kept = ns_coeffs if not isinstance(ns_coeffs[0], tuple) else ns_coeffs[-ns_steps:]
    table = lists.engine.arrays.asarray(kept, sizes.wide_dtype(params), lists.device(params))
    return {"count": lists.count(params), "mu": cast(lists.zeros(params), mu_dtype), "ns_coeffs": table}


@formula(_init)
def scale_by_muon(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    ns_coeffs: Any,
    ns_steps: int = 5,
    beta: Any = 0.95,
    eps: Any = 1e-8,
    mu_dtype: str | None = None,
    nesterov: bool = True,
    adaptive: bool = False,
    preconditioning: str = "frobenius",
) -> Result:
    """The nearest orthogonal matrices to the running mean of the gradients, nearly."""
    count = following(state["count"])
    mu = mean(lists, state["mu"], updates, beta)
    ahead = first_moment(lists, mu, updates, beta, count, nesterov)
    rows = _rows(state["ns_coeffs"], ns_steps)
    turned = [orthogonalized(x, rows, eps, preconditioning) for x in ahead]
    if adaptive:
        turned = lists.mul(turned, [sizes.inner(lists, [x], [y]) for x, y in zip(ahead, turned, strict=True)])
    return turned, {"count": count, "mu": cast(mu, mu_dtype), "ns_coeffs": state["ns_coeffs"]}


def _rows(table: Array, steps: int) -> list[Array]:
    """The three coefficients of each step."""
    return [table] * steps if len(table.shape) == 1 else [table[i] for i in range(table.shape[0])]


def orthogonalized(x: Array, rows: list[Array], eps: Any, preconditioning: str) -> Array:
    """A matrix with singular values near 1, by Newton and Schulz's iteration; of a stack each by itself."""
    is_tall = x.shape[-2] > x.shape[-1]
    x = unp.matrix_transpose(x) if is_tall else x
    if preconditioning == "frobenius":
        x = unp.divide(x, unp.add(unp.sqrt(_sum_of_squares(x)), eps))
    elif preconditioning == "spectral":
        x = unp.divide(x, unp.add(unp.linalg.matrix_norm(x, ord=2, keepdims=True), eps))
    for number, row in enumerate(rows):
        x = _iterated(x, unp.astype(row, str(config.dtype_of(x))), preconditioning if number == 0 else "frobenius")
    return unp.matrix_transpose(x) if is_tall else x


def _sum_of_squares(x: Array) -> Array:
    return unp.sum(sizes.squared(x), axis=(-2, -1), keepdims=True)


def _iterated(x: Array, row: Array, preconditioning: str) -> Array:
    gram = unp.matmul(x, unp.matrix_transpose(unp.conj(x)))
    if preconditioning == "aol":
        scale = unp.rsqrt(unp.clip(unp.sum(unp.abs(gram), axis=-1, keepdims=True), min=1e-8))
        x, gram = unp.multiply(x, scale), unp.multiply(unp.multiply(gram, scale), unp.matrix_transpose(scale))
    elif preconditioning == "schatten":
        scale = unp.rsqrt(unp.clip(unp.sqrt(_sum_of_squares(gram)), min=1e-8))
        x, gram = unp.multiply(x, scale), unp.multiply(gram, unp.square(scale))
    mixed = unp.add(unp.multiply(gram, row[1]), unp.matmul(unp.multiply(gram, row[2]), gram))
    return unp.add(unp.multiply(x, row[0]), unp.matmul(mixed, x))


@formula()
def scale_by_shape(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, consistent_rms: Any = None
) -> Result:
    """``u`` of matrices (..., m, n) by ``sqrt(max(1, n / m))``, or by ``sqrt(max(m, n)) * consistent_rms``."""
    if consistent_rms is None:
        return [unp.multiply(u, max(1.0, u.shape[-1] / u.shape[-2]) ** 0.5) for u in updates], state
    return lists.mul([unp.multiply(u, max(u.shape[-2:]) ** 0.5) for u in updates], consistent_rms), state
