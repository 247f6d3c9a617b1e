"""L-BFGS: the gradient by an approximation of the inverse Hessian, which past steps describe."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas._means import following
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists
from unimod.transforms import stop_gradient


def _init(lists: Lists, params: Arrays, *, memory_size: int, **options: Any) -> State:
    empty = [unp.stack([unp.zeros_like(p)] * memory_size) for p in params]
    none = sizes.number(lists, params, 0.0, sizes.wide_dtype(params))
    return {
        "count": lists.count(params),
        "params": lists.zeros(params),
        "updates": lists.zeros(params),
        "diff_params_memory": empty,
        "diff_updates_memory": list(empty),
        "weights_memory": unp.stack([none] * memory_size),
    }


@formula(_init, needs_params=True)
def scale_by_lbfgs(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    memory_size: int = 10,
    scale_init_precond: bool = True,
) -> Result:
    """The product of the inverse Hessian and the gradient, by the two loops of L-BFGS."""
    count = state["count"]
    is_later = unp.greater(count, 0)
    steps = _if(is_later, lists.sub(params, state["params"]))
    changes = _if(is_later, lists.sub(updates, state["updates"]))
    product = sizes.inner(lists, changes, steps)
    memory = {
        "diff_params_memory": _stored(lists, state["diff_params_memory"], steps, count, memory_size),
        "diff_updates_memory": _stored(lists, state["diff_updates_memory"], changes, count, memory_size),
        "weights_memory": _stored(lists, [state["weights_memory"]], [_inverse(product)], count, memory_size)[0],
    }
    scale = _first_scale(lists, updates, changes, product, is_later) if scale_init_precond else 1.0
    order = unp.remainder(unp.add(_rows(lists, count, memory_size), count), memory_size)
    direction = _two_loops(lists, updates, {name: _ordered(value, order) for name, value in memory.items()}, scale)
    return direction, {"count": following(count), "params": list(params), "updates": list(updates), **memory}


def _if(condition: Array, xs: Arrays) -> Arrays:
    return [unp.where(condition, x, unp.zeros_like(x)) for x in xs]


def _inverse(x: Array) -> Array:
    """``1 / x``, and 0 of 0."""
    is_zero = unp.equal(x, 0)
    return unp.where(is_zero, unp.zeros_like(x), unp.reciprocal(unp.where(is_zero, unp.ones_like(x), x)))


def _rows(lists: Lists, count: Array, size: int) -> Array:
    """The numbers of the entries of the memory, on the device of the counter."""
    arrays = lists.engine.arrays
    return arrays.arange(0, size, 1, "int32", arrays.device_name(count) if arrays.is_concrete(count) else None)


def _stored(lists: Lists, memory: Arrays, new: Arrays, count: Array, size: int) -> Arrays:
    """The memory with a new entry in place of the oldest."""
    is_place = unp.equal(_rows(lists, count, size), unp.remainder(unp.subtract(count, 1), size))
    return [_with_entry(old, x, is_place) for old, x in zip(memory, new, strict=True)]


def _with_entry(memory: Array, x: Array, is_place: Array) -> Array:
    is_there = unp.reshape(is_place, (-1, *(1 for _ in x.shape)))
    return unp.where(is_there, unp.astype(x, str(config.dtype_of(memory))), memory)


def _ordered(memory: Any, order: Array) -> Any:
    """The entries from the oldest to the newest."""
    if isinstance(memory, list):
        return [unp.take(x, order, axis=0) for x in memory]
    return unp.take(memory, order, axis=0)


def _first_scale(lists: Lists, updates: Arrays, changes: Arrays, product: Array, is_later: Array) -> Array:
    """The scale of the identity from which the approximation starts; before any step one of length 1 at most."""
    square = sizes.square_norm(lists, changes)
    is_positive = unp.greater(square, 0)
    quotient = unp.divide(product, unp.where(is_positive, square, unp.ones_like(square)))
    quotient = unp.where(is_positive, quotient, unp.ones_like(quotient))
    size = stop_gradient(sizes.norm(lists, updates))
    return unp.where(is_later, quotient, unp.reciprocal(unp.maximum(size, 1.0)))


def _two_loops(lists: Lists, vector: Arrays, memory: dict[str, Any], scale: Any) -> Arrays:
    weights = memory["weights_memory"]
    entries = [_entry(memory, index) for index in range(weights.shape[0])]
    alphas = []
    for index in reversed(range(len(entries))):
        step, change = entries[index]
        alphas.append(unp.multiply(weights[index], sizes.inner(lists, step, vector)))
        vector = lists.sub(vector, lists.mul(change, alphas[-1]))
    vector = lists.mul(vector, scale)
    for index, alpha in zip(range(len(entries)), reversed(alphas), strict=True):
        step, change = entries[index]
        beta = unp.multiply(weights[index], sizes.inner(lists, change, vector))
        vector = lists.add(vector, lists.mul(step, unp.subtract(alpha, beta)))
    return vector


def _entry(memory: dict[str, Any], index: int) -> tuple[Arrays, Arrays]:
    return [x[index] for x in memory["diff_params_memory"]], [x[index] for x in memory["diff_updates_memory"]]
