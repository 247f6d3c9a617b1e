"""Boxes: how an attribute gets the kind of its leaf, and how several attributes become one leaf."""

from __future__ import annotations

import copy
from typing import Any

from unimod import config
from unimod.core.kinds import TreePart
from unimod.errors import TreeError

_get = object.__getattribute__
_set = object.__setattr__

Node = Any
"""A node; this file knows of it only that it has ``_um_meta`` and ``_um_tied`` beside its attributes."""


def assign(node: Node, name: str, value: Any) -> None:
    """Set an attribute, and those that are tied to it, in whatever scope."""
    box = None if node._um_tied is None else node._um_tied.get(name)
    if box is None:
        _set(node, name, value)
        return
    box.value = value
    for holder, other in box.holders:
        _set(holder, other, value)


def assign_box(node: Node, name: str, box: TreePart) -> None:
    """Set an attribute to the value in a box; a box that is assigned twice ties the attributes."""
    if any(holder is None for holder, _ in box.holders):
        raise _box_in_container(node, name)
    set_kind(node, name, type(box))
    tied = (node._um_tied or {}).get(name, box)
    if tied is not box and not box.holders:
        assign(node, name, box.value)  # a new box on a tied leaf: a new value for all that share it
        return
    if tied is not box:
        untie(node, name)
    if box.holders:
        holder, _ = box.holders[0]
        box.value = _get(holder, "__dict__").get(box.holders[0][1], box.value)
    if not any(holder is node and other == name for holder, other in box.holders):
        box.holders.append((node, name))
    if len(box.holders) > 1:
        for holder, other in box.holders:
            _set(holder, "_um_tied", {**(holder._um_tied or {}), other: box})
    _set(node, name, box.value)


def tie(places: list[tuple[Node, str]], value: Any) -> None:
    """Make one leaf of the attributes at ``places`` that hold ``value``."""
    found = [(node, name) for node, name in places if _get(node, "__dict__").get(name) is value]
    if len(found) < 2:
        return
    known = [node._um_tied[name] for node, name in found if name in (node._um_tied or {})]
    box = known[0] if known else TreePart(value)
    held = {(id(node), name) for node, name in box.holders}
    box.holders += [(node, name) for node, name in found if (id(node), name) not in held]
    for node, name in box.holders:
        _set(node, "_um_tied", {**(node._um_tied or {}), name: box})


def untie(node: Node, name: str) -> None:
    """Let an attribute no longer be the same leaf as others."""
    box = (node._um_tied or {}).get(name)
    if box is None:
        return
    box.holders = [(holder, other) for holder, other in box.holders if holder is not node or other != name]
    _forget_tie(node, name)
    if len(box.holders) == 1:
        _forget_tie(*box.holders[0])


def _forget_tie(node: Node, name: str) -> None:
    _set(node, "_um_tied", {other: box for other, box in (node._um_tied or {}).items() if other != name} or None)


def tie_copy(node: Node, new: Node) -> None:
    """Ties within ``node`` become ties within its shallow copy; ties with children, which both have, hold for both."""
    boxes: dict[int, TreePart] = {}
    tied = {}
    for name, box in (node._um_tied or {}).items():
        is_inner = all(holder is node for holder, _ in box.holders)
        tied[name] = boxes.setdefault(id(box), TreePart(box.value) if is_inner else box)
        tied[name].holders.append((new, name))
    _set(new, "_um_tied", tied or None)


CONTAINERS = (list, tuple, dict)
_MAY_HOLD = (TreePart, *CONTAINERS)


def boxes_in(value: Any, around: tuple[int, ...] = ()) -> list[TreePart]:
    """The boxes in a value: itself, or those in a container."""
    if isinstance(value, TreePart):
        return [value]
    if not isinstance(value, CONTAINERS) or id(value) in around:
        return []
    items = value.values() if isinstance(value, dict) else value
    if not any(issubclass(cls, _MAY_HOLD) for cls in set(map(type, items))):
        return []  # the common case, without a call for each leaf
    return [box for item in items for box in boxes_in(item, (*around, id(value)))]


def _has_stray(value: Any) -> bool:
    """Whether a container has an array beside its boxes."""
    if isinstance(value, CONTAINERS):
        return any(map(_has_stray, value.values() if isinstance(value, dict) else value))
    return config.is_array(value)


def _unboxed(value: Any) -> Any:
    if isinstance(value, TreePart):
        return value.value
    if isinstance(value, dict):
        new = copy.copy(value)
        new.update({name: _unboxed(item) for name, item in value.items()})
        return new
    if isinstance(value, (list, tuple)):
        items = map(_unboxed, value)
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def assign_container(node: Node, name: str, value: Any) -> None:
    """Set an attribute to a container with boxes in it: their values, with their kind."""
    boxes = boxes_in(value)
    kinds = {type(box) for box in boxes}
    if len(kinds) > 1:
        raise TreeError(
            "One attribute holds boxes of several kinds.",
            where=f"{type(node).__name__}.{name}",
            got=", ".join(sorted(kind.__name__ for kind in kinds)),
            fix="use one attribute for each kind",
        )
    if _has_stray(value):
        raise TreeError(
            "One attribute holds a box and an array that is in no box.",
            where=f"{type(node).__name__}.{name}",
            got=f"a {type(value).__name__} with both",
            expected="leaves of one kind",
            fix="put each array in a box, or use one attribute for each kind",
        )
    if any(box.holders for box in boxes) or len({id(box) for box in boxes}) < len(boxes):
        raise _box_in_container(node, name)
    for box in boxes:
        box.holders.append((None, name))
    untie(node, name)
    set_kind(node, name, kinds.pop())
    _set(node, name, _unboxed(value))


def _box_in_container(node: Node, name: str) -> TreeError:
    return TreeError(
        "A leaf in a container cannot be tied.",
        where=f"{type(node).__name__}.{name}",
        got="one box in two places, of which one is a container",
        expected="a box that is assigned to attributes",
        fix="give each of the tied leaves an attribute of its own",
    )


def set_kind(node: Node, name: str, kind: type) -> None:
    """Remember the kind of an attribute."""
    meta = node._um_meta
    if meta.by_name.get(name) is not kind:
        _set(node, "_um_meta", meta.with_kind(name, kind))
