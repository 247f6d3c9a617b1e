"""One trace of a jitted function: the graph, what runs it, and which arguments it is for."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._protocol import FlatFn
from unimod.backends.torch import _donation, _lower, _private, _regions
from unimod.backends.torch._private_sizes import Places
from unimod.backends.torch._trace import Compiler, trace
from unimod.backends.torch.autodiff import as_tensor


class Entry:
    """One trace, and what it is lowered to."""

    def __init__(
        self,
        fn: FlatFn,
        leaves: Sequence[Tensor],
        compiler: Compiler,
        donated: tuple[int, ...],
        ambient: Any,
        open_axes: Places = (),
    ) -> None:
        traced = trace(fn, leaves, compiler=compiler, open_axes=open_axes)
        _regions.prepare(traced)
        self.donated = donated
        self.written: tuple[int, ...] = ()
        if donated and compiler.name != "graph":
            _lower.make_functional(traced)
            self.written = _donation.write_into(traced, donated)
        self.traced, self.compiler = traced, compiler
        self.extra, self.constants, self.regions = traced.extra, traced.constants, traced.regions
        self.plan = None if traced.plan == tuple(range(len(traced.plan))) else traced.plan
        self.captures_grad = traced.captures_grad
        self.ambient, self.num_leaves = ambient, len(leaves)
        self.guard: Callable[..., bool] | None = None

    def lower(self) -> Entry:
        """Compile the graph."""
        self.lowered = _lower.lower(self.traced, self.compiler)
        if self.traced.sizes is not None:
            self.traced.sizes.close()
        return self

    def serves(self, leaves: Sequence[Tensor]) -> bool:
        """Whether what the trace has assumed about open sizes is true of these."""
        return self.traced.sizes is None or self.traced.sizes.hold(leaves)

    def for_other_sizes(self) -> Entry:
        """The same trace, to be looked up under other sizes."""
        other = copy.copy(self)
        other.guard = None
        return other

    def fits(self, leaves: Sequence[Any]) -> bool:
        """Whether this trace serves for ``leaves`` as they are; False also where that is not known."""
        return (
            self.guard is not None
            and len(leaves) == self.num_leaves
            and _private.ambient() == self.ambient
            and self.guard(*leaves)
            and not self.is_followed()
        )

    def is_followed(self) -> bool:
        """Whether autograd wants to see the operations, because the function captured a tensor that it follows."""
        return self.captures_grad and torch.is_grad_enabled()

    def run(self, leaves: Sequence[Tensor]) -> tuple[list[Tensor], Any]:
        """The outputs for leaves that are :func:`plain`, and what the function returned beside them."""
        if self.donated:
            return self._run_donated(leaves)
        results = self.lowered([*leaves, *self.constants])
        if self.plan is None:
            return list(results), self.extra
        return [results[i] if i >= 0 else leaves[~i] for i in self.plan], self.extra

    def _run_donated(self, leaves: Sequence[Tensor]) -> tuple[list[Tensor], Any]:
        own = _donation.alone(leaves, self.written, self.constants) if self.written else list(leaves)
        results = [*self.lowered([*own, *self.constants]), *(own[i].detach() for i in self.written)]
        plan = range(len(results)) if self.plan is None else self.plan
        outputs = [results[i] if i >= 0 else self._passed_on(leaves, ~i) for i in plan]
        _donation.empty(leaves, self.donated)
        return outputs, self.extra

    def _passed_on(self, leaves: Sequence[Tensor], i: int) -> Tensor:
        return leaves[i].detach() if i in self.donated else leaves[i]


def plain(x: Any) -> Tensor:
    """``x`` as a contiguous tensor of no subclass, outside of autograd, without lazy conjugation or negation."""
    x = as_tensor(x)
    if type(x) is not Tensor or x.requires_grad:
        x = x.detach().as_subclass(Tensor)
    made: Tensor = x.resolve_conj().resolve_neg().contiguous()
    return made
