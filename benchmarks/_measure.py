"""Two ways to do the same, run in turns; what counts is the median of the ratios of neighbours.

The speed of a shared machine drifts by more than the differences that matter here. Neighbours see the same machine, so
their ratio does not see the drift.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any

BLOCK = 0.004
PAIRS = 101

Loop = Callable[[int], None]
"""Does something ``n`` times and waits until it is done."""


@dataclasses.dataclass(frozen=True)
class Row:
    """A comparison. Times are medians in microseconds for one call; ratios are ours by theirs, differences the rest."""

    name: str
    baseline: str
    target: str
    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    difference: float = 0.0


def repeat(fn: Callable[[], Any], wait: Callable[[Any], Any] = lambda result: None) -> Loop:
    """The loop that calls ``fn`` and waits for the last result."""

    def run(n: int) -> None:
        result = None
        for _ in range(n):
            result = fn()
        wait(result)

    return run


def chain(step: Callable[[Any], Any], state: Any, wait: Callable[[Any], Any] = lambda state: None) -> Loop:
    """The loop in which ``step`` gets what it returned; it goes on where the last one ended."""

    def run(n: int) -> None:
        nonlocal state
        for _ in range(n):
            state = step(state)
        wait(state)

    return run


def compare(name: str, ours: Loop, theirs: Loop, *, baseline: str, target: str = "", pairs: int = PAIRS) -> Row:
    """Run both loops in turns, the first place taken in turns too."""
    for loop in (ours, theirs):
        loop(3)
    calls = max(1, int(BLOCK / min(_time(ours, 3), _time(theirs, 3))))
    samples = []
    for number in range(pairs):
        if number % 2:
            samples.append((_time(ours, calls), _time(theirs, calls)))
        else:
            samples.append((_time(theirs, calls), _time(ours, calls))[::-1])
    low, middle, high = statistics.quantiles([a / b for a, b in samples], n=4)
    difference = 1e6 * statistics.median(a - b for a, b in samples)
    first, second = (1e6 * statistics.median(times) for times in zip(*samples, strict=True))
    return Row(name, baseline, target, first, second, middle, low, high, difference)


def _time(loop: Loop, calls: int) -> float:
    """Seconds for one call."""
    start = time.perf_counter()
    loop(calls)
    return (time.perf_counter() - start) / calls
