"""Values that are part of the structure, not leaves."""

from __future__ import annotations

import collections
import functools
import types
from typing import Any

from unimod import config
from unimod.backends import _registry
from unimod.core.initializer import Initializer
from unimod.core.kinds import TreePart
from unimod.core.node import Node
from unimod.core.skeleton import Fixed
from unimod.errors import TreeError
from unimod.random._key import Key

MAX_DEPTH = 200
_PLAIN = frozenset({int, float, bool, complex, str, bytes, type(None), types.FunctionType})
_CONSTANTS = frozenset({int, bool, str, bytes})
_constant = functools.lru_cache(maxsize=4096, typed=True)(Fixed)
"""The static value for a constant, which is asked for at each flattening."""


def fixed(value: Any) -> Fixed:
    """A static value as part of a structure.

    Raises:
        TreeError: it is not hashable, or hides an array or a module, which would be lost.
    """
    cls = type(value)
    if cls in _CONSTANTS or (cls is float and value):  # zeros of both signs are equal
        return _constant(value)
    search(value)
    try:
        return Fixed(value)
    except TypeError as error:
        raise TreeError(
            f"A value of type {type(value).__name__} is neither a leaf nor hashable.",
            got=repr(value)[:80],
            expected="an array, a module, a container of these, or a hashable value",
            fix="wrap it in um.Hashable(value), or declare the attribute with um.node()",
        ) from error


def search(value: Any, depth: int = 0) -> None:
    """Look for leaves inside a value that is not a container of leaves.

    Raises:
        TreeError: there is one, which would be lost.
    """
    cls = type(value)
    if cls in _PLAIN:
        return
    if depth > MAX_DEPTH:
        raise TreeError(f"A static value is more than {MAX_DEPTH} levels deep, or contains itself.")
    if isinstance(value, (Node, Key, Initializer, TreePart)) or _registry.of_type(cls) is not None:
        raise hidden(value)
    for inner in _inside(value):
        search(inner, depth + 1)


def _inside(value: Any) -> Any:
    if isinstance(value, (set, frozenset, list, tuple, collections.deque)):
        return value
    if isinstance(value, (dict, types.MappingProxyType)):
        return value.values()
    if isinstance(value, functools.partial):
        return (value.func, *value.args, *value.keywords.values())
    if isinstance(value, types.MethodType):
        return (value.__self__,)
    return ()


def hidden(value: Any) -> TreeError:
    """The error for a leaf in a place where it would be lost."""
    return TreeError(
        f"A leaf is hidden in a static place: {config.short(value)}.",
        expected="arrays and modules in attributes, lists, tuples or dicts that are not declared static",
        fix="move it out of the set, partial, method or static field, or wrap it in um.Hashable",
    )
