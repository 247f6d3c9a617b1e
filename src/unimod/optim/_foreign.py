"""Which engines may know an object that is not of unimod, and what such an object is called."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from unimod.backends import _registry
from unimod.backends._protocol import Engine


def engines() -> Iterator[Engine]:
    """The engines that know objects of their framework, where that has been imported: who has such an object did so."""
    for name, entry in _registry.BUILTIN.items():
        if entry.framework in sys.modules:
            engine = _registry.load(name)
            if hasattr(engine.optim, "foreign"):
                yield engine


def name_of(target: Any) -> str:
    """The name of a class or function, else that of its class."""
    return getattr(target, "__name__", None) or type(target).__name__
