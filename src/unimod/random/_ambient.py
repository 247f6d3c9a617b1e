"""The ambient stream of keys, for code that is not handed a key: layers that are filled when they are built.

A stream is a key and a counter; the next key is ``fold_in(key, counter)``. :func:`seed` gives every thread a stream of
its own, :func:`rng` one to the block and the thread that it stands in. What is drawn under ``jit`` is a constant of the
trace: a function that is jitted gets its key as an argument.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import threading
from collections.abc import Iterator
from typing import Any

from unimod import config
from unimod.backends._threefry import block
from unimod.errors import NotInitializedError
from unimod.random._key import Key, single
from unimod.random._making import fold_in, stable_hash, words_of

_THREAD = stable_hash("unimod.random: one stream for each thread")


class _Seeded:
    """The process-wide seed, and how many threads have taken their stream from it."""

    def __init__(self, seed: int) -> None:
        self.words = words_of(seed)
        self.threads = itertools.count()

    def stream(self) -> _SeedStream:
        """The stream of a further thread; no two are alike, and none is the stream of the seed itself."""
        return _SeedStream(self, _fold(_fold(self.words, _THREAD), next(self.threads)))


class _SeedStream:
    """A stream without an engine: its keys are made on the engine that is chosen when they are asked for."""

    def __init__(self, origin: _Seeded, words: tuple[int, int]) -> None:
        self.origin, self.words, self.counter = origin, words, itertools.count()

    def key(self, count: int, backend: str | None) -> Key:
        """The key of a number, on the chosen engine."""
        high, low = _fold(self.words, count)
        return Key(config.default_engine(backend).random.key(high, low, None))


class _KeyStream:
    """A stream that starts from a key, and stays on the engine of the key."""

    def __init__(self, key: Key) -> None:
        single("rng", key)
        self.origin, self.counter = key, itertools.count()

    def key(self, count: int, backend: str | None) -> Key:
        """The key of a number."""
        return fold_in(self.origin, count)


class Replay:
    """A block of code that is run several times, and gets the same ambient keys each time: those of the first time.

    Numbers are kept, not keys: those that are made while a function is traced belong to that trace.
    """

    def __init__(self) -> None:
        self.blocks = _local.blocks
        self.numbers: list[int] = []

    def __enter__(self) -> None:
        self.before, self.around, self.place = _local.replay, _local.blocks, 0
        _local.replay, _local.blocks = self, self.blocks

    def __exit__(self, *_: object) -> None:
        _local.replay, _local.blocks = self.before, self.around

    def number(self, stream: _SeedStream | _KeyStream) -> int:
        """The number of the next key of a stream."""
        if stream in _local.blocks[len(self.blocks) :]:  # the block itself started it, anew each time
            return next(stream.counter)
        if self.place == len(self.numbers):
            self.numbers.append(_drawn(stream, self.before))
        self.place += 1
        return self.numbers[self.place - 1]


@dataclasses.dataclass(frozen=True, eq=False)
class _Entry:
    """One entry of a mapped function: its number, an array of the trace, and the blocks around the function."""

    index: Any
    blocks: tuple[_KeyStream, ...]


class _Local(threading.local):
    blocks: tuple[_KeyStream, ...] = ()
    entries: tuple[_Entry, ...] = ()
    replay: Replay | None = None
    seeded: _SeedStream | None = None


_local = _Local()
_process: list[_Seeded] = []


def _drawn(stream: _SeedStream | _KeyStream, replay: Replay | None) -> int:
    return next(stream.counter) if replay is None else replay.number(stream)


def _fold(words: tuple[int, int], data: int) -> tuple[int, int]:
    return block(*words, 0, data & 0xFFFFFFFF)


@contextlib.contextmanager
def entry(index: Any) -> Iterator[None]:
    """Let keys of streams from outside depend on ``index``, the number of an entry of a mapped function."""
    before = _local.entries
    _local.entries = (*before, _Entry(index, _local.blocks))
    try:
        yield
    finally:
        _local.entries = before


def _of_entries(stream: _SeedStream | _KeyStream, key: Key) -> Key:
    for one in _local.entries:
        if isinstance(stream, _SeedStream) or stream in one.blocks:
            key = fold_in(key, one.index)
    return key


def seed(value: int | None) -> None:
    """Start the ambient stream of the process; None ends it.

    The calling thread gets the stream of the seed. Every other thread gets a stream of its own, derived from the seed
    and from the order in which the threads first ask for a key.

    Example:
        >>> import unimod as um
        >>> um.random.seed(0)
        >>> um.random.next_key().shape
        ()
        >>> um.random.seed(None)
    """
    if value is None:
        _process.clear()
        return
    seeded = _Seeded(value)
    _process[:] = [seeded]
    _local.seeded = _SeedStream(seeded, seeded.words)


@contextlib.contextmanager
def rng(key: Key) -> Iterator[None]:
    """Take keys from ``key`` inside a ``with`` block of this thread.

    Example:
        >>> import unimod as um
        >>> with um.random.rng(um.random.key(0)):
        ...     a = um.random.next_key()
        >>> um.random.key_data(a).tolist() == um.random.key_data(um.random.fold_in(um.random.key(0), 0)).tolist()
        True
    """
    before = _local.blocks
    _local.blocks = (*before, _KeyStream(key))
    try:
        yield
    finally:
        _local.blocks = before


def is_seeded() -> bool:
    """Whether there is an ambient stream here: after :func:`seed`, or inside :func:`rng`."""
    return bool(_local.blocks or _process)


def next_key(*, backend: str | None = None) -> Key:
    """A fresh key from the innermost ambient stream.

    Inside of a function that ``vmap`` maps it is another one for each entry: ``fold_in(key, index)``.

    Args:
        backend: the engine, if not the chosen one; the keys of :func:`rng` stay on the engine of theirs.

    Raises:
        NotInitializedError: there is no ambient stream.
    """
    if _local.blocks:
        given = _local.blocks[-1]
        return _of_entries(given, given.key(_drawn(given, _local.replay), backend))
    if not _process:
        raise NotInitializedError(
            "There is no ambient stream of random keys.",
            expected="um.seed(0) before, or a `with um.rng(key):` around this call",
            fix="start one: um.seed(0)",
        )
    stream = _local.seeded
    if stream is None or stream.origin is not _process[0]:
        stream = _local.seeded = _process[0].stream()
    return _of_entries(stream, stream.key(_drawn(stream, _local.replay), backend))
