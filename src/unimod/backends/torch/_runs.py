"""PyTorch: which derivative of autograd is being taken in this thread; and tensors of Python numbers.

Autograd has no levels: what one derivative records, those around it see too. Each derivative that unimod takes by
autograd has a number, larger than those around it, so that a rule can tell for which one it is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch._captures import resolved
from unimod.backends.torch.dtypes import OPEN_NUMBERS

_SCALARS = {bool: torch.bool, int: torch.int32, float: torch.float32, complex: torch.complex64}
_SCALARS |= {cls: _SCALARS[known] for cls, known in OPEN_NUMBERS.items()}


class _Run(threading.local):
    value: int = 0
    is_single: bool = False


_run = _Run()


def is_differentiating() -> bool:
    """Whether this thread is inside a derivative that unimod takes by autograd."""
    return _run.value > 0


def current() -> int:
    """The number of the innermost derivative by autograd, 0 outside of all of them."""
    return _run.value


def is_single() -> bool:
    """Whether the innermost derivative by autograd is taken once, and not differentiated."""
    return _run.is_single


class _Numbered:
    __slots__ = ("is_single", "number", "outer")

    def __init__(self, number: int | None, is_single: bool) -> None:
        self.number, self.is_single = number, is_single

    def __enter__(self) -> int:
        self.outer = _run.value, _run.is_single
        _run.value, _run.is_single = self.outer[0] + 1 if self.number is None else self.number, self.is_single
        return _run.value

    def __exit__(self, *error: object) -> None:
        _run.value, _run.is_single = self.outer


def run_number(number: int | None = None, *, is_single: bool = False) -> _Numbered:
    """Take a derivative by autograd, one further inside than those that are under way, or that with a number."""
    return _Numbered(number, is_single)


def as_tensors(values: Sequence[Any]) -> list[Tensor]:
    """The values, Python numbers among them turned into tensors of no dimension, which promote as weakly."""
    return resolved(x if isinstance(x, Tensor) else as_tensor(x) for x in values)


def as_tensor(x: Any) -> Tensor:
    """The tensor of a value; a Python number gets float32, int32, bool or complex64."""
    return x if isinstance(x, Tensor) else torch.full((), x, dtype=_SCALARS[type(x)])
