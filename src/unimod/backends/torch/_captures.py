"""Functions that capture tensors of a trace, as functions of these tensors.

The body of a loop is traced by itself, so what it captured from the trace around it must come in as an argument. A
mode sees every call of a torch function, and puts a stand-in where a captured tensor stands.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from unimod.backends.torch import _private

Tensors = Sequence[Tensor]


class _Local(threading.local):
    active: Substitution | None = None


_local = _Local()


class Captures:
    """The tensors of traces around a function that it was seen to use, in the order in which it did."""

    def __init__(self, tracers: tuple[Any, ...]) -> None:
        self.tracers = tracers
        self.tensors: list[Tensor] = []
        self.places: dict[int, int] = {}

    def place(self, x: Tensor, is_open: bool) -> int | None:
        """The number of a captured tensor; None for one that is made inside."""
        found = self.places.get(id(x))
        if found is None and is_open and self.is_outside(x):
            found = self.places[id(x)] = len(self.tensors)
            self.tensors.append(x)
        return found

    def is_outside(self, x: Tensor) -> bool:
        """Whether it is a tensor of a trace around the function."""
        inner = _private.innermost(x)
        return any(inner in tracer.tensor_tracker for tracer in self.tracers)


class Substitution(TorchFunctionMode):
    """Puts stand-ins in the place of captured tensors; without an example for one, a new one is made by ``make``."""

    def __init__(self, captures: Captures, stand_ins: list[Tensor], make: Callable[[Tensor], Tensor] | None) -> None:
        super().__init__()
        self.captures, self.stand_ins, self.make = captures, stand_ins, make

    def __enter__(self) -> Substitution:
        self.before, _local.active = _local.active, self
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *args: Any) -> None:
        _local.active = self.before
        super().__exit__(*args)  # type: ignore[no-untyped-call]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call ``func`` with stand-ins."""
        args, kwargs = pytree.tree_map_only(Tensor, self.resolve, (args, kwargs or {}))
        return func(*args, **kwargs)

    def resolve(self, x: Tensor) -> Tensor:
        """``x``, or what stands for it."""
        place = self.captures.place(x, self.make is not None)
        if place is None:
            return x if self.before is None else self.before.resolve(x)
        if self.make is not None and place == len(self.stand_ins):
            # Asking a tensor for its shape is a call too, which would come here again.
            with _private.unseen():
                self.stand_ins.append(self.make(x))
        return self.stand_ins[place]


def resolved(xs: Iterable[Any]) -> list[Any]:
    """The same values, for calls that no mode sees: stand-ins where captured tensors stand."""
    active = _local.active
    return list(xs) if active is None else [active.resolve(x) if isinstance(x, Tensor) else x for x in xs]
