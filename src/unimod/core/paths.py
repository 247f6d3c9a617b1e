"""Paths of leaves as text."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any


def dotted(path: tuple[Hashable, ...]) -> str:
    """The name used in state dicts and for keys: ``layers.0.kernel``; a dot inside a dict key is written ``~1``.

    Example:
        >>> from unimod.core.paths import dotted
        >>> dotted(("layers", 0, "a.b"))
        'layers.0.a~1b'
    """
    return ".".join(str(part).replace("~", "~0").replace(".", "~1") for part in path)


def pretty(root: str, path: tuple[Hashable, ...]) -> str:
    """The path as one would write it in code: ``model.layers[0].kernel``."""
    return root + "".join(f".{p}" if isinstance(p, str) and p.isidentifier() else f"[{p!r}]" for p in path)


def follow(value: Any, path: tuple[Hashable, ...]) -> Any:
    """The object at a path below ``value``."""
    for part in path:
        is_item = isinstance(value, (list, dict)) or (isinstance(value, tuple) and isinstance(part, int))
        value = value[part] if is_item else getattr(value, str(part))
    return value
