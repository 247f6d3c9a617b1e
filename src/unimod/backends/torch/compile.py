"""PyTorch: compiling of flat functions.

The whole function, derivatives and optimizer included, is traced into one graph for each set of shapes, dtypes and
devices, and the graph is compiled. Strides are not part of the key: inputs that are not contiguous are copied, so that
the number of traces is that of every other engine.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._protocol import Array, FlatFn
from unimod.backends.torch import _donation, _lower, _open, _private, _private_compile
from unimod.backends.torch._ahead import export as export
from unimod.backends.torch._ahead import import_exported as import_exported
from unimod.backends.torch._ahead import lower as lower
from unimod.backends.torch._entry import Entry, plain
from unimod.backends.torch._open import Dynamic
from unimod.backends.torch._private_sizes import Places
from unimod.backends.torch._trace import Compiler
from unimod.backends.torch.autodiff import as_tensors, is_differentiating

# Inductor compiles in one thread at a time.
_compiling = threading.RLock()


def jit(
    fn: FlatFn,
    *,
    donate: Sequence[int] = (),
    compiler: str | None = None,
    options: Mapping[str, Any] | None = None,
    dynamic: Mapping[int, Sequence[int] | None] | None = None,
) -> FlatFn:
    """A compiled ``fn``; see the protocol.

    Under a transform, inside another trace, and where autograd follows an input or a captured tensor, ``fn`` is run as
    it is, so that what surrounds the call sees its operations. In-place changes of inputs stay inside the function;
    those of captured tensors raise ``CapabilityError``.

    Args:
        fn: the flat function.
        donate: the leaves that are empty after a call. Compiled code writes results into their memory.
        compiler: ``"inductor"`` (machine code), ``"cudagraphs"`` (the same, its kernels started as one on GPUs),
            ``"graph"`` (the traced graph as it is) or ``"none"`` (no trace). With None ``UNIMOD_TORCH_COMPILER``
            decides, else inductor where there is a C++ compiler, else graph.
        options: of inductor, and ``mode`` as in ``torch.compile``.
        dynamic: the axes of leaves whose size is open in a trace, None for all of a leaf. A trace serves the sizes for
            which it did not decide anything else; sizes 0 and 1 have traces of their own.
    """
    choice = _lower.choose(compiler, options)
    if choice.name == "none":
        return fn
    cache = _Cache(fn, choice, tuple(donate), dict(dynamic or {}))

    def compiled(leaves: list[Array]) -> tuple[list[Array], Any]:
        if is_differentiating() or _private.is_transforming():
            return _inline(fn, leaves)
        entry = cache.recent
        if entry is not None and entry.fits(leaves):
            return entry.run(leaves)
        return cache.call(leaves)

    return compiled


def set_cache(directory: str | None) -> None:
    """Keep compiled programs in a directory for later processes; None: where inductor keeps them by itself."""
    _private_compile.set_cache(directory)


def is_tracing() -> bool:
    """Whether the framework is tracing or transforming right now in this thread."""
    return is_differentiating() or _private.is_transforming() or torch.compiler.is_compiling()


def named_scope(name: str) -> contextlib.AbstractContextManager[Any]:
    """A context whose operations carry a name in profiles; inside a trace it has no effect."""
    return contextlib.nullcontext() if is_tracing() else torch.profiler.record_function(name)


def _inline(fn: FlatFn, leaves: Sequence[Any]) -> tuple[list[Tensor], Any]:
    outputs, extra = fn(as_tensors(leaves))
    return as_tensors(outputs), extra


class _Cache:
    """The traces of one function, by shapes, dtypes and devices."""

    def __init__(self, fn: FlatFn, compiler: Compiler, donated: tuple[int, ...], dynamic: Dynamic) -> None:
        self.fn, self.compiler, self.donated = fn, compiler, donated
        self.entries: dict[Hashable, Entry] = {}
        self.recent: Entry | None = None
        self.open = _open.Traces(dynamic)

    def call(self, leaves: Sequence[Any]) -> tuple[list[Tensor], Any]:
        if _private.any_requires_grad(leaves):
            return _inline(self.fn, leaves)
        own = [plain(x) for x in leaves]
        _donation.refuse_emptied(own)
        entry = self._find(own)
        if entry.is_followed():
            return _inline(self.fn, leaves)
        if entry.guard is None and all(x is y for x, y in zip(own, leaves, strict=True)):
            entry.guard = _private.guard(own)
        self.recent = entry
        found = entry.run(own)
        _donation.empty([x if isinstance(x, Tensor) else p for x, p in zip(leaves, own, strict=True)], entry.donated)
        return found

    def _find(self, leaves: list[Tensor]) -> Entry:
        state = _private.ambient(), _private.autocast_state()
        key = (*state, *((x.shape, x.dtype, x.device) for x in leaves))
        entry = self.entries.get(key)
        if entry is not None:
            return entry
        with _compiling:
            if key not in self.entries:
                self.entries[key] = self.open.find(state, leaves, self._make)
            return self.entries[key]

    def _make(self, leaves: list[Tensor], open_axes: Places = ()) -> Entry:
        return Entry(self.fn, leaves, self.compiler, self.donated, _private.ambient(), open_axes).lower()
