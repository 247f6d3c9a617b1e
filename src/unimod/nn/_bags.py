"""Sums, means and maxima of looked-up rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.config import describe_value
from unimod.errors import OptionError, ShapeError
from unimod.nn import _checks, _lookup
from unimod.nn._precision import entering, leaving
from unimod.numpy._dispatch import many
from unimod.numpy._options import device_of

Array = Any

MODES = ("sum", "mean", "max")


def embedding_bag(
    table: Array,
    ids: Array,
    offsets: Array | None = None,
    *,
    mode: str = "mean",
    weights: Array | None = None,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    include_last_offset: bool = False,
) -> Array:
    """The sum, mean or maximum of the rows of each bag of indices; an empty bag gives 0.

    Args:
        table: floating, ``(num, features)``.
        ids: integers in [-num, num): ``(..., n)``, a bag on the last axis; with ``offsets`` ``(total,)``, the bags one
            behind the other.
        offsets: integers in ascending order, the first of them 0: where each bag starts; None: see ``ids``.
        mode: ``"sum"``, ``"mean"`` or ``"max"``; where several rows have the maximum, they share its derivative.
        weights: of the dtype of ``table`` and the shape of ``ids``: factors of the rows, for ``"sum"`` only.
        padding_idx: an index that counts as no member of its bag.
        max_norm: as in :func:`embedding`.
        norm_type: as in :func:`embedding`.
        include_last_offset: whether the last offset is the end of the last bag.

    Returns:
        ``(..., features)``, or ``(bags, features)`` with ``offsets``; half precision is computed in float32.

    Raises:
        ShapeError: the shapes do not fit, or there is no such row.
        DTypeError: the indices or the offsets are not integers, or the weights have another dtype than the table.
        OptionError: there is no such mode, or it takes no weights.

    Example:
        >>> import unimod as um
        >>> table, ids = um.numpy.asarray([[1.0], [2.0], [4.0]]), um.numpy.asarray([0, 2, 1])
        >>> um.nn.functional.embedding_bag(table, ids, um.numpy.asarray([0, 2]), mode="sum").tolist()
        [[5.0], [2.0]]
        >>> um.nn.functional.embedding_bag(table, um.numpy.asarray([[0, 2], [1, 1]]), padding_idx=0).tolist()
        [[4.0], [2.0]]
    """
    engine, table, ids, offsets, weights = many(table, ids, offsets, weights)
    _check(engine, table, ids, offsets, mode, weights)
    rows, dtype = entering(_lookup.embedding(table, ids, max_norm=max_norm, norm_type=norm_type))
    if weights is not None:
        rows = unp.multiply(rows, unp.expand_dims(entering(weights)[0], axis=-1))
    is_used = None if padding_idx is None else _is_used(table, ids, padding_idx)
    if offsets is None:
        return leaving(_of_axis(rows, is_used, mode), dtype)
    places = engine.arrays.asarray(np.arange(ids.shape[0]), "int32", device_of(engine, ids))
    # The number of the last bag that starts at or before a place.
    bags = unp.subtract(unp.searchsorted(unp.astype(offsets, "int32"), places, side="right"), 1)
    bags = bags if is_used is None else unp.where(is_used, bags, -1)
    count = int(offsets.shape[0]) - bool(include_last_offset)
    return leaving(_of_segments(rows, bags, count, mode), dtype)


def _of_axis(rows: Array, is_used: Array | None, mode: str) -> Array:
    if not rows.shape[-2]:
        return unp.sum(rows, axis=-2)
    member = None if is_used is None else unp.expand_dims(is_used, axis=-1)
    if mode == "max":
        found = unp.max(rows if member is None else unp.where(member, rows, -math.inf), axis=-2)
        return found if member is None else unp.where(unp.any(member, axis=-2), found, 0.0)
    if member is None:
        return unp.sum(rows, axis=-2) if mode == "sum" else unp.mean(rows, axis=-2)
    total = unp.sum(unp.where(member, rows, 0.0), axis=-2)
    count = unp.sum(unp.astype(member, unp.dtype_of(rows)), axis=-2)
    return total if mode == "sum" else unp.divide(total, unp.maximum(count, 1.0))


def _of_segments(rows: Array, bags: Array, count: int, mode: str) -> Array:
    if mode == "sum":
        return unp.segment_sum(rows, bags, count)
    if mode == "mean":
        return unp.segment_mean(rows, bags, count)
    sizes = unp.segment_sum(unp.ones_like(bags), bags, count)
    is_there = unp.expand_dims(unp.greater(sizes, 0), axis=-1)
    return unp.where(is_there, unp.segment_max(rows, bags, count), 0.0)


def _is_used(table: Array, ids: Array, padding_idx: int) -> Array:
    num = int(table.shape[0])
    return unp.not_equal(unp.remainder(ids, num), _lookup.padding_row(num, padding_idx))


def _check(engine: Engine, table: Array, ids: Array, offsets: Array | None, mode: str, weights: Array | None) -> None:
    check_mode(mode)
    _checks.floating("embedding_bag", engine, table)
    _checks.exact_rank("embedding_bag", "table", table, 2)
    _checks.rank("embedding_bag", "ids", ids, 1)
    if offsets is not None:
        _checks.integers("embedding_bag", "offsets", engine, offsets)
        if len(offsets.shape) != 1 or len(ids.shape) != 1:
            raise ShapeError(
                "embedding_bag got offsets, and bags that do not lie one behind the other.",
                got=f"ids = {describe_value(ids)}, offsets = {describe_value(offsets)}",
                expected="both with one axis",
                fix="flatten the indices, or pass bags of one length without offsets",
            )
    if weights is None:
        return
    _checks.shapes("embedding_bag", tuple(ids.shape), weights=weights)
    _checks.same_dtype("embedding_bag", engine, table, weights, "weights")
    if mode != "sum":
        raise OptionError(
            "embedding_bag takes weights for sums only.",
            got=f"mode = {mode!r}",
            expected='mode = "sum"',
            fix="divide the weights of each bag by their sum for a mean",
        )


def check_mode(mode: str) -> None:
    """``mode`` is one of the three."""
    if mode not in MODES:
        raise OptionError(
            "There is no such mode of a bag.",
            got=f"mode = {mode!r}",
            expected=", ".join(map(repr, MODES)),
            fix='pass mode="mean"',
        )
