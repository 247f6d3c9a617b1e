"""Two ways to do the same, run in turns; what counts is the median of the ratios of neighbours.

The speed of a shared machine drifts by more than the differences that matter here. Neighbours see the same machine, so
their ratio does not see the drift.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

BLOCK = 0.004
PAIRS = 101

Loop = Callable[[int], None]
"""Does something ``n`` times and waits until it is done."""
Samples = dict[str, list[float]]


@dataclasses.dataclass(frozen=True)
class Row:
    """A comparison. Amounts are medians for one call; ratios are ours by theirs, differences the rest."""

    name: str
    baseline: str
    target: str
    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    difference: float = 0.0
    unit: str = "us"


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
    samples = _in_turns({"ours": ours, "theirs": theirs}, calls, pairs, time.perf_counter)
    return row(name, samples["ours"], samples["theirs"], baseline=baseline, target=target)


def contest(ways: Mapping[str, Loop], *, pairs: int, clock: Callable[[], float] = time.perf_counter) -> Samples:
    """Seconds a call takes each, in rounds in which all run once; who begins changes."""
    for loop in ways.values():
        loop(2)
    fastest = min(_time(loop, 3, clock) for loop in ways.values())
    return _in_turns(ways, max(1, int(BLOCK / fastest)), pairs, clock)


def row(name: str, ours: Sequence[float], theirs: Sequence[float], *, baseline: str, target: str = "") -> Row:
    """The comparison of what was measured side by side."""
    low, middle, high = statistics.quantiles([a / b for a, b in zip(ours, theirs, strict=True)], n=4)
    difference = 1e6 * statistics.median(a - b for a, b in zip(ours, theirs, strict=True))
    first, second = (1e6 * statistics.median(times) for times in (ours, theirs))
    return Row(name, baseline, target, first, second, middle, low, high, difference)


def _in_turns(ways: Mapping[str, Loop], calls: int, rounds: int, clock: Callable[[], float]) -> Samples:
    samples: Samples = {title: [] for title in ways}
    titles = list(ways)
    for number in range(rounds):
        begin = number % len(titles)
        for title in titles[begin:] + titles[:begin]:
            samples[title].append(_time(ways[title], calls, clock))
    return samples


def _time(loop: Loop, calls: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds for one call."""
    start = clock()
    loop(calls)
    return (clock() - start) / calls
