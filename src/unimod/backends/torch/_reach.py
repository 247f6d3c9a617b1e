"""Which inputs of a program each of its outputs comes from: what the others are made of stays as it is under vmap."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch.fx import Node

from unimod.backends.torch import _regions, _trace
from unimod.backends.torch._programs import Program

Reach = frozenset[int]

RANDOM = -1
"""Stands among the inputs for random numbers, which differ from example to example."""


def reach(program: Program) -> list[Reach]:
    """The places of the inputs that each output comes from."""
    graph = program.traced.graph
    inputs = _trace.inputs_of(graph)
    count = len(inputs) - len(program.constants)
    known: dict[Node, Any] = {node: frozenset((i,) if i < count else ()) for i, node in enumerate(inputs)}
    calls = [node for node in graph.graph.nodes if node.op == "call_function"]
    before = None
    # What is written into a tensor is in all views of it, also in those that were made before.
    while before != known:
        before = dict(known)
        for node in calls:
            _note(node, _of_call(node, known), known)
    results: Any = _trace.output_of(graph).args[0]
    found = [known[_owner(results[i])] if i >= 0 else known[inputs[~i]] for i in program.traced.plan]
    return found[: len(program.outputs)]


def _note(node: Node, sources: Any, known: dict[Node, Any]) -> None:
    owner = _owner(node)
    known[owner] = sources if isinstance(sources, list) else known.get(owner, frozenset()) | sources


def _owner(node: Node) -> Node:
    """The node that made the memory which ``node`` shows."""
    base = node.all_input_nodes[0] if node.target is operator.getitem else node
    schema = getattr(base.target, "_schema", None)
    is_view = schema is not None and any(x.alias_info for x in schema.returns)
    return _owner(base.all_input_nodes[0]) if is_view else node


def _of_call(node: Node, known: dict[Node, Any]) -> Any:
    if node.target is _regions.op:
        name, tensors = node.args
        own = [known[_owner(x)] for x in tensors]  # type: ignore[union-attr, arg-type]
        region = _regions.named(str(name))
        made = [_union(own[i] for i in s if i >= 0) | (s & {RANDOM}) for s in region.sources()]
        return [*made, *(_union(own) for _ in region.findings)]
    own = [known[_owner(x)] for x in node.all_input_nodes]
    if node.target is operator.getitem and isinstance(own[0], list):
        return own[0][node.args[1]]  # type: ignore[index]
    is_random = torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
    return _union(own) | {RANDOM} if is_random else _union(own)


def _union(parts: Iterable[Any]) -> Reach:
    return frozenset[int]().union(*parts)


def carried(steps: Sequence[Reach], count: int) -> list[Reach]:
    """What ``count`` values that go from step to step come from in the end, and what is made of them at a step.

    A value is held to come from its own first one, also where the step does not look at it.
    """
    found = [step | {i} if i < count else step for i, step in enumerate(steps)]
    while True:
        wider = [sources.union(*(found[i] for i in sources if 0 <= i < count)) for sources in found]
        if wider == found:
            return found
        found = wider


def is_hit(sources: Reach, places: Iterable[int]) -> bool:
    """Whether something comes from an input in one of the places, or is random."""
    return RANDOM in sources or not sources.isdisjoint(places)
