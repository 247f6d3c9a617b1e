"""Modules and keys as nodes of the frameworks' own pytree registries: plain ``jax.jit`` and torch.func take them."""

from __future__ import annotations

from collections.abc import Iterator

from unimod.backends import _registry
from unimod.backends._protocol import Engine
from unimod.core import node as nodes
from unimod.core import walk
from unimod.core.node import Node
from unimod.random import Key


def install() -> None:
    """Register all classes there are with all engines there are, and those that come later when they come."""
    nodes.on_class(_register_class)
    _registry.on_load(_register_engine)


def _register_class(cls: type) -> None:
    for engine in _registry.loaded():
        _register(engine, cls)


def _register_engine(engine: Engine) -> None:
    engine.facts.register_node(Key, lambda key: ([key.data], None), lambda _, leaves: Key(*leaves))
    for cls in dict.fromkeys(_below(Node)):
        _register(engine, cls)


def _register(engine: Engine, cls: type) -> None:
    engine.facts.register_node(
        cls, walk.flatten_node, lambda structure, leaves: walk.unflatten(structure, list(leaves))
    )


def _below(cls: type) -> Iterator[type]:
    yield cls
    children: list[type] = cls.__subclasses__()
    for child in children:
        yield from _below(child)
