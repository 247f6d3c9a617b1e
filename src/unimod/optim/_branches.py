"""Work that only some steps need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod.backends._protocol import Array, Engine
from unimod.transforms import cond


def where_needed(engine: Engine, condition: Array, compute: Callable[[], list[Any]], otherwise: list[Any]) -> list[Any]:
    """What ``compute`` gives where the condition holds, else the other arrays; ``compute`` runs only then."""
    if engine.arrays.is_concrete(condition):
        return compute() if bool(condition) else otherwise
    chosen: list[Any] = cond(condition, compute, lambda: otherwise)
    return chosen
