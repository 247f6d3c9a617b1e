"""Work that only some steps need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod.backends._protocol import Array, Engine
from unimod.optim.finite import choose


def where_needed(engine: Engine, condition: Array, compute: Callable[[], list[Any]], otherwise: list[Any]) -> list[Any]:
    """What ``compute`` gives where the condition holds, else the other arrays.

    In a trace, where nobody knows whether it will hold, both are there, and one is chosen.
    """
    if not engine.arrays.is_concrete(condition):
        return choose(condition, compute(), otherwise)
    return compute() if bool(condition) else otherwise
