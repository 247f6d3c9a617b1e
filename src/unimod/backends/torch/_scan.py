"""A scan as one node of a trace. Its derivatives are scans: forward in the same direction, backward in the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unimod.backends._protocol import Array, FlatFn
from unimod.backends.torch import _regions
from unimod.backends.torch._programs import Program, closed, spec_of
from unimod.backends.torch._regions import Maybe, Region, inexact


class Sizes(NamedTuple):
    """How many inputs of each kind a step has, and how often it is made."""

    carry: int
    xs: int
    length: int
    reverse: bool


class Scan(Region):
    """``carry, y = step(carry, x, constants)`` for each row; with ``saves`` the carries before each step come out too.

    The inputs are the carry, what is gone over, and what all steps share. The backward pass makes each step once more,
    from its carry, so that nothing else has to be kept.
    """

    def __init__(self, program: Program, sizes: Sizes, saves: bool = False) -> None:
        self.program, self.sizes, self.saves = program, sizes, saves
        self.carry, self.rows = program.outputs[: sizes.carry], program.outputs[sizes.carry :]
        stacked = [*self.rows, *(self.carry if saves else ())]
        outputs = [*self.carry, *(spec._replace(shape=(sizes.length, *spec.shape)) for spec in stacked)]
        super().__init__([program], outputs, (sizes, saves))

    def parts(self, inputs: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Carry, rows and shared ones of a list of inputs."""
        start, stop = self.sizes.carry, self.sizes.carry + self.sizes.xs
        return list(inputs[:start]), list(inputs[start:stop]), list(inputs[stop : self._count])

    @property
    def _count(self) -> int:
        return len(self.program.inputs) - len(self.program.constants)

    def run(self, inputs: list[Tensor], constants: list[list[Tensor]]) -> list[Tensor]:
        """All steps."""
        carry, xs, shared = self.parts(inputs)
        shared += constants[0]
        rows = [x.unbind(0) for x in xs]
        count, steps = self.sizes.carry, range(self.sizes.length)
        made: list[list[Tensor]] = []
        for t in reversed(steps) if self.sizes.reverse else steps:
            outputs = self.program([*carry, *[row[t] for row in rows], *shared])
            made.append([*outputs[count:], *(carry if self.saves else ())])
            carry = outputs[:count]
        if not made:
            return [*carry, *(spec.empty() for spec in self.outputs[count:])]
        made = made[::-1] if self.sizes.reverse else made
        return [*carry, *(torch.stack(column) for column in zip(*made, strict=True))]

    def pull(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], cotangents: Maybe, needs: Sequence[bool]
    ) -> Maybe:
        """A scan in the other direction over the carries that were saved."""
        assert self.saves
        return _Pull(self, inputs, outputs, cotangents, needs).result()

    def push(self, inputs: Sequence[Tensor], tangents: Maybe) -> Maybe:
        """A scan over values and tangents."""
        sizes = self.sizes
        carry, xs, shared = self.parts(inputs)
        moving = inexact(self.carry)
        wrt = [*moving, *(i for i in range(sizes.carry, len(inputs)) if tangents[i] is not None)]
        own = [_or_zeros(tangents[i], inputs[i]) for i in wrt]
        num_xs = sum(sizes.carry <= i < sizes.carry + sizes.xs for i in wrt)
        of = [*moving, *(sizes.carry + i for i in inexact(self.rows))]
        n, num_rows = len(moving), sizes.xs + num_xs

        def step(values: list[Tensor]) -> list[Tensor]:
            values_c, tangents_c = values[: sizes.carry], values[sizes.carry : sizes.carry + n]
            rest = values[sizes.carry + n :]
            rows, more = rest[:num_rows], rest[num_rows:]
            primals = [*values_c, *rows[: sizes.xs], *more[: len(shared)]]
            moved = [*tangents_c, *rows[sizes.xs :], *more[len(shared) :]]
            results, slopes = _regions.pushed(self.program.fn, primals, wrt, moved, of)
            return [*results[: sizes.carry], *slopes]

        both = [*carry, *own[:n], *xs, *own[n : n + num_xs], *shared, *own[n + num_xs :]]
        found = _made(step, both, sizes._replace(carry=sizes.carry + n, xs=num_rows), self.saves or None)
        return self._tangents(found, moving)

    def _tangents(self, found: list[Tensor], moving: list[int]) -> Maybe:
        count, n, rows = self.sizes.carry, len(moving), inexact(self.rows)
        result: list[Any] = [None] * len(self.outputs)
        result = _regions.placed(found[count : count + n], moving, result)
        start = count + n
        result = _regions.placed(found[start : start + len(rows)], [count + i for i in rows], result)
        if self.saves:
            saved = found[start + len(rows) + count :]
            places = [count + len(self.rows) + i for i in moving]
            result = _regions.placed(saved[:n], places, result)
        return result

    def mapped(self, inputs: Sequence[Tensor], dims: Sequence[int | None], size: int) -> tuple[list[Tensor], list[int]]:
        """A scan whose steps are made for all examples at once."""
        sizes, count = self.sizes, self.sizes.carry
        carry = [_regions.front(x, dim, size) for x, dim in zip(inputs[:count], dims[:count], strict=True)]
        rest = zip(range(count, len(inputs)), inputs[count:], dims[count:], strict=True)
        others = [x if dim is None else x.movedim(dim, int(i < count + sizes.xs)) for i, x, dim in rest]
        axes = [0] * count + [None if dim is None else 0 for dim in dims[count:]]
        step = _regions.many(self.program.fn, axes, size)
        outputs = _made(step, [*carry, *others], sizes, self.saves or None)
        return outputs, [0] * count + [1] * (len(outputs) - count)


