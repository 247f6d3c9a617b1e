"""PyTorch: batching of flat functions, and what mapped calls exchange."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._concrete import value_needed
from unimod.backends._protocol import Array, FlatFn
from unimod.backends.torch import _collectives, _private, _trace
from unimod.backends.torch._axes import names as _names
from unimod.backends.torch._collectives import Exchange, Extreme, Linear
from unimod.backends.torch.autodiff import as_tensors


def vmap(
    fn: FlatFn, leaves: list[Array], in_axes: Sequence[int | None], size: int, axis_name: Hashable = None
) -> tuple[list[Array], Any]:
    """Map ``fn`` over one axis of each leaf (None: not mapped); see the protocol."""
    cell: list[Any] = []
    inputs = [_trace.known(x) for x in as_tensors(leaves)]
    device = inputs[0].device if inputs else None
    marker = torch.arange(size, dtype=torch.int32, device=device)

    def mapped(marker: Tensor, *arguments: Tensor) -> tuple[Tensor, ...]:
        with _names.bind(axis_name, (size, marker)):
            outputs, extra = fn(list(arguments))
        cell[:] = [extra]
        return tuple(as_tensors(outputs))

    # The marker is mapped always: torch.func.vmap wants one mapped argument, and knows the size from it.
    batched = torch.func.vmap(mapped, in_dims=(0, *in_axes), randomness="different")
    try:
        return list(batched(marker, *inputs)), cell[0]
    except (RuntimeError, TypeError) as error:
        if _private.is_value_needed(error):
            raise value_needed(error, torch.__file__) from error
        raise


def axis_size(axis_name: Hashable) -> int | None:
    """The number of mapped calls; None where no axis has this name."""
    found = _names.bound.get(axis_name)
    return None if found is None else int(found[0])


def axis_index(axis_name: Hashable) -> Array:
    """The number of this call among the mapped ones, int32[]."""
    return _names.bound[axis_name][1]


def all_gather(x: Array, axis_name: Hashable) -> Array:
    """``x`` of all calls, stacked along a new first axis."""
    return _exchanged(x, axis_name, _collectives.gather(_names.bound[axis_name][0]))


def psum(x: Array, axis_name: Hashable) -> Array:
    """The sum of ``x`` over all calls."""
    return _exchanged(x, axis_name, _collectives.SUM)


def pmax(x: Array, axis_name: Hashable) -> Array:
    """The largest ``x`` of all calls."""
    return _collectives.apply(Extreme, x, axis_index(axis_name), torch.amax)


def pmin(x: Array, axis_name: Hashable) -> Array:
    """The smallest ``x`` of all calls."""
    return _collectives.apply(Extreme, x, axis_index(axis_name), torch.amin)


def psum_scatter(x: Array, axis_name: Hashable) -> Array:
    """The sum of ``x[i]`` over all calls, for the call with the number i."""
    return _exchanged(x, axis_name, _collectives.scatter(_names.bound[axis_name][0]))


def ppermute(x: Array, axis_name: Hashable, sources: tuple[int, ...]) -> Array:
    """``x`` of the call ``sources[i]``, for the call with the number i."""
    return _exchanged(x, axis_name, _collectives.permutation(sources))


def all_to_all(x: Array, axis_name: Hashable) -> Array:
    """``x[i]`` of all calls, stacked along a new first axis, for the call with the number i."""
    return _exchanged(x, axis_name, _collectives.SWAP)


def _exchanged(x: Array, axis_name: Hashable, exchange: Exchange) -> Tensor:
    return _collectives.apply(Linear, x, axis_index(axis_name), exchange)
