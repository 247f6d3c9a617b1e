"""The names of mapped axes that are bound in a thread, for engines whose framework does not keep them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Hashable, Iterator
from typing import Any


class Names(threading.local):
    """What each name stands for now, in this thread; an inner binding hides an outer one of the same name."""

    def __init__(self) -> None:
        self.bound: dict[Hashable, Any] = {}

    @contextlib.contextmanager
    def bind(self, name: Hashable, value: Any) -> Iterator[None]:
        """Bind ``name`` inside a ``with`` block; None binds nothing."""
        if name is None:
            yield
            return
        with self.restored({**self.bound, name: value}):
            yield

    @contextlib.contextmanager
    def restored(self, bound: dict[Hashable, Any]) -> Iterator[None]:
        """What follows is a part of what was done where these names were bound."""
        outer, self.bound = self.bound, bound
        try:
            yield
        finally:
            self.bound = outer
