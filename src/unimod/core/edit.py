"""Operations on (leaves, structure): choose, merge, map. Nothing here walks objects unless structures really differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod.core import boxes, walk
from unimod.core import filters as flt
from unimod.core import node as nodes
from unimod.core import skeleton as sk
from unimod.core.kinds import Nothing
from unimod.core.node import Node
from unimod.core.skeleton import Skeleton
from unimod.errors import TreeError

Parts = tuple[list[Any], Skeleton]


def parts_of(value: Any) -> Parts:
    """The leaves and the structure of a module or a container.

    Raises:
        TreeError: the value is a single leaf.
    """
    leaves, structure = walk.flatten(value)
    if not isinstance(structure, Skeleton):
        raise TreeError("A module or a container is needed here.", got=type(value).__name__)
    return leaves, structure


def choose(value: Any, filters: tuple[flt.Filter, ...]) -> Any:
    """The same object with ``Nothing`` in place of the leaves for which not all filters hold."""
    leaves, structure = parts_of(value)
    mask = flt.mask(structure, leaves, filters, value)
    kept = [leaf for leaf, is_kept in zip(leaves, mask, strict=True) if is_kept]
    return walk.unflatten(sk.select(structure, mask), kept)


def change(function: Callable[[Any], Any], value: Any, filters: tuple[flt.Filter, ...]) -> Any:
    """The same object with ``function`` applied to the leaves for which all filters hold."""
    leaves, structure = walk.flatten(value)
    if not filters:
        return walk.unflatten(structure, [function(leaf) for leaf in leaves])
    if not isinstance(structure, Skeleton):
        raise TreeError("Filters need a module or a container.", got=type(value).__name__)
    mask = flt.mask(structure, leaves, filters, value)
    return walk.unflatten(structure, [function(v) if hit else v for v, hit in zip(leaves, mask, strict=True)])


def merge(value: Any, *others: Any, merge_static: bool = False) -> Any:
    """``value`` with the leaves of the others written over its own, from left to right.

    ``Nothing`` never overwrites, None does; static values stay those of ``value`` unless ``merge_static``.
    """
    for other in others:
        value = _merge(value, other, merge_static)
    return value


def _merge(value: Any, other: Any, merge_static: bool) -> Any:
    (leaves, structure), (new, their) = parts_of(value), parts_of(other)
    plan = None if merge_static else structure.cached(("merge", their), lambda: _plan(structure, their))
    if plan is not None:
        return walk.unflatten(structure, [leaves[i] if j is None else new[j] for i, j in enumerate(plan)])
    mine, theirs = walk.unflatten(structure, leaves), walk.unflatten(their, new)
    return _merge_objects(mine, theirs, merge_static)


def _plan(structure: Skeleton, other: Skeleton) -> list[int | None] | None:
    """For each leaf the leaf of ``other`` that replaces it; None where ``other`` is no selection of ``structure``."""
    index_of = {slot.path: index for index, slot in enumerate(other.slots)}
    chosen = [index_of.get(slot.path) for slot in structure.slots]
    mask = tuple(index is not None for index in chosen)
    is_selection = sk.with_modes(sk.select(structure, mask), True, False) is sk.with_modes(other, True, False)
    return chosen if is_selection else None


def _merge_objects(mine: Any, theirs: Any, merge_static: bool) -> Any:
    if theirs is Nothing:
        return mine
    if isinstance(theirs, Node):
        return _merge_nodes(mine, theirs, merge_static) if type(mine) is type(theirs) else theirs
    if isinstance(theirs, dict) and isinstance(mine, dict):
        names = [*mine, *(name for name in theirs if name not in mine)]
        mine.update({n: _merge_objects(mine.get(n, Nothing), theirs.get(n, Nothing), merge_static) for n in names})
        return mine
    if isinstance(theirs, (list, tuple)) and type(mine) is type(theirs) and len(mine) == len(theirs):
        items = [_merge_objects(a, b, merge_static) for a, b in zip(mine, theirs, strict=True)]
        return type(mine)(*items) if hasattr(mine, "_fields") else type(mine)(items)
    is_static = theirs is not None and walk.is_static(theirs)
    keeps = is_static and not merge_static and mine is not None and mine is not Nothing
    return mine if keeps else theirs


def _merge_nodes(mine: Any, theirs: Any, merge_static: bool) -> Any:
    nodes.touch(mine)
    nodes.touch(theirs)
    if merge_static:
        object.__setattr__(mine, "_um_meta", theirs._um_meta)
    for name, value in vars(theirs).items():
        if name in theirs._um_meta.by_name and name not in mine._um_meta.by_name:
            boxes.set_kind(mine, name, theirs._um_meta.by_name[name])
        vars(mine)[name] = _merge_objects(vars(mine).get(name, Nothing), value, merge_static)
    return mine
