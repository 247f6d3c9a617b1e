"""A scan as one node of a trace. Its derivatives are scans: forward in the same direction, backward in the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unimod.backends._protocol import Array, FlatFn
from unimod.backends.torch import _private, _reach, _regions
from unimod.backends.torch._checks import active
from unimod.backends.torch._programs import Fn, Program, closed, spec_of
from unimod.backends.torch._regions import Maybe, Region, inexact
from unimod.backends.torch._runs import is_single
from unimod.backends.torch._split import Product, Split, split


class Sizes(NamedTuple):
    """How many inputs of each kind a step has, and how often it is made."""

    carry: int
    xs: int
    length: int
    reverse: bool


class Scan(Region):
    """``carry, y = step(carry, x, constants)`` for each row; with ``saves`` the carries before each step come out too.

    The inputs are the carry, what is gone over, and what all steps share. The backward pass of a step in two parts
    goes over what the first one kept; else it makes each step once more, from its carry.
    """

    def __init__(self, program: Program, sizes: Sizes, saves: bool = False, parted: Split | None = None) -> None:
        self.program, self.sizes, self.saves, self.parted = program, sizes, saves, parted
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

    def run(self, inputs: list[Tensor], calls: Sequence[Fn]) -> list[Tensor]:
        """All steps."""
        carry, xs, shared = self.parts(inputs)
        rows = [x.unbind(0) for x in xs]
        count, steps = self.sizes.carry, range(self.sizes.length)
        stacked = [spec.empty() for spec in self.outputs[count:]]
        places = list(zip(*(x.unbind(0) for x in stacked), strict=True)) or [()] * self.sizes.length
        for t in reversed(steps) if self.sizes.reverse else steps:
            outputs = calls[0]([*carry, *[row[t] for row in rows], *shared])
            _store(places[t], [*outputs[count:], *(carry if self.saves else ())])
            carry = outputs[:count]
        return [*carry, *stacked]

    def pull(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], cotangents: Maybe, needs: Sequence[bool]
    ) -> Maybe:
        """A scan in the other direction over what was kept."""
        assert self.saves or self.parted is not None
        return _Pull(self, inputs, outputs, cotangents, needs).result()

    def push(self, inputs: Sequence[Tensor], tangents: Maybe) -> Maybe:
        """A scan over values and tangents."""
        sizes = self.sizes
        carry, xs, shared = self.parts(inputs)
        hits = [i for i, x in enumerate(tangents) if x is not None]
        moving = self.moved(hits)
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
        # torch 2.13 takes None for outputs that are integers only.
        result: list[Any] = [spec.zeros() if spec.is_inexact else None for spec in self.outputs]
        result = _regions.placed(found[count : count + n], moving, result)
        start = count + n
        result = _regions.placed(found[start : start + len(rows)], [count + i for i in rows], result)
        if self.saves:
            saved = found[start + len(rows) + count :]
            places = [count + len(self.rows) + i for i in moving]
            result = _regions.placed(saved[:n], places, result)
        return result

    def sources(self) -> list[frozenset[int]]:
        """The fixed point of what a step does."""
        found = _reach.carried(_reach.reach(self.program), self.sizes.carry)
        return [*found, *(found[: self.sizes.carry] if self.saves else ())]

    def moved(self, hits: Sequence[int]) -> list[int]:
        """The places in the carry where derivatives by the inputs in some places arrive."""
        return _moved(self.program, self.sizes, hits)

    def mapped(
        self, inputs: Sequence[Tensor], dims: Sequence[int | None], size: int
    ) -> tuple[list[Tensor], list[int | None]]:
        """A scan whose steps are made for all examples at once; what they do not reach stays as it is."""
        sizes, count = self.sizes, self.sizes.carry
        hits = [i for i, dim in enumerate(dims) if dim is not None]
        is_mapped = [_reach.is_hit(sources, hits) for sources in self.sources()]
        firsts = zip(inputs[:count], dims[:count], is_mapped, strict=False)
        carry = [_regions.front(x, dim, size) if is_hit else x for x, dim, is_hit in firsts]
        rest = zip(range(count, len(inputs)), inputs[count:], dims[count:], strict=True)
        others = [x if dim is None else x.movedim(dim, int(i < count + sizes.xs)) for i, x, dim in rest]
        axes = [0 if hit else None for hit in is_mapped[:count]] + [None if d is None else 0 for d in dims[count:]]
        step = _regions.many(self.program.fn, axes, size, is_mapped[: len(self.program.outputs)])
        outputs = _made(step, [*carry, *others], sizes, self.saves or None)
        return outputs, [int(i >= count) if hit else None for i, hit in enumerate(is_mapped)]


class _Pull:
    """The backward pass of a scan."""

    def __init__(self, scan: Scan, inputs: Sequence[Tensor], outputs: Any, cotangents: Maybe, needs: Any) -> None:
        self.scan, sizes = scan, scan.sizes
        self.inputs = list(inputs)
        _, self.xs, self.shared = scan.parts(inputs)
        self.moving = scan.moved([i for i, is_needed in enumerate(needs) if is_needed])
        start = len(outputs) - (sizes.carry if scan.parted is None else scan.parted.num_kept)
        self.kept = list(outputs[start:])
        needed = [i for i in range(sizes.carry, len(inputs)) if needs[i] and spec_of(inputs[i]).is_inexact]
        self.products = [] if scan.parted is None else [x for x in scan.parted.products if x.place in needed]
        self.needed = [i for i in needed if i not in {x.place for x in self.products}]
        self.rows = [i for i in inexact(scan.rows[: start - sizes.carry]) if cotangents[sizes.carry + i] is not None]
        self.saved = [i for i in self.moving if scan.parted is None and cotangents[start + i] is not None]
        self.last = [_or_zeros(cotangents[i], outputs[i]) for i in self.moving]
        self.along = [cotangents[sizes.carry + i] for i in self.rows] + [cotangents[start + i] for i in self.saved]

    def step(self, values: list[Tensor]) -> list[Tensor]:
        """Cotangents of the carry after a step to those before it, and what the step adds to shared ones."""
        sizes, n = self.scan.sizes, len(self.moving)
        sums, num_kept = len(self.needed) - self._num_xs, len(self.kept)
        back, added = values[:n], values[n : n + sums]
        rest = values[n + sums :]
        kept, rest = rest[:num_kept], rest[num_kept:]
        xs, rest = rest[: sizes.xs], rest[sizes.xs :]
        ys, rest = rest[: len(self.rows)], rest[len(self.rows) :]
        saved, shared = rest[: len(self.saved)], rest[len(self.saved) :]
        found = self._slopes(kept, [*xs, *shared], [*back, *ys])
        before = list(found[:n])
        for i, more in zip(self.saved, saved, strict=True):
            before[self.moving.index(i)] = before[self.moving.index(i)] + more
        of_xs, found = found[n : n + self._num_xs], found[n + self._num_xs :]
        return [*before, *(a + b for a, b in zip(added, found[:sums], strict=True)), *of_xs, *found[sums:]]

    def _slopes(self, kept: list[Tensor], known: list[Tensor], cotangents: list[Tensor]) -> list[Tensor]:
        """The cotangents of the carry and of the needed ones before a step, for those after it; and the factors."""
        scan, parted = self.scan, self.scan.parted
        wrt = [*self.moving, *self.needed]
        of = [*self.moving, *(scan.sizes.carry + i for i in self.rows)]
        if parted is None:
            return _regions.pulled(scan.program.fn, [*kept, *known], wrt, of, cotangents)
        given = dict(zip(of, cotangents, strict=True))
        slopes = [given[i] if i in given else scan.program.outputs[i].zeros() for i in parted.of]
        results = parted.backward([*kept, *known, *slopes])
        found = dict(zip(parted.wrt, results, strict=False))
        return [*(found[i] for i in wrt), *results[len(parted.wrt) :]]

    @property
    def _num_xs(self) -> int:
        stop = self.scan.sizes.carry + self.scan.sizes.xs
        return sum(i < stop for i in self.needed)

    def result(self) -> Maybe:
        """The cotangents of all inputs."""
        sizes, n = self.scan.sizes, len(self.moving)
        sums = [torch.zeros_like(self.inputs[i]) for i in self.needed[self._num_xs :]]
        inputs = [*self.last, *sums, *self.kept, *self.xs, *self.along, *self.shared]
        backward = Sizes(n + len(sums), len(self.kept) + sizes.xs + len(self.along), sizes.length, not sizes.reverse)
        found = _made(self.step, inputs, backward)
        places = [*self.moving, *self.needed[self._num_xs :], *self.needed[: self._num_xs]]
        result = _regions.placed(found[: len(places)], places, [None] * len(self.inputs))
        factors = [*self.kept, *self.xs, *found[len(places) :]]
        for product in self.products:
            term, sum_so_far = self._product(product, factors), result[product.place]
            result[product.place] = term if sum_so_far is None else sum_so_far + term
        return result

    def _product(self, product: Product, factors: Sequence[Tensor]) -> Tensor:
        """A cotangent, from the factors of all steps."""
        right = factors[product.right].flatten(0, 1)
        total = right.sum(0) if product.left is None else factors[product.left].flatten(0, 1).t() @ right
        return total.reshape(self.inputs[product.place].shape)


def _store(places: Sequence[Tensor], values: list[Tensor]) -> None:
    if values:
        torch._foreach_copy_(list(places), values)


def _or_zeros(x: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if x is None else x


def _made(step: Any, inputs: Sequence[Tensor], sizes: Sizes, saves: bool | None = None) -> list[Tensor]:
    """The outputs of a further scan; without ``saves`` those that it is asked for, and no carries."""
    stop = sizes.carry + sizes.xs
    specs = [spec_of(x, is_row=sizes.carry <= i < stop) for i, x in enumerate(inputs)]
    return _applied(Program(step, specs), inputs, sizes, saves)


def _applied(program: Program, inputs: Sequence[Tensor], sizes: Sizes, saves: bool | None = None) -> list[Tensor]:
    count = len(program.outputs)
    if saves is None and _is_parted(inputs):
        parted = _parted(program, inputs, sizes)
        if parted is not None:
            specs = [spec_of(x, is_row=sizes.carry <= i < sizes.carry + sizes.xs) for i, x in enumerate(inputs)]
            return _regions.apply(Scan(Program(parted.forward, specs), sizes, parted=parted), inputs)[:count]
    keeps = _regions.is_followed(inputs) if saves is None else saves
    outputs = _regions.apply(Scan(program, sizes, keeps), inputs)
    return outputs if saves else outputs[:count]


def _is_parted(inputs: Sequence[Tensor]) -> bool:
    """Whether one derivative wants to know how the outputs come from these inputs, and nothing else is asked for."""
    return is_single() and not active.modes and not _private.in_functorch() and _private.any_requires_grad(inputs)


def _moved(program: Program, sizes: Sizes, hits: Sequence[int]) -> list[int]:
    sources = _reach.carried(_reach.reach(program), sizes.carry)
    return [i for i in inexact(program.outputs[: sizes.carry]) if not sources[i].isdisjoint(hits)]


def _parted(program: Program, inputs: Sequence[Tensor], sizes: Sizes) -> Split | None:
    followed = [i for i, x in enumerate(inputs) if x.requires_grad]
    moving, needed = _moved(program, sizes, followed), [i for i in followed if i >= sizes.carry]
    return split(
        program, len(inputs), sizes.carry, sizes.carry + sizes.xs, [*moving, *needed], inexact(program.outputs)
    )


def scan(
    fn: FlatFn, carry: list[Array], xs: list[Array], length: int, reverse: bool, unroll: int = 1
) -> tuple[list[Array], list[Array], Any]:
    """A scan of a function that captures tensors, as a node of the trace; or two, where ``unroll`` leaves a rest."""
    rows = [spec_of(x, is_row=True) for x in xs]
    program, captured, extra = closed(fn, [*(spec_of(x) for x in carry), *rows])
    sizes, count = Sizes(len(carry), len(xs), length, reverse), len(carry)
    width = max(min(unroll, length), 1)
    turns, rest = divmod(length, width)
    if width == 1:
        outputs = _applied(program, [*carry, *xs, *captured], sizes)
        return outputs[:count], outputs[count:], extra
    blocks = [x.narrow(0, rest if reverse else 0, turns * width).unflatten(0, (turns, width)) for x in xs]
    several = _several(program, sizes, width)
    outputs = _made(several, [*carry, *blocks, *captured], sizes._replace(length=turns))
    ys = [y.flatten(0, 1) for y in outputs[count:]]
    if rest:
        others = [x.narrow(0, 0 if reverse else turns * width, rest) for x in xs]
        outputs = _applied(program, [*outputs[:count], *others, *captured], sizes._replace(length=rest))
        pairs = zip(ys, outputs[count:], strict=True)
        ys = [torch.cat([more, y] if reverse else [y, more]) for y, more in pairs]
    return outputs[:count], ys, extra


def _several(program: Program, sizes: Sizes, width: int) -> Any:
    """Several steps of a program as one, over blocks of rows."""

    def step(values: list[Tensor]) -> list[Tensor]:
        start, stop = sizes.carry, sizes.carry + sizes.xs
        carry, blocks, shared = values[:start], values[start:stop], values[stop:]
        made: list[Any] = [None] * width
        for t in reversed(range(width)) if sizes.reverse else range(width):
            outputs = program.fn([*carry, *(block[t] for block in blocks), *shared])
            carry, made[t] = outputs[:start], outputs[start:]
        return [*carry, *(torch.stack(column) for column in zip(*made, strict=True))]

    return step
