"""Calls of Python functions from inside of a trace: an operator with an effect, which no compiler drops."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch import _private

_functions: dict[int, Callable[[list[Any]], None]] = {}
_count = itertools.count()


def call(fn: Callable[[list[Any]], None], arrays: list[Tensor]) -> None:
    """Call ``fn`` with the values when they are computed."""
    number = next(_count)
    _functions[number] = fn
    anchor = torch.empty(0)
    callback(anchor, [x.detach() for x in arrays], number)
    if not _private.is_tracing_graph():
        del _functions[number]


def _run(anchor: Tensor, values: Sequence[Tensor], number: int) -> Tensor:
    _functions[number]([x.detach().resolve_conj().resolve_neg().cpu() for x in values])
    return torch.empty(0)


def _fake(anchor: Tensor, values: Sequence[Tensor], number: int) -> Tensor:
    return torch.empty(0)


def _vmap(info: Any, in_dims: Any, anchor: Tensor, values: Sequence[Tensor], number: int) -> Any:
    for i in range(info.batch_size):
        row = [v if d is None else v.select(d, i) for v, d in zip(values, in_dims[1], strict=True)]
        callback(anchor, row, number)
    return torch.empty(0), None


callback = _private.define_op(
    "debug_callback(Tensor anchor, Tensor[] values, int number) -> Tensor", _run, _fake, vmap=_vmap
)
_private.keep(callback)
