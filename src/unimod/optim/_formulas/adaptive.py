"""Gradients over the root of their squares, summed or averaged: Adagrad, RMSprop, Adadelta, NovoGrad and SM3."""

from __future__ import annotations

import functools
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.optim._formulas._means import (
    cast,
    cast_like,
    corrected,
    following,
    is_zero,
    mean,
    mean_of_squares,
    over_root,
    select,
)
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


def _summed(lists: Lists, params: Arrays, *, initial_accumulator_value: float, **options: Any) -> State:
    return {"sum_of_squares": lists.full(params, initial_accumulator_value)}


@formula(_summed, spends=("sum_of_squares",))
def scale_by_rss(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, initial_accumulator_value: float, eps: Any
) -> Result:
    """Over the root of the sum of all squares so far; 0 where that is 0."""
    total = lists.add_squares(state["sum_of_squares"], updates)
    return _over_positive_root(lists, updates, total, eps), {"sum_of_squares": total}


def _over_positive_root(lists: Lists, xs: Arrays, squares: Arrays, eps: Any) -> Arrays:
    """``x / sqrt(square + eps)``, and 0 where the square is; what is not a number stays so."""
    if isinstance(eps, (int, float)) and eps > 0:
        made = lists.at_once("over_positive_root", xs, squares, eps)
        if made is not None:
            return list(made)
    inverse = lists.reciprocal(lists.sqrt(lists.add(squares, eps)))
    is_positive = [unp.greater(unp.real(square), 0) for square in squares]
    return list(lists.mul([unp.where(chosen, x, 0.0) for chosen, x in zip(is_positive, inverse, strict=True)], xs))


def _squares(
    lists: Lists, params: Arrays, *, initial_scale: float, bias_correction: bool = False, **options: Any
) -> State:
    """The second moments, and a counter where they are corrected."""
    count = {"count": lists.count(params)} if bias_correction else {}
    return {**count, "nu": lists.full(params, initial_scale)}


@formula(_squares, spends=("nu",))
def scale_by_rms(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    decay: Any,
    eps: Any,
    initial_scale: float = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
) -> Result:
    """Over the root of the second moment."""
    new, count = _counted(state)
    new["nu"] = mean_of_squares(lists, state["nu"], updates, decay)
    second = corrected(lists, new["nu"], decay, count) if bias_correction else new["nu"]
    return _over(lists, updates, second, eps, eps_in_sqrt), new


def _means_and_squares(lists: Lists, params: Arrays, **options: Any) -> State:
    squares = _squares(lists, params, **options)
    nu = squares.pop("nu")
    return {**squares, "mu": lists.zeros(params), "nu": nu}


@formula(_means_and_squares, spends=("mu", "nu"))
def scale_by_stddev(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    decay: Any,
    eps: Any,
    initial_scale: float = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
) -> Result:
    """Over the root of the second moment without the square of the first."""
    new, count = _counted(state)
    new["mu"] = mean(lists, state["mu"], updates, decay)
    new["nu"] = mean_of_squares(lists, state["nu"], updates, decay)
    first, second = new["mu"], new["nu"]
    if bias_correction:
        first, second = corrected(lists, first, decay, count), corrected(lists, second, decay, count)
    return _over(lists, updates, lists.sub(second, lists.squares(first)), eps, eps_in_sqrt), new


def _counted(state: State) -> tuple[State, Array | None]:
    """A new state with the next count, where there is one."""
    if "count" not in state:
        return {}, None
    count = following(state["count"])
    return {"count": count}, count


def _over(lists: Lists, xs: Arrays, squares: Arrays, eps: Any, is_inside: bool) -> Arrays:
    return over_root(lists, xs, squares, 0.0, eps) if is_inside else over_root(lists, xs, squares, eps)


def _adadelta(lists: Lists, params: Arrays, **options: Any) -> State:
    return {"e_g": lists.zeros(params), "e_x": lists.zeros(params)}


@formula(_adadelta)
def scale_by_adadelta(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, rho: Any, eps: Any
) -> Result:
    """Times the root of the mean of squared updates, over that of squared gradients."""
    gradients = mean(lists, state["e_g"], lists.mul(updates, updates), rho)
    above, below = (lists.sqrt(lists.add(xs, eps)) for xs in (state["e_x"], gradients))
    found = lists.mul(lists.div(above, below), updates)
    return found, {"e_g": gradients, "e_x": mean(lists, state["e_x"], lists.mul(found, found), rho)}


def _novograd(lists: Lists, params: Arrays, *, mu_dtype: str | None = None, **options: Any) -> State:
    norms = [lists.engine.arrays.full_like(lists.count([x]), 0.0, config.dtype_of(x)) for x in params]
    return {"count": lists.count(params), "mu": cast(lists.zeros(params), mu_dtype), "nu": norms}


@formula(_novograd, needs_params=True)
def scale_by_novograd(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any = 0.0,
    weight_decay: Any = 0.0,
    mu_dtype: str | None = None,
) -> Result:
    """Momentum of gradients over the running norm of their whole array."""
    count, is_first = following(state["count"]), unp.equal(state["count"], 0)
    norms = cast_like([unp.sum(square) for square in lists.squares(updates)], state["nu"])
    nu = select(is_first, norms, mean(lists, state["nu"], norms, b2))
    roots = lists.add(lists.sqrt(nu if is_zero(eps_root) else lists.add(nu, eps_root)), eps)
    found = [unp.divide(x, root) for x, root in zip(updates, roots, strict=True)]
    if not is_zero(weight_decay):
        found = lists.add(found, lists.mul(params or [], weight_decay))
    mu = cast(select(is_first, found, lists.add(lists.mul(state["mu"], b1), found)), mu_dtype)
    return mu, {"count": count, "mu": mu, "nu": nu}


def _sm3(lists: Lists, params: Arrays, **options: Any) -> State:
    return {"mu": [_covers(zeros) for zeros in lists.zeros(params)], "nu": lists.zeros(params)}


@formula(_sm3, is_real=True)
def scale_by_sm3(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, b1: Any, b2: Any, eps: Any
) -> Result:
    """Over the root of a bound of the summed squares that is kept for each row, column and so on alone."""
    bounds = [_least(covers, x) for covers, x in zip(state["mu"], updates, strict=True)]
    weight = 1.0 if isinstance(b2, (int, float)) and b2 == 1 else 1 - b2
    total = lists.add(lists.mul(lists.squares(updates), weight), lists.mul(bounds, b2))
    nu = mean(lists, state["nu"], _over_positive_root(lists, updates, total, eps), b1)
    return nu, {"mu": [_covers(x) for x in total], "nu": nu}


def _covers(x: Array) -> list[Array]:
    """The largest numbers along all axes but one, for each axis; of less than two axes, the array itself."""
    if x.ndim < 2:
        return [x]
    axes = range(x.ndim)
    return [unp.max(x, axis=tuple(other for other in axes if other != axis)) for axis in axes]


def _least(covers: list[Array], x: Array) -> Array:
    """The least of the numbers that cover each element."""
    if x.ndim < 2:
        return covers[0]
    shapes = [tuple(size if axis == i else 1 for i, size in enumerate(x.shape)) for axis in range(x.ndim)]
    return functools.reduce(unp.minimum, (unp.reshape(c, shape) for c, shape in zip(covers, shapes, strict=True)))
