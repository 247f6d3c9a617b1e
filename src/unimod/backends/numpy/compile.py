"""NumPy: nothing is traced or compiled; a jitted function is the function."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from unimod.backends._protocol import FlatFn


def jit(
    fn: FlatFn,
    *,
    donate: Sequence[int] = (),
    compiler: str | None = None,
    options: Mapping[str, Any] | None = None,
    dynamic: Mapping[int, Sequence[int] | None] | None = None,
) -> FlatFn:
    """``fn`` itself, for code that is written for every engine."""
    return fn


def is_tracing() -> bool:
    """False: the engine has no traces."""
    return False


def named_scope(name: str) -> contextlib.AbstractContextManager[None]:
    """A context without effect."""
    return contextlib.nullcontext()
