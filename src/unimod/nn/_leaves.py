"""How layers declare leaves that get their values at ``init``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from unimod import config
from unimod.core.initializer import Initializer
from unimod.core.kinds import Parameter
from unimod.dtypes import describe
from unimod.errors import DTypeError, ShapeError

Fill = Callable[..., Any]


def parameter(init: Fill, shape: tuple[int | None, ...], dtype: str) -> Parameter:
    """A trainable leaf drawn by ``init(key, shape, dtype)``; without a recipe while a size is None."""
    return Parameter(pending(init, shape, dtype))


def pending(init: Fill, shape: tuple[int | None, ...], dtype: str) -> Initializer:
    """An initializer; without a recipe while a size is None."""
    if any(size is None for size in shape):
        return Initializer(None, dtype=dtype)
    known = tuple(int(size) for size in shape if size is not None)
    return Initializer(functools.partial(_draw, init, known, dtype), known, dtype)


def _draw(init: Fill, shape: tuple[int, ...], dtype: str, key: Any) -> Any:
    return init(key, shape, dtype)


def check_input(layer: Any, x: Any, leaf: Any, features: int | None, name: str) -> None:
    """Check the last axis and the dtype of the input of a layer.

    Raises:
        ShapeError: the last axis has another length than the layer was built for.
        DTypeError: the dtype is another than that of the layer's leaves.
    """
    if features is not None and (len(x.shape) == 0 or x.shape[-1] != features):
        got = f"{x.shape[-1]} features on the last axis of `x`" if len(x.shape) else "a scalar `x`"
        raise ShapeError(
            f"{type(layer).__name__} got {got}, but was built for {features}.",
            got=f"x = {config.describe_value(x)}",
            expected=f"x = {config.dtype_of(x).short}[..., {features}]",
            fix=f"pass x with a last axis of {features}, or build it with {name}={x.shape[-1] if x.shape else 1}",
        )
    if config.is_array(leaf) and leaf.dtype != x.dtype and config.dtype_of(leaf) != config.dtype_of(x):
        raise DTypeError(
            f"{type(layer).__name__} got an array of another dtype than its own leaves have.",
            got=f"x = {config.describe_value(x)}",
            expected=f"x = {describe(tuple(x.shape), config.dtype_of(leaf))}",
            fix=f"convert it: um.numpy.astype(x, {str(config.dtype_of(leaf))!r})",
        )
