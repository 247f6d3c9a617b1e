"""What ``torch.optim`` defines otherwise under names that optax has too.

Each is beside the formula of the same name in the other files; what is alike in both is not here.
"""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.optim._formulas._means import (
    corrected,
    following,
    larger,
    mean,
    mean_of_squares,
    over_root,
    select,
    two_moments,
)
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._formulas.moments import three_moments
from unimod.optim._formulas.rectified import length, rectification
from unimod.optim._formulas.signs import resized, signs, step_sizes
from unimod.optim._lists import Arrays, Lists


@formula(three_moments, spends=("mu", "nu"))
def scale_by_torch_amsgrad(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, b1: Any, b2: Any, eps: Any
) -> Result:
    """The largest second moment is that of the moments as they are, and is corrected afterwards."""
    count = following(state["count"])
    mu, nu = mean(lists, state["mu"], updates, b1), mean_of_squares(lists, state["nu"], updates, b2)
    largest = larger(lists, state["nu_max"], nu)
    found = over_root(lists, corrected(lists, mu, b1, count), corrected(lists, largest, b2, count), eps)
    return found, {"count": count, "mu": mu, "nu": nu, "nu_max": largest}


def _scheduled(lists: Lists, params: Arrays, **options: Any) -> State:
    is_wide = any(config.dtype_of(x) in ("float64", "complex128") for x in params)
    dtype = "float64" if is_wide else "float32"
    product = lists.engine.arrays.full_like(lists.count(params), 1.0, dtype)
    return {**two_moments(lists, params), "mu_product": product}


@formula(_scheduled, spends=("mu", "nu"))
def scale_by_torch_nadam(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    b1: Any,
    b2: Any,
    eps: Any,
    momentum_decay: Any,
) -> Result:
    """Nesterov's momentum with a decay that grows to ``b1``: ``b1 * (1 - 0.96**(step * momentum_decay) / 2)``."""
    count, dtype = following(state["count"]), config.dtype_of(state["mu_product"])
    steps = unp.astype(count, dtype)
    now, after = (_decay(at, b1, momentum_decay) for at in (steps, unp.add(steps, 1)))
    product = unp.multiply(state["mu_product"], unp.astype(now, dtype))
    mu, nu = mean(lists, state["mu"], updates, b1), mean_of_squares(lists, state["nu"], updates, b2)
    of_gradient = unp.divide(unp.subtract(1, now), unp.subtract(1, product))
    of_mean = unp.divide(after, unp.subtract(1, unp.multiply(product, after)))
    first = lists.add(lists.mul(updates, of_gradient), lists.mul(mu, of_mean))
    found = over_root(lists, first, corrected(lists, nu, b2, count), eps)
    return found, {"count": count, "mu": mu, "nu": nu, "mu_product": product}


_LOG = -0.040821994520255166
"""The logarithm of 0.96."""


def _decay(steps: Any, b1: Any, momentum_decay: Any) -> Any:
    shrunk = unp.exp(unp.multiply(unp.multiply(steps, _LOG), momentum_decay))
    return unp.multiply(unp.subtract(1, unp.multiply(shrunk, 0.5)), b1)


@formula(two_moments, spends=("mu", "nu"))
def scale_by_torch_radam(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, b1: Any, b2: Any, eps: Any
) -> Result:
    """``eps`` is added before the correction, and the second moment must be about more than five gradients."""
    count = following(state["count"])
    mu, nu = mean(lists, state["mu"], updates, b1), mean_of_squares(lists, state["nu"], updates, b2)
    rho, limit = length(lists, b2, count)
    is_long = unp.greater(rho, 5.0)
    factor = unp.multiply(rectification(rho, limit, is_long), unp.sqrt(lists.debias(b2, count)))
    first = corrected(lists, mu, b1, count)
    found = select(is_long, lists.mul(over_root(lists, first, nu, eps), factor), first)
    return found, {"count": count, "mu": mu, "nu": nu}


def _summed(lists: Lists, params: Arrays, *, initial_accumulator_value: float, **options: Any) -> State:
    return {"sum_of_squares": lists.full(params, initial_accumulator_value)}


@formula(_summed)
def scale_by_torch_rss(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, initial_accumulator_value: float, eps: Any
) -> Result:
    """``eps`` is added to the root."""
    total = lists.add(state["sum_of_squares"], lists.squares(updates))
    return over_root(lists, updates, total, eps), {"sum_of_squares": total}


@formula(step_sizes, is_real=True)
def scale_by_torch_rprop(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    learning_rate: float,
    eta_minus: Any,
    eta_plus: Any,
    min_step_size: Any,
    max_step_size: Any,
) -> Result:
    """The step of this gradient; where it does not agree with the one before there is none, now and for the next."""
    agreement = lists.mul(updates, signs(state["prev_updates"]))
    sizes = resized(lists, agreement, state["step_sizes"], eta_minus, eta_plus, min_step_size, max_step_size)
    kept = [unp.where(unp.less(s, 0), 0.0, unp.sign(x)) for s, x in zip(agreement, updates, strict=True)]
    steps = lists.mul(sizes, kept)
    return steps, {"step_sizes": sizes, "prev_updates": steps}


def _dampened(lists: Lists, params: Arrays, **options: Any) -> State:
    return {"count": lists.count(params), "trace": lists.zeros(params)}


@formula(_dampened)
def dampened_trace(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, decay: Any, dampening: Any
) -> Result:
    """``t = decay * t + (1 - dampening) * u``; the first ``u`` is not dampened."""
    weight = unp.where(unp.equal(state["count"], 0), 1.0, 1 - dampening)
    summed = lists.add(lists.mul(state["trace"], decay), lists.mul(updates, weight))
    return summed, {"count": following(state["count"]), "trace": summed}
