"""PyTorch: functions with derivatives of their own.

A rule holds for one derivative, the innermost that follows the arguments; those around it see what the rule did, as
plain operations. ``torch.autograd.Function`` has its rule for all of them. So the function runs as plain operations,
and its results go through a switch: to the derivative that the rule is for it sends cotangents and tangents through
the rule, to the others those of the plain results.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._forward import no_forward_mode
from unimod.backends._terms import Array, FlatFn, SplitFn
from unimod.backends.torch import _private, _runs
from unimod.backends.torch._outside import pushed
from unimod.backends.torch._runs import as_tensors

Tensors = Sequence[Any]


class _Skipped(threading.local):
    levels: frozenset[int] = frozenset()
    """The derivatives of ``torch.func`` for which a rule is being carried out."""
    runs: int = 0
    """How many rules are being carried out for derivatives by autograd."""
    linear: frozenset[int] = frozenset()
    """The derivatives that stand for forward mode: levels, and numbers of runs with a minus."""


_skipped = _Skipped()


def custom_vjp(
    fn: FlatFn, forward: SplitFn, backward: Callable[..., Any], leaves: list[Array]
) -> tuple[list[Array], Any]:
    """``fn(leaves)``, whose derivative is what ``backward`` says; see the protocol."""
    leaves = as_tensors(leaves)
    found = _innermost(leaves)
    if found is None:
        outputs, extra = fn(leaves)
        return as_tensors(outputs), extra
    level, is_forward = found
    if is_forward or (level or -_runs.current()) in _skipped.linear:
        raise no_forward_mode()
    with _carried_out(level):
        results, residuals, extra = forward(leaves)
    outputs, residuals = as_tensors(results), as_tensors(residuals)
    places = _inexact(outputs)

    def pull(saved: Tensors, cotangents: Tensors) -> Tensors:
        given: list[Any] = [None] * len(outputs)
        for place, cotangent in zip(places, cotangents, strict=True):
            given[place] = cotangent
        found: Tensors = backward(list(saved), given)
        return found

    return _switched(outputs, places, residuals, leaves, lambda saved, _, cts: pull(saved, cts), level), extra


def custom_jvp(fn: FlatFn, rule: Callable[..., Any], leaves: list[Array]) -> tuple[list[Array], Any]:
    """``fn(leaves)``, whose derivative is what ``rule`` says; see the protocol."""
    leaves = as_tensors(leaves)
    found = _innermost(leaves)
    if found is None:
        outputs, extra = fn(leaves)
        return as_tensors(outputs), extra
    level, is_forward = found
    if is_forward:
        return pushed(fn, rule, leaves, level, custom_jvp)
    inputs = _inexact(leaves)

    def moved(primals: Tensors, tangents: Tensors) -> tuple[list[Tensor], list[Any], Any]:
        given: list[Any] = [None] * len(primals)
        for place, tangent in zip(inputs, tangents, strict=True):
            given[place] = torch.zeros_like(primals[place]) if tangent is None else tangent
        outputs, slopes, extra = rule(list(primals), given)
        return as_tensors(outputs), slopes, extra

    with _carried_out(level) as is_alone:
        if is_alone:
            results, extra = fn(leaves)
        else:
            results, _, extra = moved(leaves, [None] * len(inputs))
    outputs = as_tensors(results)
    places = _inexact(outputs)

    def pull(_: Tensors, primals: Tensors, cotangents: Tensors) -> Tensors:
        def slopes(*tangents: Tensor) -> tuple[Tensor, ...]:
            found = moved(primals, tangents)[1]
            return tuple(found[place] for place in places)

        transposed = _private.func_vjp(slopes, *(torch.zeros_like(primals[place]) for place in inputs))[1]
        slots: list[Any] = [None] * len(primals)
        for place, cotangent in zip(inputs, transposed(tuple(cotangents)), strict=True):
            slots[place] = cotangent
        return slots

    return _switched(outputs, places, [], leaves, pull, level), extra


State = tuple[frozenset[int], int, frozenset[int]]


def state() -> State:
    """Which rules are being carried out in this thread."""
    return _skipped.levels, _skipped.runs, _skipped.linear


@contextlib.contextmanager
def restored(then: State) -> Iterator[None]:
    """What follows is a part of what was done at another time."""
    before = state()
    _skipped.levels, _skipped.runs, _skipped.linear = then
    try:
        yield
    finally:
        _skipped.levels, _skipped.runs, _skipped.linear = before


@contextlib.contextmanager
def in_forward_mode() -> Iterator[None]:
    """The next derivative, in reverse mode, stands for one in forward mode: rules for reverse mode refuse it."""
    before = _skipped.linear
    number = _private.next_level() if _private.in_functorch() else -(_runs.current() + 1)
    _skipped.linear = before | {number}
    try:
        yield
    finally:
        _skipped.linear = before


def _innermost(leaves: list[Tensor]) -> tuple[int, bool] | None:
    """The derivative that a rule is for, 0 for those by autograd; None where there is none."""
    found = _private.innermost_derivative(leaves, _skipped.levels)
    # A rule that calls its own function does so for the derivatives around the one that it is for.
    is_spent = found is not None and found[0] == 0 and _skipped.runs >= max(_runs.current(), 1)
    return None if is_spent else found


@contextlib.contextmanager
def _carried_out(level: int) -> Iterator[bool]:
    """Carry out a rule for a derivative; True: no other one may want to see its operations."""
    levels, runs = _skipped.levels, _skipped.runs
    is_alone = level == 0 and _runs.current() - runs <= 1 and not _private.in_functorch()
    if level:
        _skipped.levels = levels | {level}
    else:
        _skipped.runs = runs + 1
    try:
        with torch.set_grad_enabled(torch.is_grad_enabled() and not is_alone):
            yield is_alone
    finally:
        _skipped.levels, _skipped.runs = levels, runs


def _inexact(xs: Sequence[Tensor]) -> list[int]:
    return [i for i, x in enumerate(xs) if x.is_floating_point() or x.is_complex()]


def _switched(
    outputs: list[Tensor],
    places: list[int],
    saved: list[Tensor],
    leaves: list[Tensor],
    pull: Callable[[Tensors, Tensors, Tensors], Tensors],
    level: int,
) -> list[Tensor]:
    """The outputs, of which those in ``places`` have the derivatives of a rule for one level."""
    if not places:
        return outputs
    count, start = len(places), len(places) + len(saved)
    function = _function(count, start, pull, level)
    results = _apply(function, *(outputs[place] for place in places), *saved, *leaves)
    full = list(outputs)
    for place, result in zip(places, results, strict=True):
        full[place] = result
    return full


def _function(count: int, start: int, pull: Any, level: int) -> Any:
    """The switch: of plain results, what the rule keeps, and leaves, to results."""
    first: list[int] = []

    def is_chosen(ctx: Any) -> bool:
        if ctx.level != level:
            return False
        # Of derivatives by autograd that reach these results the innermost is the first to do so.
        run = _runs.current()
        first.extend([] if first else [run])
        return level > 0 or run == first[0]

    class Switch(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(*values: Tensor) -> tuple[Tensor, ...]:
            return tuple(x.clone() for x in values[:count])

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Any) -> None:
            ctx.level = _private.derivative_level()
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx: Any, *cotangents: Tensor) -> tuple[Any, ...]:
            values = ctx.saved_tensors
            if all(x is None for x in cotangents):
                return (None,) * len(values)
            if not is_chosen(ctx):
                return *cotangents, *(None for _ in values[count:])
            pairs = zip(cotangents, values, strict=False)
            with _skip(level):
                found = pull(
                    values[count:start], values[start:], [torch.zeros_like(x) if c is None else c for c, x in pairs]
                )
            return *(None for _ in values[:start]), *found

        @staticmethod
        @_private.differentiable_rule
        def jvp(ctx: Any, *tangents: Any) -> tuple[Any, ...]:
            # Forward mode comes here from derivatives around the one that the rule is for.
            pairs = zip(ctx.saved_tensors, tangents[:count], strict=False)
            return tuple(torch.zeros_like(x) if t is None else t.clone() for x, t in pairs)

    return Switch


@contextlib.contextmanager
def _skip(level: int) -> Iterator[None]:
    levels, runs = _skipped.levels, _skipped.runs
    if level:
        _skipped.levels = levels | {level}
    else:
        _skipped.runs = runs + 1
    try:
        yield
    finally:
        _skipped.levels, _skipped.runs = levels, runs


def _apply(function: Any, *args: Any) -> Any:
    return function.apply(*args)
