"""PyTorch: compiling of flat functions.

The whole function, derivatives and optimizer included, is traced into one graph for each set of shapes, dtypes and
devices, and the graph is compiled. Strides are not part of the key: inputs that are not contiguous are copied, so that
the number of traces is that of every other engine.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._protocol import Array, FlatFn
from unimod.backends.torch import _lower, _private, _regions
from unimod.backends.torch._trace import trace
from unimod.backends.torch.autodiff import as_tensor, as_tensors, is_differentiating

# Inductor compiles in one thread at a time.
_compiling = threading.RLock()


def jit(fn: FlatFn, *, donate: Sequence[int] = (), compiler: str | None = None) -> FlatFn:
    """A compiled ``fn``; see the protocol.

    Under a transform, inside another trace, and where autograd follows an input or a captured tensor, ``fn`` is run as
    it is, so that what surrounds the call sees its operations. In-place changes of inputs stay inside the function;
    those of captured tensors raise ``CapabilityError``.

    Args:
        fn: the flat function.
        donate: accepted and without effect: the allocator reuses freed buffers by itself.
        compiler: ``"inductor"`` (machine code), ``"graph"`` (the traced graph as it is) or ``"none"`` (no trace).
            With None ``UNIMOD_TORCH_COMPILER`` decides, else inductor where there is a C++ compiler, else graph.
    """
    choice = _lower.choose(compiler)
    if choice == "none":
        return fn
    cache = _Cache(fn, choice)

    def compiled(leaves: list[Array]) -> tuple[list[Array], Any]:
        if is_differentiating() or _private.is_transforming():
            return _inline(fn, leaves)
        entry = cache.recent
        if entry is not None and entry.fits(leaves):
            return entry.run(leaves)
        return cache.call(leaves)

    return compiled


def is_tracing() -> bool:
    """Whether the framework is tracing or transforming right now in this thread."""
    return is_differentiating() or _private.is_transforming() or torch.compiler.is_compiling()


def named_scope(name: str) -> contextlib.AbstractContextManager[Any]:
    """A context whose operations carry a name in profiles; inside a trace it has no effect."""
    return contextlib.nullcontext() if is_tracing() else torch.profiler.record_function(name)


def _inline(fn: FlatFn, leaves: Sequence[Any]) -> tuple[list[Tensor], Any]:
    outputs, extra = fn(as_tensors(leaves))
    return as_tensors(outputs), extra


class _Entry:
    """One trace, lowered."""

    def __init__(self, fn: FlatFn, leaves: Sequence[Tensor], compiler: str, ambient: tuple[Any, ...]) -> None:
        traced = trace(fn, leaves, compiler=compiler)
        _regions.prepare(traced)
        self.lowered = _lower.lower(traced, compiler)
        self.extra, self.constants, self.regions = traced.extra, traced.constants, traced.regions
        self.plan = None if traced.plan == tuple(range(len(traced.plan))) else traced.plan
        self.captures_grad = traced.captures_grad
        self.ambient, self.num_leaves = ambient, len(leaves)
        self.guard: Callable[..., bool] | None = None

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
        results = self.lowered([*leaves, *self.constants])
        if self.plan is None:
            return list(results), self.extra
        return [results[i] if i >= 0 else leaves[~i] for i in self.plan], self.extra


class _Cache:
    """The traces of one function, by shapes, dtypes and devices."""

    def __init__(self, fn: FlatFn, compiler: str) -> None:
        self.fn, self.compiler = fn, compiler
        self.entries: dict[Hashable, _Entry] = {}
        self.recent: _Entry | None = None

    def call(self, leaves: Sequence[Any]) -> tuple[list[Tensor], Any]:
        if _private.any_requires_grad(leaves):
            return _inline(self.fn, leaves)
        plain = [_plain(x) for x in leaves]
        entry = self._find(plain)
        if entry.is_followed():
            return _inline(self.fn, leaves)
        if entry.guard is None and all(x is y for x, y in zip(plain, leaves, strict=True)):
            entry.guard = _private.guard(plain)
        self.recent = entry
        return entry.run(plain)

    def _find(self, leaves: list[Tensor]) -> _Entry:
        ambient = _private.ambient()
        key = (ambient, _private.autocast_state(), *((x.shape, x.dtype, x.device) for x in leaves))
        entry = self.entries.get(key)
        if entry is not None:
            return entry
        with _compiling:
            if key not in self.entries:
                self.entries[key] = _Entry(self.fn, leaves, self.compiler, ambient)
            return self.entries[key]


def _plain(x: Any) -> Tensor:
    """``x`` as a contiguous tensor of no subclass, outside of autograd, without lazy conjugation or negation."""
    x = as_tensor(x)
    if type(x) is not Tensor or x.requires_grad:
        x = x.detach().as_subclass(Tensor)
    plain: Tensor = x.resolve_conj().resolve_neg().contiguous()
    return plain
