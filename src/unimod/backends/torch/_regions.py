"""Loops and branches in a trace: each one node of the graph, with derivatives and a rule for vmap.

The node is an operator that finds its region by a name. What differentiates or maps a region makes another region, so
that transforms nest as they please, and every derivative of a loop is a loop.
"""

from __future__ import annotations

import abc
import functools
import hashlib
import weakref
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch import _checks, _findings, _private, _trace
from unimod.backends.torch._captures import resolved
from unimod.backends.torch._programs import Fn, Program, Spec

Maybe = Sequence[Tensor | None]


class Region(abc.ABC):
    """A function of tensors that runs programs.

    Args:
        programs: what it runs.
        outputs: what it gives.
        about: what beside the programs says what it computes.
    """

    def __init__(self, programs: Sequence[Program], outputs: Sequence[Spec], about: Any) -> None:
        self.programs, self.outputs = list(programs), list(outputs)
        self.constants = [x for program in programs for x in program.constants]
        self.hows, self.findings = _findings.hows(programs), _findings.specs(programs)
        text = f"{type(self).__name__}{[p.digest for p in programs]}{self.outputs}{about}"
        self.name = hashlib.sha256(text.encode()).hexdigest()

    @abc.abstractmethod
    def run(self, inputs: list[Tensor], calls: Sequence[Fn]) -> list[Tensor]:
        """The outputs for contiguous inputs, by calls of the programs."""

    @abc.abstractmethod
    def pull(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], cotangents: Maybe, needs: Sequence[bool]
    ) -> Maybe:
        """The cotangents of the inputs that are needed, for those of the outputs (None: zeros)."""

    @abc.abstractmethod
    def push(self, inputs: Sequence[Tensor], tangents: Maybe) -> Maybe:
        """The tangents of the outputs, for those of the inputs (None: zeros)."""

    @abc.abstractmethod
    def sources(self) -> list[frozenset[int]]:
        """The places of the inputs that each output comes from; see ``_reach``."""

    @abc.abstractmethod
    def mapped(
        self, inputs: Sequence[Tensor], dims: Sequence[int | None], size: int
    ) -> tuple[list[Tensor], list[int | None]]:
        """The outputs for many examples, and the axis of the examples in each; None: it is the same for all."""


_table: weakref.WeakValueDictionary[str, Region] = weakref.WeakValueDictionary()


def _run(name: str, tensors: list[Tensor]) -> list[Tensor]:
    region = _table[name]
    tensors = [x.contiguous() for x in tensors]
    count = len(tensors) - len(region.constants)
    rest, constants = tensors[count:], []
    for program in region.programs:
        constants.append(rest[: len(program.constants)])
        rest = rest[len(program.constants) :]
    found = _findings.Findings(region.programs, constants)
    calls = [functools.partial(found.call, number) for number in range(len(region.programs))]
    return _fresh([*region.run(tensors[:count], calls), *found.tensors()], tensors)


def _fresh(outputs: list[Tensor], inputs: list[Tensor]) -> list[Tensor]:
    """The outputs, none of which shares memory with an input or with another output: an operator must not do that."""
    seen = {_private.storage_id(x) for x in inputs}
    made = []
    for x in outputs:
        x = x.clone() if _private.storage_id(x) in seen else x.contiguous()
        seen.add(_private.storage_id(x))
        made.append(x)
    return made


def _fake(name: str, tensors: list[Tensor]) -> list[Tensor]:
    return [spec.empty() for spec in (*_table[name].outputs, *_table[name].findings)]


op = _private.define_op("region(str name, Tensor[] tensors) -> Tensor[]", _run, _fake)


class _Apply(torch.autograd.Function):
    @staticmethod
    def forward(region: Region, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(op(region.name, [*inputs, *resolved(region.constants)]))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.region, ctx.count = inputs[0], len(inputs) - 1
        ctx.set_materialize_grads(False)
        findings = output[len(ctx.region.outputs) :]
        ctx.num_findings = len(findings)
        ctx.mark_non_differentiable(*findings)
        ctx.save_for_backward(*inputs[1:], *output)
        ctx.save_for_forward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> tuple[Any, ...]:
        saved = ctx.saved_tensors
        count = len(ctx.region.outputs)
        inputs, outputs = saved[: ctx.count], saved[ctx.count : ctx.count + count]
        return None, *ctx.region.pull(inputs, outputs, cotangents[:count], ctx.needs_input_grad[1:])

    @staticmethod
    @_private.differentiable_rule
    def jvp(ctx: Any, _: None, *tangents: Any) -> tuple[Any, ...]:
        found = ctx.region.push(_private.primals(ctx)[: ctx.count], tangents)
        return *found, *(None for _ in range(ctx.num_findings))

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], region: Region, *inputs: Tensor) -> Any:
        outputs, dims = region.mapped(inputs, in_dims[1:], info.batch_size)
        return tuple(outputs), tuple(dims)


