"""PyTorch: derivatives of flat functions.

Gradients are those of ``torch.autograd.grad``, which costs least. Where a transform of ``torch.func`` is active they
are those of ``torch.func``, whose levels autograd does not know.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._protocol import Array, FlatFn
from unimod.backends.torch import _private

_SCALARS = {bool: torch.bool, int: torch.int32, float: torch.float32, complex: torch.complex64}


class _Depth(threading.local):
    value: int = 0


_depth = _Depth()


def is_differentiating() -> bool:
    """Whether this thread is inside a function that :func:`value_and_grad` differentiates."""
    return _depth.value > 0


def value_and_grad(fn: FlatFn, leaves: list[Array], which: Sequence[int]) -> tuple[list[Array], Any, list[Array]]:
    """Run ``fn`` and differentiate its first output by the leaves in ``which``; see the protocol.

    At the outermost level the results are detached. Inside another derivative, or where autograd follows a leaf, they
    keep their graph.
    """
    if torch.is_inference_mode_enabled():
        with torch.inference_mode(False):
            return value_and_grad(fn, [x.clone() for x in as_tensors(leaves)], which)
    differentiate = _with_levels if _private.in_functorch() else _with_autograd
    return differentiate(fn, as_tensors(leaves), which)


def stop_gradient(x: Array) -> Array:
    """``x``, as a constant for every derivative."""
    return x.detach()


def as_tensors(values: Sequence[Any]) -> list[Tensor]:
    """The values, Python numbers among them turned into tensors of no dimension, which promote as weakly."""
    return [x if isinstance(x, Tensor) else as_tensor(x) for x in values]


def as_tensor(x: Any) -> Tensor:
    """The tensor of a value; a Python number gets float32, int32, bool or complex64."""
    return x if isinstance(x, Tensor) else torch.full((), x, dtype=_SCALARS[type(x)])


def _with_autograd(fn: FlatFn, leaves: list[Tensor], which: Sequence[int]) -> tuple[list[Tensor], Any, list[Tensor]]:
    keep = _private.any_requires_grad(leaves) or (_depth.value > 0 and torch.is_grad_enabled())
    outer = _depth.value
    _depth.value = outer + 1
    try:
        with torch.enable_grad():
            inputs = [_alias(leaves[i], keep) for i in which]
            outputs, extra = fn(_replaced(leaves, which, inputs))
            outputs = as_tensors(outputs)
            grads = _gradients(outputs[0], inputs, keep)
    finally:
        _depth.value = outer
    return outputs if keep else [x.detach() if x.requires_grad else x for x in outputs], extra, grads


def _alias(x: Tensor, keep: bool) -> Tensor:
    """A tensor of its own for the derivative; with ``keep``, an outer derivative still reaches ``x`` through it."""
    return x.view_as(x) if keep and x.requires_grad else x.detach().requires_grad_()


def _gradients(loss: Tensor, inputs: list[Tensor], keep: bool) -> list[Tensor]:
    if not inputs or not loss.requires_grad:
        return [torch.zeros_like(x) for x in inputs]
    grads = torch.autograd.grad(loss, inputs, create_graph=keep, allow_unused=True)
    return [torch.zeros_like(x) if grad is None else grad for grad, x in zip(grads, inputs, strict=True)]


def _with_levels(fn: FlatFn, leaves: list[Tensor], which: Sequence[int]) -> tuple[list[Tensor], Any, list[Tensor]]:
    cell: list[Any] = []

    def loss_and_aux(selected: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        outputs, extra = fn(_replaced(leaves, which, selected))
        cell[:] = [extra]
        loss, *aux = as_tensors(outputs)
        return loss, aux

    selected = [leaves[i] for i in which]
    if not selected:
        loss, aux = loss_and_aux(selected)
        return [loss, *aux], cell[0], []
    grads, (loss, aux) = torch.func.grad_and_value(loss_and_aux, has_aux=True)(selected)
    return [loss, *aux], cell[0], grads


def _replaced(leaves: list[Tensor], which: Sequence[int], values: Sequence[Tensor]) -> list[Tensor]:
    full = list(leaves)
    for i, value in zip(which, values, strict=True):
        full[i] = value
    return full
