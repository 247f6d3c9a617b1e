"""A graph as JSON and arrays as raw bytes, and back. Nothing is pickled: a file can name operators of torch only."""

from __future__ import annotations

import json
import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule, Node

from unimod.backends.torch._trace import Traced
from unimod.errors import CapabilityError

_NAMESPACES = ("aten", "prims", "unimod")
_REFUSED = ("unimod.region", "unimod.callback")
_GETITEM = "getitem"
_NAMED = {"dtype": torch.dtype, "layout": torch.layout, "memory_format": torch.memory_format}


def to_files(traced: Traced) -> dict[str, bytes]:
    """The files of a program.

    Raises:
        CapabilityError: the graph has a node that another process does not know.
    """
    nodes = [_written(node) for node in traced.graph.graph.nodes]
    constants = [x.contiguous() for x in traced.constants]
    about = [{"dtype": str(x.dtype).split(".")[1], "shape": list(x.shape)} for x in constants]
    program = {"nodes": nodes, "plan": list(traced.plan), "constants": about}
    files = {f"constants/{i}": _bytes(x) for i, x in enumerate(constants)}
    return {"program.json": json.dumps(program).encode(), **files}


def from_files(files: dict[str, bytes]) -> Any:
    """The function of a list of leaves that :func:`to_files` wrote."""
    program = json.loads(files["program.json"])
    constants = [_tensor(files[f"constants/{i}"], about) for i, about in enumerate(program["constants"])]
    module = _read(program["nodes"])
    plan = program["plan"]

    def run(leaves: list[Tensor]) -> list[Tensor]:
        results = module(*leaves, *constants)
        return [results[i] if i >= 0 else leaves[~i] for i in plan]

    return run


def _bytes(x: Tensor) -> bytes:
    return bytes(x.cpu().reshape(-1).view(torch.uint8).numpy())


def _tensor(data: bytes, about: dict[str, Any]) -> Tensor:
    dtype = getattr(torch, about["dtype"])
    if not data:
        return torch.empty(about["shape"], dtype=dtype)
    return torch.frombuffer(bytearray(data), dtype=dtype).reshape(about["shape"])


def _written(node: Node) -> dict[str, Any]:
    name = _GETITEM if node.target is operator.getitem else str(node.target)
    if node.op == "call_function" and (name.startswith(_REFUSED) or not _is_known(name)):
        raise CapabilityError(
            "A function with a loop, a branch or a callback cannot be saved on torch.",
            got=f"the operator {name}",
            expected="operators that every process knows",
            fix="save the function that is inside of the loop, or write the steps out",
        )
    return {"name": node.name, "op": node.op, "target": name, "args": _out(node.args), "kwargs": _out(node.kwargs)}


def _is_known(name: str) -> bool:
    return name == _GETITEM or name.split(".")[0] in _NAMESPACES


def _out(value: Any) -> Any:
    """An argument of a node as JSON."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_out(x) for x in value]
    if isinstance(value, dict):
        return {"dict": {name: _out(x) for name, x in value.items()}}
    if isinstance(value, Node):
        return {"node": value.name}
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, torch.device):
        return {"device": str(value)}
    for kind, cls in _NAMED.items():
        if isinstance(value, cls):
            return {kind: str(value).split(".")[1]}
    raise CapabilityError("An operation has an argument that cannot be saved.", got=f"{type(value).__name__}: {value}")


def _in(value: Any, nodes: dict[str, Node]) -> Any:
    """The argument of a node of JSON."""
    if isinstance(value, list):
        return [_in(x, nodes) for x in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "dict":
        return {name: _in(x, nodes) for name, x in inner.items()}
    if kind == "node":
        return nodes[inner]
    if kind == "complex":
        return complex(*inner)
    return torch.device(inner) if kind == "device" else _named(kind, inner)


def _named(kind: str, name: str) -> Any:
    value = getattr(torch, name, None)
    if not isinstance(value, _NAMED[kind]):
        raise CapabilityError("A saved function is not readable.", got=f"{kind} {name!r}")
    return value


def _read(written: Sequence[dict[str, Any]]) -> GraphModule:
    graph = Graph()
    nodes: dict[str, Node] = {}
    for line in written:
        args, kwargs = tuple(_in(line["args"], nodes)), _in(line["kwargs"], nodes)
        if line["op"] == "placeholder":
            nodes[line["name"]] = graph.placeholder(line["name"])
        elif line["op"] == "output":
            graph.output(*args)
        else:
            nodes[line["name"]] = graph.call_function(_target(line["target"]), args, kwargs)
    return GraphModule(torch.nn.Module(), graph)


def _target(name: str) -> Any:
    if name == _GETITEM:
        return operator.getitem
    if not _is_known(name) or name.count(".") != 2:
        raise CapabilityError("A saved function is not readable.", got=f"the operator {name!r}")
    namespace, packet, overload = name.split(".")
    return getattr(getattr(getattr(torch.ops, namespace), packet), overload)
