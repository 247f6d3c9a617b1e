"""A leaf that has no value yet, only a recipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod.dtypes import describe


class Initializer:
    """Stands for a leaf until ``Module.init`` calls ``fn(key)`` with a key of its own.

    Args:
        fn: function of a key that returns the initial value; None while a size is not known.
        shape: the shape it will have, where known; shown in reprs and summaries.
        dtype: likewise.

    Example:
        >>> import unimod as um
        >>> um.Initializer(lambda key: um.random.uniform(key, (3,)), shape=(3,))
        Initializer(f32[3])
    """

    __slots__ = ("dtype", "fn", "shape")

    def __init__(
        self, fn: Callable[[Any], Any] | None, shape: tuple[int, ...] | None = None, dtype: str = "float32"
    ) -> None:
        self.fn, self.shape, self.dtype = fn, shape, dtype

    def __repr__(self) -> str:
        from_shape = "" if self.shape is None else describe(self.shape, self.dtype)
        return f"Initializer({from_shape})"
