"""A mode of fake tensors that ends: who kept one of its tensors is told at the place where it is used.

Checked with torch 2.13.0, whose fake tensors enter their mode by themselves where no mode is active.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from torch._subclasses.fake_tensor import FakeTensorMode

from unimod.backends._concrete import leaked


class EndingMode(FakeTensorMode):  # type: ignore[no-untyped-call]  # torch's class hook has no types
    """A mode that refuses to be entered when its trace has ended."""

    has_ended = False
    depth = 0

    def __enter__(self) -> Any:
        """Activate it.

        Raises:
            LeakedTracerError: a tensor of the trace is used after it.
        """
        if self.has_ended:
            raise leaked()
        return super().__enter__()


@contextlib.contextmanager
def in_use(mode: Any, *, is_last: bool) -> Iterator[None]:
    """A block that uses the tensors of a mode; after the last one, and after one that failed, nobody may."""
    mode.depth, mode.has_ended = mode.depth + 1, False
    try:
        yield
    except BaseException:
        is_last = True
        raise
    finally:
        mode.depth -= 1
        mode.has_ended = is_last and not mode.depth
