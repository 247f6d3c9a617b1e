"""The protocol of ``inspect``: looking into functions that are traced, mapped and differentiated."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Protocol

from unimod.backends._terms import Array, FlatFn, optional


class Inspect(Protocol):
    """What is seen of the values inside a function: callbacks, checks and costs."""

    @optional
    def callback(self, fn: Callable[[list[Any]], None], arrays: list[Array], ordered: bool) -> None:
        """Call ``fn`` with the values, as numpy arrays, when they are computed; once for each mapped call."""

    def checked(
        self, fn: FlatFn, leaves: list[Array], kinds: frozenset[str]
    ) -> tuple[list[Array], Any, list[Array], Hashable]:
        """Run ``fn`` with checks, which never raise.

        The kinds are ``nan`` and ``division``, which the engine looks for itself, and others, which are checks that
        ``check`` is asked for. Returns what ``fn`` does, then arrays that hold the first failure, and what is needed
        to read them.
        """

    def check(self, condition: Array, text: str, arrays: list[Array]) -> None:
        """Inside of ``checked``: a failure with this text, formatted with the arrays, where the scalar is False."""

    def failure(self, found: list[Array], how: Hashable) -> str | None:
        """The text of the failure in what ``checked`` returned."""

    @optional
    def wait(self, arrays: list[Array]) -> None:
        """Return when the values are there."""

    @optional
    def cost(self, fn: FlatFn, leaves: list[Array]) -> dict[str, float]:
        """What one call of the compiled ``fn`` takes, as far as the framework tells: ``flops``, and bytes."""

    @optional
    def trace_file(self, fn: Callable[[], Any], directory: str) -> None:
        """Call ``fn`` and write a file about it for the viewer of the framework into the directory."""
