"""Step sizes from the distance to the first parameters: DoG, DoWG, and coin betting."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


def _like(x: Array, old: Array) -> Array:
    return unp.astype(x, str(config.dtype_of(old)))


def _each(lists: Lists, xs: Arrays, reps_rel: Any) -> Arrays:
    return [unp.multiply(unp.add(sizes.root(unp.sum(s)), 1.0), reps_rel) for s in lists.squares(xs)]


def _layerwise(lists: Lists, params: Arrays, *, reps_rel: Any, param_dtype: str, **options: Any) -> State:
    dtype = sizes.wide_dtype(params)
    return {
        "max_dist": _each(lists, params, reps_rel),
        "grad_sum_of_squares": [unp.reshape(sizes.number(lists, params, 0.0, dtype), (1,)) for _ in params],
        "init_params": [unp.astype(p, param_dtype) for p in params],
    }


@formula(_layerwise, needs_params=True)
def scale_by_distance_over_gradients(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    reps_rel: Any = 1e-6,
    eps: Any = 1e-8,
    param_dtype: str = "float32",
    global_scale: Any = 1.0,
) -> Result:
    """``u * global_scale * d / sqrt(sum of squares + eps)``, of each array by itself."""
    away = lists.squares([unp.subtract(p, _like(x, p)) for p, x in zip(params, state["init_params"], strict=True)])
    far = [unp.maximum(d, sizes.root(unp.sum(s))) for d, s in zip(state["max_dist"], away, strict=True)]
    squares = zip(state["grad_sum_of_squares"], lists.squares(updates), strict=True)
    sums = [unp.add(x, _like(unp.sum(s), x)) for x, s in squares]
    roots = [_like(unp.sqrt(unp.add(x[0], eps)), d) for x, d in zip(sums, far, strict=True)]
    rates = lists.mul(lists.div(far, roots), global_scale)
    return lists.mul(updates, rates), {**state, "max_dist": far, "grad_sum_of_squares": sums}


def _distance(lists: Lists, params: Arrays, start: Arrays) -> Array:
    return sizes.square_norm(lists, lists.sub(start, params))


def _dog(lists: Lists, params: Arrays, *, init_step: tuple[str, Any], **options: Any) -> State:
    kind, value = init_step
    dtype = sizes.lowest_dtype(params)
    first = {"distance": value, "learning_rate": 0.0}.get(kind)
    if first is None:
        first = unp.multiply(unp.add(sizes.norm(lists, params), 1.0), value)
    return {
        "is_init_step": unp.equal(lists.count(params), 0),
        "init_params": list(params),
        "max_dist": sizes.number(lists, params, first, dtype),
        "sum_sq_norm_grads": sizes.number(lists, params, 0.0, dtype),
    }


@formula(_dog, needs_params=True)
def scale_by_dog(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    init_step: tuple[str, Any],
    eps: Any = 1e-8,
) -> Result:
    """``u`` times the greatest distance over the root of the sum of squared gradients."""
    away = sizes.root(_distance(lists, params, state["init_params"]))
    far = unp.maximum(state["max_dist"], _like(away, state["max_dist"]))
    summed = unp.add(state["sum_sq_norm_grads"], _like(sizes.square_norm(lists, updates), far))
    rate = unp.divide(far, unp.sqrt(unp.add(summed, eps)))
    is_first = state["is_init_step"]
    if init_step[0] == "learning_rate":
        rate = unp.where(is_first, lists.engine.arrays.full_like(rate, init_step[1]), rate)
    changed = {"is_init_step": unp.logical_and(is_first, unp.logical_not(is_first))}
    return lists.mul(updates, rate), {**state, **changed, "max_dist": far, "sum_sq_norm_grads": summed}


def _dowg(lists: Lists, params: Arrays, *, init_estim_sq_dist: Any, eps: Any) -> State:
    dtype = sizes.lowest_dtype(params)
    first = eps if init_estim_sq_dist is None else init_estim_sq_dist
    return {
        "init_params": list(params),
        "weighted_sq_norm_grads": sizes.number(lists, params, 0.0, dtype),
        "estim_sq_dist": sizes.number(lists, params, first, dtype),
    }


@formula(_dowg, needs_params=True)
def scale_by_dowg(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    init_estim_sq_dist: Any = None,
    eps: Any = 1e-4,
) -> Result:
    """``u * d / (sqrt(sum of d * |u|**2) + eps)`` for the greatest squared distance ``d``."""
    old = state["estim_sq_dist"]
    far = unp.maximum(old, _like(_distance(lists, params, state["init_params"]), old))
    square = _like(sizes.square_norm(lists, updates), old)
    summed = unp.add(unp.multiply(far, square), state["weighted_sq_norm_grads"])
    rate = unp.divide(far, unp.add(unp.sqrt(summed), eps))
    return lists.mul(updates, rate), {**state, "estim_sq_dist": far, "weighted_sq_norm_grads": summed}


def _cocob(lists: Lists, params: Arrays, *, eps: Any, **options: Any) -> State:
    return {
        "init_particles": list(params),
        "cumulative_gradients": lists.zeros(params),
        "scale": lists.mul([unp.ones_like(p) for p in params], eps),
        "subgradients": lists.zeros(params),
        "reward": lists.zeros(params),
    }


@formula(_cocob, needs_params=True, is_real=True)
def scale_by_cocob(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    alpha: Any = 100.0,
    eps: Any = 1e-8,
) -> Result:
    """The bets of coin betting, of each number by itself."""
    start, sizes_of = state["init_particles"], lists.abs(updates)
    scale = lists.maximum(state["scale"], sizes_of)
    seen = lists.add(state["subgradients"], sizes_of)
    won = lists.mul(updates, lists.sub(params, start))
    reward = lists.maximum(lists.sub(state["reward"], won), 0.0)
    summed = lists.sub(state["cumulative_gradients"], updates)
    below = lists.mul(scale, lists.maximum(lists.add(seen, scale), lists.mul(scale, alpha)))
    bets = lists.mul(lists.div(summed, below), lists.add(scale, reward))
    changed = {"cumulative_gradients": summed, "scale": scale, "subgradients": seen, "reward": reward}
    return lists.sub(lists.add(start, bets), params), {**state, **changed}
