"""Modules of other libraries in a stateful one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from unimod.interop import modules
from unimod.stateful._layer import Layer


def from_flax(ctor: Any) -> Callable[..., Layer]:
    """What makes a :class:`Layer` of modules of Flax (linen): ``Linear = FromFlax(flax.linen.Dense)``.

    Entries have the names of :class:`unimod.FlaxModule`: ``lin/params/kernel``.
    """
    return functools.partial(Layer, functools.partial(modules.FlaxModule, ctor))


def from_haiku(ctor: Any) -> Callable[..., Layer]:
    """What makes a :class:`Layer` of modules of Haiku: ``Linear = FromHaiku(haiku.Linear)``.

    Entries have the names of :class:`unimod.HaikuModule`: ``lin/params/linear/w``.
    """
    return functools.partial(Layer, functools.partial(modules.HaikuModule, ctor))


def from_torch(ctor: Any) -> Callable[..., Layer]:
    """What makes a :class:`Layer` of modules of PyTorch: ``Linear = FromTorch(torch.nn.Linear)``.

    Entries have the names of :class:`unimod.TorchModule`: ``lin/weight``.
    """
    return functools.partial(Layer, functools.partial(modules.TorchModule, ctor))
