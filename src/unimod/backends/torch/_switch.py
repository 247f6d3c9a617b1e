"""A choice among functions as one node of a trace; only the chosen one runs, and only its derivative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._protocol import Array, FlatFn
from unimod.backends.torch import _reach, _regions
from unimod.backends.torch._programs import Fn, Program, closed, spec_of
from unimod.backends.torch._regions import Maybe, Region, inexact


class Switch(Region):
    """``branches[index](*operands)``; the inputs are the index and the operands."""

    def __init__(self, branches: Sequence[Program]) -> None:
        super().__init__(branches, branches[0].outputs, None)

    def run(self, inputs: list[Tensor], calls: Sequence[Fn]) -> list[Tensor]:
        """The chosen branch."""
        place = min(max(int(inputs[0].item()), 0), len(self.programs) - 1)
        return calls[place](inputs[1:])

    def pull(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], cotangents: Maybe, needs: Sequence[bool]
    ) -> Maybe:
        """A choice among the derivatives."""
        index, *operands = inputs
        count = len(operands)
        needed = [i for i, x in enumerate(operands) if needs[1 + i] and spec_of(x).is_inexact]
        given = [i for i in inexact(self.outputs) if cotangents[i] is not None]

        def pulling(fn: Fn) -> Fn:
            return lambda values: _regions.pulled(fn, values[:count], needed, given, values[count:])

        functions = [pulling(program.fn) for program in self.programs]
        found = _made(functions, index, [*operands, *(cotangents[i] for i in given)])
        return _regions.placed(found, [1 + i for i in needed], [None] * len(inputs))

    def push(self, inputs: Sequence[Tensor], tangents: Maybe) -> Maybe:
        """A choice among the derivatives."""
        index, *operands = inputs
        count, moving = len(operands), inexact(self.outputs)
        wrt = [i for i in range(count) if tangents[1 + i] is not None]

        def pushing(fn: Fn) -> Fn:
            return lambda values: _regions.pushed(fn, values[:count], wrt, values[count:], moving)[1]

        functions = [pushing(program.fn) for program in self.programs]
        found = _made(functions, index, [*operands, *(tangents[1 + i] for i in wrt)])
        return _regions.placed(found, moving, [None] * len(self.outputs))

    def sources(self) -> list[frozenset[int]]:
        """The index, and what the output comes from in one of the branches."""
        rows = zip(*(_reach.reach(program) for program in self.programs), strict=True)
        return [frozenset((0, *(i + 1 if i >= 0 else i for i in frozenset().union(*row)))) for row in rows]

    def mapped(
        self, inputs: Sequence[Tensor], dims: Sequence[int | None], size: int
    ) -> tuple[list[Tensor], list[int | None]]:
        """The same choice for all examples; or all branches, where each example has a choice of its own."""
        moved = [x if dim is None else x.movedim(dim, 0) for x, dim in zip(inputs, dims, strict=True)]
        axes = [None if dim is None else 0 for dim in dims]
        hits = [i for i, dim in enumerate(dims) if dim is not None]
        is_mapped = [_reach.is_hit(sources, hits) for sources in self.sources()]
        functions = [program.fn for program in self.programs]
        if axes[0] is None:
            mapped = [_regions.many(fn, axes[1:], size, is_mapped) for fn in functions]
            found = _made(mapped, moved[0], moved[1:])
        else:
            choice = lambda values: select([fn(values[1:]) for fn in functions], values[0])  # noqa: E731
            found = _regions.many(choice, axes, size, is_mapped)(moved)
        return found, [0 if hit else None for hit in is_mapped]


def select(results: Sequence[Sequence[Tensor]], index: Tensor) -> list[Tensor]:
    """The chosen ones of several lists of tensors, for an index that is mapped."""
    outputs = list(results[0])
    for place, others in enumerate(results[1:], 1):
        outputs = [torch.where(index >= place, y, x) for x, y in zip(outputs, others, strict=True)]
    return outputs


def _made(functions: Sequence[Fn], index: Tensor, operands: Sequence[Any]) -> list[Tensor]:
    specs = [spec_of(x) for x in operands]
    return _regions.apply(Switch([Program(fn, specs) for fn in functions]), [index, *operands])


def switch(index: Array, branches: Sequence[FlatFn], operands: list[Array]) -> tuple[list[Array], Any]:
    """A choice among functions that capture tensors, as a node of the trace."""
    specs = [spec_of(x) for x in operands]
    found = [closed(branch, specs) for branch in branches]
    count, captured = len(operands), [x for _, tensors, _ in found for x in tensors]
    functions, start = [], count
    for program, tensors, _ in found:
        functions.append(_with_own(program.fn, count, start, start + len(tensors)))
        start += len(tensors)
    outputs = _made(functions, index, [*operands, *captured])
    return outputs, found[0][2]


def _with_own(fn: Fn, count: int, start: int, stop: int) -> Fn:
    """``fn`` of the operands and of the captured tensors of all branches, of which it takes its own."""
    return lambda values: fn([*values[:count], *values[start:stop]])
