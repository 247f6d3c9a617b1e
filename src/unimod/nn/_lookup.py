"""Looking up rows of a table."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.errors import OptionError, ShapeError
from unimod.nn import _checks
from unimod.nn._precision import entering, leaving
from unimod.numpy._dispatch import many
from unimod.transforms.grad import stop_gradient

Array = Any


def embedding(
    table: Array,
    ids: Array,
    *,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
) -> Array:
    """Rows of a table: ``table[ids]``.

    Args:
        table: ``(num, features...)``.
        ids: integers of any shape in [-num, num); negative ones count from the end. Others are refused where the values
            are known on the host, and undefined inside of transformed functions and on accelerators.
        padding_idx: a row that gets no derivative, in [-num, num).
        max_norm: the greatest norm of a row over its last axis: longer ones are given scaled down to it.
        norm_type: the order of that norm.

    Returns:
        ``(ids..., features...)``, in the dtype of ``table``.

    Raises:
        ShapeError: ``table`` has no axis, or there is no such row.
        DTypeError: ``ids`` are not integers.
        OptionError: ``max_norm`` or ``norm_type`` is not positive.

    Example:
        >>> import unimod as um
        >>> table = um.numpy.asarray([[1.0, 2.0], [3.0, 4.0]])
        >>> um.nn.functional.embedding(table, um.numpy.asarray([1, 0])).tolist()
        [[3.0, 4.0], [1.0, 2.0]]

    Differences: with ``max_norm`` torch's changes the table in place, and takes no derivative of the scaling; here the
    table stays, and the derivative is that of what is computed.
    """
    engine, table, ids = many(table, ids)
    _checks.rank("embedding", "table", table, 1)
    _checks.integers("embedding", "ids", engine, ids)
    num = int(table.shape[0])
    _check_rows(engine, ids, num)
    check_norm(max_norm, norm_type)
    rows = unp.take(table, ids, axis=0)
    if max_norm is not None:
        rows = _shortened(rows, max_norm, norm_type)
    if padding_idx is None:
        return rows
    is_padding = unp.equal(unp.remainder(ids, num), padding_row(num, padding_idx))
    expanded = unp.reshape(is_padding, (*ids.shape, *(1 for _ in table.shape[1:])))
    return unp.where(expanded, stop_gradient(rows), rows)


def _shortened(rows: Array, max_norm: float, norm_type: float) -> Array:
    wide, dtype = entering(rows)
    norm = unp.linalg.vector_norm(wide, axis=-1, keepdims=True, ord=norm_type)
    is_long = unp.greater(norm, max_norm)
    # As torch's: what it adds keeps the norm of the result below the limit.
    factor = unp.divide(max_norm, unp.where(is_long, unp.add(norm, 1e-7), 1.0))
    return leaving(unp.where(is_long, unp.multiply(wide, factor), wide), dtype)


def check_norm(max_norm: float | None, norm_type: float) -> None:
    """A limit of norms, if there is one, and their order are positive."""
    if (max_norm is not None and not max_norm > 0) or not norm_type > 0:
        raise OptionError(
            "The greatest norm of an embedding, or its order, is not positive.",
            got=f"max_norm = {max_norm!r}, norm_type = {norm_type!r}",
            expected="both positive",
            fix="leave max_norm away for rows of any length",
        )


def padding_row(num: int, padding_idx: int) -> int:
    """``padding_idx`` counted from the start."""
    if not -num <= padding_idx < num:
        raise ShapeError(
            "The table of an embedding has no such row for the padding.",
            got=f"padding_idx = {padding_idx}",
            expected=f"an index in [{-num}, {num})",
            fix="pass the index that the data has at its padding",
        )
    return padding_idx % num


def _check_rows(engine: Engine, ids: Array, num: int) -> None:
    # On an accelerator the look would wait for all that was asked of it before.
    if not engine.arrays.is_concrete(ids) or not engine.arrays.device_name(ids).startswith("cpu"):
        return
    values = engine.arrays.to_numpy(ids)
    if values.size and not (-num <= int(values.min()) and int(values.max()) < num):
        raise ShapeError(
            f"An embedding of {num} rows got an index that is none of them.",
            got=f"indices from {int(values.min())} to {int(values.max())}",
            expected=f"indices in [{-num}, {num})",
            fix="build the embedding for all indices that occur, or map the others to one that stands for unknown",
        )
