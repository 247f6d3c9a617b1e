"""What the checks in loops and branches of a trace find: further outputs of a region, which its programs fill in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch._checks import How
from unimod.backends.torch._programs import Program, Spec

_CODE = Spec((), torch.int32, torch.device("cpu"))


def hows(programs: Sequence[Program]) -> list[How]:
    """The texts of the checks of all programs, for each checked function around them."""
    return [sum(rows, ()) for rows in zip(*(program.hows for program in programs), strict=True)]


def specs(programs: Sequence[Program]) -> list[Spec]:
    """The findings of all programs: for each checked function a code, and the values of all checks."""
    columns = zip(*(_parts(program, program.findings) for program in programs), strict=True)
    return [spec for parts in columns for spec in (_CODE, *(value for _, *values in parts for value in values))]


def _parts(program: Program, findings: Sequence[Any]) -> Iterator[Sequence[Any]]:
    start = 0
    for how in program.hows:
        stop = start + 1 + sum(count for _, count in how)
        yield findings[start:stop]
        start = stop


class Findings:
    """The first failures in the run of a region, by its calls of programs.

    Args:
        programs: of the region.
        constants: of each program.
    """

    def __init__(self, programs: Sequence[Program], constants: Sequence[list[Tensor]]) -> None:
        self.programs, self.constants = programs, constants
        self.first: dict[int, tuple[int, int, Sequence[Tensor]]] = {}

    def call(self, number: int, inputs: list[Tensor]) -> list[Tensor]:
        """The outputs of a program."""
        program = self.programs[number]
        results = program([*inputs, *self.constants[number]])
        count = len(program.outputs)
        for place, (code, *values) in enumerate(_parts(program, results[count:])):
            if place not in self.first and code.item() >= 0:
                self.first[place] = (number, int(code.item()), values)
        return results[:count] if program.findings else results

    def tensors(self) -> list[Tensor]:
        """What was found, as the specs say."""
        found = []
        for place, columns in enumerate(zip(*(_parts(p, p.findings) for p in self.programs), strict=True)):
            failed, code, values = self.first.get(place, (-1, -1, ()))
            before = sum(len(program.hows[place]) for program in self.programs[: max(failed, 0)])
            found.append(torch.full((), code + before if code >= 0 else -1, dtype=torch.int32))
            for number, (_, *own) in enumerate(columns):
                found += values if number == failed else [spec.zeros() for spec in own]
        return found
