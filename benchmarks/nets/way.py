"""What a library's way to write a network gives to the benchmark."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Way:
    """A train step and inference, each a function of nothing that can be called again and again.

    ``step`` goes on from the parameters that it left and returns the loss before it; ``infer`` is None where
    that of another way is the same; ``peak`` counts the bytes that a
    train step needs: what it is given, what it returns, and what it needs in between.
    """

    step: Callable[[], Any]
    infer: Callable[[], Any] | None
    parameters: int
    peak: Callable[[], float] | None = None
