"""Directions of two means of the gradients, a fast and a slow one: AdEMAMix."""

from __future__ import annotations

from typing import Any

from unimod.optim._formulas._means import cast, mean, mean_of_squares, over_root
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._formulas.free import rate_at
from unimod.optim._lists import Arrays, Lists


def _init(lists: Lists, params: Arrays, *, mu_dtype: str | None = None, **options: Any) -> State:
    counts = {"count": lists.count(params), "count_m2": lists.count(params)}
    means = cast(lists.zeros(params), mu_dtype)
    return {**counts, "m1": means, "m2": list(means), "nu": lists.zeros(params)}


@formula(_init)
def scale_by_ademamix(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    b1: Any,
    b2: Any,
    b3: Any,
    alpha: Any,
    eps: Any,
    eps_root: Any,
    mu_dtype: str | None = None,
) -> Result:
    """Adam's direction, whose numerator is the corrected fast mean and ``alpha`` times the slow one."""
    count, slow = state["count"] + 1, state["count_m2"]
    m1 = mean(lists, state["m1"], updates, b1)
    m2 = mean(lists, state["m2"], updates, rate_at(b3, slow))
    nu = mean_of_squares(lists, state["nu"], updates, b2)
    above = lists.add(lists.div(m1, lists.debias(b1, count)), lists.mul(m2, rate_at(alpha, slow)))
    second = lists.div(nu, lists.debias(b2, count))
    kept = {"m1": cast(m1, mu_dtype), "m2": cast(m2, mu_dtype)}
    changed = {"count": count, "count_m2": slow + 1, **kept, "nu": nu}
    return over_root(lists, above, second, eps, eps_root), changed


def _simplified(lists: Lists, params: Arrays, **options: Any) -> State:
    return {"t": lists.count(params), "m": lists.zeros(params), "n": lists.zeros(params)}


@formula(_simplified)
def scale_by_simplified_ademamix(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    b1: Any,
    b2: Any,
    alpha: Any,
    eps: Any,
    eps_root: Any,
) -> Result:
    """A decaying sum of gradients and ``alpha`` times the gradient, over the root of the mean square."""
    count = state["t"] + 1
    summed = lists.add(updates, lists.mul(state["m"], b1))
    squares = mean_of_squares(lists, state["n"], updates, b2)
    above = lists.add(summed, lists.mul(updates, rate_at(alpha, state["t"])))
    second = lists.div(squares, lists.debias(b2, count))
    return over_root(lists, above, second, eps, eps_root), {"t": count, "m": summed, "n": squares}
