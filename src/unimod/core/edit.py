"""Operations on (leaves, structure): choose, merge, map. Nothing here walks objects unless structures really differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod import config
from unimod.core import boxes, lazy, walk
from unimod.core import filters as flt
from unimod.core import skeleton as sk
from unimod.core.kinds import Nothing, State, Static
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


def with_own_states(value: Any) -> Any:
    """The same object again with states of its own, so that changes within arrays reach the copy only."""
    return change(copied, value, (_STATES,))


_STATES = flt.SlotFilter(lambda slot: slot.kind is not None and issubclass(slot.kind, State))


def copied(leaf: Any) -> Any:
    """An array of its own with the values of ``leaf``; what is no array as it is."""
    return config.engine_of(leaf).arrays.copy(leaf) if config.is_array(leaf) else leaf


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
    new, structure = parts_of(_Merge(merge_static).run(mine, theirs))
    return walk.unflatten(structure, new)


def _plan(structure: Skeleton, other: Skeleton) -> list[int | None] | None:
    """For each leaf the leaf of ``other`` that replaces it; None where ``other`` is no selection of ``structure``."""
    index_of = {slot.path: index for index, slot in enumerate(other.slots)}
    chosen = [index_of.get(slot.path) for slot in structure.slots]
    mask = tuple(index is not None for index in chosen)
    is_selection = sk.with_modes(sk.select(structure, mask), True, False) is sk.with_modes(other, True, False)
    return chosen if is_selection else None


class _Merge:
    """One pass over two fresh objects of different structure; what the second has goes into the first."""

    def __init__(self, merge_static: bool) -> None:
        self.merge_static = merge_static
        self.pairs: list[tuple[Any, Any]] = []

    def run(self, mine: Any, theirs: Any) -> Any:
        result = self.value(mine, theirs)
        stand_in = {id(theirs): mine for theirs, mine in self.pairs}
        ties = {id(box): box for theirs, _ in self.pairs for box in (theirs._um_tied or {}).values()}
        for box in ties.values():
            boxes.tie([(stand_in.get(id(holder), holder), name) for holder, name in box.holders], box.value)
        return result

    def value(self, mine: Any, theirs: Any, is_declared: bool = True) -> Any:
        """The merged value; ``is_declared`` says that whatever stands here is a leaf, as it is outside of modules."""
        if theirs is Nothing:
            return mine
        if isinstance(theirs, Node):
            return self.node(mine, theirs) if type(mine) is type(theirs) else theirs
        if isinstance(theirs, dict) and isinstance(mine, dict):
            names = [*mine, *(name for name in theirs if name not in mine)]
            mine.update({n: self.value(mine.get(n, Nothing), theirs.get(n, Nothing), is_declared) for n in names})
            return mine
        if isinstance(theirs, (list, tuple)) and type(mine) is type(theirs) and len(mine) == len(theirs):
            items = [self.value(a, b, is_declared) for a, b in zip(mine, theirs, strict=True)]
            return type(mine)(*items) if hasattr(mine, "_fields") else type(mine)(items)
        is_static = not is_declared and theirs is not None and walk.is_static(theirs)
        keeps = is_static and not self.merge_static and mine is not None and mine is not Nothing
        return mine if keeps else theirs

    def node(self, mine: Any, theirs: Any) -> Any:
        lazy.touch(mine)
        lazy.touch(theirs)
        self.pairs.append((theirs, mine))
        if self.merge_static:
            object.__setattr__(mine, "_um_meta", theirs._um_meta)
        for name, value in vars(theirs).items():
            kinds = mine._um_meta.by_name
            if name in theirs._um_meta.by_name and name not in kinds:
                boxes.set_kind(mine, name, theirs._um_meta.by_name[name])
            if kinds.get(name) is Static and name in vars(mine) and not self.merge_static:
                continue
            boxes.assign(mine, name, self.value(vars(mine).get(name, Nothing), value, name in kinds))
        return mine
