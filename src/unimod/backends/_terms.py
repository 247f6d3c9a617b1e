"""The words of which the protocols of an engine are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Array = Any
"""A native array of one engine."""

Shape = tuple[int, ...]
Axis = int | tuple[int, ...] | None
FlatFn = Callable[[list[Array]], tuple[list[Array], Any]]
"""A function of a flat list of arrays that returns a flat list of arrays and something opaque beside it."""
SplitFn = Callable[[list[Array]], tuple[list[Array], list[Array], Any]]
"""The same with two lists: floating-point arrays to differentiate, and whatever else."""
Linear = Callable[[list[Array]], list[Array]]
"""A linear function of a list of arrays."""

_Method = TypeVar("_Method", bound=Callable[..., Any])


def optional(method: _Method) -> _Method:
    """Mark a method that the front puts in place where an engine has none of that name."""
    method.is_optional = True  # type: ignore[attr-defined]
    return method
