"""A torch.nn.Module over a function of leaves: parameters and buffers with the names of their paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

Path = tuple[str, ...]
Run = Callable[[list[Tensor], bool, tuple[Any, ...], dict[str, Any]], tuple[Any, list[Tensor]]]

_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
"""torch neither pickles nor broadcasts unsigned numbers (2.13): buffers have their bits."""


class NativeModule(Module):
    """Calls ``run(leaves, is_training, args, options)``, and copies what it gives for buffers into these."""

    def __init__(self, entries: tuple[tuple[Path, bool], ...], leaves: list[Tensor], run: Run) -> None:
        super().__init__()
        self._entries, self._leaf_run = entries, run
        self._dtypes = tuple(leaf.dtype for leaf in leaves)
        for (path, is_trained), leaf in zip(entries, leaves, strict=True):
            holder = self._holder(path, is_making=True)
            own = leaf.detach().clone()
            if is_trained and own.is_floating_point():
                holder.register_parameter(path[-1], torch.nn.Parameter(own))
            else:
                holder.register_buffer(path[-1], own.view(_SIGNED.get(own.dtype, own.dtype)))

    # Dynamo is to see no Python of unimod, of which it would make a graph for each module.
    @torch.compiler.disable  # type: ignore[untyped-decorator]  # torch says no types of it
    def forward(self, *args: Any, **options: Any) -> Any:
        """The result; states are changed in place."""
        held = [_tensor(self._holder(path), path[-1]) for path, _ in self._entries]
        leaves = [x.view(dtype) if dtype in _SIGNED else x for x, dtype in zip(held, self._dtypes, strict=True)]
        out, new = self._leaf_run(leaves, self.training, args, options)
        with torch.no_grad():
            for own, leaf, after in zip(held, leaves, new, strict=True):
                if after is not leaf and not isinstance(own, torch.nn.Parameter):
                    own.copy_(after.view(own.dtype) if after.dtype in _SIGNED else after)
        return out

    def _holder(self, path: Path, is_making: bool = False) -> Module:
        holder: Module = self
        for name in path[:-1]:
            if is_making and name not in holder._modules:
                holder.add_module(name, _Part())
            found = holder._modules[name]
            assert found is not None
            holder = found
        return holder


class _Part(Module):
    """A part of the names of the leaves."""


def _tensor(holder: Module, name: str) -> Any:
    found = holder._parameters.get(name)
    return holder._buffers[name] if found is None else found


def native_module(entries: tuple[tuple[Path, bool], ...], leaves: list[Tensor], run: Run) -> NativeModule:
    """The module; an entry is a path, and whether the leaf is trained."""
    return NativeModule(entries, leaves, run)
