"""Replacing modules inside of trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod.core import init, lazy, walk
from unimod.core.node import Node


def at(root: Any, path: tuple[Any, ...]) -> Any:
    """The module at a path below ``root``."""
    return next(module for found, module in init.modules(root) if found == path)


def swap(value: Any, old: Any, new: Any, seen: set[int]) -> Any:
    """``value`` with every occurrence of ``old`` below it replaced."""
    if value is old:
        return new
    if isinstance(value, Node) and id(value) not in seen:
        seen.add(id(value))
        lazy.touch(value)
        for name, child in vars(value).items():
            vars(value)[name] = swap(child, old, new, seen)
    elif isinstance(value, dict):
        value.update({name: swap(child, old, new, seen) for name, child in value.items()})
    elif isinstance(value, (list, tuple)):
        items = [swap(child, old, new, seen) for child in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def apply(function: Callable[..., Any], value: Any, *others: Any, inplace: bool = False) -> Any:
    """Call ``function(module, ...)`` on every module below ``value``, children first. See ``Module.apply``."""
    root = value if inplace else walk.rebuilt(value)
    rest = [dict(init.modules(other)) for other in others]
    for path, module in reversed(list(init.modules(root))):
        result = function(module, *(found[path] for found in rest))
        if isinstance(result, Node) and result is not module:
            root = swap(root, module, result, set())
    return root
