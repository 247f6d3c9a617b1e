"""Recording a flat function as one graph of tensor operations, on fake tensors."""

from __future__ import annotations

import contextlib
import dataclasses
import operator
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.fx import GraphModule, Node

from unimod.backends._concrete import value_needed
from unimod.backends._protocol import FlatFn
from unimod.backends.torch import _private, _private_compile, _private_ended, _private_sizes
from unimod.backends.torch.autodiff import as_tensors


class Compiler(NamedTuple):
    """What a graph is recorded for: a compiler, and options for it."""

    name: str
    options: tuple[tuple[str, Any], ...] = ()


@dataclasses.dataclass
class Traced:
    """A recorded function: ``graph(*leaves, *constants)`` gives the results, ``plan`` the outputs from them.

    Attributes:
        graph: the operations.
        mode: the mode of the fake tensors in it.
        captured: the tensors that the function captured, further inputs of the graph.
        plan: for each output the index of a result, or ``~i`` where it is leaf ``i`` as it came.
        extra: what the function returned beside its outputs.
        regions: the loops and branches in the graph, which are kept as long as it is.
        sizes: those of the inputs that are open, if any.
        is_functional: whether the graph writes into nothing but donated inputs.
    """

    graph: GraphModule
    mode: Any
    captured: list[Tensor]
    plan: tuple[int, ...]
    extra: Any
    regions: list[Any]
    sizes: _private_sizes.OpenSizes | None = None
    is_functional: bool = False

    @property
    def constants(self) -> list[Tensor]:
        """What the function captured, outside of autograd."""
        return [x.detach() for x in self.captured]

    @property
    def captures_grad(self) -> bool:
        """Whether autograd follows one of the constants."""
        return any(x.requires_grad for x in self.captured)

    @property
    def fakes(self) -> list[Tensor]:
        """The stand-ins of all inputs of the graph."""
        return [node.meta["val"] for node in inputs_of(self.graph)]


class _Results:
    """The tensors that a graph has to compute: each once, contiguous, and not lazily conjugate.

    That is what a graph takes, so state that goes from call to call needs no copy at the next one.
    """

    def __init__(self, leaves: Sequence[Tensor]) -> None:
        self.leaves = leaves
        self.by_storage = {_private.storage_id(leaf): i for i, leaf in enumerate(leaves)}
        self.seen: dict[int, int] = {}
        self.asked: list[Tensor] = []

    def place(self, x: Tensor) -> int:
        """Where the output ``x`` comes from, as in ``Traced.plan``."""
        i = self.by_storage.get(_private.storage_id(x))
        if i is not None and _is_same(self.leaves[i], x) and not self.leaves[i]._version:
            return ~i
        if id(x) not in self.seen:
            self.seen[id(x)] = len(self.asked)
            self.asked.append(x)
        return self.seen[id(x)]

    def tensors(self) -> list[Tensor]:
        """The results."""
        return [x.resolve_conj().resolve_neg().contiguous() for x in self.asked]


def _is_same(leaf: Tensor, x: Tensor) -> bool:
    return (
        _private_sizes.are_same(x.shape, leaf.shape)
        and x.dtype == leaf.dtype
        and _private_sizes.are_same(x.stride(), leaf.stride())
        and _private_sizes.is_known(x.storage_offset() == leaf.storage_offset())
        and x.is_conj() == leaf.is_conj()
        and x.is_neg() == leaf.is_neg()
    )


@dataclasses.dataclass
class Recording:
    """A trace that is under way.

    Attributes:
        mode: of its fake tensors.
        compiler: what the graph is for.
        tracers: those of the traces around it.
        regions: the loops and branches that were met.
    """

    mode: Any
    compiler: Compiler
    tracers: tuple[Any, ...] = ()
    regions: list[Any] = dataclasses.field(default_factory=list)
    is_discovering: bool = False


class _Local(threading.local):
    recording: Recording | None = None


_local = _Local()


def recording() -> Recording | None:
    """The innermost trace that is under way in this thread."""
    return _local.recording


def tracers() -> tuple[Any, ...]:
    """The tracers of all traces that are under way, the outermost first."""
    return () if _local.recording is None else (*_local.recording.tracers, _private.current_tracer())


def known(x: Tensor) -> Tensor:
    """``x``, or where a trace is under way a tensor of that trace in the place of one from outside."""
    if _local.recording is None or _private.is_fake(_private.innermost(x)):
        return x
    alias: Tensor = torch.ops.aten.alias.default(x)
    return alias


@contextlib.contextmanager
def _started(recording: Recording) -> Iterator[Recording]:
    before, _local.recording = _local.recording, recording
    try:
        yield recording
    finally:
        _local.recording = before


def trace(fn: FlatFn, leaves: Sequence[Tensor], *, compiler: Compiler, open_axes: _private_sizes.Places = ()) -> Traced:
    """Run ``fn`` once on stand-ins of ``leaves`` and record it.

    Nothing of the caller's is changed: where ``fn`` writes into an input or into a tensor that it captured, the graph
    writes into a copy. Along the open axes of each leaf the trace is for all sizes for which ``sizes.hold``.

    Raises:
        CapabilityError: Python asked for the value of a traced tensor.
    """
    mode = _private.fake_mode()
    with _private_ended.in_use(mode, is_last=False), _started(Recording(mode, compiler)) as started:
        sizes = _private_sizes.OpenSizes(started.mode, leaves, open_axes) if any(open_axes) else None
        return _traced(fn, leaves, started, sizes)


def trace_inner(fn: FlatFn, specs: Sequence[Any]) -> tuple[Traced, Compiler]:
    """The trace of a closed function inside the trace that is under way, by itself; and the compiler."""
    around = _local.recording
    assert around is not None
    with _started(Recording(around.mode, around.compiler, tracers())) as started, _private.by_itself():
        return _traced(fn, [spec.empty() for spec in specs], started), around.compiler


