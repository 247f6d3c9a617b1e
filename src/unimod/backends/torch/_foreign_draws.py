"""Random numbers that torch's own modules draw, made of a key of unimod: the same under every transform."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from unimod.backends.torch import _private, random
from unimod.backends.torch.dtypes import name_of
from unimod.errors import CapabilityError

Rule = Callable[..., Tensor]
aten = torch.ops.aten


class Draws(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's class hook has no types
    """While it is entered, each operation that draws takes the next key; without a key it is an error."""

    def __init__(self, words: Tensor | None, name: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if words is not None and _private.is_batched(words):
            raise CapabilityError(
                f"{name} draws random numbers, and cannot be mapped over keys.",
                fix="map with one key, with which each entry draws numbers of its own",
            )
        self.words, self.name, self.count = words, name, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """One operation."""
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        rule = _RULES.get(func)
        if rule is None:
            raise CapabilityError(
                f"{self.name} draws random numbers in a way that no key can be given to.",
                got=str(func),
                expected=", ".join(sorted(str(known) for known in _RULES)),
            )
        if self.words is None:
            raise CapabilityError(
                f"{self.name} draws random numbers, and has no key.",
                got=str(func),
                fix="pass is_random=True when wrapping the module, or key=um.random.key(0) to functional_module's call",
            )
        self.count += 1
        return rule(random.fold_in(self.words, self.count), *args, **kwargs)


def _bernoulli_in_place(key: Tensor, x: Tensor, p: float = 0.5, generator: Any = None) -> Tensor:
    return x.copy_(random.bernoulli(key, p, tuple(x.shape)))


def _bernoulli(key: Tensor, x: Tensor, p: Any = None, generator: Any = None) -> Tensor:
    return random.bernoulli(key, x if p is None else p, tuple(x.shape)).to(x.dtype)


def _uniform_in_place(key: Tensor, x: Tensor, low: float = 0, high: float = 1, generator: Any = None) -> Tensor:
    return x.copy_(random.uniform(key, tuple(x.shape), "float32", low, high))


def _normal_in_place(key: Tensor, x: Tensor, mean: float = 0, std: float = 1, generator: Any = None) -> Tensor:
    return x.copy_(random.normal(key, tuple(x.shape), "float32") * std + mean)


def _exponential_in_place(key: Tensor, x: Tensor, rate: float = 1, generator: Any = None) -> Tensor:
    return x.copy_(random.exponential(key, tuple(x.shape), "float32") / rate)


def _rand(key: Tensor, size: Any, *, dtype: Any = None, **_: Any) -> Tensor:
    return random.uniform(key, tuple(size), name_of(dtype or torch.get_default_dtype()), 0, 1)


def _randn(key: Tensor, size: Any, *, dtype: Any = None, **_: Any) -> Tensor:
    return random.normal(key, tuple(size), name_of(dtype or torch.get_default_dtype()))


def _rand_like(key: Tensor, x: Tensor, *, dtype: Any = None, **_: Any) -> Tensor:
    return random.uniform(key, tuple(x.shape), name_of(dtype or x.dtype), 0, 1)


def _randn_like(key: Tensor, x: Tensor, *, dtype: Any = None, **_: Any) -> Tensor:
    return random.normal(key, tuple(x.shape), name_of(dtype or x.dtype))


_RULES: dict[Any, Rule] = {
    aten.bernoulli_.float: _bernoulli_in_place,
    aten.bernoulli.default: _bernoulli,
    aten.bernoulli.p: _bernoulli,
    aten.uniform_.default: _uniform_in_place,
    aten.normal_.default: _normal_in_place,
    aten.exponential_.default: _exponential_in_place,
    aten.rand.default: _rand,
    aten.randn.default: _randn,
    aten.rand_like.default: _rand_like,
    aten.randn_like.default: _randn_like,
}
