"""Line searches: how far to go along an update, by values of the loss on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Array
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas import _zoom as zoom
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists
from unimod.transforms import value_and_grad

Fields = dict[str, Any]

_EXTRAS = ("value", "grad", "value_fn")


def repeated(lists: Lists, fields: Fields, body: Callable[[Fields], Fields], limit: int) -> Fields:
    """``body`` again and again until the field ``is_done`` holds; while tracing ``limit`` times, and then no more."""
    for _ in range(limit):
        is_done = fields["is_done"]
        is_concrete = lists.engine.arrays.is_concrete(is_done)
        if is_concrete and bool(is_done):
            break
        changed = body(fields)
        fields = changed if is_concrete else zoom.chosen(is_done, fields, changed)
    return fields


def ahead(lists: Lists, params: Arrays, updates: Arrays, step: Array) -> Arrays:
    """``params + step * updates``."""
    moved: Arrays = lists.add(params, lists.mul(updates, step))
    return moved


def _first(lists: Lists, params: Arrays, names: tuple[str, ...]) -> State:
    dtype = sizes.real_dtype(params[0]) if params else "float32"
    infinite = sizes.number(lists, params, float("inf"), sizes.wide_dtype(params))
    info = {"num_linesearch_steps": lists.count(params), **dict.fromkeys(names, infinite)}
    rate = sizes.number(lists, params, 1.0, dtype)
    return {
        "learning_rate": rate,
        "value": sizes.number(lists, params, float("inf"), dtype),
        "grad": None,
        "info": info,
    }


def _backtracking(lists: Lists, params: Arrays, *, store_grad: bool, **options: Any) -> State:
    state = _first(lists, params, ("decrease_error",))
    return {**state, "grad": lists.zeros(params)} if store_grad else state


@formula(_backtracking, extras=_EXTRAS, needs_params=True)
def scale_by_backtracking_linesearch(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    value: Any,
    grad: Arrays,
    value_fn: Callable[[Arrays], Array],
    max_backtracking_steps: int,
    slope_rtol: Any = 1e-4,
    decrease_factor: Any = 0.8,
    increase_factor: Any = 1.5,
    max_learning_rate: Any = 1.0,
    atol: Any = 0.0,
    rtol: Any = 0.0,
    store_grad: bool = False,
) -> Result:
    """The first step size, each smaller than the last, with which the loss falls enough."""
    slope, start = sizes.wide(sizes.inner(lists, updates, grad)), sizes.wide(value)
    first = unp.minimum(unp.multiply(sizes.wide(state["learning_rate"]), increase_factor), max_learning_rate)

    def body(fields: Fields) -> Fields:
        step = unp.where(unp.equal(fields["count"], 0), first, unp.multiply(fields["step"], decrease_factor))
        place = ahead(lists, params, updates, step)
        found, slopes = value_and_grad(value_fn)(place) if store_grad else (value_fn(place), None)
        rise = unp.subtract(sizes.wide(found), unp.multiply(start, 1.0 + rtol))
        error = zoom.error(unp.subtract(rise, unp.multiply(unp.multiply(step, slope_rtol), slope)))
        changed = {"count": fields["count"] + 1, "step": step, "value": sizes.wide(found), "error": error}
        return {**changed, "grad": slopes, "is_done": unp.less_equal(error, atol)}

    fields = {"count": lists.count(params), "step": first, "value": start, "error": unp.full_like(start, float("inf"))}
    fields |= {"grad": lists.zeros(params) if store_grad else None, "is_done": unp.less(fields["count"], 0)}
    fields = repeated(lists, fields, body, max_backtracking_steps + 1)
    # Where nothing but inf and nan was found, no step is made.
    rate = unp.where(unp.isinf(fields["error"]), unp.zeros_like(fields["step"]), fields["step"])
    info = {"num_linesearch_steps": fields["count"], "decrease_error": fields["error"]}
    return lists.mul(updates, rate), _like(state, rate, fields, info)


def _like(state: State, rate: Array, fields: Fields, info: Fields) -> State:
    """The new state, in the dtypes of the old one."""
    cast = {name: unp.astype(x, unp.dtype_of(state["info"][name])) for name, x in info.items()}
    return {
        "learning_rate": unp.astype(rate, unp.dtype_of(state["learning_rate"])),
        "value": unp.astype(fields["value"], unp.dtype_of(state["value"])),
        "grad": fields["grad"],
        "info": cast,
    }


def _zoomed(lists: Lists, params: Arrays, **options: Any) -> State:
    return {**_first(lists, params, ("decrease_error", "curvature_error")), "grad": lists.zeros(params)}


@formula(_zoomed, extras=_EXTRAS, needs_params=True)
def scale_by_zoom_linesearch(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    value: Any,
    grad: Arrays,
    value_fn: Callable[[Arrays], Array],
    max_linesearch_steps: int,
    max_learning_rate: Any = None,
    tol: Any = 0.0,
    increase_factor: Any = 2.0,
    slope_rtol: Any = 1e-4,
    curv_rtol: Any = 0.9,
    approx_dec_rtol: Any = 1e-6,
    stepsize_precision: Any = 1e-5,
    initial_guess_strategy: str = "keep",
) -> Result:
    """A step size with which the loss falls enough and its slope is small enough (the strong conditions of Wolfe)."""
    start, slope = sizes.wide(value), sizes.wide(sizes.inner(lists, updates, grad))
    rules = zoom.Rules(
        max_linesearch_steps,
        max_learning_rate,
        tol,
        increase_factor,
        slope_rtol,
        curv_rtol,
        approx_dec_rtol,
        stepsize_precision,
        start,
        slope,
    )
    guess = unp.ones_like(start) if initial_guess_strategy == "one" else sizes.wide(state["learning_rate"])

    def at(step: Array) -> tuple[Array, Arrays, Array]:
        found, slopes = value_and_grad(value_fn)(ahead(lists, params, updates, step))
        return sizes.wide(found), slopes, sizes.wide(sizes.inner(lists, updates, slopes))

    fields = zoom.first(rules, guess, grad, lists.count(params))
    fields = repeated(lists, fields, lambda old: zoom.body(rules, old, at), max_linesearch_steps)
    info = {
        "num_linesearch_steps": fields["count"],
        "decrease_error": fields["decrease_error"],
        "curvature_error": fields["curvature_error"],
    }
    return lists.mul(updates, fields["step"]), _like(state, fields["step"], fields, info)
