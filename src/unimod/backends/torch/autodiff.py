"""PyTorch: derivatives of flat functions.

Gradients are those of ``torch.autograd.grad``, which costs least. Where a transform of ``torch.func`` is active they
are those of ``torch.func``, whose levels autograd does not know. Tangents are always pushed by ``torch.func``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._concrete import value_needed
from unimod.backends._terms import Array, FlatFn, Linear, Shape, SplitFn
from unimod.backends.torch import _private
from unimod.backends.torch._remat import checkpoint_name, remat
from unimod.backends.torch._rules import custom_jvp, custom_vjp, in_forward_mode
from unimod.backends.torch._runs import (
    as_tensor as as_tensor,
)
from unimod.backends.torch._runs import (
    as_tensors as as_tensors,
)
from unimod.backends.torch._runs import (
    is_differentiating as is_differentiating,
)
from unimod.backends.torch._runs import (
    run_number,
)
from unimod.backends.torch.dtypes import native

__all__ = [
    "checkpoint_name",
    "custom_jvp",
    "custom_vjp",
    "eval_shape",
    "jvp",
    "linearize",
    "remat",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]


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


def vjp(fn: SplitFn, leaves: list[Array], which: Sequence[int]) -> tuple[list[Array], list[Array], Any, Linear]:
    """Run ``fn``, and get the function that takes cotangents of its outputs to those of the leaves in ``which``."""
    if torch.is_inference_mode_enabled():
        with torch.inference_mode(False):
            return vjp(fn, [x.clone() for x in as_tensors(leaves)], which)
    pulled = _pulled_by_levels if _private.in_functorch() and which else _pulled_by_autograd
    return pulled(fn, as_tensors(leaves), which)


def jvp(
    fn: SplitFn, leaves: list[Array], which: Sequence[int], tangents: list[Array]
) -> tuple[list[Array], list[Array], Any, list[Array]]:
    """Run ``fn``, and push tangents of the leaves in ``which`` forward to its outputs."""
    if torch.is_inference_mode_enabled():
        with torch.inference_mode(False):
            copies = [[x.clone() for x in as_tensors(xs)] for xs in (leaves, tangents)]
            return jvp(fn, copies[0], which, copies[1])
    leaves, tangents = as_tensors(leaves), as_tensors(tangents)
    run, cell = _of_selected(fn, leaves, which)
    if not which:
        outputs, aux = run()
        return list(outputs), aux, cell[0], [torch.zeros_like(x) for x in outputs]
    is_followed = _is_followed([*leaves, *tangents]) or _private.in_functorch()
    found: Any = torch.func.jvp(run, tuple(leaves[i] for i in which), tuple(tangents), has_aux=True)
    outputs, moved, aux = found
    if is_followed:
        return list(outputs), aux, cell[0], list(moved)
    return _detached(outputs), _detached(aux), cell[0], _detached(moved)


def linearize(fn: SplitFn, leaves: list[Array], which: Sequence[int]) -> tuple[list[Array], list[Array], Any, Linear]:
    """Run ``fn``, and get the function that pushes tangents forward: the adjoint of the adjoint."""
    with in_forward_mode():
        outputs, aux, extra, pull = vjp(fn, leaves, which)
    zeros = [torch.zeros_like(x) for x in outputs]
    return outputs, aux, extra, vjp(lambda cotangents: (pull(cotangents), [], None), zeros, range(len(zeros)))[3]


def stop_gradient(x: Array) -> Array:
    """``x``, as a constant for every derivative."""
    return x.detach()


def eval_shape(fn: FlatFn, specs: Sequence[tuple[Shape, str]]) -> tuple[list[tuple[Shape, str]], Any]:
    """The shapes and dtypes of what ``fn`` returns, by running it on tensors without values."""
    try:
        with torch.no_grad(), _private.current_fake_mode(), _private.no_captured_writes():
            outputs, extra = fn([torch.empty(shape, dtype=native(dtype)) for shape, dtype in specs])
            outputs = as_tensors(outputs)
    except Exception as error:
        if _private.is_value_needed(error):
            raise value_needed(error, torch.__file__) from error
        raise
    return [(tuple(x.shape), str(x.dtype).removeprefix("torch.")) for x in outputs], extra


def _with_autograd(fn: FlatFn, leaves: list[Tensor], which: Sequence[int]) -> tuple[list[Tensor], Any, list[Tensor]]:
    keep = _is_followed(leaves)
    with run_number(is_single=not keep), torch.enable_grad():
        inputs = [_alias(leaves[i], keep) for i in which]
        outputs, extra = fn(_replaced(leaves, which, inputs))
        outputs = as_tensors(outputs)
        grads = _gradients(outputs[:1], inputs, None, keep, retain=keep)
    return outputs if keep else _detached(outputs), extra, grads


def _is_followed(leaves: Sequence[Tensor]) -> bool:
    """Whether an outer derivative has to see through this one."""
    return _private.any_requires_grad(leaves) or (is_differentiating() and torch.is_grad_enabled())


def _alias(x: Tensor, keep: bool) -> Tensor:
    """A tensor of its own for the derivative; with ``keep``, an outer derivative still reaches ``x`` through it."""
    return x.view_as(x) if keep and x.requires_grad else x.detach().requires_grad_()


def _detached(xs: Sequence[Tensor]) -> list[Tensor]:
    return [x.detach() if x.requires_grad else x for x in xs]


def _gradients(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], cotangents: Sequence[Tensor] | None, keep: bool, retain: bool
) -> list[Tensor]:
    known = [i for i, x in enumerate(outputs) if x.requires_grad]
    if not inputs or not known:
        return [torch.zeros_like(x) for x in inputs]
    grads = torch.autograd.grad(
        [outputs[i] for i in known],
        inputs,
        None if cotangents is None else [cotangents[i] for i in known],
        retain_graph=retain,
        create_graph=keep,
        allow_unused=True,
    )
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
    with _private.without_saving_hooks():
        grads, (loss, aux) = torch.func.grad_and_value(loss_and_aux, has_aux=True)(selected)
    return [loss, *aux], cell[0], grads


def _pulled_by_autograd(
    fn: SplitFn, leaves: list[Tensor], which: Sequence[int]
) -> tuple[list[Tensor], list[Tensor], Any, Linear]:
    keep = _is_followed(leaves)
    with run_number() as number, torch.enable_grad():
        inputs = [_alias(leaves[i], keep) for i in which]
        results, aux, extra = fn(_replaced(leaves, which, inputs))
        outputs, aux = as_tensors(results), as_tensors(aux)

    def pull(cotangents: list[Array]) -> list[Array]:
        cotangents = as_tensors(cotangents)
        if _private.derivative_level() and not keep:
            # Its results would be followed by autograd, for the sake of the leaves: so the function is run again.
            return _pulled_by_levels(fn, leaves, which)[3](cotangents)
        is_seen = keep or _private.any_requires_grad(cotangents)
        with run_number(number):
            return _gradients(outputs, inputs, cotangents, is_seen, retain=True)

    if keep:
        return outputs, aux, extra, pull
    return _detached(outputs), _detached(aux), extra, pull


def _pulled_by_levels(
    fn: SplitFn, leaves: list[Tensor], which: Sequence[int]
) -> tuple[list[Tensor], list[Tensor], Any, Linear]:
    run, cell = _of_selected(fn, leaves, which)
    outputs, pull, aux = _private.func_vjp(run, *(leaves[i] for i in which), has_aux=True)
    return list(outputs), aux, cell[0], lambda cotangents: list(pull(tuple(as_tensors(cotangents))))


def _of_selected(fn: SplitFn, leaves: list[Tensor], which: Sequence[int]) -> tuple[Callable[..., Any], list[Any]]:
    """``fn`` of the leaves in ``which``, a pair of outputs and further ones; and where it puts what is beside them."""
    cell: list[Any] = []

    def run(*selected: Tensor) -> tuple[tuple[Tensor, ...], list[Tensor]]:
        outputs, aux, extra = fn(_replaced(leaves, which, selected))
        cell[:] = [extra]
        return tuple(as_tensors(outputs)), as_tensors(aux)

    return run, cell


def _replaced(leaves: list[Tensor], which: Sequence[int], values: Sequence[Tensor]) -> list[Tensor]:
    full = list(leaves)
    for i, value in zip(which, values, strict=True):
        full[i] = value
    return full
