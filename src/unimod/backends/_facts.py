"""Facts that most engines have in common; an engine states those that are different."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unimod.backends._protocol import Engine


def device_kinds(engine: Engine) -> tuple[str, ...]:
    """The kinds of the devices there are."""
    return tuple(dict.fromkeys(name.partition(":")[0] for name, _ in engine.arrays.devices()))


def has_x64(engine: Engine) -> bool:
    """64 bits are always there."""
    return True


def set_x64(engine: Engine, enabled: bool) -> None:
    """There is no such switch."""


def use_x64(engine: Engine, enabled: bool) -> contextlib.AbstractContextManager[None]:
    """There is no such switch."""
    return contextlib.nullcontext()


def register_node(engine: Engine, cls: type, flatten: Callable[..., Any], unflatten: Callable[..., Any]) -> None:
    """There is no registry of node types."""


DEFAULTS: tuple[Callable[..., Any], ...] = (device_kinds, has_x64, set_x64, use_x64, register_node)


def complete(engine: Engine) -> None:
    """Put in place what the facts of the engine do not state."""
    for function in DEFAULTS:
        if not hasattr(engine.facts, function.__name__):
            setattr(engine.facts, function.__name__, functools.partial(function, engine))
