"""Directions by the running mean of gradients and of their squares: Adam and its relatives."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.optim._formulas._means import (
    cast,
    corrected,
    first_moment,
    following,
    is_zero,
    larger,
    mean,
    mean_of_squares,
    over_root,
    select,
    together,
    two_moments,
)
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


@formula(two_moments, spends=("mu", "nu"))
def scale_by_adam(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any = 0.0,
    mu_dtype: str | None = None,
    nesterov: bool = False,
) -> Result:
    """Adam's direction; with ``nesterov`` that of Nadam."""
    count = following(state["count"])
    if not nesterov and is_zero(eps_root):
        new, old = together(updates, state["mu"])
        made = lists.over("adam", old, state["nu"], new, count, b1, b2, eps)
        made = lists.at_once("adam", old, state["nu"], new, count, b1, b2, eps) if made is None else made
        if made is not None:
            return made[0], {"count": count, "mu": cast(made[1], mu_dtype), "nu": made[2]}
    mu, nu = mean(lists, state["mu"], updates, b1), mean_of_squares(lists, state["nu"], updates, b2)
    first = first_moment(lists, mu, updates, b1, count, nesterov)
    found = over_root(lists, first, corrected(lists, nu, b2, count), eps, eps_root)
    return found, {"count": count, "mu": cast(mu, mu_dtype), "nu": nu}


def three_moments(lists: Lists, params: Arrays, **options: Any) -> State:
    """The state of Adam, and the largest second moments so far."""
    return {**two_moments(lists, params, **options), "nu_max": lists.zeros(params)}


@formula(three_moments, spends=("mu", "nu"))
def scale_by_amsgrad(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any = 0.0,
    mu_dtype: str | None = None,
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
) -> Result:
    """Adam with the largest second moment so far; each is corrected before it is compared."""
    count = following(state["count"])
    mu, nu = mean(lists, state["mu"], updates, b1), mean_of_squares(lists, state["nu"], updates, b2)
    first = corrected(lists, mu, b1, count) if bias_correction_mu else mu
    second = corrected(lists, nu, b2, count) if bias_correction_nu else nu
    largest = larger(lists, state["nu_max"], second)
    found = over_root(lists, first, largest, eps, eps_root)
    return found, {"count": count, "mu": cast(mu, mu_dtype), "nu": nu, "nu_max": largest}


@formula(two_moments, spends=("mu",))
def scale_by_adamax(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, b1: Any, b2: Any, eps: Any
) -> Result:
    """Adam with a running maximum of the sizes of the gradients."""
    count = following(state["count"])
    mu = mean(lists, state["mu"], updates, b1)
    nu = larger(lists, lists.add(lists.abs(updates), eps), lists.mul(state["nu"], b2))
    return lists.div(corrected(lists, mu, b1, count), nu), {"count": count, "mu": mu, "nu": nu}


@formula(two_moments, spends=("mu", "nu"))
def scale_by_belief(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any,
    nesterov: bool = False,
) -> Result:
    """Adam with the squares of how far the gradients are from their mean."""
    count = following(state["count"])
    mu = mean(lists, state["mu"], updates, b1)
    nu = lists.add(mean_of_squares(lists, state["nu"], lists.sub(updates, mu), b2), eps_root)
    first = first_moment(lists, mu, updates, b1, count, nesterov)
    return over_root(lists, first, corrected(lists, nu, b2, count), eps), {"count": count, "mu": mu, "nu": nu}


def filled_moments(lists: Lists, params: Arrays, *, initial_accumulator_value: float, **options: Any) -> State:
    """A counter and two lists of one value."""
    filled = [lists.full(params, initial_accumulator_value) for _ in range(2)]
    return {"count": lists.count(params), "mu": filled[0], "nu": filled[1]}


@formula(filled_moments)
def scale_by_yogi(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any = 0.0,
    initial_accumulator_value: float = 1e-6,
) -> Result:
    """Adam with second moments that change by no more than a share of the squared gradient."""
    count = following(state["count"])
    mu, squares = mean(lists, state["mu"], updates, b1), lists.squares(updates)
    signs = [unp.sign(x) for x in lists.sub(state["nu"], squares)]
    nu = lists.sub(state["nu"], lists.mul(lists.mul(signs, squares), 1 - b2))
    first, second = corrected(lists, mu, b1, count), corrected(lists, nu, b2, count)
    return over_root(lists, first, second, eps, eps_root), {"count": count, "mu": mu, "nu": nu}


def _adan(lists: Lists, params: Arrays, **options: Any) -> State:
    zeros = {name: lists.zeros(params) for name in ("m", "v", "n", "g")}
    return {**zeros, "t": lists.count(params)}


@formula(_adan)
def scale_by_adan(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    b1: Any,
    b2: Any,
    b3: Any,
    eps: Any,
    eps_root: Any = 0.0,
) -> Result:
    """Nesterov's momentum by the differences of gradients, over the root of a second moment."""
    count, is_first = following(state["t"]), unp.equal(state["t"], 0)
    change = select(is_first, lists.zeros(updates), lists.sub(updates, state["g"]))
    ahead = lists.add(updates, lists.mul(change, 1 - b2))
    m, v = mean(lists, state["m"], updates, b1), mean(lists, state["v"], change, b2)
    n = mean_of_squares(lists, state["n"], ahead, b3)
    first = lists.add(corrected(lists, m, b1, count), lists.mul(corrected(lists, v, b2, count), 1 - b2))
    found = over_root(lists, first, corrected(lists, n, b3, count), eps, eps_root)
    return found, {"m": m, "v": v, "n": n, "g": updates, "t": count}
