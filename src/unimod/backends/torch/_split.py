"""A step and its derivative as two functions: the first gives beside its outputs what the second wants to know.

Both are parts of one trace, of the step and then of its derivative. Kept is what the forward pass made with effort,
such as products of matrices; what is quickly made again is made again. So is what the backward pass itself makes once
more, which is how ``remat`` in a step is heeded.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule, Node

from unimod.backends.torch import _private, _regions, _trace
from unimod.backends.torch._programs import Fn, Program

_aten = torch.ops.aten
_RESHAPES = (_aten.view.default, _aten.reshape.default, _aten._unsafe_view.default, _aten.squeeze.dim)
_QUICK = {_aten.clone.default, _aten.cat.default, _aten._to_copy.default, torch.ops.prims.convert_element_type.default}


Pair = tuple[Node | None, Node]


class Product(NamedTuple):
    """A cotangent of a shared input that need not be summed step by step: ``left.T @ right``, or the sum of ``right``.

    Attributes:
        place: of the input.
        left: the place of the left factor among what is kept, gone over and made; None: there is none.
        right: that of the right one.
    """

    place: int
    left: int | None
    right: int


class Split(NamedTuple):
    """A step in two parts.

    Attributes:
        forward: of the inputs; gives the outputs, and then what is kept.
        backward: of what is kept, the other inputs and the cotangents of the outputs ``of``; gives those of ``wrt``,
            and then the factors of the products.
        wrt: the places of the inputs that are differentiated by, without those of products.
        of: the places of the outputs that are differentiated.
        num_kept: how many tensors are kept.
        products: cotangents that are to be made of the factors of all steps at once.
    """

    forward: Fn
    backward: Fn
    wrt: Sequence[int]
    of: Sequence[int]
    num_kept: int
    products: Sequence[Product]


def split(program: Program, count: int, gone: int, shared: int, wrt: Sequence[int], of: Sequence[int]) -> Split | None:
    """The two parts of a program of ``count`` inputs, of which the first ``gone`` must be kept to be known later.

    Those from ``shared`` on are the same at every step. None: it writes into its arguments, or does what its outputs do
    not tell, so that it cannot be cut.
    """
    before: set[str] = set()
    cotangents = [program.outputs[i] for i in of]
    whole = Program(_joint(program.fn, count, wrt, of, before), [*program.inputs[:count], *cotangents])
    graph = whole.traced.graph
    if _trace.has_mutation(graph) or any(node.op == "call_function" and node.is_impure() for node in graph.graph.nodes):
        return None
    places = _trace.inputs_of(graph)
    inputs, given, constants = places[:count], places[count : count + len(of)], places[count + len(of) :]
    results = _results(whole, places)
    outputs, slopes = results[: len(program.outputs)], results[len(program.outputs) :]
    kept = _kept(graph.graph, slopes, inputs, given, constants, before, gone)
    found = {i: _all_factors(node) for i, node in zip(wrt, slopes, strict=True) if i >= shared}
    over = [*kept, *inputs[gone:shared]]
    pairs = {i: terms for i, terms in found.items() if terms and _is_worth(terms, over, kept, by=inputs[i])}
    used = dict.fromkeys(node for terms in pairs.values() for pair in terms for node in pair if node)
    factors = [node for node in used if node not in over]
    number = {node: n for n, node in enumerate([*over, *factors])}
    products = [Product(i, None if a is None else number[a], number[b]) for i, terms in pairs.items() for a, b in terms]
    plain = [(i, node) for i, node in zip(wrt, slopes, strict=True) if i not in pairs]
    forward = _part(graph.graph, [*inputs, *constants], [*outputs, *kept])
    results = [*(node for _, node in plain), *factors]
    backward = _part(graph.graph, [*kept, *inputs[gone:], *given, *constants], results)
    parts = _calling(forward, whole), _calling(backward, whole)
    return Split(*parts, [i for i, _ in plain], of, len(kept), products)


def _joint(fn: Fn, count: int, wrt: Sequence[int], of: Sequence[int], before: set[str]) -> Fn:
    """The outputs and the cotangents; ``before`` gets the names of what is made up to the outputs."""

    def call(values: list[Tensor]) -> list[Tensor]:
        leaves = [values[i].detach().requires_grad_() for i in wrt]
        with torch.enable_grad():
            outputs = fn(_regions.placed(leaves, wrt, values[:count]))
        before.update(node.name for node in _private.current_tracer().graph.nodes)
        known = [n for n, i in enumerate(of) if outputs[i].requires_grad]
        pairs = [outputs[of[n]] for n in known], [values[count + n] for n in known]
        slopes: Any = torch.autograd.grad(pairs[0], leaves, pairs[1], allow_unused=True) if known else [None] * len(wrt)
        found = [torch.zeros_like(x) if slope is None else slope for slope, x in zip(slopes, leaves, strict=True)]
        return [*(x.detach() for x in outputs), *(x.detach() for x in found)]

    return call


def _results(program: Program, places: Sequence[Node]) -> list[Node]:
    found: Any = _trace.output_of(program.traced.graph).args[0]
    return [found[i] if i >= 0 else places[~i] for i in program.traced.plan]


def _kept(
    graph: Graph,
    slopes: Iterable[Node],
    inputs: Sequence[Node],
    given: Sequence[Node],
    constants: Sequence[Node],
    before: set[str],
    gone: int,
) -> list[Node]:
    """What the forward pass made and the backward pass does not make again."""
    known = {*inputs[gone:], *given, *constants}
    lost = set(inputs[:gone])
    needed = _behind(slopes, lambda node: node in known or node in lost or _is_kept(node, before))
    kept = {node for node in needed if node in lost or (node not in known and _is_kept(node, before))}
    order = [node for node in graph.nodes if node in needed]
    for node in order:
        _join(node, kept, known, needed, before)
    return [node for node in order if node in kept]


def _join(node: Node, kept: set[Node], known: set[Node], needed: set[Node], before: set[str]) -> None:
    """Keep what is made of kept ones instead of these, where nothing else wants them and it is not larger."""
    own = [x for x in node.all_input_nodes if x not in known]
    if not own or node in kept or node.name not in before or not all(x in kept for x in own):
        return
    is_alone = all(user is node or user not in needed for x in own for user in x.users)
    if is_alone and isinstance(node.meta.get("val"), Tensor) and _size(node) <= sum(_size(x) for x in own):
        kept.difference_update(own)
        kept.add(node)


def _is_kept(node: Node, before: set[str]) -> bool:
    return node.name in before and not _is_quick(node) and isinstance(node.meta.get("val"), Tensor)


def _is_quick(node: Node) -> bool:
    if node.target is operator.getitem:
        return _is_quick(node.all_input_nodes[0])
    if not node.all_input_nodes or node.target in _QUICK:
        return True
    schema = getattr(node.target, "_schema", None)
    is_view = schema is not None and any(x.alias_info for x in schema.returns)
    return is_view or torch.Tag.pointwise in getattr(node.target, "tags", ())


def _behind(nodes: Iterable[Node], is_end: Callable[[Node], bool]) -> set[Node]:
    """The nodes from which others are made, back to those where it ends."""
    todo, seen = list(nodes), set()
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += [] if is_end(node) else node.all_input_nodes
    return seen


def _part(graph: Graph, inputs: Sequence[Node], outputs: Sequence[Node]) -> GraphModule:
    """The part of a graph between nodes."""
    new, known = Graph(), {}
    for node in inputs:
        known[node] = new.placeholder(node.name)
    wanted = _behind(outputs, known.__contains__)
    for node in graph.nodes:
        if node in wanted and node not in known:
            known[node] = new.node_copy(node, lambda n: known[n])
            known[node].target = _regions.again if node.target is _regions.op else node.target
    new.output([known[node] for node in outputs])
    return GraphModule(torch.nn.Module(), new)


def _calling(part: GraphModule, whole: Program) -> Fn:
    # The program is held, for its graph holds the loops and branches in it.
    return lambda values: list(part(*values, *whole.constants))


def _all_factors(slope: Node) -> list[Pair]:
    """The factors of a sum of products; none where one term is something else."""
    if slope.target is not _aten.add.Tensor or slope.kwargs or len(slope.all_input_nodes) != 2:
        pair = _factors(slope)
        return [] if pair is None else [pair]
    parts = [_all_factors(node) for node in slope.all_input_nodes]
    return [pair for part in parts for pair in part] if all(parts) else []


def _factors(slope: Node) -> Pair | None:
    """The factors of ``left.T @ right``, or what is summed over its first axis."""
    inner = _transposed(slope)
    twice = None if inner is None else _transposed(inner)
    if twice is not None:
        return _factors(twice)
    if inner is not None and inner.target is _aten.mm.default:
        pair = _transposed(inner.args[0]), inner.args[1]
        return None if pair[0] is None else pair[::-1]  # type: ignore[return-value]
    if slope.target is _aten.mm.default:
        pair = _transposed(slope.args[0]), slope.args[1]
        return None if pair[0] is None else pair  # type: ignore[return-value]
    if slope.target in _RESHAPES:
        slope = slope.all_input_nodes[0]
    is_sum = slope.target is _aten.sum.dim_IntList and list(slope.args[1]) == [0]  # type: ignore[arg-type]
    return (None, slope.all_input_nodes[0]) if is_sum else None


def _transposed(node: Any) -> Node | None:
    """What a node is the transposed matrix of."""
    if node.target is _aten.t.default or (node.target is _aten.permute.default and list(node.args[1]) == [1, 0]):
        found: Node = node.args[0]
        return found
    return None


def _is_worth(pairs: Sequence[Pair], over: Sequence[Node], kept: Sequence[Node], by: Node) -> bool:
    """Whether new factors take no more memory than what is kept anyway, and less time than adding the products up."""
    size = sum(_size(node) for node in {node for pair in pairs for node in pair if node} - {*over})
    is_sum = all(left is None for left, _ in pairs)
    return size <= sum(_size(node) for node in kept) and (is_sum or size <= 2 * len(pairs) * _size(by))


def _size(node: Node) -> int:
    return int(node.meta["val"].numel())
