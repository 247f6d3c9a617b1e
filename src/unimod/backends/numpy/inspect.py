"""NumPy: the first check that fails is kept."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Any

import numpy as np

from unimod.backends import _failures
from unimod.backends._protocol import Array, FlatFn


class _State(threading.local):
    def __init__(self) -> None:
        self.failures: list[list[str]] = []


_state = _State()


def checked(fn: FlatFn, leaves: list[Array], kinds: frozenset[str]) -> tuple[list[Array], Any, list[Array], Hashable]:
    """Run ``fn`` with the checks that it asks for; results are not looked at for nan, nor divisions for zeros."""
    failures: list[str] = []
    _state.failures.append(failures)
    try:
        outputs, extra = fn(leaves)
    finally:
        _state.failures.pop()
    return outputs, extra, [np.asarray(0 if failures else -1, np.int32)], tuple(failures[:1])


def check(condition: Array, text: str, arrays: list[Array]) -> None:
    """Keep the failure of a check."""
    if not condition:
        _state.failures[-1].append(_failures.formatted(text, arrays))


def failure(found: list[Array], how: Hashable) -> str | None:
    """The text of the failure in what :func:`checked` returned."""
    assert isinstance(how, tuple)
    return None if int(found[0]) < 0 else str(how[0])
