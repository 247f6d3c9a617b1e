"""PyTorch: loops and branches of flat functions.

Outside of a trace they are loops in Python. In a trace a loop is one node of the graph, whatever its length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends import _loops
from unimod.backends._protocol import Array, FlatFn
from unimod.backends.torch import _private
from unimod.backends.torch._forward_only import forward_only
from unimod.backends.torch.autodiff import as_tensors


def scan(
    fn: FlatFn, carry: list[Array], xs: list[Array], *, length: int, reverse: bool, unroll: int
) -> tuple[list[Array], list[Array], Any]:
    """``fn([*carry, *x]) -> ([*carry, *y], extra)`` for each row of ``xs``; see the protocol."""
    rows = [x.unbind(0) for x in xs]
    example = [x.new_zeros(x.shape[1:]) for x in xs]
    last, ys, extra = _loops.scan(fn, carry, rows, example, length, reverse)
    stacked = [torch.stack(as_tensors(y)) for y in ys]
    return last, stacked if length else [y[:0] for y in stacked], extra


def while_loop(cond: FlatFn, body: FlatFn, carry: list[Array]) -> list[Array]:
    """``body(carry)`` while ``cond(carry)``; see the protocol."""
    goes_on = _asked(cond, carry)
    while bool(_private.innermost(goes_on).any()):
        new = body(carry)[0]
        carry = (
            [torch.where(goes_on, x, old) for x, old in zip(new, carry, strict=True)]
            if _private.is_batched(goes_on)
            else new
        )
        goes_on = goes_on & _asked(cond, carry)
    return [forward_only(x) for x in carry]


def _asked(cond: FlatFn, carry: list[Array]) -> Tensor:
    return as_tensors(cond(carry)[0])[0]


def switch(index: Array, branches: Sequence[FlatFn], operands: list[Array]) -> tuple[list[Array], Any]:
    """``branches[index](operands)``; see the protocol."""
    last = len(branches) - 1
    if not _private.is_batched(index):
        return branches[min(max(int(index), 0), last)](operands)
    results = [branch(operands) for branch in branches]
    outputs = results[0][0]
    for place, (others, _) in enumerate(results[1:], 1):
        outputs = [torch.where(index >= place, y, x) for x, y in zip(outputs, others, strict=True)]
    return outputs, results[0][1]
