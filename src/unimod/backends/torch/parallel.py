"""PyTorch: batching of flat functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._concrete import value_needed
from unimod.backends._protocol import Array, FlatFn
from unimod.backends.torch import _private
from unimod.backends.torch.autodiff import as_tensors


def vmap(fn: FlatFn, leaves: list[Array], in_axes: Sequence[int | None], size: int) -> tuple[list[Array], Any]:
    """Map ``fn`` over one axis of each leaf (None: not mapped); see the protocol."""
    cell: list[Any] = []
    counter = torch.empty(size, 0)

    def mapped(_: Tensor, *arguments: Tensor) -> tuple[Tensor, ...]:
        outputs, extra = fn(list(arguments))
        cell[:] = [extra]
        return tuple(as_tensors(outputs))

    # The counter is mapped always: torch.func.vmap wants one mapped argument, and knows the size from it.
    batched = torch.func.vmap(mapped, in_dims=(0, *in_axes), randomness="different")
    try:
        return list(batched(counter, *as_tensors(leaves))), cell[0]
    except (RuntimeError, TypeError) as error:
        if _private.is_value_needed(error):
            raise value_needed(error, torch.__file__) from error
        raise
