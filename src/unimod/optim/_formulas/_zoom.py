"""The zoom line search: first larger and larger steps until one is too long, then smaller and smaller intervals.

All choices are made by ``where``, so that the search can be traced. The fields: ``step``, ``value``, ``slope`` and
``grad`` of the last try; ``low``, ``high`` and ``cubic``, the ends of the interval and the end before, each with
``value_`` and the ends with ``slope_``; ``safe``, the best step with a sufficient decrease, with its ``safe_value`` and
``safe_grad``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Array

Fields = dict[str, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Rules:
    """The options of the search, and the value and the slope where it begins."""

    max_steps: int
    max_step: Any
    tol: Any
    increase: Any
    slope_rtol: Any
    curv_rtol: Any
    approx_rtol: Any
    precision: Any
    value: Array
    slope: Array


def chosen(condition: Array, old: Fields, new: Fields) -> Fields:
    """The fields of ``old`` where the condition holds, else those of ``new``."""
    return {name: _chosen(condition, old[name], new[name]) for name in new}


def _chosen(condition: Array, x: Any, y: Any) -> Any:
    if x is None or x is y:
        return y
    if isinstance(x, list):
        return [unp.where(condition, a, b) for a, b in zip(x, y, strict=True)]
    return unp.where(condition, x, y)


def error(x: Array) -> Array:
    """What is missing: at least 0, and inf where there is no number."""
    return unp.where(unp.isnan(x), unp.full_like(x, float("inf")), unp.maximum(x, 0.0))


def first(rules: Rules, guess: Array, grad: list[Array], count: Array) -> Fields:
    """The fields before the first try."""
    zero, infinite, no = unp.zeros_like(rules.value), unp.full_like(rules.value, float("inf")), unp.less(count, 0)
    fields = {"count": count, "guess": guess, "step": zero, "value": rules.value, "slope": rules.slope, "grad": grad}
    fields |= {"decrease_error": infinite, "curvature_error": infinite, "is_found": no, "is_done": no}
    fields |= {"low": zero, "value_low": rules.value, "slope_low": rules.slope}
    fields |= {"high": zero, "value_high": rules.value, "slope_high": rules.slope}
    fields |= {"cubic": zero, "value_cubic": rules.value}
    return fields | {"safe": zero, "safe_value": rules.value, "safe_grad": grad}


def body(rules: Rules, old: Fields, at: Callable[[Array], tuple[Array, list[Array], Array]]) -> Fields:
    """One try: outside while no interval is found, else inside of it."""
    is_found = old["is_found"]
    longer, is_longest = _longer(rules, old)
    step = unp.where(is_found, _middle(old), longer)
    value, grad, slope = at(step)
    tried = {"step": step, "value": value, "grad": grad, "slope": slope}
    tried |= _errors(rules, tried)
    new = chosen(is_found, _inside(rules, old, tried), _outside(rules, old, tried, is_longest))
    return _given_up(new)


def _errors(rules: Rules, tried: Fields) -> Fields:
    rise = unp.subtract(tried["value"], rules.value)
    decrease = unp.subtract(rise, unp.multiply(unp.multiply(tried["step"], rules.slope_rtol), rules.slope))
    if rules.approx_rtol is not None:
        # Where values are near each other their difference is noise, and the slope tells more.
        by_slope = unp.subtract(tried["slope"], unp.multiply(rules.slope, 2 * rules.slope_rtol - 1.0))
        by_value = unp.subtract(rise, unp.multiply(unp.abs(rules.value), rules.approx_rtol))
        decrease = unp.minimum(unp.maximum(by_slope, by_value), decrease)
    curvature = unp.subtract(unp.abs(tried["slope"]), unp.multiply(unp.abs(rules.slope), rules.curv_rtol))
    return {"decrease_error": error(decrease), "curvature_error": error(curvature)}


def _is_good(rules: Rules, tried: Fields) -> Array:
    return unp.less_equal(unp.maximum(tried["decrease_error"], tried["curvature_error"]), rules.tol)


def _longer(rules: Rules, old: Fields) -> tuple[Array, Array]:
    """The next step outside, and whether it is the longest one."""
    step = unp.where(unp.equal(old["count"], 0), old["guess"], unp.multiply(old["step"], rules.increase))
    if rules.max_step is None:
        return step, unp.less(old["count"], 0)
    return unp.minimum(step, rules.max_step), unp.greater_equal(step, rules.max_step)


def _outside(rules: Rules, old: Fields, tried: Fields, is_longest: Array) -> Fields:
    """The last step and this one are the ends of an interval, where this one is too long or goes up."""
    is_later = unp.greater(old["count"], 0)
    is_no_better = unp.logical_and(unp.greater_equal(tried["value"], old["value"]), is_later)
    is_high = unp.logical_or(unp.greater(tried["decrease_error"], 0.0), is_no_better)
    is_low = unp.logical_and(unp.greater_equal(tried["slope"], 0.0), unp.logical_not(is_high))
    is_good = _is_good(rules, tried)
    is_found = unp.logical_or(unp.logical_or(is_high, is_low), is_good)
    is_done = unp.logical_or(is_good, unp.logical_and(is_longest, unp.logical_not(is_found)))
    ends = {**_end("low", old, ""), **_end("high", tried, "")}
    ends = chosen(is_low, {**_end("low", tried, ""), **_end("high", old, "")}, ends)
    is_safe = unp.less_equal(tried["decrease_error"], rules.tol)
    is_last = unp.greater_equal(old["count"] + 1, rules.max_steps)
    return {
        **old,
        **tried,
        **ends,
        **_safe(is_safe, old, tried),
        "cubic": ends["low"],
        "value_cubic": ends["value_low"],
        "count": old["count"] + 1,
        "is_found": is_found,
        "is_done": is_done,
        "has_failed": unp.logical_and(is_last, unp.logical_not(is_done)),
    }


def _end(name: str, fields: Fields, source: str) -> Fields:
    """A point as an end of the interval: the last try, or another end."""
    if not source:
        return {name: fields["step"], f"value_{name}": fields["value"], f"slope_{name}": fields["slope"]}
    return {
        name: fields[source],
        f"value_{name}": fields[f"value_{source}"],
        f"slope_{name}": fields[f"slope_{source}"],
    }


def _safe(is_safe: Array, old: Fields, tried: Fields) -> Fields:
    new = {"safe": tried["step"], "safe_value": tried["value"], "safe_grad": tried["grad"]}
    return chosen(is_safe, new, {name: old[name] for name in new})


def _inside(rules: Rules, old: Fields, tried: Fields) -> Fields:
    """The new point takes the place of one end."""
    is_good, width = _is_good(rules, tried), unp.subtract(old["high"], old["low"])
    is_better = unp.less(tried["value"], old["safe_value"])
    safe = _safe(unp.logical_and(unp.less_equal(tried["decrease_error"], rules.tol), is_better), old, tried)
    is_high = unp.logical_or(
        unp.greater(tried["decrease_error"], 0.0), unp.greater_equal(tried["value"], old["value_low"])
    )
    is_turned = unp.logical_and(unp.greater_equal(unp.multiply(tried["slope"], width), 0.0), unp.logical_not(is_high))
    high = chosen(is_high, _end("high", tried, ""), _end("high", old, "high"))
    high = chosen(is_turned, _end("high", old, "low"), high)
    low = chosen(is_high, _end("low", old, "low"), _end("low", tried, ""))
    is_cubic_high = unp.logical_or(is_high, is_turned)
    is_last = unp.greater_equal(old["count"] + 1, rules.max_steps)
    is_narrow = unp.logical_and(unp.less_equal(unp.abs(width), rules.precision), unp.greater(safe["safe"], 0.0))
    return {
        **old,
        **tried,
        **low,
        **high,
        **safe,
        "cubic": unp.where(is_cubic_high, old["high"], old["low"]),
        "value_cubic": unp.where(is_cubic_high, old["value_high"], old["value_low"]),
        "count": old["count"] + 1,
        "is_done": is_good,
        "has_failed": unp.logical_and(unp.logical_or(is_last, is_narrow), unp.logical_not(is_good)),
    }


def _given_up(new: Fields) -> Fields:
    """Where the search has failed, the best safe step is taken if there is one, or if the last try was no number."""
    has_failed = new.pop("has_failed")
    is_outside = unp.isinf(new["decrease_error"])
    is_back = unp.logical_and(has_failed, unp.logical_or(unp.greater(new["safe"], 0.0), is_outside))
    safe = {"step": new["safe"], "value": new["safe_value"], "grad": new["safe_grad"]}
    last = chosen(is_back, safe, {name: new[name] for name in safe})
    return {**new, **last, "is_done": unp.logical_or(new["is_done"], has_failed)}


def _middle(old: Fields) -> Array:
    """A point inside: the minimum of a cubic, else of a parabola, where it is not too near to an end, else half way."""
    left, right = unp.minimum(old["low"], old["high"]), unp.maximum(old["low"], old["high"])
    cubic, parabola, width = _cubic(old), _parabola(old), unp.subtract(right, left)
    half = unp.divide(unp.add(old["low"], old["high"]), 2.0)
    middle = unp.where(_is_between(parabola, left, right, unp.multiply(width, 0.1)), parabola, half)
    return unp.where(_is_between(cubic, left, right, unp.multiply(width, 0.2)), cubic, middle)


def _is_between(x: Array, left: Array, right: Array, margin: Array) -> Array:
    return unp.logical_and(unp.greater(x, unp.add(left, margin)), unp.less(x, unp.subtract(right, margin)))


def _cubic(old: Fields) -> Array:
    """Where the cubic with the value and slope of ``low`` and the values of ``high`` and ``cubic`` is least."""
    b, c, slope = old["high"] - old["low"], old["cubic"] - old["low"], old["slope_low"]
    at_b = old["value_high"] - old["value_low"] - slope * b
    at_c = old["value_cubic"] - old["value_low"] - slope * c
    below = (b * c) * (b * c) * (b - c)
    third = unp.divide(c * c * at_b - b * b * at_c, below)
    second = unp.divide(b * b * b * at_c - c * c * c * at_b, below)
    root = unp.sqrt(second * second - third * slope * 3.0)
    return unp.add(old["low"], unp.divide(root - second, third * 3.0))


def _parabola(old: Fields) -> Array:
    """Where the parabola with the value and slope of ``low`` and the value of ``high`` is least."""
    width, slope = old["high"] - old["low"], old["slope_low"]
    second = unp.divide(old["value_high"] - old["value_low"] - slope * width, width * width)
    return unp.subtract(old["low"], unp.divide(slope, second * 2.0))
