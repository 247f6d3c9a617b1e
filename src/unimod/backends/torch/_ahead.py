"""Programs that are traced and compiled before they are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from unimod.backends._protocol import FlatFn
from unimod.backends.torch import _lower, _private, _private_ended, _saved
from unimod.backends.torch._entry import Entry, plain
from unimod.backends.torch._trace import Compiler, trace


class Lowered:
    """A function, traced."""

    def __init__(self, fn: FlatFn, leaves: Sequence[Tensor], compiler: Compiler, donated: tuple[int, ...]) -> None:
        self.entry = Entry(fn, leaves, compiler, donated, _private.ambient())
        self.leaves = [(x.shape, x.dtype, x.device) for x in leaves]

    def as_text(self) -> str:
        """The graph, as Python code."""
        return str(self.entry.traced.graph.code)

    def compile(self) -> Compiled:
        """The machine code."""
        self.entry.lower()
        return Compiled(self.entry)


class Compiled:
    """A function, compiled."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def run(self, leaves: list[Any]) -> tuple[list[Tensor], Any]:
        """The outputs, and what the function returned beside them."""
        return self.entry.run([plain(x) for x in leaves])

    def as_text(self) -> str:
        """The graph that was compiled, as Python code."""
        return str(self.entry.traced.graph.code)

    def cost(self) -> dict[str, float]:
        """The floating-point operations of products of matrices, convolutions and attention."""
        traced = self.entry.traced
        with _private_ended.in_use(traced.mode, is_last=True), traced.mode, FlopCounterMode(display=False) as counter:
            traced.graph(*traced.fakes)
        return {"flops": float(counter.get_total_flops())}

    def memory(self) -> dict[str, float]:
        """Bytes of the arguments, of what was captured, and of the results."""
        traced = self.entry.traced
        fakes, constants = traced.fakes, len(self.entry.constants)
        arguments = fakes[: len(fakes) - constants]
        results = [node.meta["val"] for node in _lower.results(traced)]
        return {
            "argument_size_in_bytes": float(_size(arguments)),
            "constant_size_in_bytes": float(_size(fakes[len(fakes) - constants :])),
            "output_size_in_bytes": float(_size(results)),
            "alias_size_in_bytes": float(_size([arguments[i] for i in self.entry.written])),
        }


def _size(tensors: Sequence[Tensor]) -> int:
    return sum(x.numel() * x.element_size() for x in tensors)


def lower(
    fn: FlatFn,
    leaves: list[Any],
    *,
    donate: Sequence[int] = (),
    compiler: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Lowered:
    """``fn``, traced for leaves like these."""
    choice = _lower.choose("graph" if compiler == "none" else compiler, options)
    return Lowered(fn, [plain(x) for x in leaves], choice, tuple(donate))


def export(fn: FlatFn, leaves: list[Any]) -> dict[str, bytes]:
    """``fn`` for leaves like these, as files."""
    traced = trace(fn, [plain(x) for x in leaves], compiler=Compiler("graph"))
    with _private_ended.in_use(traced.mode, is_last=True):
        return _saved.to_files(traced)


def import_exported(files: dict[str, bytes]) -> FlatFn:
    """The function in the files."""
    run = _saved.from_files(files)
    return lambda leaves: (run(leaves), None)
