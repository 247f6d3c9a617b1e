"""Step sizes from a model of the loss that is made of momentum: MoMo and MoMo-Adam."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas._means import corrected, following, mean_of_squares, over_root
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists

_SMALL = 2.0**-52
_NUMBERS = ("barf", "gamma", "lb")


def _first(lists: Lists, params: Arrays, *, lower_bound: Any, **options: Any) -> State:
    dtype = sizes.lowest_dtype(params)
    values = dict(zip(_NUMBERS, (0.0, 0.0, lower_bound), strict=True))
    numbers = {name: sizes.number(lists, params, value, dtype) for name, value in values.items()}
    return {"exp_avg": lists.zeros(params), **numbers, "count": lists.count(params)}


def _first_adam(lists: Lists, params: Arrays, **options: Any) -> State:
    return {**_first(lists, params, **options), "exp_avg_sq": lists.zeros(params)}


@formula(_first, extras=("value",), needs_params=True)
def momo(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    value: Any,
    learning_rate: Any,
    beta: Any,
    lower_bound: Any,
    weight_decay: Any,
    adapt_lower_bound: bool,
) -> Result:
    """Momentum with a step that brings its model of the loss down to the lower bound, and no further."""
    decay = sizes.number(lists, params, beta, sizes.wide_dtype(params))
    decay = unp.where(unp.equal(state["count"], 0), unp.zeros_like(decay), decay)
    model = _Model(lists, updates, state, params, value, decay)
    steps, numbers = model.steps(model.means, 1.0, learning_rate, weight_decay, lower_bound, adapt_lower_bound)
    return steps, {**state, **numbers, "exp_avg": model.means, "count": following(state["count"])}


@formula(_first_adam, extras=("value",), needs_params=True)
def momo_adam(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    value: Any,
    learning_rate: Any,
    b1: Any,
    b2: Any,
    eps: Any,
    lower_bound: Any,
    weight_decay: Any,
    adapt_lower_bound: bool,
) -> Result:
    """Adam with a step that brings the model of the loss down to the lower bound, and no further."""
    count = following(state["count"])
    model = _Model(lists, updates, state, params, value, b1)
    squares = mean_of_squares(lists, state["exp_avg_sq"], updates, b2)
    direction = over_root(lists, model.means, corrected(lists, squares, b2, count), eps)
    share = sizes.wide(lists.debias(b1, count))
    steps, numbers = model.steps(direction, share, learning_rate, weight_decay, lower_bound, adapt_lower_bound)
    return steps, {**state, **numbers, "exp_avg": model.means, "exp_avg_sq": squares, "count": count}


class _Model:
    """A running mean of the lines that the loss and its gradients give.

    Attributes:
        means: of the gradients.
        value: the mean of the losses.
        offset: the mean of the products of gradients and parameters.
        inner: the product of ``means`` and the parameters now.
    """

    def __init__(self, lists: Lists, updates: Arrays, state: State, params: Arrays, value: Any, decay: Any) -> None:
        self.lists, self.state, self.params = lists, state, params
        self.means = lists.decayed(state["exp_avg"], updates, decay)
        self.value = self._mean("barf", sizes.number(lists, params, value, sizes.wide_dtype(params)), decay)
        self.offset = self._mean("gamma", sizes.inner(lists, updates, params), decay)
        self.inner = sizes.wide(sizes.inner(lists, self.means, params))

    def _mean(self, name: str, new: Array, decay: Any) -> Array:
        dtype = sizes.wide_dtype(self.params)
        return self.lists.decayed([unp.astype(self.state[name], dtype)], [unp.astype(new, dtype)], decay)[0]

    def steps(
        self, direction: Arrays, share: Any, rate: Any, weight_decay: Any, least: Any, is_adapted: bool
    ) -> tuple[Arrays, State]:
        """The steps, and the numbers to be remembered; ``share`` is the weight of what the means have seen."""
        growth, bound = 1 + rate * weight_decay, sizes.wide(self.state["lb"])
        excess = unp.add(unp.multiply(unp.subtract(self.value, self.offset), growth), self.inner)
        if is_adapted:
            lower = unp.maximum(unp.divide(excess, growth * share * 2), least)
            bound = unp.where(unp.less(excess, unp.multiply(bound, growth * share)), lower, bound)
        square = sizes.wide(sizes.inner(self.lists, self.means, direction))
        left = unp.maximum(unp.subtract(excess, unp.multiply(bound, growth * share)), 0.0)
        size = unp.minimum(_quotient(left, square), rate / share)
        if is_adapted:
            reached = unp.subtract(unp.subtract(unp.add(self.value, self.inner), self.offset), size * square / 2)
            bound = unp.maximum(unp.divide(reached, share), least)
        decayed = self.lists.mul(self.params, -(rate * weight_decay) / growth)
        found = {"barf": self.value, "gamma": self.offset, "lb": bound}
        return self.lists.sub(decayed, self.lists.mul(direction, size)), {
            name: unp.astype(x, str(config.dtype_of(self.state[name]))) for name, x in found.items()
        }


def _quotient(above: Array, below: Array) -> Array:
    """``above / below``, and 0 where there is no slope."""
    is_flat = unp.less_equal(below, _SMALL)
    return unp.where(is_flat, unp.zeros_like(above), unp.divide(above, unp.where(is_flat, unp.ones_like(below), below)))
