"""PyTorch: loops and branches of flat functions.

Outside of a trace they are loops in Python, which autograd and ``torch.func`` see through. In a trace each is one node
of the graph, however long the loop is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends import _loops
from unimod.backends._protocol import Array, FlatFn
from unimod.backends.torch import _private, _scan, _switch, _trace, _while
from unimod.backends.torch._forward_only import forward_only
from unimod.backends.torch.autodiff import as_tensors


def scan(
    fn: FlatFn, carry: list[Array], xs: list[Array], *, length: int, reverse: bool, unroll: int
) -> tuple[list[Array], list[Array], Any]:
    """``fn([*carry, *x]) -> ([*carry, *y], extra)`` for each row of ``xs``; see the protocol."""
    recording = _trace.recording()
    if recording is not None and not recording.is_discovering:
        return _scan.scan(fn, carry, xs, length, reverse, unroll)
    if recording is not None or not length:
        return _one_step(fn, carry, xs, length)
    last, ys, extra = _loops.scan(fn, carry, [x.unbind(0) for x in xs], length, reverse)
    return last, [torch.stack(as_tensors(y)) for y in ys], extra


def _one_step(fn: FlatFn, carry: list[Array], xs: list[Array], length: int) -> tuple[list[Array], list[Array], Any]:
    """The shapes that a scan of any length gives, and no values; the carry is right for the length 0."""
    outputs, extra = fn([*carry, *(x.new_zeros(x.shape[1:]) for x in xs)])
    outputs = as_tensors(outputs)
    last = carry if not length else outputs[: len(carry)]
    return last, [y.unsqueeze(0).expand(length, *y.shape).clone() for y in outputs[len(carry) :]], extra


def while_loop(cond: FlatFn, body: FlatFn, carry: list[Array]) -> list[Array]:
    """``body(carry)`` while ``cond(carry)``; see the protocol."""
    recording = _trace.recording()
    if recording is not None and not recording.is_discovering:
        return _while.while_loop(cond, body, carry)
    goes_on = _asked(cond, carry)
    if _private.is_fake(_private.innermost(goes_on)):
        return as_tensors(body(carry)[0])
    while bool(_private.innermost(goes_on).any()):
        new = as_tensors(body(carry)[0])
        if _private.is_batched(goes_on):
            new = [torch.where(goes_on, x, old) for x, old in zip(new, carry, strict=True)]
        carry = new
        goes_on = goes_on & _asked(cond, carry)
    return [forward_only(x) for x in carry]


def _asked(cond: FlatFn, carry: list[Array]) -> Tensor:
    return as_tensors(cond(carry)[0])[0]


def switch(index: Array, branches: Sequence[FlatFn], operands: list[Array]) -> tuple[list[Array], Any]:
    """``branches[index](operands)``; see the protocol."""
    recording = _trace.recording()
    if recording is not None and not recording.is_discovering:
        return _switch.switch(index, branches, operands)
    inner = _private.innermost(index)
    if not _private.is_batched(index) and not _private.is_fake(inner):
        return branches[min(max(int(inner), 0), len(branches) - 1)](operands)
    results = [branch(operands) for branch in branches]
    return _switch.select([as_tensors(outputs) for outputs, _ in results], index), results[0][1]
