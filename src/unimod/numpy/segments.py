"""Reductions of the rows that carry the same number."""

from __future__ import annotations

from typing import Any

from unimod.backends._promotion import accumulator, inexact
from unimod.backends._protocol import Array, Engine
from unimod.config import short
from unimod.dtypes import DType
from unimod.errors import CapabilityError, DTypeError, ShapeError
from unimod.numpy._dispatch import several
from unimod.numpy._indexing import modes
from unimod.numpy._indexing import scatter as scatters
from unimod.numpy.data_types import iinfo

_HALF = ("float16", "bfloat16")


def segment_sum(
    data: Array,
    segment_ids: Array,
    /,
    num_segments: int | None = None,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | None = "drop",
) -> Array:
    """``result[s] = sum of data[i] over the i with segment_ids[i] == s``; 0 for a segment of no rows.

    Args:
        data: of the shape (n, ...). Half precision is added up in float32; the sum of bools and of integers of up to 32
            bits is of int32, as that of :func:`sum`.
        segment_ids: integers of the shape (n,). Negative ones do not count from the end: they lie outside.
        num_segments: the length of the first axis of the result. None takes the greatest number plus 1, which has to be
            known then: it cannot be done in a trace.
        indices_are_sorted: promises that the numbers ascend.
        unique_indices: promises that no number stands there twice.
        mode: what a number outside ``[0, num_segments)`` does: ``"drop"`` leaves the row out, ``"clip"`` takes the
            nearest segment, ``"wrap"`` counts round and round, and None (or ``"promise"``) promises that there is none.

    Returns:
        An array of the shape (num_segments, ...).

    Raises:
        ShapeError: the numbers are not one for each row.
        DTypeError: they are no integers.
        CapabilityError: ``num_segments`` is left out in a trace.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.segment_sum([1.0, 2.0, 4.0, 8.0], [0, 2, 0, -1], 3).tolist()
        [5.0, 0.0, 2.0]
    """
    engine, data, ids = _read("segment_sum", data, segment_ids)
    given = engine.arrays.dtype_name(data)
    data = engine.arrays.astype(data, _wide(accumulator(given)))
    found = _reduced(engine, data, ids, num_segments, "add", 0, mode, unique_indices, indices_are_sorted)
    return engine.arrays.astype(found, accumulator(given))


def _wide(dtype: str) -> str:
    return "float32" if dtype in _HALF else dtype


def segment_prod(
    data: Array,
    segment_ids: Array,
    /,
    num_segments: int | None = None,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | None = "drop",
) -> Array:
    """``result[s] = product of data[i] over the i with segment_ids[i] == s``; 1 for a segment of no rows.

    Gradients are exact where factors are 0. The arguments, the dtypes and the errors are those of :func:`segment_sum`.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.segment_prod([2.0, 3.0, 4.0], [0, 2, 0], 3).tolist()
        [8.0, 1.0, 3.0]
    """
    engine, data, ids = _read("segment_prod", data, segment_ids)
    given = engine.arrays.dtype_name(data)
    data = engine.arrays.astype(data, _wide(accumulator(given)))
    found = _reduced(engine, data, ids, num_segments, "multiply", 1, mode, unique_indices, indices_are_sorted)
    return engine.arrays.astype(found, accumulator(given))


def segment_mean(
    data: Array,
    segment_ids: Array,
    /,
    num_segments: int | None = None,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | None = "drop",
) -> Array:
    """``result[s] = mean of data[i] over the i with segment_ids[i] == s``; 0 for a segment of no rows.

    The arguments and the errors are those of :func:`segment_sum`; the mean of integers is of float32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.segment_mean([2.0, 3.0, 4.0], [0, 2, 0], 3).tolist()
        [3.0, 0.0, 3.0]
    """
    engine, data, ids = _read("segment_mean", data, segment_ids)
    given = inexact(engine.arrays.dtype_name(data))
    data = engine.arrays.astype(data, _wide(given))
    options = (mode, unique_indices, indices_are_sorted)
    total = _reduced(engine, data, ids, num_segments, "add", 0, *options)
    ones = engine.arrays.full_like(ids, 1, "int32")
    count = engine.math.maximum(_reduced(engine, ones, ids, total.shape[0], "add", 0, *options), 1)
    count = engine.arrays.reshape(count, (-1, *(1,) * (len(data.shape) - 1)))
    return engine.arrays.astype(engine.math.divide(total, count), given)


