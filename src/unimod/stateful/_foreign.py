"""Modules of other libraries in a stateful one: where the part that knows those libraries comes in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from unimod.core.module import Module as PlainModule
from unimod.errors import CapabilityError
from unimod.stateful._layer import Layer

wrappers: dict[str, Callable[[Any], PlainModule]] = {}
"""By library, a function that makes a module of ``um.Module`` of one of its modules."""


def from_flax(ctor: Any) -> Callable[..., Layer]:
    """What makes a :class:`Layer` of modules of Flax: ``Linear = FromFlax(flax.linen.Dense)``."""
    return functools.partial(Layer, functools.partial(_wrapped, "flax", ctor))


def from_haiku(ctor: Any) -> Callable[..., Layer]:
    """What makes a :class:`Layer` of modules of Haiku: ``Linear = FromHaiku(haiku.Linear)``."""
    return functools.partial(Layer, functools.partial(_wrapped, "haiku", ctor))


def from_torch(ctor: Any) -> Callable[..., Layer]:
    """What makes a :class:`Layer` of modules of PyTorch: ``Linear = FromTorch(torch.nn.Linear)``."""
    return functools.partial(Layer, functools.partial(_wrapped, "torch", ctor))


def _wrapped(library: str, ctor: Any, *args: Any, **kwargs: Any) -> PlainModule:
    if library not in wrappers:
        raise CapabilityError(
            f"Modules of {library} cannot be wrapped here.",
            got=getattr(ctor, "__name__", repr(ctor)),
            expected=", ".join(wrappers) or "no library is known",
            fix="use the layer of um.nn: um.stateful.FromModule(um.nn.Linear)",
        )
    return wrappers[library](ctor(*args, **kwargs))
