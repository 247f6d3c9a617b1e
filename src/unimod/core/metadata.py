"""What attributes are declared as: asking, and changing it."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from unimod import config
from unimod.core import boxes, init, paths, walk
from unimod.core import skeleton as sk
from unimod.core.filters import FieldInfo
from unimod.core.kinds import State, Static, TreePart
from unimod.core.node import Node
from unimod.core.skeleton import Skeleton
from unimod.errors import TreeError


@dataclasses.dataclass(frozen=True)
class FieldMetadata:
    """What an attribute is.

    Attributes:
        node: whether it holds leaves.
        kind: the kind of its leaves; None where nothing was declared, and the values decide.
    """

    node: bool
    kind: type | None


class FlattenMode(enum.Enum):
    """Which attributes :func:`unimod.fields` lists: those that hold leaves, all, or none."""

    normal = "normal"
    all_fields = "all_fields"
    no_fields = "no_fields"


def field_metadata(module: Node) -> dict[str, FieldMetadata]:
    """What each attribute of a module is. See ``Module.field_metadata``."""
    kinds = module._um_meta.by_name
    names = dict.fromkeys([*kinds, *vars(module)])
    return {name: _metadata(kinds.get(name), vars(module).get(name)) for name in names}


def _metadata(kind: type | None, value: Any) -> FieldMetadata:
    if kind is None:
        return FieldMetadata(not walk.is_static(value), None)
    return FieldMetadata(kind is not Static, None if kind in (Static, TreePart) else kind)


def change_field(module: Node, name: str, node: bool | None, kind: type | None) -> None:
    """Declare an attribute anew, in place. See ``Module.update_field_metadata``."""
    known = module._um_meta.by_name.get(name)
    if name not in vars(module) and known is None:
        raise TreeError(f"{type(module).__name__} has no attribute {name}.", expected=", ".join(vars(module)))
    if node is False:
        kind = Static
    elif kind is None and known in (None, Static):
        kind = TreePart if node and not config.is_array(vars(module).get(name)) else State
    boxes.set_kind(module, name, kind or known or State)
    walk.flatten_node(module)  # an array in a static attribute is found here


def fields(tree: Any, mode: FlattenMode | str = FlattenMode.normal) -> list[FieldInfo]:
    """A :class:`FieldInfo` for each leaf of a tree, in leaf order, or also for what is static.

    Args:
        tree: a module, or any tree.
        mode: ``normal`` for leaves; ``all_fields`` for the static attributes of all modules too, behind the leaves and
            with the kind ``Static``; ``no_fields`` for an empty list.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.Linear(2, 1).init(0)
        >>> [(info.path, info.kind.__name__) for info in um.fields(layer)]
        [('kernel', 'Parameter'), ('bias', 'Parameter')]
        >>> [info.name for info in um.fields(layer, "all_fields")]
        ['kernel', 'bias', 'in_features', 'out_features', 'use_bias']
    """
    mode = FlattenMode(mode)
    if mode is FlattenMode.no_fields:
        return []
    leaves, structure = walk.flatten(tree)
    slots = structure.slots if isinstance(structure, Skeleton) else ()
    found = [_info(tree, slot, leaf) for slot, leaf in zip(slots, leaves, strict=True)] if slots else []
    return found if mode is FlattenMode.normal else [*found, *_statics(tree)]


def add_field_info(tree: Any) -> Any:
    """The same tree with a :class:`FieldInfo` in the place of each leaf.

    Example:
        >>> import unimod as um
        >>> um.add_field_info(um.nn.Linear(2, 1).init(0)).kernel.kind.__name__
        'Parameter'
    """
    return walk.unflatten(walk.flatten(tree)[1], fields(tree))


def _info(tree: Any, slot: sk.Slot, leaf: Any) -> FieldInfo:
    module = paths.follow(tree, slot.module_path) if slot.module is not None else None
    return FieldInfo(slot.name, leaf, slot.kind or object, module, paths.dotted(slot.path))


def _statics(tree: Any) -> list[FieldInfo]:
    return [
        FieldInfo(name, value, Static, module, paths.dotted((*path, name)))
        for path, module in init.modules(tree)
        for name, value in vars(module).items()
        if not name.startswith("_") and not _metadata(module._um_meta.by_name.get(name), value).node
    ]
