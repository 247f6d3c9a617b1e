"""A loop with a condition as one node of a trace: forward mode, vmap, and no reverse mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._protocol import Array, FlatFn
from unimod.backends._reverse import unknown_steps
from unimod.backends.torch import _reach, _regions
from unimod.backends.torch._programs import Fn, Program, closed, spec_of
from unimod.backends.torch._regions import Maybe, Region, inexact


class While(Region):
    """``carry = body(carry, shared)`` while ``cond(carry, shared)``.

    The inputs are the carry, and what all steps share: first that of the condition, then that of the body.
    """

    def __init__(self, cond: Program, body: Program, carry: int, asked: int) -> None:
        self.cond, self.body, self.carry, self.asked = cond, body, carry, asked
        super().__init__([cond, body], body.outputs, (carry, asked))

    def parts(self, inputs: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """The carry, and what the condition and the body share of a list of inputs."""
        stop = self.carry + self.asked
        return list(inputs[: self.carry]), list(inputs[self.carry : stop]), list(inputs[stop:])

    def run(self, inputs: list[Tensor], calls: Sequence[Fn]) -> list[Tensor]:
        """All steps."""
        carry, for_cond, for_body = self.parts(inputs)
        ask, step = calls
        while ask([*carry, *for_cond])[0].item():
            carry = step([*carry, *for_body])
        return carry

    def pull(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], cotangents: Maybe, needs: Sequence[bool]
    ) -> Maybe:
        """There is none."""
        raise unknown_steps()

    def push(self, inputs: Sequence[Tensor], tangents: Maybe) -> Maybe:
        """A loop over values and tangents, as long as the values say."""
        carry, for_cond, for_body = self.parts(inputs)
        moving, n = inexact(self.body.outputs), self.carry
        start = n + self.asked
        further = [i for i in range(start, len(inputs)) if tangents[i] is not None]
        wrt = [*moving, *(i - self.asked for i in further)]
        first: list[Any] = [torch.zeros_like(inputs[i]) if tangents[i] is None else tangents[i] for i in moving]

        def cond(values: list[Tensor]) -> list[Tensor]:
            return self.cond.fn([*values[:n], *values[n + len(moving) :]])

        def body(values: list[Tensor]) -> list[Tensor]:
            own, slopes, rest = values[:n], values[n : n + len(moving)], values[n + len(moving) :]
            shared, along = rest[: len(for_body)], rest[len(for_body) :]
            results, moved = _regions.pushed(self.body.fn, [*own, *shared], wrt, [*slopes, *along], moving)
            return [*results, *moved]

        found = _made(cond, body, [*carry, *first], for_cond, [*for_body, *(tangents[i] for i in further)])
        return _regions.placed(found[n:], moving, [None] * n)

    def sources(self) -> list[frozenset[int]]:
        """What the carry comes from, and the number of steps."""
        *found, asking = self._sources()
        return [sources | asking for sources in found]

    def _sources(self) -> list[frozenset[int]]:
        """The fixed point of what a step does; the last one is that of the condition."""
        n, asked = self.carry, self.asked
        step = [frozenset(i if i < n else i + asked for i in found) for found in _reach.reach(self.body)]
        return _reach.carried([*step, *_reach.reach(self.cond)], n)

    def mapped(
        self, inputs: Sequence[Tensor], dims: Sequence[int | None], size: int
    ) -> tuple[list[Tensor], list[int | None]]:
        """A loop for all examples; where each has a condition of its own, it runs until all are done."""
        n = self.carry
        hits = [i for i, dim in enumerate(dims) if dim is not None]
        *is_mapped, is_held = (_reach.is_hit(sources, hits) for sources in self._sources())
        is_mapped = [is_held or hit for hit in is_mapped]
        pairs = zip(inputs[:n], dims[:n], is_mapped, strict=True)
        carry = [_regions.front(x, dim, size) if hit else x for x, dim, hit in pairs]
        others = [x if dim is None else x.movedim(dim, 0) for x, dim in zip(inputs[n:], dims[n:], strict=True)]
        axes = [0 if hit else None for hit in is_mapped] + [None if dim is None else 0 for dim in dims[n:]]
        stop = n + self.asked
        ask = _regions.many(self.cond.fn, axes[:stop], size, [is_held])
        step = _regions.many(self.body.fn, [*axes[:n], *axes[stop:]], size, is_mapped)
        run = _held if is_held else _made
        return run(ask, step, carry, others[: self.asked], others[self.asked :]), [0 if h else None for h in is_mapped]


def _held(ask: Fn, step: Fn, carry: list[Tensor], for_cond: list[Any], for_body: list[Any]) -> list[Tensor]:
    """A loop for many examples, which holds those that are done."""
    n = len(carry)

    def cond(values: list[Tensor]) -> list[Tensor]:
        return [values[0].any()]

    def body(values: list[Tensor]) -> list[Tensor]:
        going, own, rest = values[0], values[1 : n + 1], values[n + 1 :]
        new = step([*own, *rest[: len(for_body)]])
        held = [torch.where(_beside(going, x), x, old) for x, old in zip(new, own, strict=True)]
        return [going & ask([*held, *rest[len(for_body) :]])[0], *held]

    going = ask([*carry, *for_cond])[0]
    return _made(cond, body, [going, *carry], [], [*for_body, *for_cond])[1:]


def _beside(going: Tensor, x: Tensor) -> Tensor:
    return going.reshape(-1, *(1,) * (x.ndim - 1))


def _made(cond: Fn, body: Fn, carry: list[Tensor], for_cond: list[Any], for_body: list[Any]) -> list[Tensor]:
    asking = Program(cond, [spec_of(x) for x in [*carry, *for_cond]])
    running = Program(body, [spec_of(x) for x in [*carry, *for_body]])
    return _regions.apply(While(asking, running, len(carry), len(for_cond)), [*carry, *for_cond, *for_body])


def while_loop(cond: FlatFn, body: FlatFn, carry: list[Array]) -> list[Array]:
    """A loop of functions that capture tensors, as a node of the trace."""
    specs = [spec_of(x) for x in carry]
    asking, for_cond, _ = closed(cond, specs)
    running, for_body, _ = closed(body, specs)
    region = While(asking, running, len(carry), len(for_cond))
    return _regions.apply(region, [*carry, *for_cond, *for_body])
