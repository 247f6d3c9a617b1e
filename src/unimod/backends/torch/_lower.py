"""From a recorded graph to something that runs: inductor's machine code, or the graph as it is."""

from __future__ import annotations

import functools
import os
import shutil
import warnings
from collections.abc import Mapping
from typing import Any

import torch

from unimod.backends.torch import _private_compile, _private_ended
from unimod.backends.torch._private_compile import Run
from unimod.backends.torch._trace import Compiler, Traced, has_mutation, output_of
from unimod.errors import CapabilityError, OptionError

VARIABLE = "UNIMOD_TORCH_COMPILER"
COMPILERS = ("inductor", "cudagraphs", "graph", "none")


def choose(compiler: str | None, options: Mapping[str, Any] | None = None) -> Compiler:
    """The compiler to use: the argument, else ``UNIMOD_TORCH_COMPILER``, else what the machine has.

    ``"auto"`` stands for inductor that nobody asked for: where it fails, the graph runs as it is.

    Raises:
        OptionError: there is no compiler of that name, or no such option.
        CapabilityError: it needs a device that is not there.
    """
    name = _named(compiler or os.environ.get(VARIABLE))
    if name == "cudagraphs" and not torch.cuda.is_available():
        raise CapabilityError(
            "There are no CUDA graphs on this machine.",
            got='compiler="cudagraphs", and no CUDA device',
            expected="a CUDA device that torch can use",
            fix='choose compiler="inductor"',
        )
    more = {"triton.cudagraphs": True} if name == "cudagraphs" else {}
    return Compiler(name, tuple(sorted({**more, **_options(options or {})}.items())))


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of inductor; ``mode`` stands for those that ``torch.compile`` means by it."""
    options = {name.replace("-", "_"): value for name, value in options.items()}
    mode = options.pop("mode", "default")
    meant = _private_compile.options_of_mode(mode)
    unknown = _private_compile.unknown_options(list(options)) if meant is not None else [f"mode={mode}"]
    if meant is None or unknown:
        raise OptionError(
            f"torch's compiler has no option {unknown[0]!r}.",
            got=f"compiler_options with {unknown[0]!r}",
            expected="'mode', as in torch.compile, or names of torch._inductor.config",
        )
    return {**meant, **options}


def _named(name: str | None) -> str:
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


def lower(traced: Traced, compiler: Compiler) -> Run:
    """A function of the list of leaves and constants that gives the results of the graph. The trace ends with this."""
    with _private_ended.in_use(traced.mode, is_last=True):
        return _lowered(traced, compiler)


def _lowered(traced: Traced, compiler: Compiler) -> Run:
    if not results(traced) and not has_mutation(traced.graph):
        return _interpreted(traced) if _has_effects(traced) else lambda inputs: ()
    if compiler.name == "graph":
        return _interpreted(traced)
    try:
        make_functional(traced)
        return _private_compile.compile_graph(traced.graph, traced.mode, traced.fakes, dict(compiler.options))
    except Exception as error:
        if compiler.name != "auto":
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


def make_functional(traced: Traced) -> None:
    """Free the graph of operations that write into their arguments, which inductor would misread."""
    if has_mutation(traced.graph) and not traced.is_functional:
        pure = torch.func.functionalize(traced.graph, remove="mutations")
        with torch.no_grad():
            traced.graph = _private_compile.trace(pure, traced.mode, traced.fakes, decompose=True)
    traced.is_functional = True


def results(traced: Traced) -> Any:
    """The nodes of the results."""
    return output_of(traced.graph).args[0]


def _has_effects(traced: Traced) -> bool:
    """Whether a node does something that its result does not tell, such as a callback."""
    return any(node.op == "call_function" and node.is_impure() for node in traced.graph.graph.nodes)