class _Pull:
    """The backward pass of a scan."""

    def __init__(self, scan: Scan, inputs: Sequence[Tensor], outputs: Any, cotangents: Maybe, needs: Any) -> None:
        self.scan, sizes = scan, scan.sizes
        self.inputs = list(inputs)
        _, self.xs, self.shared = scan.parts(inputs)
        self.moving = inexact(scan.carry)
        start = sizes.carry + len(scan.rows)
        self.carries = list(outputs[start:])
        self.needed = [i for i in range(sizes.carry, len(inputs)) if needs[i] and spec_of(inputs[i]).is_inexact]
        self.rows = [i for i in inexact(scan.rows) if cotangents[sizes.carry + i] is not None]
        self.saved = [i for i in self.moving if cotangents[start + i] is not None]
        self.last = [_or_zeros(cotangents[i], outputs[i]) for i in self.moving]
        self.along = [cotangents[sizes.carry + i] for i in self.rows] + [cotangents[start + i] for i in self.saved]

    def step(self, values: list[Tensor]) -> list[Tensor]:
        """Cotangents of the carry after a step to those before it, and what the step adds to shared ones."""
        scan, sizes, n = self.scan, self.scan.sizes, len(self.moving)
        sums = len(self.needed) - self._num_xs
        back, added = values[:n], values[n : n + sums]
        rest = values[n + sums :]
        carry, rest = rest[: sizes.carry], rest[sizes.carry :]
        xs, rest = rest[: sizes.xs], rest[sizes.xs :]
        ys, rest = rest[: len(self.rows)], rest[len(self.rows) :]
        saved, shared = rest[: len(self.saved)], rest[len(self.saved) :]
        of = [*self.moving, *(sizes.carry + i for i in self.rows)]
        wrt = [*self.moving, *self.needed]
        found = _regions.pulled(scan.program.fn, [*carry, *xs, *shared], wrt, of, [*back, *ys])
        before = list(found[:n])
        for i, more in zip(self.saved, saved, strict=True):
            before[self.moving.index(i)] = before[self.moving.index(i)] + more
        of_xs, of_shared = found[n : n + self._num_xs], found[n + self._num_xs :]
        return [*before, *(a + b for a, b in zip(added, of_shared, strict=True)), *of_xs]

    @property
    def _num_xs(self) -> int:
        stop = self.scan.sizes.carry + self.scan.sizes.xs
        return sum(i < stop for i in self.needed)

    def result(self) -> Maybe:
        """The cotangents of all inputs."""
        sizes, n = self.scan.sizes, len(self.moving)
        sums = [torch.zeros_like(self.inputs[i]) for i in self.needed[self._num_xs :]]
        inputs = [*self.last, *sums, *self.carries, *self.xs, *self.along, *self.shared]
        backward = Sizes(n + len(sums), sizes.carry + sizes.xs + len(self.along), sizes.length, not sizes.reverse)
        found = _made(self.step, inputs, backward)
        places = [*self.moving, *self.needed[self._num_xs :], *self.needed[: self._num_xs]]
        return _regions.placed(found, places, [None] * len(self.inputs))


def _or_zeros(x: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if x is None else x


def _made(step: Any, inputs: Sequence[Tensor], sizes: Sizes, saves: bool | None = None) -> list[Tensor]:
    """The outputs of a further scan; without ``saves`` those that it is asked for, and no carries."""
    stop = sizes.carry + sizes.xs
    specs = [spec_of(x, is_row=sizes.carry <= i < stop) for i, x in enumerate(inputs)]
    return _applied(Program(step, specs), inputs, sizes, saves)


def _applied(program: Program, inputs: Sequence[Tensor], sizes: Sizes, saves: bool | None = None) -> list[Tensor]:
    keeps = _regions.is_followed(inputs) if saves is None else saves
    region = Scan(program, sizes, keeps)
    outputs = _regions.apply(region, inputs)
    return outputs if saves else outputs[: len(program.outputs)]


def scan(
    fn: FlatFn, carry: list[Array], xs: list[Array], length: int, reverse: bool
) -> tuple[list[Array], list[Array], Any]:
    """A scan of a function that captures tensors, as a node of the trace."""
    rows = [spec_of(x, is_row=True) for x in xs]
    program, captured, extra = closed(fn, [*(spec_of(x) for x in carry), *rows])
    sizes = Sizes(len(carry), len(xs), length, reverse)
    outputs = _applied(program, [*carry, *xs, *captured], sizes)
    return outputs[: len(carry)], outputs[len(carry) :], extra
