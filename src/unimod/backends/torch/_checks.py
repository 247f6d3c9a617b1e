"""Checks of a function that runs or is traced: a mode that sees each operation below ``torch.func`` and autograd."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from unimod.backends import _failures
from unimod.backends.torch import _private
from unimod.backends.torch._private_rules import has_no_memory

How = tuple[tuple[str, int], ...]
"""The text of each check, and how many values it has."""

_DIVISIONS = frozenset({"div", "floor_divide", "reciprocal", "remainder", "fmod"})


class Checks(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's class hook has no types
    """Keeps the first failure in a tensor, so that it is part of a trace.

    Attributes:
        code: the number of the first check that failed, or -1.
        texts: of all checks so far; those that are made of values, with these.
    """

    def __init__(self, kinds: frozenset[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kinds = kinds
        self.code = torch.full((), -1, dtype=torch.int32)
        self.texts: list[str] = []
        self.values: list[list[Tensor]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """Run an operation, and look at what goes in and comes out."""
        if all(mode is not self for mode in active.modes):
            # The body of a loop has modes of its own.
            return func(*args, **(kwargs or {}))
        kwargs = _private.without_meta(func, args, kwargs or {})
        name = func.overloadpacket.__name__
        if name == "check_value":
            condition, values, number = args
            self.note(~condition, _texts[number], list(values))
            return condition.clone()
        if _failures.DIVISION in self.kinds and name in _DIVISIONS:
            self.note(_any_zero(args[-1] if name == "reciprocal" else args[1]), _failures.TEXTS[_failures.DIVISION])
        out = func(*args, **kwargs)
        if _failures.NAN in self.kinds and not func.is_view and name not in _NO_RESULT:
            for x in out if isinstance(out, (tuple, list)) else (out,):
                if isinstance(x, Tensor) and (x.is_floating_point() or x.is_complex()) and not has_no_memory(x):
                    self.note(torch.isnan(x).any(), _failures.TEXTS[_failures.NAN])
        return out

    def note(self, is_wrong: Any, text: str, values: Sequence[Tensor] = ()) -> None:
        """A check that failed, unless another one did before."""
        if is_wrong is False:
            return
        number = len(self.texts) if values or text not in self.texts else self.texts.index(text)
        if number == len(self.texts):
            self.texts.append(text)
            self.values.append(list(values))
        wrong = is_wrong if isinstance(is_wrong, Tensor) else torch.full((), bool(is_wrong))
        self.code = torch.where((self.code < 0) & wrong.to(self.code.device), number, self.code)

    def merge(self, code: Tensor, values: Sequence[Tensor], how: How) -> None:
        """What the checks of a loop or a branch found, unless a check failed before."""
        start, rest = len(self.texts), list(values)
        for text, count in how:
            self.texts.append(text)
            self.values.append(rest[:count])
            rest = rest[count:]
        self.code = torch.where((self.code < 0) & (code >= 0), code + start, self.code)

    def found(self) -> tuple[list[Tensor], How]:
        """The number of the failure and all values, and for each check its text and how many values it has."""
        values = [value for row in self.values for value in row]
        return [self.code, *values], tuple((t, len(v)) for t, v in zip(self.texts, self.values, strict=True))


_NO_RESULT = frozenset({"empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided", "detach", "where"})
"""Operations whose result has no values yet, or only those of an argument."""


def _any_zero(divisor: Any) -> Any:
    return (divisor == 0).any() if isinstance(divisor, Tensor) else divisor == 0


class _Active(threading.local):
    def __init__(self) -> None:
        self.modes: list[Checks] = []


active = _Active()


def watched(fn: Callable[[list[Tensor]], list[Tensor]], values: list[Tensor]) -> tuple[list[Tensor], tuple[How, ...]]:
    """What ``fn`` gives, and then what its own checks find, for each of the active modes."""
    outer, modes = active.modes, [Checks(mode.kinds) for mode in active.modes]
    active.modes = modes
    try:
        with contextlib.ExitStack() as stack:
            for mode in modes:
                stack.enter_context(mode)
            outputs = fn(values)
    finally:
        active.modes = outer
    found = [mode.found() for mode in modes]
    return [*outputs, *(x for tensors, _ in found for x in tensors)], tuple(how for _, how in found)


def noted(found: Sequence[Tensor], hows: Sequence[How]) -> None:
    """Tell the active modes what the checks of a loop or a branch found."""
    start = 0
    with _private.outside_levels():
        for mode, how in zip(active.modes, hows, strict=True):
            stop = start + 1 + sum(count for _, count in how)
            code, *values = (_private.innermost(x).detach() for x in found[start:stop])
            mode.merge(code, values, how)
            start = stop


_texts: dict[int, str] = {}
_numbers: dict[str, int] = {}


def number_of(text: str) -> int:
    """A number for a text, as operators take no long texts through a trace."""
    number = _numbers.setdefault(text, len(_numbers))
    _texts[number] = text
    return number


def _value(condition: Tensor, values: Sequence[Tensor], number: int) -> Tensor:
    return condition.clone()


def _vmap_value(info: Any, in_dims: Any, condition: Tensor, values: Sequence[Tensor], number: int) -> Any:
    """The first of the mapped calls in which the check fails."""
    dim, dims = in_dims[0], in_dims[1]
    calls = condition.movedim(dim, 0) if dim is not None else condition.expand(info.batch_size)
    place = torch.argmin(calls.to(torch.int8))
    # An index that is a tensor would be asked for its value.
    pairs = zip(values, dims, strict=True)
    kept = [v if d is None else v.movedim(d, 0).index_select(0, place.reshape(1))[0] for v, d in pairs]
    return check_value(calls.all(), kept, number), None


check_value = _private.define_op(
    "check_value(Tensor condition, Tensor[] values, int number) -> Tensor", _value, _value, vmap=_vmap_value
)
