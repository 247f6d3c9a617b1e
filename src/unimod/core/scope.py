"""Which traced function is running in this thread; who may change which module follows from it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any


class Scope:
    """One run of a transformed function. Modules made while it runs belong to it."""

    __slots__ = ("is_guarding", "name", "parent")

    def __init__(self, name: str, parent: Scope | None) -> None:
        self.name, self.parent, self.is_guarding = name, parent, False

    def __repr__(self) -> str:
        return f"<scope {self.name}>"

    def __enter__(self) -> Scope:
        state.current = self
        return self

    def __exit__(self, *error: object) -> None:
        state.current = self.parent


class _State(threading.local):
    current: Scope | None = None
    program: object | None = None
    frame: Any = None
    """The compact method that is running, which names the modules made in it."""


state = _State()


def enter(name: str) -> Scope:
    """Run a block in a new scope; the old one comes back, whatever happens."""
    return Scope(name, state.current)


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """Run a block whose operations are kept as a program: values from outside become constants of it."""
    before = state.program
    state.program = object()
    try:
        yield
    finally:
        state.program = before