def apply(region: Region, inputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs of a region, differentiable; recorded as one node."""
    recording = _trace.recording()
    assert recording is not None
    # What runs may be that of an earlier trace; what differentiates knows the tensors of this one.
    recording.regions.append(_table.setdefault(region.name, region))
    inputs = resolved(inputs)
    if _private.in_functorch() or _private.any_requires_grad(inputs):
        function: Any = _Apply
        outputs = list(function.apply(region, *inputs))
    else:
        outputs = list(op(region.name, [*inputs, *resolved(region.constants)]))
    count = len(region.outputs)
    # Where it is mapped, what runs is another region, which has told of its findings.
    if outputs[count:]:
        _checks.noted(outputs[count:], region.hows)
    return outputs[:count]


def named(name: str) -> Region:
    """The region of a node."""
    return _table[name]


def again(name: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    """The region of a node in an earlier graph, in the graph that is being made."""
    region = _table[name]
    return apply(region, tensors[: len(tensors) - len(region.constants)])


def prepare(traced: _trace.Traced) -> None:
    """Compile what the loops and branches in a graph run."""
    for node in traced.graph.graph.nodes:
        if node.target is op:
            for program in _table[node.args[0]].programs:
                prepare(program.traced)
                program.lower()


def is_followed(inputs: Sequence[Tensor]) -> bool:
    """Whether a derivative may want to know how the outputs come from these inputs."""
    return _private.derivative_level() > 0 or _private.any_requires_grad([_private.innermost(x) for x in inputs])


def front(x: Tensor, dim: int | None, size: int, axis: int = 0) -> Tensor:
    """``x`` with the axis of the examples in a place; it is made where there is none."""
    if dim is not None:
        return x.movedim(dim, axis)
    x = x.unsqueeze(axis)
    return x.expand(*x.shape[:axis], size, *x.shape[axis + 1 :])


def many(fn: Any, dims: Sequence[int | None], size: int, is_mapped: Sequence[bool]) -> Any:
    """``fn`` of lists for many examples, along the first axis of the outputs that are mapped."""

    def call(_: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        outputs = fn(list(inputs))
        return tuple(x if hit else _first_of(x) for x, hit in zip(outputs, is_mapped, strict=True))

    out_dims: Any = tuple(0 if hit else None for hit in is_mapped)
    # The counter is mapped always: torch.func.vmap wants one mapped argument, and knows the size from it.
    batched: Any = torch.func.vmap(call, in_dims=(0, *dims), out_dims=out_dims, randomness="different")
    return lambda inputs: list(batched(torch.empty(size, 0), *inputs))


def _first_of(x: Tensor) -> Tensor:
    """The value for the first example of the innermost ``vmap``, of a tensor with the same one for all."""
    inside = _private.Level([x])
    if inside.dims == [None]:
        return x
    with inside.left():
        return inside.leaves[0].select(inside.dims[0], 0)  # type: ignore[arg-type]


def inexact(specs: Sequence[Spec]) -> list[int]:
    """The places of those that have derivatives."""
    return [i for i, spec in enumerate(specs) if spec.is_inexact]


def placed(values: Sequence[Any], places: Sequence[int], full: Sequence[Any]) -> list[Any]:
    """``full`` with the values in the places."""
    result = list(full)
    for place, value in zip(places, values, strict=True):
        result[place] = value
    return result


def pulled(
    fn: Any, inputs: list[Tensor], wrt: Sequence[int], of: Sequence[int], cotangents: Sequence[Tensor]
) -> list[Tensor]:
    """The cotangents of ``inputs[wrt]`` for those of ``fn(inputs)[of]``."""

    def chosen(*values: Tensor) -> tuple[Tensor, ...]:
        outputs = fn(placed(values, wrt, inputs))
        return tuple(outputs[i] for i in of)

    if not of or not wrt:
        return [torch.zeros_like(inputs[i]) for i in wrt]
    pull: Any = torch.func.vjp(chosen, *(inputs[i] for i in wrt))[1]
    return list(pull(tuple(cotangents)))


def pushed(fn: Any, inputs: list[Tensor], wrt: Sequence[int], tangents: Sequence[Tensor], of: Sequence[int]) -> Any:
    """``fn(inputs)``, and the tangents of ``fn(inputs)[of]`` for those of ``inputs[wrt]``."""

    def chosen(*values: Tensor) -> Any:
        outputs = fn(placed(values, wrt, inputs))
        return tuple(outputs[i] for i in of), list(outputs)

    if not of or not wrt:
        outputs = fn(inputs)
        return outputs, [torch.zeros_like(outputs[i]) for i in of]
    jvp: Any = torch.func.jvp
    _, moved, outputs = jvp(chosen, tuple(inputs[i] for i in wrt), tuple(tangents), has_aux=True)
    return list(outputs), list(moved)
