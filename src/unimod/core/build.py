"""Building an object from a list of leaves and its structure."""

from __future__ import annotations

import collections
import itertools
from typing import Any

from unimod.core import skeleton as sk
from unimod.core.kinds import Nothing, TreePart
from unimod.core.node import attributes_of, get_scope, set_lazy
from unimod.core.skeleton import Child, Fixed, Leaf, Skeleton


class _Build:
    """One pass that builds a module with everything below it."""

    __slots__ = ("entities", "leaves", "scope")

    def __init__(self, leaves: list[Any], scope: Any) -> None:
        self.leaves = iter(leaves)
        self.entities: list[Any] = []
        self.scope = scope

    def fill(self, node: Any, structure: Skeleton) -> None:
        self.entities.append(node)
        object.__setattr__(node, "_um_meta", structure.meta)
        object.__setattr__(node, "_um_tied", None)
        object.__setattr__(node, "_um_scope", self.scope)
        attributes = {}
        for name, child in zip(structure.names or (), structure.children, strict=True):
            value = (
                next(self.leaves) if child.__class__ is Leaf and not child.is_tied else self.child(child, node, name)
            )
            attributes[name] = value
        known = attributes_of(node)
        known.update({**attributes, **known})  # what was set past the node is newer than the leaves

    def child(self, structure: Child, owner: Any, name: Any) -> Any:
        if isinstance(structure, Skeleton):
            if structure.is_module:
                node: Any = object.__new__(structure.type)
                set_lazy(node, None)
                self.fill(node, structure)
                return node
            return container(structure, self.items(structure))
        if isinstance(structure, sk.Alias):
            return self.again(self.entities[structure.index], owner, name)
        if isinstance(structure, Leaf) and structure.is_tied:
            box = TreePart(next(self.leaves))
            self.entities.append(box)
            return self.again(box, owner, name)
        return next(self.leaves) if isinstance(structure, Leaf) else constant(structure)

    def items(self, structure: Skeleton) -> list[Any]:
        if structure.is_flat:
            return list(itertools.islice(self.leaves, len(structure.children)))
        return [self.child(inner, None, None) for inner in structure.children]

    def again(self, entity: Any, owner: Any, name: str) -> Any:
        if not isinstance(entity, TreePart):
            return entity
        entity.holders.append((owner, name))
        object.__setattr__(owner, "_um_tied", {**(owner._um_tied or {}), name: entity})
        return entity.value


def build_into(node: Any, structure: Skeleton, leaves: list[Any]) -> None:
    """Give a bare node its attributes, and build all that is below it."""
    _Build(leaves, get_scope(node)).fill(node, structure)


def container(structure: Skeleton, values: list[Any]) -> Any:
    """The container with this structure and these values."""
    cls: Any = structure.type
    if cls is list:
        return values
    if structure.meta is sk.ATOM:
        return cls(*values)
    if structure.names is None:
        return tuple(values)
    if issubclass(cls, tuple):
        return cls(*values)
    pairs = zip(structure.names, values, strict=True)
    if cls is collections.defaultdict:
        return collections.defaultdict(structure.meta, pairs)
    return cls(pairs)


def constant(structure: Child) -> Any:
    """What stands where there is no leaf."""
    return structure.value if isinstance(structure, Fixed) else Nothing
