"""Updates along one axis, with rules for indices that stand there more than once.

``set``: of several updates of one place the last one wins. ``add``, ``min``, ``max``: all of them count. ``multiply``,
``divide``, ``power``: one factor, the product of all of them, is worked out first.
"""

from __future__ import annotations

import numpy as np

from unimod.backends import _registry
from unimod.backends._protocol import Array, Engine
from unimod.config import HOST
from unimod.dtypes import DType, is_inexact
from unimod.errors import DTypeError
from unimod.numpy._dispatch import by_type
from unimod.numpy._indexing import modes

OPS = ("set", "add", "subtract", "multiply", "divide", "power", "min", "max")
_BOOL = {"add": "max", "multiply": "min"}
_ENGINE = {"multiply": "multiply", "divide": "divide", "power": "pow", "min": "minimum", "max": "maximum", "add": "add"}


def kind_of_op(op: str, dtype: str) -> str:
    """The operation that is meant for a dtype: of bools, a sum is *or*, and a product is *and*.

    Raises:
        DTypeError: the dtype has no such operation.
    """
    kind = DType(dtype).kind
    needs_fraction = op in ("divide", "power") and not is_inexact(dtype)
    if needs_fraction or (kind == "bool" and op == "subtract") or (kind == "complex" and op in ("min", "max")):
        expected = {"divide": "floating point", "power": "floating point", "subtract": "numbers"}.get(
            op, "real numbers"
        )
        raise DTypeError(f"An update cannot {op} in {dtype}.", got=dtype, expected=expected)
    return _BOOL.get(op, op) if kind == "bool" else op


def combined(engine: Engine, op: str, old: Array, new: Array) -> Array:
    """One update of every element."""
    if op == "set":
        return new
    if op == "subtract":
        return engine.math.subtract(old, new)
    return getattr(engine.math, _ENGINE[op])(old, new)


def along(
    engine: Engine,
    x: Array,
    indices: Array,
    is_outside: Array | None,
    updates: Array,
    axis: int,
    op: str,
    *,
    unique: bool = False,
    is_sorted: bool = False,
) -> Array:
    """``x`` with the slices at ``indices`` (m,) along an axis combined with ``updates``.

    Args:
        engine: of ``x``.
        x: any array.
        indices: integers in ``[0, n)``, of the engine or of the host; what they are outside does not matter.
        is_outside: which of them are to be dropped.
        updates: of the shape of ``x``, but for the axis, which is of the length m.
        axis: the axis.
        op: one of :data:`OPS`.
        unique: whether no index stands there twice.
        is_sorted: whether they ascend.
    """
    unique = unique or _seen_unique(indices, is_outside)
    indices = modes.beside(engine, indices, x)
    drop, size = is_outside is not None, x.shape[axis]
    if is_outside is not None:
        indices = engine.arrays.where(modes.beside(engine, is_outside, x), size, indices)
    if op == "subtract":
        op, updates = "add", engine.math.negative(updates)
    if op in ("add", "min", "max"):
        options = {"drop": drop, "unique": unique, "is_sorted": is_sorted}
        return engine.arrays.scatter(x, indices, updates, axis, op, **options)
    if op == "set":
        return _set(engine, x, indices, updates, axis, drop, unique)
    factor = _product(engine, x, indices, updates, axis, drop, unique, is_sorted)
    return combined(engine, op, x, factor)


def _seen_unique(indices: Array, is_outside: Array | None) -> bool:
    if indices.shape[0] < 2:
        return True
    if by_type.get(type(indices)) is not _registry.load(HOST):
        return False
    kept = indices if is_outside is None else indices[~is_outside]
    return len(np.unique(kept)) == len(kept)


def _set(engine: Engine, x: Array, indices: Array, updates: Array, axis: int, drop: bool, unique: bool) -> Array:
    if unique:
        return engine.arrays.scatter(x, indices, updates, axis, "set", drop=drop, unique=True)
    size = x.shape[axis]
    kept = engine.arrays.where(_is_last(engine, indices, size), indices, size)
    return engine.arrays.scatter(x, kept, updates, axis, "set", drop=True, unique=True)


def _is_last(engine: Engine, indices: Array, size: int) -> Array:
    """Whether the same index does not come again later."""
    arrays = engine.arrays
    # Through where the numbers come to the device of the indices, which may be spread over several.
    count = arrays.arange(1, indices.shape[0] + 1, 1, "int32")
    places = arrays.where(arrays.full_like(indices, True, "bool"), count, 0)
    nobody = arrays.broadcast_to(arrays.full_like(places[:1], 0), (size + 1,))
    last = arrays.scatter(nobody, indices, places, 0, "max", drop=False)
    return engine.math.equal(arrays.take(last, indices, 0), places)


def _product(
    engine: Engine, x: Array, indices: Array, updates: Array, axis: int, drop: bool, unique: bool, is_sorted: bool
) -> Array:
    """For each slice of ``x`` the product of its updates, 1 where there are none.

    The products of neighbours are taken in log2(m) steps of the sorted updates: unlike those of a scatter they have
    exact derivatives of every order, also where factors are 0.
    """
    arrays, ones = engine.arrays, engine.arrays.full_like(x, 1)
    if not unique:
        if not is_sorted:
            order = arrays.argsort(indices, 0, False)
            indices, updates = arrays.take(indices, order, 0), arrays.take(updates, order, axis)
        updates = _products_of_runs(engine, indices, updates, axis)
        indices, drop = arrays.where(_ends_run(engine, indices), indices, x.shape[axis]), True
    return arrays.scatter(ones, indices, updates, axis, "set", drop=drop, unique=True)


def _products_of_runs(engine: Engine, indices: Array, factors: Array, axis: int) -> Array:
    arrays, count, step = engine.arrays, indices.shape[0], 1
    before = (slice(None),) * axis
    behind = (1,) * (len(factors.shape) - axis - 1)
    while step < count:
        same = arrays.reshape(engine.math.equal(indices[step:], indices[:-step]), (-1, *behind))
        head, tail = factors[(*before, slice(None, step))], factors[(*before, slice(step, None))]
        earlier = factors[(*before, slice(None, -step))]
        one = arrays.where(same, earlier, arrays.full_like(earlier, 1))
        factors = arrays.concat([head, engine.math.multiply(tail, one)], axis)
        step *= 2
    return factors


def _ends_run(engine: Engine, indices: Array) -> Array:
    last = engine.arrays.full_like(indices[:1], 1, "bool")
    return engine.arrays.concat([engine.math.not_equal(indices[1:], indices[:-1]), last], 0)
