"""Train steps, inference, first calls and memory of six networks on both engines, against what others write.

``python -m benchmarks workloads [--only NAME ...] [--engine torch|jax]``. Times are those of the processor, which other
programs on the machine change little; a round runs every way once, and the ratios are those of a round. All ways
begin with the same weights, and their first losses are compared. A first call traces and compiles without any
cache on disk. Bytes are those that a train step is given, returns, and needs in between.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence

import unimod as um
from benchmarks import _measure
from benchmarks._measure import Row
from benchmarks.nets import ours, sizes
from benchmarks.nets.way import Way

NAMES = tuple(sizes.OPTIMIZERS)
ENGINES = ("torch", "jax")
OURS, EAGER = "um.jit", "um eager"
ROUNDS = {"dispatch": 101}
FEW = 11
FIRSTS = {"torch": 1, "jax": 2}
"""How often the first calls are measured that have a target."""
BY_HAND = {"torch": "eager", "jax": "by hand"}
FIRST_BY = {"torch": "compile, model and optimizer", "jax": "by hand"}
FASTER = {
    "torch": {"dispatch": 0.30, "deep": 0.35, "cnn": 1.0, "resnet": 0.72, "lstm": 1.0, "gpt": 0.90},
    "jax": {"dispatch": 1.0, "deep": 1.0, "cnn": 0.92, "resnet": 0.75, "lstm": 0.90, "gpt": 0.92},
}
NOT_COMPILED = {"torch": (OURS, EAGER, "eager", "Keras"), "jax": (OURS,)}
"""Whose first calls are not compared, and ours."""
EAGERLY = {"dispatch": 1.30, "cnn": 1.10, "resnet": 1.10, "gpt": 1.10}
FIRST_CALL = {"torch": 1.3, "jax": 1.1}
PEERS = {
    "jax": {
        "by hand": ("in_jax", "way"),
        "Linen": ("in_flax", "way"),
        "Haiku": ("in_haiku", "way"),
        "NNX": ("in_nnx", "way"),
        "Equinox": ("in_equinox", "way"),
        "Keras": ("in_keras", "way"),
    },
    "torch": {
        "eager": ("on_torch", "eager"),
        "compile, model": ("on_torch", "compiled_model"),
        "compile, model and optimizer": ("on_torch", "compiled_both"),
        "compile, whole step": ("on_torch", "whole"),
        "Keras": ("in_keras", "way"),
    },
}
OTHER_LOSS = {("Haiku", "lstm")}
"""The cell of Haiku adds one to a gate."""
OTHER_SIZE = {("torch", "lstm")}
"""The layer of torch has two biases."""
NOTES: list[str] = []
"""Which ways were left out, and why."""


@dataclasses.dataclass
class Contender:
    """A way with what its first step said."""

    way: Way
    loss: float
    seconds: list[float]


def parts(only: Sequence[str] = NAMES, engines: Sequence[str] = ENGINES) -> list[Callable[[], list[Row]]]:
    """A function for each network on each engine, which can take minutes."""
    return [functools.partial(_part, engine, name) for engine in engines for name in only]


def _part(engine: str, name: str) -> list[Row]:
    NOTES[:] = ["times are those of the processor"]
    _prepare(engine)
    return [dataclasses.replace(row, name=f"{engine}, {name}, {row.name}") for row in _network(engine, name)]


@functools.cache
def _prepare(engine: str) -> None:
    """One thread, no caches on disk, and what is done once in a process is done."""
    os.environ.setdefault("KERAS_BACKEND", engine)
    if engine == "jax":
        importlib.import_module("benchmarks._machine").use_synchronous_dispatch()
        return
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # the time of workers that outlive a compilation is not seen
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp()
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    torch.compile(lambda x: x.sin() + 1)(torch.ones(8))
    um.jit(lambda x: um.numpy.cos(x) + 1)(torch.ones(8))


def _network(engine: str, name: str) -> list[Row]:
    contenders = _contenders(engine, name)
    print(f"{engine}, {name}: {', '.join(contenders)}", flush=True)
    rows = _first_calls(engine, contenders) + _peaks(contenders)
    for kind in ("step", "infer"):
        ways = {title: getattr(found.way, kind) for title, found in contenders.items()}
        loops = {title: _measure.repeat(fn, _wait(engine)) for title, fn in ways.items() if fn is not None}
        samples = _measure.contest(loops, pairs=ROUNDS.get(name, FEW), clock=time.process_time)
        rows += _compared(engine, name, "train" if kind == "step" else "inference", samples)
    return rows


# Who takes part -------------------------------------------------------------------------------------------------------


def _contenders(engine: str, name: str) -> dict[str, Contender]:
    """Everyone who can, after the first step; ours first, so that no one's work helps it."""
    found = {OURS: _started(engine, lambda: ours.way(name, engine), FIRSTS[engine])}
    if engine == "torch":
        found[EAGER] = _started(engine, lambda: ours.way(name, engine, lambda fn: fn))
    for title, (module, function) in PEERS[engine].items():
        times = FIRSTS[engine] if title == FIRST_BY[engine] else 1
        try:
            make = _maker(engine, name, module, function)
            found[title] = _started(engine, lambda make=make: make(name), times)
        except Exception as error:  # what a library says is said once more, and the others go on
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            NOTES.append(f"left out: {engine}, {name}, {title}: {reason}")
            print(NOTES[-1], flush=True)
            continue
        _check_same(engine, name, title, found)
    return found


