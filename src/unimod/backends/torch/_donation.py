"""Donated inputs: results are written into them, and the tensors that were given are emptied.

A donated tensor is left with the shape (0,) and no memory, so that a later use of it shows: a jitted function refuses
it, and other operations find an empty tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._concrete import donated_before
from unimod.backends.torch import _private, _private_sizes
from unimod.backends.torch._trace import Traced, inputs_of, output_of

_EMPTY = torch.empty(0)


def write_into(traced: Traced, donated: Sequence[int]) -> tuple[int, ...]:
    """Let the graph write results into donated leaves of the same shape, dtype and device, each the first that fits.

    These are no results of the graph any more. Returns the leaves; ``traced.plan`` counts them behind the results.
    """
    output, inputs = output_of(traced.graph), inputs_of(traced.graph)
    outputs: Any = output.args[0]
    results = list(outputs)
    kept_as_is = {~i for i in traced.plan if i < 0}
    free = [i for i in donated if i not in kept_as_is]
    pairs: dict[int, int] = {}
    for place, node in enumerate(results):
        fitting = (i for i in free if _fits(inputs[i].meta["val"], node.meta["val"]))
        leaf = next(fitting, None)
        if leaf is not None:
            free.remove(leaf)
            pairs[place] = leaf
    for place, leaf in pairs.items():
        with traced.graph.graph.inserting_before(output):
            copy = traced.graph.graph.call_function(torch.ops.aten.copy_.default, (inputs[leaf], results[place]))
        copy.meta["val"] = inputs[leaf].meta["val"]
    rest = [place for place in range(len(results)) if place not in pairs]
    output.args = ([results[place] for place in rest],)
    traced.graph.recompile()
    order = {place: number for number, place in enumerate([*rest, *pairs])}
    traced.plan = tuple(i if i < 0 else order[i] for i in traced.plan)
    return tuple(pairs.values())


def _fits(leaf: Tensor, result: Tensor) -> bool:
    is_like = leaf.dtype == result.dtype and leaf.device == result.device
    return is_like and _private_sizes.are_same(leaf.shape, result.shape)


def alone(leaves: Sequence[Tensor], written: Sequence[int], constants: Sequence[Tensor]) -> list[Tensor]:
    """The leaves, those that are written into copied if they share memory with another input."""
    seen = [_private.storage_id(x) for x in (*leaves, *constants)]
    if len(set(seen)) == len(seen):
        return list(leaves)
    return [x.clone() if i in written and seen.count(seen[i]) > 1 else x for i, x in enumerate(leaves)]


def empty(given: Sequence[Tensor], donated: Sequence[int]) -> None:
    """Take the memory away from donated tensors."""
    for i in donated:
        given[i].data = _EMPTY


def refuse_emptied(leaves: Sequence[Tensor]) -> None:
    """Raise if a tensor was donated before.

    Raises:
        CapabilityError: one was.
    """
    emptied = _private.storage_id(_EMPTY)
    if any(not x.numel() and _private.storage_id(x) == emptied for x in leaves):
        raise donated_before()
