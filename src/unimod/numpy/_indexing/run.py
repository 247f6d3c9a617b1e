"""Indexing carried out: a plan, the index arrays behind it, and what an engine has for it."""

from __future__ import annotations

import functools
import math
from typing import Any

from unimod.backends import _registry
from unimod.backends._protocol import Array, Engine
from unimod.config import HOST
from unimod.errors import ShapeError
from unimod.numpy._dispatch import by_type
from unimod.numpy._indexing import modes
from unimod.numpy._indexing import scatter as scatters
from unimod.numpy._indexing.plan import Plan


def get(engine: Engine, x: Array, plan: Plan, arrays: list[Array], mode: str | None, fill_value: Any) -> Array:
    """``x[index]``."""
    cut = _cut(engine, x, plan)
    if not plan.axes:
        return cut
    if 0 in plan.sizes and 0 not in plan.spread:
        return _nothing(engine, x, plan, mode, fill_value)
    if len(arrays) == 1 and mode in (None, "promise"):  # an engine itself counts negative indices from the end
        linear, is_outside = modes.integers(engine, "getitem", modes.beside(engine, arrays[0], x)), None
        linear = modes.promised(engine, linear, plan.sizes[0])
    else:
        linear, is_outside = _linear(engine, plan, arrays, mode)
    found = engine.arrays.take(_merged(engine, cut, plan), modes.beside(engine, linear, x), plan.place)
    if is_outside is None:
        return found
    return modes.filled(engine, "getitem", found, modes.beside(engine, is_outside, x), plan.place, fill_value)


def update(
    engine: Engine, x: Array, plan: Plan, arrays: list[Array], y: Array, op: str, mode: str | None, unique: bool
) -> Array:
    """``x`` with ``y``, of its dtype, combined into ``x[index]``."""
    cut, y = _cut(engine, x, plan), spread_over(engine, y, plan.result)
    if not plan.axes:
        new = engine.arrays.copy(y) if op == "set" and plan.is_whole else scatters.combined(engine, op, cut, y)
        return _put_back(engine, x, new, plan)
    if 0 in plan.sizes and 0 not in plan.spread and mode != "drop":
        raise _no_elements(plan)
    if 0 in plan.sizes or 0 in plan.spread:
        return engine.arrays.copy(x)
    linear, is_outside = _linear(engine, plan, arrays, mode)
    new = scatters.along(
        engine,
        _merged(engine, cut, plan),
        _flat(engine, linear),
        None if is_outside is None else _flat(engine, is_outside),
        engine.arrays.reshape(y, plan.flat),
        plan.place,
        op,
        unique=unique,
    )
    return _put_back(engine, x, _parted(engine, new, plan), plan)


def _cut(engine: Engine, x: Array, plan: Plan) -> Array:
    if plan.is_whole:
        return x
    cut = x[(*plan.cut, ...)]  # with the Ellipsis numpy gives an array where one element is left
    return _flipped(engine, cut, plan.flips) if plan.flips else cut


def _flipped(engine: Engine, x: Array, axes: tuple[int, ...]) -> Array:
    native = getattr(engine.arrays, "flip", None)
    if native is not None:
        return native(x, axes)
    for axis in axes:
        x = engine.arrays.take(x, engine.arrays.arange(x.shape[axis] - 1, -1, -1, "int32"), axis)
    return x


def _put_back(engine: Engine, x: Array, new: Array, plan: Plan) -> Array:
    if plan.is_whole:
        return new
    if plan.flips:
        new = _flipped(engine, new, plan.flips)
    return engine.arrays.set_slices(x, engine.arrays.reshape(new, plan.boxed), plan.box)


def _merged(engine: Engine, cut: Array, plan: Plan) -> Array:
    ordered = cut if plan.order == tuple(range(len(plan.order))) else engine.arrays.permute_dims(cut, plan.order)
    return ordered if len(plan.axes) == 1 else engine.arrays.reshape(ordered, plan.merged)


def _parted(engine: Engine, merged: Array, plan: Plan) -> Array:
    order = plan.order
    if len(plan.axes) > 1:
        merged = engine.arrays.reshape(merged, tuple(plan.view[axis] for axis in order))
    if order == tuple(range(len(order))):
        return merged
    return engine.arrays.permute_dims(merged, tuple(order.index(axis) for axis in range(len(order))))


def _linear(engine: Engine, plan: Plan, arrays: list[Array], mode: str | None) -> tuple[Array, Array | None]:
    """Places along the merged axis, in the shape of all index arrays, and which of them lie outside.

    Index arrays of the host are worked out there, as far as no others come in between.
    """
    host = all(by_type.get(type(one)) is _registry.load(HOST) for one in arrays)
    owner = _registry.load(HOST) if host else engine
    pairs = [modes.inside(owner, owner.arrays.asarray(i), n, mode) for i, n in zip(arrays, plan.sizes, strict=True)]
    if len(pairs) == 1:
        return pairs[0]
    strides = [math.prod(plan.sizes[k + 1 :]) for k in range(len(plan.sizes))]
    steps = [owner.math.multiply(i, stride) for (i, _), stride in zip(pairs, strides, strict=True)]
    masks = [mask for _, mask in pairs if mask is not None]
    outside = functools.reduce(owner.math.logical_or, masks) if masks else None
    return functools.reduce(owner.math.add, steps), outside


def _flat(engine: Engine, x: Array) -> Array:
    owner = by_type.get(type(x)) or engine
    return owner.arrays.reshape(x, (-1,))


def spread_over(engine: Engine, y: Array, shape: tuple[int, ...]) -> Array:
    """The values in the shape of what an index selects.

    Raises:
        ShapeError: they do not broadcast to it.
    """
    if tuple(y.shape) == shape:
        return y
    try:
        return engine.arrays.broadcast_to(y, shape)
    except Exception as error:
        raise ShapeError(
            "The values do not broadcast to what the index selects.",
            got=f"values of the shape {tuple(y.shape)}",
            expected=f"the shape {shape}, or one that broadcasts to it",
        ) from error


def _nothing(engine: Engine, x: Array, plan: Plan, mode: str | None, fill_value: Any) -> Array:
    """What is read from axes without elements."""
    if mode != "fill":
        raise _no_elements(plan)
    dtype = engine.arrays.dtype_name(x)
    empty = engine.arrays.full(plan.result, 0, dtype)
    is_outside = engine.arrays.full(plan.result, True, "bool")
    return modes.filled(engine, "getitem", empty, is_outside, 0, fill_value)


def _no_elements(plan: Plan) -> ShapeError:
    return ShapeError(
        "An index is for an axis that has no elements.",
        got=f"indices of the shape {plan.spread} for axes of the sizes {plan.sizes}",
        expected="axes with elements, or no indices",
    )
