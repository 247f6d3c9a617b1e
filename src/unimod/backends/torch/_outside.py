"""PyTorch: carrying out a rule in forward mode.

Tangents are seen at the level of their ``jvp``. Inside of it there may be other transforms that have nothing to do with
them: these are left for the time, and a ``vmap`` maps the function and the rule instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._protocol import FlatFn
from unimod.backends.torch import _private
from unimod.backends.torch._runs import as_tensors

Rule = Callable[..., Any]
Call = Callable[[FlatFn, Rule, list[Tensor]], tuple[list[Tensor], Any]]


def pushed(fn: FlatFn, rule: Rule, leaves: list[Tensor], level: int, call: Call) -> tuple[list[Tensor], Any]:
    """What the rule gives at the ``jvp`` with the number ``level``; ``call`` does the same outside of another level."""
    if _private.derivative_level() == level and not _private.Level([]).batch_size:
        return _with_tangents(rule, leaves)
    inside = _private.Level(leaves)
    size, dims = inside.batch_size, inside.dims
    with inside.left():
        outer = (fn, rule) if size is None else (_mapped(fn, dims, size), _mapped_rule(rule, dims, size))
        outputs, extra = call(*outer, inside.leaves)
    return inside.wrapped(outputs), extra


def _with_tangents(rule: Rule, leaves: list[Tensor]) -> tuple[list[Tensor], Any]:
    primals = list(leaves)
    tangents: list[Any] = [None] * len(leaves)
    for place, x in enumerate(leaves):
        if x.is_floating_point() or x.is_complex():
            primals[place], tangent = _private.unpack_dual(x)
            tangents[place] = torch.zeros_like(x) if tangent is None else tangent
    outputs, slopes, extra = rule(primals, tangents)
    pairs = zip(as_tensors(outputs), slopes, strict=True)
    return [x if t is None else _private.make_dual(x, t) for x, t in pairs], extra


def _mapped(fn: Callable[..., Any], dims: Sequence[int | None], size: int) -> FlatFn:
    """A flat function of whole tensors, from that of single examples."""

    def run(values: list[Tensor]) -> tuple[list[Tensor], Any]:
        cell: list[Any] = []

        def single(_: Tensor, *xs: Tensor) -> tuple[Tensor, ...]:
            outputs, extra = fn(list(xs))
            cell[:] = [extra]
            return tuple(as_tensors(outputs))

        mapped = torch.func.vmap(single, in_dims=(0, *dims), randomness="different")
        return list(mapped(torch.empty(size, 0), *values)), cell[0]

    return run


def _mapped_rule(rule: Rule, dims: Sequence[int | None], size: int) -> Rule:
    """The same of a rule, whose tangents are mapped like the leaves."""

    def run(leaves: list[Tensor], tangents: list[Any]) -> tuple[list[Tensor], list[Any], Any]:
        count, places = len(leaves), [i for i, t in enumerate(tangents) if t is not None]

        def flat(xs: list[Tensor]) -> tuple[list[Tensor], Any]:
            outputs, slopes, extra = rule(xs[:count], _spread(xs[count:], [t is not None for t in tangents]))
            hits = [slope is not None for slope in slopes]
            return [*as_tensors(outputs), *(slope for slope in slopes if slope is not None)], (extra, hits)

        whole = _mapped(flat, [*dims, *(dims[i] for i in places)], size)
        found, (extra, hits) = whole([*leaves, *(tangents[i] for i in places)])
        return found[: len(hits)], _spread(found[len(hits) :], hits), extra

    return run


def _spread(values: Sequence[Any], hits: Sequence[bool]) -> list[Any]:
    """The values in the places that are hit, None elsewhere."""
    one = iter(values)
    return [next(one) if hit else None for hit in hits]
