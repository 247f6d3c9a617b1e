"""Which parameters are meant: by trees of values, functions and filters; and lists of some of them."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterator
from typing import Any

from unimod.core import filters as flt
from unimod.core import paths, tree, walk
from unimod.core import skeleton as sk
from unimod.core.node import Node
from unimod.core.skeleton import Child, Fixed, Leaf, Skeleton
from unimod.errors import DTypeError, TreeError

Where = type | str
"""A kind, a class of modules, a dotted path (its beginning, or a pattern with ``*``)."""


def kept(leaves: list[Any], chosen: tuple[bool, ...]) -> list[Any]:
    """Those of the leaves that are chosen."""
    return [leaf for leaf, is_chosen in zip(leaves, chosen, strict=True) if is_chosen]


def merged(leaves: list[Any], new: list[Any], chosen: tuple[bool, ...]) -> list[Any]:
    """The leaves, with new ones in the places that are chosen."""
    rest = iter(new)
    return [next(rest) if is_chosen else leaf for leaf, is_chosen in zip(leaves, chosen, strict=True)]


def selected(structure: Child, chosen: tuple[bool, ...]) -> Child:
    """The structure of the chosen leaves."""
    if isinstance(structure, Skeleton):
        return sk.select(structure, chosen)
    return structure if all(chosen) else sk.HOLE


@dataclasses.dataclass(frozen=True)
class _Prefix:
    """A tree of bools or labels as a static value."""

    structure: Child
    values: tuple[Any, ...]


def static_spec(spec: Any) -> Any:
    """A mask or labels as something that can be part of a structure."""
    if isinstance(spec, (str, type)) or (callable(spec) and not isinstance(spec, Node)):
        return spec
    return _prefix(spec)


def _prefix(spec: Any) -> _Prefix:
    values, structure = walk.flatten(spec)
    return _Prefix(structure, tuple(values))


def mask_of(spec: Any, leaves: list[Any], structure: Child) -> tuple[bool, ...]:
    """For each parameter whether it is chosen.

    Raises:
        DTypeError: there is something else than bools.
    """
    if isinstance(spec, (str, type)):
        return filtered(spec, leaves, structure)
    found = spread(spec, leaves, structure)
    for index, value in enumerate(found):
        if type(value).__name__ not in ("bool", "bool_"):
            raise DTypeError(
                "A mask is a tree of bools.",
                where=place(structure, index),
                got=repr(value)[:80],
                expected="True or False",
                fix="um.tree.map(lambda x: len(x.shape) > 1, params)",
            )
    return tuple(bool(value) for value in found)


def filtered(where: Where, leaves: list[Any], structure: Child) -> tuple[bool, ...]:
    """For each parameter whether a filter holds."""
    if not isinstance(structure, Skeleton):
        return tuple(False for _ in leaves)
    if isinstance(where, str) and any(mark in where for mark in "*?["):
        return tuple(fnmatch.fnmatchcase(paths.dotted(slot.path), where) for slot in structure.slots)
    return flt.mask(structure, leaves, (where,))


def spread(spec: Any, leaves: list[Any], structure: Child, keeps_none: bool = False) -> list[Any]:
    """For each parameter the value at its place in a tree of the same structure, or of the upper part of it.

    With ``keeps_none``, None in that tree is a value too, and not an empty subtree.
    """
    prefix = spec if isinstance(spec, _Prefix) else _prefix(spec(walk.unflatten(structure, leaves)))
    return list(_values(iter(prefix.values), prefix.structure, structure, (), keeps_none))


def _values(
    values: Iterator[Any], prefix: Child, structure: Child, path: tuple[Any, ...], keeps_none: bool
) -> Iterator[Any]:
    if isinstance(prefix, Leaf):
        yield from [next(values)] * sk.count(structure)
    elif keeps_none and isinstance(prefix, Fixed) and prefix.value is None:
        yield from [None] * sk.count(structure)
    elif isinstance(prefix, Skeleton) and isinstance(structure, Skeleton) and _is_alike(prefix, structure):
        for key, upper, lower in zip(sk.child_keys(structure), prefix.children, structure.children, strict=True):
            yield from _values(values, upper, lower, (*path, key), keeps_none)
    elif sk.count(prefix) or sk.count(structure):
        raise TreeError(
            "A tree of masks or labels does not have the structure of the parameters.",
            where=paths.pretty("params", path),
            got=tree._describe(prefix),
            expected=f"one value, or {tree._describe(structure)}",
        )


def _is_alike(prefix: Skeleton, structure: Skeleton) -> bool:
    return prefix.type is structure.type and list(sk.child_keys(prefix)) == list(sk.child_keys(structure))


def place(structure: Child, index: int) -> str:
    """The path of a parameter, for errors."""
    return paths.pretty("params", structure.slots[index].path if isinstance(structure, Skeleton) else ())