@contextlib.contextmanager
def discovering() -> Iterator[None]:
    """Inside of a trace: run functions on fake tensors, and record nothing."""
    around = _local.recording
    assert around is not None
    quiet = dataclasses.replace(around, is_discovering=True)
    with _started(quiet), torch.inference_mode(False), torch.no_grad(), around.mode, _private.no_captured_writes():
        yield


def _traced(
    fn: FlatFn, leaves: Sequence[Tensor], started: Recording, sizes: _private_sizes.OpenSizes | None = None
) -> Traced:
    record: dict[str, Any] = {}

    def flat(*arguments: Tensor) -> list[Tensor]:
        with _private.no_captured_writes():
            outputs, extra = fn(list(arguments))
        results = _Results(arguments)
        plan = tuple(results.place(x) for x in as_tensors(outputs))
        record.update(plan=plan, extra=extra, written=[i for i, x in enumerate(arguments) if x._version])
        return results.tensors()

    mode = started.mode
    with torch.inference_mode(False), torch.no_grad():
        fakes = [_stand_in(mode, sizes, i, x) for i, x in enumerate(leaves)]
        graph = _record(flat, mode, fakes, started.compiler.name != "graph")
        captured = _lift_constants(graph, mode)
        _copy_written(graph, record["written"], len(leaves))
        _drop_detach(graph)
        _copy_views(graph)
        graph.graph.eliminate_dead_code()
        graph.recompile()
    return Traced(graph, mode, captured, record["plan"], record["extra"], started.regions, sizes)


def _stand_in(mode: Any, sizes: _private_sizes.OpenSizes | None, i: int, x: Tensor) -> Tensor:
    return _private.fake(mode, x, None if sizes is None else sizes.shape(i, x))


def _record(flat: Any, mode: Any, fakes: list[Tensor], decompose: bool) -> GraphModule:
    try:
        return _private_compile.trace(flat, mode, fakes, decompose)
    except Exception as error:
        if _private.is_value_needed(error):
            raise value_needed(error, torch.__file__) from error
        raise


def _lift_constants(graph: GraphModule, mode: Any) -> list[Tensor]:
    """Turn captured tensors from attributes of the graph into inputs, which inductor neither copies nor hashes."""
    lifted: dict[int, tuple[Tensor, Node]] = {}
    for node in [node for node in graph.graph.nodes if node.op == "get_attr"]:
        value = getattr(graph, str(node.target))
        if not isinstance(value, Tensor):
            continue
        if id(value) not in lifted:
            lifted[id(value)] = (value, _new_input(graph, mode, value, len(lifted)))
        node.replace_all_uses_with(lifted[id(value)][1])
        graph.graph.erase_node(node)
    return [value for value, _ in lifted.values()]


def _new_input(graph: GraphModule, mode: Any, value: Tensor, number: int) -> Node:
    nodes = list(graph.graph.nodes)
    behind = next(node for node in nodes if node.op != "placeholder")
    with graph.graph.inserting_before(behind):
        node = graph.graph.placeholder(f"constant_{number}")
    node.meta["val"] = _private.fake(mode, value)
    return node


def _copy_written(graph: GraphModule, written: Sequence[int], num_leaves: int) -> None:
    """Let the graph write into copies of its inputs."""
    inputs = inputs_of(graph)
    constants = inputs[num_leaves:] if has_mutation(graph) else []
    for node in [*(inputs[i] for i in written), *constants]:
        copy = _copy(graph, node, behind=inputs[-1])
        for user in [user for user in node.users if user is not copy]:
            user.replace_input_with(node, copy)


def _copy_views(graph: GraphModule) -> None:
    """Let no result share memory with an input."""
    output = output_of(graph)
    for node in list(output.all_input_nodes):
        if _viewed(node).op == "placeholder":
            output.replace_input_with(node, _copy(graph, node, behind=output.prev))


def _copy(graph: GraphModule, node: Node, behind: Node) -> Node:
    with graph.graph.inserting_after(behind):
        copy = graph.graph.call_function(
            torch.ops.aten.clone.default, (node,), {"memory_format": torch.contiguous_format}
        )
    copy.meta["val"] = torch.empty_like(node.meta["val"], memory_format=torch.contiguous_format)
    return copy


def _viewed(node: Node) -> Node:
    """The node whose memory ``node`` shows."""
    while node.op == "call_function" and (node.target is operator.getitem or _is_view(node.target)):
        node = node.all_input_nodes[0]
    return node


def _is_view(target: Any) -> bool:
    schema = getattr(target, "_schema", None)
    return schema is not None and any(x.alias_info and not x.alias_info.is_write for x in schema.returns)


def _drop_detach(graph: GraphModule) -> None:
    """The graph runs outside of autograd, where these do nothing but cost time."""
    for node in list(graph.graph.nodes):
        if node.target in (torch.ops.aten.detach.default, torch.ops.aten.alias.default):
            node.replace_all_uses_with(node.args[0])
            graph.graph.erase_node(node)


def has_mutation(graph: GraphModule) -> bool:
    """Whether an operation of the graph writes into one of its arguments."""
    schemas = [getattr(node.target, "_schema", None) for node in graph.graph.nodes]
    return any(schema is not None and schema.is_mutable for schema in schemas)


def output_of(graph: GraphModule) -> Node:
    """The node of the results."""
    output: Node = next(node for node in graph.graph.nodes if node.op == "output")
    return output


def inputs_of(graph: GraphModule) -> list[Node]:
    """The nodes of the leaves and the constants."""
    return [node for node in graph.graph.nodes if node.op == "placeholder"]