def _maker(engine: str, name: str, module: str, function: str) -> Callable[[str], Way]:
    found = importlib.import_module(f"benchmarks.nets.{module}")
    if getattr(found, "ENGINE", engine) != engine:
        raise LookupError(f"it has one backend in a process, which is {found.ENGINE}")
    if name not in getattr(found, "NAMES", NAMES):
        raise LookupError("it is not written there")
    return getattr(found, function)


def _started(engine: str, make: Callable[[], Way], times: int = 1) -> Contender:
    seconds = []
    for _ in range(times):
        way = make()
        start = _processor()
        with _without_caches(engine):
            loss = float(way.step())
        seconds.append(_processor() - start)
    return Contender(way, loss, seconds)


def _check_same(engine: str, name: str, title: str, found: dict[str, Contender]) -> None:
    mine, other = found[OURS], found[title]
    if (engine, name) not in OTHER_SIZE:
        assert mine.way.parameters == other.way.parameters, (name, title, mine.way.parameters, other.way.parameters)
    if (title, name) not in OTHER_LOSS:
        assert abs(mine.loss - other.loss) <= 1e-3 * abs(mine.loss), (name, title, mine.loss, other.loss)


def _without_caches(engine: str) -> contextlib.AbstractContextManager:
    if engine == "jax":
        return contextlib.nullcontext()
    return importlib.import_module("torch._inductor.config").patch(force_disable_caches=True)


def _processor() -> float:
    """Seconds of this process and of the compilers that it ran."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _wait(engine: str) -> Callable[[object], object]:
    return importlib.import_module("jax").block_until_ready if engine == "jax" else lambda result: None


# Rows -----------------------------------------------------------------------------------------------------------------


def _compared(engine: str, name: str, kind: str, samples: _measure.Samples) -> list[Row]:
    mine, is_train = samples[OURS], kind == "train"
    others = [title for title in samples if title not in (OURS, EAGER)]
    goals = {BY_HAND[engine]: FASTER[engine][name]} if is_train else {}
    rows = [
        _measure.row(f"{kind}, {OURS}", mine, samples[title], baseline=title, target=_at_most(goals.get(title)))
        for title in others
    ]
    is_peer = [row for row in rows if engine == "jax" or row.baseline != BY_HAND[engine]]
    fastest = min(is_peer, key=lambda row: row.theirs)
    rows += [dataclasses.replace(fastest, baseline=f"fastest: {fastest.baseline}", target=_at_most(1.0))]
    if EAGER in samples:
        target = _at_most(EAGERLY.get(name)) if is_train else ""
        theirs = samples[BY_HAND[engine]]
        rows += [_measure.row(f"{kind}, {EAGER}", samples[EAGER], theirs, baseline="eager", target=target)]
    return rows


def _first_calls(engine: str, contenders: dict[str, Contender]) -> list[Row]:
    """The least of a few, which is the one least disturbed."""
    mine, rows = contenders[OURS].seconds, []
    for title, found in contenders.items():
        if title not in NOT_COMPILED[engine]:
            target = _at_most(FIRST_CALL[engine] if title == FIRST_BY[engine] else None)
            a, b = (1e6 * min(seconds) for seconds in (mine, found.seconds))
            low, high = min(mine) / max(found.seconds), max(mine) / min(found.seconds)
            rows += [Row("first call", title, target, a, b, a / b, low, high, a - b)]
    return rows


def _peaks(contenders: dict[str, Contender]) -> list[Row]:
    mine, rows = contenders[OURS].way.peak() / 1e3, []
    for title, found in contenders.items():
        if title not in (OURS, EAGER) and found.way.peak is not None:
            other = found.way.peak() / 1e3
            ratio = mine / other
            rows += [Row("peak of memory", title, "", mine, other, ratio, ratio, ratio, mine - other, "kB")]
    return rows


def _at_most(goal: float | None) -> str:
    return f"<= {goal:.2f}" if goal else ""
