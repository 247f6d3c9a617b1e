"""Directions by the running mean of gradients and of their squares: Adam and its relatives."""

from __future__ import annotations

from typing import Any

from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


def is_zero(value: Any) -> bool:
    """Whether an option is the number 0, so that what it multiplies can be left out."""
    return isinstance(value, (int, float)) and value == 0


def two_moments(lists: Lists, params: Arrays, **options: Any) -> State:
    """A counter and two lists of zeros."""
    return {"count": lists.count(params), "mu": lists.zeros(params), "nu": lists.zeros(params)}


@formula(two_moments)
def scale_by_adam(
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
    """Adam's direction; with ``nesterov`` that of Nadam."""
    count = state["count"] + 1
    mu, nu = lists.decayed(state["mu"], updates, b1), lists.decayed_squares(state["nu"], updates, b2)
    first = lists.div(mu, lists.debias(b1, count))
    if nesterov:
        ahead = lists.div(lists.mul(mu, b1), lists.debias(b1, count + 1))
        first = lists.add(ahead, lists.div(lists.mul(updates, 1 - b1), lists.debias(b1, count)))
    second = lists.div(nu, lists.debias(b2, count))
    if not is_zero(eps_root):
        second = lists.add(second, eps_root)
    return lists.div(first, lists.add(lists.sqrt(second), eps)), {"count": count, "mu": mu, "nu": nu}
