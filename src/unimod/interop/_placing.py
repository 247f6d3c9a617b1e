"""Leaves of a module of another library in attributes: the names are those of the library."""

from __future__ import annotations

from typing import Any

import unimod.core.kinds as kinds
from unimod.core import boxes, paths, render
from unimod.core.module import Module
from unimod.core.node import Node
from unimod.errors import TreeError

Path = tuple[str, ...]
Entries = tuple[tuple[Path, str], ...]


_CHOOSERS = ("batch_stats", "states", "rngs", "logs", "losses", "metrics")
"""Methods in whose place a collection of that name may stand: ``filter`` and the kind say the same."""


class Part(Node):
    """A part of a module of another library that has leaves of several kinds."""

    __slots__ = ()

    def __repr__(self) -> str:
        return render.repr_module(self)


def place(node: Any, entries: Entries, leaves: list[Any]) -> None:
    """Set attributes of ``node`` to the leaves: dicts where all of a name are of one kind, else nodes.

    Raises:
        TreeError: a name is taken by a method of modules.
    """
    groups: dict[str, list[tuple[Path, str, Any]]] = {}
    for (path, kind), leaf in zip(entries, leaves, strict=True):
        groups.setdefault(path[0], []).append((path[1:], kind, leaf))
    for name, group in groups.items():
        _check(node, name)
        found = {kind for _, kind, _ in group}
        if len(found) > 1:
            child: Any = Part()
            place(child, tuple((path, kind) for path, kind, _ in group), [leaf for _, _, leaf in group])
            setattr(node, name, child)
        else:
            setattr(node, name, _nested([(path, leaf) for path, _, leaf in group]))
            boxes.set_kind(node, name, getattr(kinds, found.pop()))


def read(node: Any, entries: Entries) -> list[Any]:
    """The leaves, in the order of the entries."""
    return [paths.follow(node, path) for path, _ in entries]


def write(value: Any, path: Path, leaf: Any) -> Any:
    """``value`` with a leaf at a path; nodes are changed, dicts are new ones."""
    if not path:
        return leaf
    if isinstance(value, dict):
        return {**value, path[0]: write(value[path[0]], path[1:], leaf)}
    setattr(value, path[0], write(getattr(value, path[0]), path[1:], leaf))
    return value


def _check(node: Any, name: str) -> None:
    if isinstance(node, Module) and (name in vars(node) or (hasattr(Module, name) and name not in _CHOOSERS)):
        raise TreeError(
            "A parameter or a part of the wrapped module has a name that modules of unimod use themselves.",
            got=repr(name),
            fix="give the part another name, or wrap the module in one that has it as its only part",
        )


def _nested(pairs: list[tuple[Path, Any]]) -> Any:
    if pairs[0][0] == ():
        return pairs[0][1]
    groups: dict[str, list[tuple[Path, Any]]] = {}
    for path, leaf in pairs:
        groups.setdefault(path[0], []).append((path[1:], leaf))
    return {name: _nested(group) for name, group in groups.items()}
