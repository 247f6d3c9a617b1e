"""The private names of PyTorch's symbolic sizes that the engine uses, checked with torch 2.13.0.

Where one of them is missing, no size is open, and each size has a trace of its own.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Places = Sequence[Sequence[int]]
"""For each tensor the axes along which its size is open."""


class OpenSizes:
    """The sizes of a trace that stand for any number from two on, and what the trace has assumed about them.

    Two sizes that are equal in the examples are two sizes: where an operation needs them to be equal, that is assumed.

    Args:
        mode: of the fake tensors of the trace.
        leaves: the examples.
        places: the axes of each that are open.
    """

    def __init__(self, mode: Any, leaves: Sequence[Tensor], places: Places) -> None:
        self.mode = mode
        self.places = [(i, axis) for i, axes in enumerate(places) for axis in axes]
        self.sizes = [_open(mode.shape_env, leaves[i].shape[axis], n) for n, (i, axis) in enumerate(self.places)]

    def shape(self, i: int, x: Tensor) -> tuple[Any, ...]:
        """The shape of leaf ``i``, with its open sizes."""
        shape = list(x.shape)
        for (leaf, axis), size in zip(self.places, self.sizes, strict=True):
            if leaf == i:
                shape[axis] = size
        return tuple(shape)

    def close(self) -> None:
        """The trace has assumed what it will assume."""
        self.text = self.mode.shape_env.produce_guards_expression(self.sizes)

    def hold(self, leaves: Sequence[Tensor]) -> bool:
        """Whether all that was assumed is true of the sizes of other leaves."""
        if self.text is None:
            return True
        sizes = [leaves[i].shape[axis] for i, axis in self.places]
        return bool(self.mode.shape_env.evaluate_guards_expression(self.text, sizes))


def _open(env: Any, example: int, number: int) -> Any:
    shapes: Any = importlib.import_module("torch.fx.experimental.symbolic_shapes")
    source = importlib.import_module("torch._dynamo.source").ConstantSource(f"size{number}")
    symbol = env.create_symbol(example, source, dynamic_dim=shapes.DimDynamic.DYNAMIC)
    return env.create_symintnode(symbol, hint=example, source=source)


def is_known(condition: Any) -> bool:
    """Whether a condition on sizes is true of all sizes; nothing is assumed by asking."""
    if isinstance(condition, bool):
        return condition
    from torch.fx.experimental.symbolic_shapes import statically_known_true

    return statically_known_true(condition)


def are_same(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether two shapes are the same, whatever the open sizes in them."""
    return len(a) == len(b) and all(is_known(m == n) for m, n in zip(a, b, strict=True))


def are_open(xs: Sequence[Tensor]) -> bool:
    """Whether one of the tensors has an open size."""
    return any(isinstance(n, torch.SymInt) for x in xs for n in x.shape)


def dispatcher(xs: Sequence[Tensor]) -> contextlib.AbstractContextManager[Any]:
    """Where sizes are open, operations that are made of others are taken apart by rules that leave them open."""
    if not are_open(xs):
        return contextlib.nullcontext()
    enable: Callable[[], Any] = importlib.import_module("torch._dispatch.python").enable_python_dispatcher
    return enable()  # type: ignore[no-any-return]
