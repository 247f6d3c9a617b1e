"""Dual averaging: steps from the first parameters by the sum of all gradients."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas._means import following
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


def _madgrad(lists: Lists, params: Arrays, **options: Any) -> State:
    return {
        "count": lists.count(params),
        "grad_sum_sq": lists.zeros(params),
        "s": lists.zeros(params),
        "x0": list(params),
    }


@formula(_madgrad, needs_params=True, is_real=True)
def scale_by_madgrad(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    learning_rate: Any,
    momentum: Any = 0.9,
    eps: Any = 1e-6,
) -> Result:
    """To the mean of the parameters and of the place that the sums of gradients and of their squares point to."""
    steps = unp.sqrt(unp.astype(following(state["count"]), sizes.wide_dtype(params)))
    weight = unp.multiply(steps, learning_rate + eps)
    squares = lists.add(state["grad_sum_sq"], lists.mul(lists.squares(updates), weight))
    summed = lists.add(state["s"], lists.mul(updates, weight))
    roots = lists.add([unp.cbrt(x) for x in squares], eps)
    place = lists.sub(state["x0"], lists.div(summed, roots))
    moved = lists.mul(lists.sub(place, params), 1 - momentum)
    return moved, {**state, "count": following(state["count"]), "grad_sum_sq": squares, "s": summed}
