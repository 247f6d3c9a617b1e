"""torch's own modules as functions of their parameters and buffers, on a template without values."""

from __future__ import annotations

import contextlib
import copy
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from unimod.backends.torch import _private
from unimod.backends.torch._foreign_draws import Draws
from unimod.errors import CapabilityError

Entry = tuple[tuple[str, ...], str]
Values = tuple[tuple[Entry, ...], list[Tensor]]

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


class ForeignModule:
    """A module, or a class with its arguments; nothing that is called changes it.

    Attributes:
        library: whose module it is.
        is_flat: whether names of parameters are written with dots, in dicts without levels.
        is_random: whether it has parts that are known to draw random numbers.
        needs_inputs: whether its first values depend on the shapes of its inputs.
        name: of its class.
    """

    library = "torch"
    is_flat = True
    needs_inputs = False

    def __init__(self, target: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.token = uuid.uuid4().hex
        self.recipe = (target, args, options) if isinstance(target, type) else None
        if self.recipe is not None:
            with torch.device("meta"):
                target = target(*args, **options)
        self.name = type(target).__name__
        self.template = _template(target)
        self.given = None if self.recipe is not None else _values(target)
        self.is_random = any(map(_draws, self.template.modules()))
        self._checked: set[bool] = set()
        self._lock = threading.RLock()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ForeignModule) and self.token == other.token

    def __hash__(self) -> int:
        return hash(self.token)

    def __repr__(self) -> str:
        return self.name

    def __getstate__(self) -> dict[str, Any]:
        # The values are leaves of whatever holds the module, and no part of its structure.
        return {name: value for name, value in vars(self).items() if name not in ("_lock", "given")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, given=None, _lock=threading.RLock())

    def __deepcopy__(self, memo: Any) -> ForeignModule:
        return self

    def given_values(self) -> Values | None:
        """The values of the module itself, in arrays of their own, handed out once; None: a key is needed."""
        given, self.given = self.given, None
        return given

    def init(self, words: Tensor, args: tuple[Any, ...], options: dict[str, Any]) -> Values:
        """Values of a new module of the class, from torch's generator with a seed made of the key."""
        assert self.recipe is not None
        cls, given, named = self.recipe
        with torch.random.fork_rng():
            torch.manual_seed(_seed(words, self.name))
            return _values(cls(*given, **named))

    def call(
        self,
        entries: tuple[Entry, ...],
        leaves: list[Tensor],
        words: Tensor | None,
        is_training: bool,
        args: tuple[Any, ...],
        options: dict[str, Any],
    ) -> tuple[Any, list[Tensor]]:
        """The result, and the leaves: the same objects where nothing has been written."""
        names = [".".join(path) for path, _ in entries]
        values = {
            name: leaf if kind == "Parameter" else leaf.clone()
            for name, (_, kind), leaf in zip(names, entries, leaves, strict=True)
        }
        before = {name: (value, value._version) for name, value in values.items()}
        with self._lock, self._drawing(words, is_training):
            # Not Module.train: it asks each submodule, and some do more than set the mode.
            for module in self.template.modules():
                module.training = is_training
            out = torch.func.functional_call(self.template, values, args, options, tie_weights=True)
        self._checked.add(is_training)
        return out, [
            values[name] if kind != "Parameter" and _is_new(kind, is_training, values[name], *before[name]) else leaf
            for name, (_, kind), leaf in zip(names, entries, leaves, strict=True)
        ]

    def _drawing(self, words: Tensor | None, is_training: bool) -> Any:
        is_needed = words is not None or is_training not in self._checked or _private.is_transforming()
        return Draws(words, self.name) if is_needed else contextlib.nullcontext()


def foreign_module(library: str, target: Any, args: tuple[Any, ...], options: dict[str, Any]) -> ForeignModule | None:
    """A module of torch, or a class of modules; None for everything else. The library "" is any."""
    if library not in ("", "torch.nn"):
        return None
    is_class = isinstance(target, type) and issubclass(target, Module)
    return ForeignModule(target, args, options) if is_class or isinstance(target, Module) else None


def _template(module: Module) -> Module:
    """A copy of the module whose parameters and buffers have no values; ties stay."""
    memo: dict[int, Any] = {}
    for parameter in module.parameters():
        memo[id(parameter)] = torch.nn.Parameter(_ghost(parameter), parameter.requires_grad)
    for buffer in module.buffers():
        memo[id(buffer)] = _ghost(buffer)
    return copy.deepcopy(module, memo)


def _ghost(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, device="meta").detach()


def _values(module: Module) -> Values:
    found = [*_parameters(module), *_buffers(module)]
    return tuple(entry for entry, _ in found), [tensor.detach().clone() for _, tensor in found]


def _parameters(module: Module) -> Iterator[tuple[Entry, Tensor]]:
    for name, parameter in module.named_parameters():
        if isinstance(parameter, torch.nn.parameter.UninitializedParameter):
            raise CapabilityError(
                f"{type(module).__name__} has parameters whose sizes are not known yet.",
                where=name,
                fix="call it once on an example input before it is wrapped, or give the sizes",
            )
        yield (tuple(name.split(".")), "Parameter" if parameter.requires_grad else "State"), parameter


def _buffers(module: Module) -> Iterator[tuple[Entry, Tensor]]:
    for name, buffer in module.named_buffers():
        path = tuple(name.split("."))
        yield (path, "BatchStat" if path[-1] in _STATISTICS else "State"), buffer


def _is_new(kind: str, is_training: bool, value: Tensor, clone: Tensor, version: int) -> bool:
    # The kernel of batch normalisation writes its statistics without a new version.
    return (kind == "BatchStat" and is_training) or value is not clone or value._version != version


def _draws(module: Module) -> bool:
    """Whether a module is known to draw: by its class, or by a rate that is not 0."""
    if isinstance(module, (torch.nn.RReLU, torch.nn.FractionalMaxPool2d, torch.nn.FractionalMaxPool3d)):
        return True
    rate = module.p if isinstance(module, torch.nn.modules.dropout._DropoutNd) else getattr(module, "dropout", 0)
    return isinstance(rate, (int, float)) and rate > 0


def _seed(words: Tensor, name: str) -> int:
    if _private.is_transforming():
        raise CapabilityError(
            f"First values of {name} are made by torch's own generator, and cannot be traced.",
            fix="call init outside of transforms",
        )
    high, low = (int(word) for word in words.tolist())
    return (high << 32 | low) & 0x7FFF_FFFF_FFFF_FFFF
