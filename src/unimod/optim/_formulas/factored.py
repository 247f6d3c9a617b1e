"""Second moments that are kept as the means of rows and columns: Adafactor."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


def factored_axes(shape: tuple[int, ...], is_factored: bool, least: int) -> tuple[int, int] | None:
    """The second largest and the largest axis, where both are large enough."""
    if not is_factored or len(shape) < 2:
        return None
    *_, second, first = sorted(range(len(shape)), key=lambda axis: shape[axis])
    return (second, first) if shape[second] >= least else None


def _init(lists: Lists, params: Arrays, *, factored: bool, min_dim_size_to_factor: int, **options: Any) -> State:
    state: State = {"count": lists.count(params), "v_row": [], "v_col": [], "v": []}
    for p in params:
        axes = factored_axes(p.shape, factored, min_dim_size_to_factor)
        none = lists.engine.arrays.full((1,), 0.0, str(config.dtype_of(p)), lists.device([p]))
        state["v_row"].append(none if axes is None else unp.sum(unp.zeros_like(p), axis=axes[1]))
        state["v_col"].append(none if axes is None else unp.sum(unp.zeros_like(p), axis=axes[0]))
        state["v"].append(unp.zeros_like(p) if axes is None else none)
    return state


@formula(_init, needs_params=True)
def scale_by_factored_rms(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays,
    *,
    factored: bool = True,
    decay_rate: Any = 0.8,
    step_offset: Any = 0,
    min_dim_size_to_factor: int = 128,
    epsilon: Any = 1e-30,
    decay: Any = None,
) -> Result:
    """``u`` over the root of its mean square, which is a product of those of rows and columns."""
    decay = _decay(lists, state["count"], decay_rate, step_offset) if decay is None else decay
    axes = [factored_axes(p.shape, factored, min_dim_size_to_factor) for p in params]
    squares = lists.add(lists.squares(updates), epsilon)
    changed = {
        "v_row": _means(lists, state["v_row"], squares, [None if a is None else a[1] for a in axes], decay),
        "v_col": _means(lists, state["v_col"], squares, [None if a is None else a[0] for a in axes], decay),
        "v": _whole(lists, state["v"], squares, axes, decay),
    }
    roots = zip(axes, changed["v_row"], changed["v_col"], changed["v"], strict=True)
    scaled = [_scaled(u, *parts) for u, parts in zip(updates, roots, strict=True)]
    return scaled, {"count": state["count"] + 1, **changed}


def _decay(lists: Lists, count: Array, decay_rate: Any, step_offset: Any) -> Array:
    """``1 - t**-decay_rate`` for the 1-based step ``t``."""
    steps = unp.astype(count + 1 - step_offset, "float64" if lists.engine.facts.has_x64() else "float32")
    return unp.subtract(1.0, unp.pow(steps, unp.negative(lists.engine.arrays.full_like(steps, decay_rate))))


def _means(lists: Lists, old: Arrays, squares: Arrays, axes: list[int | None], decay: Array) -> Arrays:
    """Running means over one axis of those arrays that are factored."""
    means = [x if axis is None else unp.mean(s, axis=axis) for x, s, axis in zip(old, squares, axes, strict=True)]
    return _only([axis is not None for axis in axes], lists.decayed(old, means, decay), old)


def _whole(lists: Lists, old: Arrays, squares: Arrays, axes: list[Any], decay: Array) -> Arrays:
    new = [s if a is None else x for x, s, a in zip(old, squares, axes, strict=True)]
    return _only([a is None for a in axes], lists.decayed(old, new, decay), old)


def _only(chosen: list[bool], new: Arrays, old: Arrays) -> Arrays:
    return [x if is_chosen else y for is_chosen, x, y in zip(chosen, new, old, strict=True)]


def _scaled(u: Array, axes: tuple[int, int] | None, row: Array, col: Array, whole: Array) -> Array:
    if axes is None:
        return unp.divide(u, unp.sqrt(whole))
    second, first = axes
    mean = unp.mean(row, axis=second - 1 if second > first else second, keepdims=True)
    rows = unp.expand_dims(unp.rsqrt(unp.divide(row, mean)), axis=first)
    return unp.multiply(unp.multiply(u, rows), unp.expand_dims(unp.rsqrt(col), axis=second))
