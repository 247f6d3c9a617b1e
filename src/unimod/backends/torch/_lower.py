"""From a recorded graph to something that runs: inductor's machine code, or the graph as it is."""

from __future__ import annotations

import functools
import os
import shutil
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch import _private
from unimod.backends.torch._trace import Traced, has_mutation
from unimod.errors import OptionError

VARIABLE = "UNIMOD_TORCH_COMPILER"
COMPILERS = ("inductor", "graph", "none")

Run = Callable[[list[Tensor]], Sequence[Tensor]]


def choose(compiler: str | None) -> str:
    """The compiler to use: the argument, else ``UNIMOD_TORCH_COMPILER``, else what the machine has.

    ``"auto"`` stands for inductor that nobody asked for: where it fails, the graph runs as it is.

    Raises:
        OptionError: there is no compiler of that name.
    """
    name = compiler or os.environ.get(VARIABLE)
    if not name:
        return _default()
    if name not in COMPILERS:
        raise OptionError(
            f"The torch engine has no compiler called {name!r}.",
            got=repr(name),
            expected=f"one of {', '.join(COMPILERS)}",
            fix=f"change compiler= or the environment variable {VARIABLE}",
        )
    return name


@functools.cache
def _default() -> str:
    if any(shutil.which(name) for name in (os.environ.get("CXX", ""), "g++", "clang++", "cl") if name):
        return "auto"
    warnings.warn(
        "No C++ compiler was found, so jitted functions run as traced graphs of torch operations, which is slower. "
        f'Install g++ or clang++, or set {VARIABLE}="graph" to choose this without a warning.',
        RuntimeWarning,
        stacklevel=2,
    )
    return "graph"


def lower(traced: Traced, compiler: str) -> Run:
    """A function of the list of leaves and constants that gives the results of the graph."""
    if not _results(traced):
        return _interpreted(traced) if _has_effects(traced) else lambda inputs: ()
    if compiler == "graph":
        return _interpreted(traced)
    try:
        return _private.compile_graph(_functional(traced), traced.mode, traced.fakes)
    except Exception as error:
        if compiler != "auto":
            raise
        warnings.warn(
            "torch's compiler failed on a jitted function, which therefore runs as a traced graph of torch operations. "
            f'Pass compiler="graph" to choose this without a warning. The failure: {error}',
            RuntimeWarning,
            stacklevel=2,
        )
        return _interpreted(traced)


def _interpreted(traced: Traced) -> Run:
    forward = traced.graph.forward
    return lambda inputs: forward(*inputs)


def _functional(traced: Traced) -> Any:
    """The graph without operations that write into their arguments, which inductor would misread."""
    if not has_mutation(traced.graph):
        return traced.graph
    pure = torch.func.functionalize(traced.graph, remove="mutations")
    with torch.no_grad():
        return _private.trace(pure, traced.mode, traced.fakes, decompose=True)


def _results(traced: Traced) -> Any:
    return next(node for node in traced.graph.graph.nodes if node.op == "output").args[0]


def _has_effects(traced: Traced) -> bool:
    """Whether a node does something that its result does not tell, such as a callback."""
    return any(node.op == "call_function" and node.is_impure() for node in traced.graph.graph.nodes)
