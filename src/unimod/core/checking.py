"""Which checks are asked for in this thread, by :func:`unimod.checkify`."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

INDEX_TEXT = "An index is outside of its axis."


class _State(threading.local):
    kinds: frozenset[str] | None = None


_state = _State()


def kinds() -> frozenset[str] | None:
    """The kinds of checks that are asked for; None outside of a checked function."""
    return _state.kinds


@contextlib.contextmanager
def ask_for(wanted: frozenset[str] | None) -> Iterator[None]:
    """Ask for checks inside a ``with`` block; None: as outside of a checked function."""
    outer, _state.kinds = _state.kinds, wanted
    try:
        yield
    finally:
        _state.kinds = outer
