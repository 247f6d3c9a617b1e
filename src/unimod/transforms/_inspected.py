"""Looking into functions on engines that have nothing for it, and carry out one operation after the other."""

from __future__ import annotations

import cProfile
import pathlib
from collections.abc import Callable
from typing import Any

from unimod.backends._protocol import Array, Engine, FlatFn


def callback(engine: Engine, fn: Callable[[list[Any]], None], arrays: list[Array], ordered: bool) -> None:
    """Call ``fn`` now."""
    fn([engine.arrays.to_numpy(x) for x in arrays])


def wait(engine: Engine, arrays: list[Array]) -> None:
    """The values are there."""


def cost(engine: Engine, fn: FlatFn, leaves: list[Array]) -> dict[str, float]:
    """Nothing is counted."""
    return {}


def trace_file(engine: Engine, fn: Callable[[], Any], directory: str) -> None:
    """Call ``fn`` and write what Python's profiler saw, for ``python -m pstats`` and viewers of its files."""
    with cProfile.Profile() as profile:
        fn()
    profile.dump_stats(pathlib.Path(directory) / f"{engine.name}.prof")
