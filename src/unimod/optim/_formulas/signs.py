"""Steps by the signs of gradients: sign descent, Lion and Rprop."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.optim._formulas._means import cast, following, mean
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


def signs(xs: Arrays) -> Arrays:
    """-1, 0 and 1; not the fused function of an engine, which may lose what is not a number."""
    return [unp.sign(x) for x in xs]


@formula()
def scale_by_sign(lists: Lists, updates: Arrays, state: State, params: Arrays | None) -> Result:
    """The signs of the gradients."""
    return signs(updates), state


def _lion(lists: Lists, params: Arrays, *, mu_dtype: str | None = None, **options: Any) -> State:
    return {"count": lists.count(params), "mu": cast(lists.zeros(params), mu_dtype)}


@formula(_lion)
def scale_by_lion(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    b1: Any,
    b2: Any,
    mu_dtype: str | None = None,
    mode: str = "hard",
    smooth_beta: Any = 1.0,
) -> Result:
    """The sign of a mean of the momentum and the gradient, or something like it."""
    mixed, mu = mean(lists, state["mu"], updates, b1), mean(lists, state["mu"], updates, b2)
    new = {"count": following(state["count"]), "mu": cast(mu, mu_dtype)}
    if mode == "smooth":
        return [unp.tanh(x) for x in lists.mul(mixed, smooth_beta)], new
    if mode == "refined":
        return [unp.where(unp.less(unp.abs(x), 1.0), x, unp.sign(x)) for x in mixed], new
    return signs(mixed), new


def step_sizes(lists: Lists, params: Arrays, *, learning_rate: float, **options: Any) -> State:
    """The first step sizes, and no updates before."""
    return {"step_sizes": lists.full(params, learning_rate), "prev_updates": lists.zeros(params)}


def resized(
    lists: Lists, agreement: Arrays, sizes: Arrays, eta_minus: Any, eta_plus: Any, least: Any, most: Any
) -> Arrays:
    """Step sizes: longer where two gradients agree, shorter where they do not, as they are where one is 0."""
    longer, shorter = (
        lists.minimum(lists.maximum(lists.mul(sizes, eta), least), most) for eta in (eta_plus, eta_minus)
    )
    return [
        unp.where(unp.equal(s, 0), same, unp.where(unp.greater(s, 0), up, down))
        for s, same, up, down in zip(agreement, sizes, longer, shorter, strict=True)
    ]


@formula(step_sizes, is_real=True)
def scale_by_rprop(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    learning_rate: float,
    eta_minus: Any = 0.5,
    eta_plus: Any = 1.2,
    min_step_size: Any = 1e-6,
    max_step_size: Any = 50.0,
) -> Result:
    """The step of the gradient before this one; 0 where the two do not agree."""
    before = state["prev_updates"]
    agreement = lists.mul(updates, before)
    sizes = resized(lists, agreement, state["step_sizes"], eta_minus, eta_plus, min_step_size, max_step_size)
    steps = [_unless_negative(s, x) for s, x in zip(agreement, lists.mul(sizes, signs(updates)), strict=True)]
    found = [_unless_negative(s, x) for s, x in zip(agreement, before, strict=True)]
    return found, {"step_sizes": sizes, "prev_updates": steps}


def _unless_negative(condition: Any, x: Any) -> Any:
    return unp.where(unp.less(condition, 0), 0.0, x)
