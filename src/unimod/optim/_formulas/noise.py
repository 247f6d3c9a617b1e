"""Gradient noise, optimistic gradients and Polyak's step size."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config, random
from unimod.backends._protocol import Array
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists
from unimod.random import Key


def first_key(lists: Lists, params: Arrays, words: tuple[int, int]) -> Key:
    """The key of two words, where the parameters are."""
    return Key(lists.engine.random.key(*words, lists.device(params)))


def keys_like(key: Key, xs: Arrays) -> list[Key]:
    """One key for each array."""
    return list(random.split(key, len(xs))) if xs else []


def _add_noise(lists: Lists, params: Arrays, *, key: tuple[int, int], **options: Any) -> State:
    return {"count": lists.count(params), "rng_key": first_key(lists, params, key)}


@formula(_add_noise)
def add_noise(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, eta: Any, gamma: Any, key: tuple[int, int]
) -> Result:
    """``u + sqrt(eta / t**gamma) * noise``, with new noise from the key in the state."""
    count = state["count"] + 1
    steps = unp.astype(count, "float64" if lists.engine.facts.has_x64() else "float32")
    deviation = unp.sqrt(unp.divide(eta, unp.pow(steps, gamma)))
    kept, used = random.split(state["rng_key"])
    noise = [
        random.normal(one, tuple(u.shape), dtype=str(config.dtype_of(u)))
        for one, u in zip(keys_like(used, updates), updates, strict=True)
    ]
    return lists.add(updates, lists.mul(noise, deviation)), {"count": count, "rng_key": kept}


def _optimistic(lists: Lists, params: Arrays, **options: Any) -> State:
    is_initial = unp.equal(lists.count(params), 0)
    return {"is_initial_step": is_initial, "previous_gradient": lists.zeros(params)}


@formula(_optimistic)
def scale_by_optimistic_gradient(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, alpha: Any = 1.0, beta: Any = 1.0
) -> Result:
    """``(alpha + beta) * u - beta * u_before``."""
    is_initial = state["is_initial_step"]
    before = [unp.where(is_initial, u, x) for u, x in zip(updates, state["previous_gradient"], strict=True)]
    ahead = lists.sub(lists.mul(updates, alpha + beta), lists.mul(before, beta))
    none = unp.logical_and(is_initial, unp.logical_not(is_initial))
    return ahead, {"is_initial_step": none, "previous_gradient": updates}


_TINY = 2.0**-52
"""Squared norms up to this count as 0, in every dtype."""


@formula(extras=("value",))
def scale_by_polyak(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    value: Any,
    f_min: Any = 0.0,
    max_learning_rate: Any = 1.0,
    eps: Any = 0.0,
    variant: str = "sps",
) -> Result:
    """``u * min((value - f_min) / (|u|**2 + eps), max_learning_rate)``."""
    square = unp.add(sizes.square_norm(lists, updates), eps)
    gap = unp.astype(unp.subtract(value, f_min), str(config.dtype_of(square)))
    if variant == "sps+":
        gap = unp.maximum(gap, 0.0)
    return lists.mul(updates, _polyak_step(gap, square, max_learning_rate)), state


def _polyak_step(gap: Array, square: Array, most: Any) -> Array:
    is_zero = unp.less_equal(square, _TINY)
    step = unp.minimum(unp.divide(gap, unp.where(is_zero, unp.ones_like(square), square)), most)
    return unp.where(is_zero, unp.zeros_like(step), step)
