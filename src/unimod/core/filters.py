"""Choosing leaves: by kind, by path, by module, by predicate."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Union

from unimod.core import paths
from unimod.core.node import Node
from unimod.core.skeleton import Skeleton, Slot
from unimod.errors import DTypeError


@dataclasses.dataclass(frozen=True)
class FieldInfo:
    """What a predicate is told about a leaf.

    Attributes:
        name: the attribute's name in its module.
        value: the leaf.
        kind: its kind.
        module: the module that owns it, or None.
        path: the dotted path from the root.
    """

    name: str
    value: Any
    kind: type
    module: Any
    path: str


Filter = Union[type, str, Node, Callable[[FieldInfo], bool], "SlotFilter"]


class SlotFilter:
    """A filter that needs only the structure, so that its outcome can be remembered with it."""

    __slots__ = ("test",)

    def __init__(self, test: Callable[[Slot], bool]) -> None:
        self.test = test


NOT_FROZEN = SlotFilter(lambda slot: not slot.is_frozen)


def mask(structure: Skeleton, leaves: list[Any], filters: tuple[Filter, ...], root: Any = None) -> tuple[bool, ...]:
    """For each leaf, whether all filters hold. ``root`` is the object, where it exists already.

    A filter is a kind (a class), a class of modules, a dotted path or its beginning, a module inside the tree, or a
    function of a :class:`FieldInfo`.
    """
    if all(isinstance(item, (type, str, SlotFilter)) for item in filters):
        return structure.cached(("mask", filters), lambda: _structural(structure, filters))  # type: ignore[no-any-return]
    tests = [_test(item, structure, leaves, root) for item in filters]
    return tuple(all(test(index, slot) for test in tests) for index, slot in enumerate(structure.slots))


def _structural(structure: Skeleton, filters: tuple[Any, ...]) -> tuple[bool, ...]:
    tests = [_slot_test(item) for item in filters]
    return tuple(all(test(slot) for test in tests) for slot in structure.slots)


def _slot_test(item: Any) -> Callable[[Slot], bool]:
    if isinstance(item, SlotFilter):
        return item.test
    if isinstance(item, str):
        return lambda slot: _begins(paths.dotted(slot.path), item)
    if issubclass(item, Node):
        return lambda slot: any(issubclass(owner, item) for owner in slot.owners)
    return lambda slot: slot.kind is not None and issubclass(slot.kind, item)


def _begins(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}.")


def _test(item: Any, structure: Skeleton, leaves: list[Any], root: Any) -> Callable[[int, Slot], bool]:
    if isinstance(item, (type, str, SlotFilter)):
        by_slot = _slot_test(item)
        return lambda index, slot: by_slot(slot)
    if isinstance(item, Node):
        return lambda index, slot: _contains(root, slot.path, item)
    if callable(item):
        return lambda index, slot: bool(item(_info(slot, leaves[index], root)))
    raise DTypeError(
        "A filter is of a type that cannot be used.",
        got=repr(item),
        expected="a kind, a class of modules, a path, a module of the tree, or a function of a FieldInfo",
    )


def _contains(root: Any, path: tuple[Any, ...], module: Node) -> bool:
    return any(paths.follow(root, path[:length]) is module for length in range(len(path)))


def _info(slot: Slot, value: Any, root: Any) -> FieldInfo:
    module = paths.follow(root, slot.module_path) if slot.module is not None else None
    return FieldInfo(slot.name, value, slot.kind or object, module, paths.dotted(slot.path))
