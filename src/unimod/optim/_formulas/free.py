"""Adam with an estimated learning rate: Prodigy and D-Adaptation."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


def rate_at(learning_rate: Any, count: Array) -> Any:
    """A learning rate, or what a schedule gives for the step."""
    return learning_rate(count) if callable(learning_rate) else learning_rate


def _like(x: Array, old: Array) -> Array:
    return unp.astype(x, str(config.dtype_of(old)))


def _step(lists: Lists, state: State, learning_rate: Any, betas: Any) -> Array:
    """The estimated rate, with the corrections of Adam's moments in it."""
    count = state["count"] + 1
    corrected = unp.divide(unp.sqrt(lists.debias(betas[1], count)), lists.debias(betas[0], count))
    estimate = sizes.wide(state["estim_lr"])
    return unp.multiply(_like(corrected, estimate), unp.multiply(estimate, rate_at(learning_rate, state["count"])))


def _prodigy(lists: Lists, params: Arrays, *, estim_lr0: Any, **options: Any) -> State:
    dtype = sizes.lowest_dtype(params)
    return {
        "exp_avg": lists.zeros(params),
        "exp_avg_sq": lists.zeros(params),
        "grad_sum": lists.zeros(params),
        "params0": list(params),
        "estim_lr": sizes.number(lists, params, estim_lr0, dtype),
        "numerator_weighted": sizes.number(lists, params, 0.0, dtype),
        "count": lists.count(params),
    }


@formula(_prodigy, needs_params=True)
def prodigy(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    learning_rate: Any,
    betas: Any,
    beta3: Any,
    eps: Any,
    estim_lr0: Any,
    estim_lr_coef: Any,
    weight_decay: Any,
    safeguard_warmup: bool,
) -> Result:
    """Adam with a rate that is estimated from the distance to the first parameters."""
    beta3 = betas[1] ** 0.5 if beta3 is None else beta3
    estimate, step = sizes.wide(state["estim_lr"]), _step(lists, state, learning_rate, betas)
    scaled = lists.mul(updates, estimate)
    first = lists.decayed(state["exp_avg"], scaled, betas[0])
    second = lists.decayed_squares(state["exp_avg_sq"], scaled, betas[1])
    weight = unp.divide(estimate if safeguard_warmup else step, estim_lr0)
    summed = lists.add(lists.mul(state["grad_sum"], beta3), lists.mul(scaled, weight))
    gained = _gained(lists, updates, state["params0"], params)
    weighted = unp.add(
        unp.multiply(sizes.wide(state["numerator_weighted"]), beta3),
        unp.multiply(unp.multiply(unp.divide(estimate, estim_lr0), step), gained),
    )
    found = _quotient(unp.multiply(weighted, estim_lr_coef), _absolute(lists, summed))
    below = lists.add(lists.sqrt(second), unp.multiply(unp.maximum(estimate, found), eps))
    direction = lists.neg(lists.mul(lists.div(first, below), step))
    return lists.sub(direction, lists.mul(params, unp.multiply(step, weight_decay))), {
        "exp_avg": first,
        "exp_avg_sq": second,
        "grad_sum": summed,
        "params0": state["params0"],
        "estim_lr": _like(unp.maximum(estimate, found), state["estim_lr"]),
        "numerator_weighted": _like(weighted, state["numerator_weighted"]),
        "count": state["count"] + 1,
    }


def _gained(lists: Lists, updates: Arrays, start: Arrays, params: Arrays) -> Array:
    return sizes.wide(sizes.inner(lists, updates, lists.sub(start, params)))


def _absolute(lists: Lists, xs: Arrays) -> Array:
    return sizes.wide(sizes.total(lists, [unp.sum(x) for x in lists.abs(xs)]))


def _quotient(above: Array, below: Array) -> Array:
    """``above / below``, and 0 where no gradient has been seen."""
    is_zero = unp.equal(below, 0)
    return unp.where(is_zero, unp.zeros_like(above), unp.divide(above, unp.where(is_zero, unp.ones_like(below), below)))


def _dadapt(lists: Lists, params: Arrays, *, estim_lr0: Any, **options: Any) -> State:
    state = _prodigy(lists, params, estim_lr0=estim_lr0)
    return {name: value for name, value in state.items() if name != "params0"}


@formula(_dadapt, needs_params=True)
def dadapt_adamw(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    learning_rate: Any,
    betas: Any,
    eps: Any,
    estim_lr0: Any,
    weight_decay: Any,
) -> Result:
    """AdamW with a rate that is estimated from the sum of the gradients."""
    decay, step = betas[1] ** 0.5, _step(lists, state, learning_rate, betas)
    before = lists.div(state["grad_sum"], lists.add(lists.sqrt(state["exp_avg_sq"]), eps))
    gained = sizes.wide(sizes.inner(lists, updates, before))
    first = lists.add(lists.mul(state["exp_avg"], betas[0]), lists.mul(updates, unp.multiply(step, 1 - betas[0])))
    second = lists.decayed_squares(state["exp_avg_sq"], updates, betas[1])
    summed = lists.add(lists.mul(state["grad_sum"], decay), lists.mul(updates, unp.multiply(step, 1 - decay)))
    weighted = unp.add(
        unp.multiply(sizes.wide(state["numerator_weighted"]), decay),
        unp.multiply(unp.multiply(step, 1 - decay), gained),
    )
    found = _quotient(weighted, unp.multiply(_absolute(lists, summed), 1 - decay))
    direction = lists.neg(lists.div(first, lists.add(lists.sqrt(second), eps)))
    return lists.sub(direction, lists.mul(params, unp.multiply(step, weight_decay))), {
        "exp_avg": first,
        "exp_avg_sq": second,
        "grad_sum": summed,
        "estim_lr": _like(unp.maximum(sizes.wide(state["estim_lr"]), found), state["estim_lr"]),
        "numerator_weighted": _like(weighted, state["numerator_weighted"]),
        "count": state["count"] + 1,
    }
