"""How leaves of a layer correspond to entries of another library: names, and functions of arrays there and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from unimod.core.module import Module

Arrays = tuple[Any, ...]
Change = Callable[..., Arrays]


@dataclasses.dataclass(frozen=True)
class Rule:
    """Some leaves of a layer, and what they are elsewhere.

    Attributes:
        own: their paths below the layer.
        foreign: the names of the entries below the layer's place.
        load: of the arrays of the entries, those of the leaves.
        dump: the opposite.
    """

    own: tuple[str, ...]
    foreign: tuple[str, ...]
    load: Change
    dump: Change


@dataclasses.dataclass(frozen=True)
class Layer:
    """What a layer is elsewhere.

    Attributes:
        rules: of its leaves.
        ignored: entries that have no leaf, with what is written in their place.
    """

    rules: tuple[Rule, ...]
    ignored: tuple[tuple[str, Any], ...] = ()


def itself(*arrays: Any) -> Arrays:
    """The same arrays."""
    return arrays


def same(own: str, foreign: str) -> Rule:
    """A leaf that differs in its name only."""
    return Rule((own,), (foreign,), itself, itself)


def moved(own: str, foreign: str, axes: Callable[[int], tuple[int, ...]]) -> Rule:
    """A leaf with other axes: ``axes(ndim)`` are those of the entry in the order of the leaf."""

    def load(array: Any) -> Arrays:
        return (array.transpose(axes(array.ndim)),)

    def dump(array: Any) -> Arrays:
        return (array.transpose(tuple(np.argsort(axes(array.ndim)).tolist())),)

    return Rule((own,), (foreign,), load, dump)


def transposed(own: str, foreign: str) -> Rule:
    """A matrix, transposed."""
    return moved(own, foreign, lambda ndim: (1, 0))


def split(own: str, foreign: tuple[str, ...]) -> Rule:
    """A leaf whose last axis is divided into several entries, such as the gates of a cell."""
    return Rule(
        (own,),
        foreign,
        lambda *parts: (np.concatenate(parts, -1),),
        lambda whole: tuple(np.split(whole, len(foreign), -1)),
    )


def present(module: Module, *rules: Rule) -> tuple[Rule, ...]:
    """The rules whose leaves the layer has."""
    return tuple(rule for rule in rules if all(_has(module, path) for path in rule.own))


def below(child: str, layer: Layer, prefix: str) -> Iterator[Rule]:
    """The rules of a part of a layer, of which the entries have a prefix."""
    for rule in layer.rules:
        yield dataclasses.replace(
            rule,
            own=tuple(f"{child}.{name}" for name in rule.own),
            foreign=tuple(joined(prefix, name) for name in rule.foreign),
        )


def joined(prefix: str, name: str) -> str:
    """The name of an entry below a prefix; a collection stays in front."""
    collection, slash, rest = name.rpartition("/")
    return f"{collection}{slash}{prefix}.{rest}" if prefix else name


def _has(module: Any, path: str) -> bool:
    for name in path.split("."):
        module = module[int(name)] if isinstance(module, (list, tuple)) else getattr(module, name, None)
        if module is None:
            return False
    return True