def segment_max(
    data: Array,
    segment_ids: Array,
    /,
    num_segments: int | None = None,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | None = "drop",
) -> Array:
    """``result[s] = the greatest data[i] with segment_ids[i] == s``; at ties the gradient is split evenly; nan wins.

    A segment of no rows gives -inf, the least integer of the dtype, or False. The arguments and the errors are those of
    :func:`segment_sum`; the dtype is kept.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.segment_max([2.0, 3.0, 4.0], [0, 2, 0], 3).tolist()
        [4.0, -inf, 3.0]
    """
    engine, data, ids = _read("segment_max", data, segment_ids)
    start = _least(engine.arrays.dtype_name(data))
    return _reduced(engine, data, ids, num_segments, "max", start, mode, unique_indices, indices_are_sorted)


def segment_min(
    data: Array,
    segment_ids: Array,
    /,
    num_segments: int | None = None,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | None = "drop",
) -> Array:
    """``result[s] = the least data[i] with segment_ids[i] == s``; at ties the gradient is split evenly; nan wins.

    A segment of no rows gives inf, the greatest integer of the dtype, or True. The arguments and the errors are those
    of :func:`segment_sum`; the dtype is kept.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.segment_min([2.0, 3.0, 4.0], [0, 2, 0], 3).tolist()
        [2.0, inf, 3.0]
    """
    engine, data, ids = _read("segment_min", data, segment_ids)
    start = _greatest(engine.arrays.dtype_name(data))
    return _reduced(engine, data, ids, num_segments, "min", start, mode, unique_indices, indices_are_sorted)


def _least(dtype: str) -> Any:
    kind = DType(dtype).kind
    _ordered(dtype)
    return False if kind == "bool" else -float("inf") if kind == "float" else iinfo(dtype).min


def _greatest(dtype: str) -> Any:
    kind = DType(dtype).kind
    _ordered(dtype)
    return True if kind == "bool" else float("inf") if kind == "float" else iinfo(dtype).max


def _ordered(dtype: str) -> None:
    if DType(dtype).kind == "complex":
        raise DTypeError("Complex numbers have no order.", got=dtype, expected="a real dtype")


def _read(name: str, data: Any, segment_ids: Any) -> tuple[Engine, Array, Array]:
    engine, (data, ids) = several((data, segment_ids))
    if len(ids.shape) != 1 or not data.shape or ids.shape[0] != data.shape[0]:
        raise ShapeError(
            f"{name} needs one number for each row.",
            got=f"data = {short(data)}, segment_ids = {short(ids)}",
            expected="data of the shape (n, ...) and segment_ids of the shape (n,)",
        )
    return engine, data, modes.integers(engine, name, ids)


def _reduced(
    engine: Engine,
    data: Array,
    ids: Array,
    num_segments: int | None,
    op: str,
    start: Any,
    mode: str | None,
    unique: bool,
    is_sorted: bool,
) -> Array:
    modes.check("A reduction of segments", mode, modes.UPDATING)
    count = _count(engine, ids) if num_segments is None else num_segments
    first = engine.arrays.full_like(_row(engine, data), start)
    into = engine.arrays.broadcast_to(first, (count, *data.shape[1:]))
    if not data.shape[0] or not count:
        return engine.arrays.copy(into)
    dtype = engine.arrays.dtype_name(data)
    op = scatters.kind_of_op(op, dtype)
    ids, is_outside = modes.segments(engine, ids, count, mode)
    return scatters.along(
        engine, into, ids, is_outside, data, 0, op, unique=unique, is_sorted=is_sorted and mode is None
    )


def _row(engine: Engine, data: Array) -> Array:
    """One row, to be like."""
    return data[:1] if data.shape[0] else engine.arrays.full((1, *data.shape[1:]), 0, engine.arrays.dtype_name(data))


def _count(engine: Engine, ids: Array) -> int:
    if not engine.arrays.is_concrete(ids):
        raise CapabilityError(
            "The number of segments is not known in a trace.",
            got=f"segment_ids = {short(ids)}",
            expected="num_segments as an int",
            fix="pass num_segments",
        )
    return max(int(engine.math.max(ids)) + 1, 0) if ids.shape[0] else 0
