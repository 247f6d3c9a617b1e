"""Masks of attention: True where a query attends to a key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.config import default_engine, is_array
from unimod.nn import _attention_checks, _checks
from unimod.numpy._dispatch import many, unary
from unimod.numpy._options import device_of

Array = Any


def causal_mask(
    query_length: int,
    key_length: int | None = None,
    *,
    offset: Any = 0,
    window: int | Sequence[int] | None = None,
    backend: str | None = None,
) -> Array:
    """Each query sees the keys up to its own place: ``mask[i, j] = j <= i + offset``.

    Args:
        query_length: number of queries.
        key_length: number of keys; None: as many.
        offset: the place of the first query; an int, or an integer array without axes.
        window: how many keys before its place a query sees, at most; of a pair ``(before, after)`` the first.
        backend: the engine (default: that of ``offset``, else the chosen one).

    Returns:
        bool, ``(query_length, key_length)``.

    Raises:
        OptionError: ``window`` is no number of keys.

    Example:
        >>> import unimod as um
        >>> um.nn.causal_mask(2, 3).tolist()
        [[True, False, False], [True, True, False]]
        >>> um.nn.causal_mask(1, 4, offset=2, window=1).tolist()
        [[False, True, True, False]]
    """
    engine, offset = unary(offset) if is_array(offset) else (default_engine(backend), offset)
    sides = _attention_checks.window("causal_mask", window)
    before = None if sides is None else sides[0]
    like = offset if is_array(offset) else None
    return band(engine, like, query_length, key_length or query_length, before, 0, offset)


def padding_mask(lengths: Array, max_length: int) -> Array:
    """Every query sees the first ``lengths`` keys: ``mask[..., 0, 0, j] = j < lengths[...]``.

    Args:
        lengths: integers, ``(...)``.
        max_length: number of keys.

    Returns:
        bool, ``(..., 1, 1, max_length)``, which broadcasts to all heads and queries.

    Raises:
        DTypeError: ``lengths`` are not integers.

    Example:
        >>> import unimod as um
        >>> um.nn.padding_mask(um.numpy.asarray([1, 3]), 3)[:, 0, 0].tolist()
        [[True, False, False], [True, True, True]]
    """
    engine, lengths = unary(lengths)
    _checks.integers("padding_mask", "lengths", engine, lengths)
    places = engine.arrays.arange(0, max_length, 1, "int32", device_of(engine, lengths))
    return unp.less(places, unp.reshape(lengths, (*lengths.shape, 1, 1, 1)))


def combine_masks(*masks: Array | None) -> Array | None:
    """True where all masks are; None stands for a mask of True, and is the result where all are None.

    Args:
        masks: bool, of shapes that broadcast.

    Raises:
        ShapeError: the shapes do not broadcast.
        DTypeError: a mask is not bool.

    Example:
        >>> import unimod as um
        >>> lengths = um.numpy.asarray([2])
        >>> um.nn.combine_masks(um.nn.causal_mask(2), None, um.nn.padding_mask(lengths, 2)).tolist()
        [[[[True, False], [True, True]]]]
    """
    engine, *given = many(*masks)
    combined = None
    for mask in given:
        _attention_checks.is_mask("combine_masks", "mask", engine, mask)
        combined = mask if combined is None else combined if mask is None else unp.logical_and(combined, mask)
    return combined


def band(
    engine: Engine, like: Array | None, queries: int, keys: int, before: int | None, after: int | None, offset: Any = 0
) -> Array:
    """``-after <= i + offset - j <= before``, bool, on the device of ``like``; None is no limit."""
    distance = distances(engine, like, queries, keys, offset)
    sides = [] if before is None else [unp.less_equal(distance, before)]
    sides += [] if after is None else [unp.greater_equal(distance, -after)]
    return sides[0] if len(sides) == 1 else unp.logical_and(*sides)


def distances(engine: Engine, like: Array | None, queries: int, keys: int, offset: Any = 0) -> Array:
    """``i + offset - j``, int32, ``(queries, keys)``: how far before a query a key stands."""
    device = None if like is None else device_of(engine, like)
    rows, columns = (engine.arrays.arange(0, size, 1, "int32", device) for size in (queries, keys))
    rows = rows if isinstance(offset, int) and offset == 0 else unp.add(rows, offset)
    return unp.subtract(unp.reshape(rows, (queries, 1)), columns)
