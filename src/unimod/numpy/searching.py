"""Choosing between two arrays."""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import many
from unimod.numpy._table import ByDType, Table


def where(condition: Array, x1: Array, x2: Array, /) -> Array:
    """``x1`` where the condition is not 0, else ``x2``; the gradient of the branch that is not taken is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.where([True, False], [1.0, 2.0], 0.0).tolist()
        [1.0, 0.0]
    """
    try:
        dtype = x1.dtype
        if dtype is x2.dtype:
            return _WHERE[dtype](condition, x1, x2)
    except Exception:  # no arrays, or the framework's function refuses: both are settled below
        pass
    return _chosen(condition, x1, x2)


def _chosen(condition: Array, x1: Array, x2: Array) -> Array:
    engine, condition, x1, x2 = many(condition, x1, x2)
    if isinstance(condition, (bool, int, float)):
        condition = engine.arrays.asarray(bool(condition))
    try:
        return engine.arrays.where(condition, x1, x2)
    except Exception as error:
        raise explain.operands(error, "where", condition, x1, x2)  # noqa: B904 (it carries its cause)


_WHERE = ByDType(Table("arrays", "where"), shared=_chosen)
