"""Closed functions of tensors, traced by themselves: what the loops and branches of a trace run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unimod.backends._protocol import FlatFn
from unimod.backends.torch import _checks, _lower, _private, _trace
from unimod.backends.torch._axes import names
from unimod.backends.torch._captures import Captures, Substitution, resolved
from unimod.backends.torch.autodiff import as_tensors
from unimod.errors import CapabilityError

Fn = Callable[[list[Tensor]], list[Tensor]]


class Spec(NamedTuple):
    """What a trace knows of a tensor."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    def empty(self, *leading: int) -> Tensor:
        """A tensor like it, with further axes in front."""
        return torch.empty((*leading, *self.shape), dtype=self.dtype, device=self.device)

    def zeros(self) -> Tensor:
        """Zeros like it."""
        return torch.zeros(self.shape, dtype=self.dtype, device=self.device)

    @property
    def is_inexact(self) -> bool:
        """Whether it has derivatives."""
        return self.dtype.is_floating_point or self.dtype.is_complex


def spec_of(x: Tensor, *, is_row: bool = False) -> Spec:
    """The spec of a tensor, or of its rows; sizes that the trace holds open are fixed by it."""
    return Spec(tuple(map(int, x.shape[1:] if is_row else x.shape)), x.dtype, x.device)


class Program:
    """A closed function, traced for the tensors that the specs describe, and lowered at its first run.

    Attributes:
        fn: the function, which can be called again, differentiated and mapped.
        constants: further tensors that a run needs: those that hold values while tracing.
        outputs: what it gives.
        findings: what its checks give, where some are asked for: for each :class:`Checks` a code and values.
        hows: the texts of these checks.
    """

    def __init__(self, fn: Fn, inputs: Sequence[Spec]) -> None:
        self.fn = fn
        # What the trace keeps for derivatives of its own is not what a checkpoint around it counts.
        with _private.without_saving_hooks():
            self.traced, self.compiler = _trace.trace_inner(lambda leaves: _checks.watched(fn, leaves), inputs)
        self.inputs = [spec_of(x) for x in self.traced.fakes]
        self.constants = self.traced.captured
        results = [spec_of(x) for x in _results(self.traced)]
        given = [results[i] if i >= 0 else self.inputs[~i] for i in self.traced.plan]
        self.hows: tuple[_checks.How, ...] = self.traced.extra
        count = len(given) - sum(1 + size for how in self.hows for size in [sum(n for _, n in how)])
        self.outputs, self.findings = given[:count], given[count:]
        self.is_lowered = False

    def lower(self) -> None:
        """Compile it."""
        if not self.is_lowered:
            self.lowered, self.is_lowered = _lower.lower(self.traced, self.compiler), True

    def __call__(self, inputs: list[Tensor]) -> list[Tensor]:
        """The outputs and the findings for leaves and constants; some may be leaves."""
        results = self.lowered(list(inputs))
        return [results[i] if i >= 0 else inputs[~i] for i in self.traced.plan]

    @property
    def digest(self) -> str:
        """A text that is the same for programs that compute the same."""
        text = f"{self.traced.graph.code}{self.inputs}{self.traced.plan}{self.compiler}"
        return hashlib.sha256(text.encode()).hexdigest()


def _results(traced: _trace.Traced) -> list[Tensor]:
    output = next(node for node in traced.graph.graph.nodes if node.op == "output")
    return [node.meta["val"] for node in output.args[0]]


def closed(fn: FlatFn, examples: Sequence[Spec]) -> tuple[Program, list[Tensor], Any]:
    """The program of a function that captures tensors, and the captured tensors: its further inputs.

    Raises:
        CapabilityError: it writes into one of them.
    """
    captures = Captures(_trace.tracers())
    _discover(fn, examples, captures)
    count, cell, bound = len(examples), [None], names.bound

    def fn_of_all(leaves: list[Tensor]) -> list[Tensor]:
        # It is called again where a derivative is taken, when a vmap around it may be over.
        with Substitution(captures, leaves[count:], None), names.restored(bound):
            outputs, cell[0] = fn(leaves[:count])
            return resolved(as_tensors(outputs))

    program = Program(fn_of_all, [*examples, *(spec_of(x) for x in captures.tensors)])
    for x in program.constants:
        _check_constant(x, captures)
    return program, captures.tensors, cell[0]


def _check_constant(x: Tensor, captures: Captures) -> None:
    """Refuse a captured tensor that no stand-in was put in the place of, if a derivative would miss it."""
    if captures.is_outside(x) and (x.requires_grad or _private.in_functorch()):
        raise CapabilityError(
            "The body of a loop or a branch captures an array in a way that derivatives cannot follow.",
            got=f"an array of the shape {tuple(x.shape)} in an operation that torch does not show",
            expected="captured arrays in operations of um.numpy, um.nn or torch",
            fix="pass the array in the carry, or as an operand",
        )


def _discover(fn: FlatFn, examples: Sequence[Spec], captures: Captures) -> None:
    """Run the function on tensors without values, to see what it captures."""
    stand_ins: list[Tensor] = []
    hooks = _private.without_saving_hooks()
    with (
        hooks,
        _private.by_itself(),
        _trace.discovering(),
        Substitution(captures, stand_ins, lambda x: spec_of(x).empty()),
    ):
        _checks.watched(lambda leaves: resolved(as_tensors(fn(leaves)[0])), [spec.empty() for spec in examples])
    if any(x._version for x in stand_ins):
        raise CapabilityError(
            "The body of a loop or a branch writes into an array from outside.",
            got="an in-place change of a captured array",
            expected="arrays of the outside to be read only",
            fix="make the array a part of the carry, and return the new one",
        )
