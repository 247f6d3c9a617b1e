"""The private names of PyTorch's tracer and compiler that the engine uses, checked with torch 2.13.0."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

from unimod.backends.torch import _private_sizes

Run = Callable[[list[Tensor]], Sequence[Tensor]]

CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"

# The cache of traces has compared shapes and strides already; asserting them again costs 0.1 us for each tensor and
# call.
_OURS = {"size_asserts": False, "alignment_asserts": False, "scalar_asserts": False}


def trace(fn: Callable[..., Any], mode: Any, fakes: Sequence[Tensor], decompose: bool) -> GraphModule:
    """Record what ``fn`` does to fake tensors; ``decompose`` breaks operations up as inductor wants them."""
    table = _decompositions() if decompose else None
    with mode, _private_sizes.dispatcher(fakes):
        return make_fx(fn, decomposition_table=table, tracing_mode="real")(*fakes)


def _decompositions() -> dict[Any, Any]:
    # Some decompositions look into the lowerings, which they expect to be imported.
    importlib.import_module("torch._inductor.lowering")
    from torch._inductor.decomposition import select_decomp_table

    return select_decomp_table()


def compile_graph(graph: GraphModule, mode: Any, fakes: Sequence[Tensor], options: Mapping[str, Any]) -> Run:
    """The machine code of a functional, decomposed graph, as a function of a list that it may empty.

    The inner entry point of inductor has none of Dynamo's guards and none of AOTAutograd's wrappers.
    """
    try:
        from torch._guards import TracingContext, tracing
        from torch._inductor.compile_fx import compile_fx_inner
    except ImportError:
        whole = torch.compile(graph, fullgraph=True, dynamic=False, options=dict(options))
        return lambda inputs: whole(*inputs)
    with _configured({**_layouts(graph, options), **options}), mode, tracing(TracingContext(mode)):
        compiled: Any = compile_fx_inner(graph, list(fakes))
    # The object around it looks for profilers and caches at each call, which takes longer than a small graph.
    run: Run = getattr(compiled, "current_callable", None) or compiled
    return run


@contextlib.contextmanager
def _configured(options: Mapping[str, Any]) -> Iterator[None]:
    from torch._inductor import config

    ours = {name: value for name, value in _OURS.items() if hasattr(config, name)}
    with config.patch({**ours, **options}):
        yield


def _layouts(graph: GraphModule, options: Mapping[str, Any]) -> dict[str, bool]:
    """Whether inductor may choose other layouts than those of the trace, where that is not its own default."""
    # It lays everything with four axes near a convolution out as if axis 1 were the channels. Where images lie channels
    # last already, axis 1 of what is between convolutions is the height, and each is copied to and fro (torch 2.13).
    is_free = options.get("force_layout_optimization", False) or not _lies_channels_last(graph)
    return {} if is_free else {"layout_optimization": False}


def _lies_channels_last(graph: GraphModule) -> bool:
    """Whether there are convolutions, and each reads its image with the channels side by side."""
    found = graph.graph.find_nodes(op="call_function", target=torch.ops.aten.convolution.default)
    strides = [node.args[0].meta["val"].stride(1) for node in found]
    # A stride that is not a number yet is that of another axis.
    return bool(strides) and all(isinstance(stride, int) and stride == 1 for stride in strides)


def options_of_mode(mode: str) -> dict[str, Any] | None:
    """The options of inductor that a mode of ``torch.compile`` stands for; None where there is no such mode."""
    from torch._inductor import list_mode_options

    known = list_mode_options()
    return None if mode != "default" and mode not in known else dict(known.get(mode, {}))


def unknown_options(names: Sequence[str]) -> list[str]:
    """Those of the names that inductor has no option for."""
    from torch._inductor import config

    known: Any = config
    return [name for name in names if name.replace("-", "_") not in known.get_config_copy()]


def set_cache(directory: str | None) -> None:
    """Keep what inductor compiles in a directory, and look there first; None: its own choice."""
    if directory is None:
        os.environ.pop(CACHE_VARIABLE, None)
    else:
        os.environ[CACHE_VARIABLE] = directory
    from torch._inductor import config

    settings: Any = config
    settings.fx_graph_cache = True
    # Modules of machine code that are loaded already stay where they are: only new ones come from the directory.
    runtime: Any = importlib.import_module("torch._inductor.runtime.cache_dir_utils")
    clear = getattr(getattr(runtime, "cache_dir", None), "cache_clear", None)
    if clear is not None:
        clear()
