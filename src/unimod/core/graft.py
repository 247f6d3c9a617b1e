"""Giving an existing node the contents of a fresh one, in place."""

from __future__ import annotations

import collections
from typing import Any

from unimod.core import lazy
from unimod.core.boxes import CONTAINERS
from unimod.core.node import Node, set_lazy
from unimod.core.skeleton import Skeleton

_set = object.__setattr__


def replace_contents(node: Any, leaves: list[Any], structure: Skeleton) -> None:
    """Give an existing node new leaves, in place; children that fit are kept as the objects that they are."""
    with lazy.building:
        if lazy.is_lazy(node):
            set_lazy(node, (leaves, structure))
            return
    _Graft().run(node, lazy.make_lazy(leaves, structure))


class _Graft:
    """One pass that moves the contents of fresh nodes into existing ones.

    A fresh node that is met twice stays one node, and an existing node takes the contents of one fresh node.
    """

    def __init__(self) -> None:
        self.stand_in: dict[int, Any] = {}
        self.taken: set[int] = set()
        self.fresh: list[Any] = []

    def run(self, old: Any, new: Any) -> None:
        self.node(old, new)
        for node in self.fresh:
            tied = node._um_tied
            for box in (tied or {}).values():
                box.holders = [(self.stand_in.get(id(holder), holder), name) for holder, name in box.holders]
            _set(self.stand_in[id(node)], "_um_tied", tied)

    def node(self, old: Any, new: Any) -> Any:
        if id(new) in self.stand_in:
            return self.stand_in[id(new)]
        for node in (old, new):
            lazy.touch(node) if isinstance(node, Node) else None
        fits = type(old) is type(new) and id(old) not in self.taken
        target = old if fits else new
        self.stand_in[id(new)] = target
        self.taken.add(id(target))
        self.fresh.append(new)
        before = dict(vars(old)) if fits else {}
        contents = {name: self.value(before.get(name), value) for name, value in vars(new).items()}
        _set(target, "_um_meta", new._um_meta)
        vars(target).clear()
        vars(target).update(contents)
        return target

    def value(self, old: Any, new: Any) -> Any:
        if isinstance(new, Node):
            return self.node(old, new)
        if not isinstance(new, CONTAINERS):
            return new
        old = old if type(old) is type(new) else type(new)() if isinstance(new, (list, dict)) else ()
        if isinstance(new, dict):
            contents = {name: self.value(old.get(name), value) for name, value in new.items()}
            if isinstance(old, collections.defaultdict) and isinstance(new, collections.defaultdict):
                old.default_factory = new.default_factory
            old.clear()
            old.update(contents)
            return old
        values = [self.value(*pair) for pair in zip([*old, *[None] * len(new)], new, strict=False)]
        if isinstance(new, list):
            old[:] = values
            return old
        return type(new)(*values) if hasattr(new, "_fields") else type(new)(values)
