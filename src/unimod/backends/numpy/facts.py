"""NumPy: who the engine is, which arrays are its own, and what it can do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy

from unimod.backends import _capabilities as has

NAME = "numpy"
CAPABILITIES = frozenset({has.VMAP, has.OPTIM, has.FLOAT64, has.BFLOAT16, has.UNSIGNED, has.STRIDES, has.EAGER})
DIVERGENCES: dict[str, str] = {
    "grad": "the engine runs forward only: it is the reference that the others are held against",
}


def owns(cls: type) -> bool:
    """Whether instances of ``cls`` are NumPy arrays or scalars."""
    return issubclass(cls, (numpy.ndarray, numpy.generic))


def version() -> str:
    """The version of NumPy."""
    return numpy.__version__


def device_kinds() -> tuple[str, ...]:
    """The one device."""
    return ("cpu",)


def has_x64() -> bool:
    """64 bits are always there."""
    return True


def set_x64(enabled: bool) -> None:
    """There is no such switch."""


def use_x64(enabled: bool) -> contextlib.AbstractContextManager[None]:
    """There is no such switch."""
    return contextlib.nullcontext()


def register_node(
    cls: type,
    flatten: Callable[[Any], tuple[list[Any], Any]],
    unflatten: Callable[[Any, list[Any]], Any],
) -> None:
    """NumPy has no registry of node types: nothing to do."""
