"""Modules as dicts and as text."""

from __future__ import annotations

from typing import Any

from unimod.core import metadata, render
from unimod.core.filters import FieldInfo
from unimod.core.kinds import Static
from unimod.core.node import Node

TYPE = "__type__"
_STATIC_COLOR, _PLAIN = "\x1b[2m", "\x1b[0m"


def to_dict(
    tree: Any,
    *,
    private_fields: bool = False,
    static_fields: bool = True,
    type_info: bool = False,
    field_info: bool = False,
) -> Any:
    """A tree as dicts and lists: each module becomes a dict of its attributes, in the order of their definition.

    Args:
        tree: a module, or any tree.
        private_fields: whether attributes that begin with ``_`` are there.
        static_fields: whether attributes without leaves are there.
        type_info: whether each dict of a module has its class under ``"__type__"``.
        field_info: whether attributes are :class:`FieldInfo` with the value inside.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.Linear(2, 1).init(0)
        >>> list(um.to_dict(layer)), list(um.to_dict(layer, static_fields=False))
        (['in_features', 'out_features', 'use_bias', 'kernel', 'bias'], ['kernel', 'bias'])
        >>> um.to_dict({"a": layer}, type_info=True)["a"]["__type__"].__name__
        'Linear'
    """

    def walk(value: Any) -> Any:
        if isinstance(value, Node):
            parts = _chosen(value, private_fields, static_fields)
            own: dict[str, Any] = {TYPE: type(value)} if type_info else {}
            return own | {name: wrapped(value, name, item) for name, item in parts.items()}
        if isinstance(value, dict):
            return {name: walk(item) for name, item in value.items()}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*map(walk, value))
        return type(value)(map(walk, value)) if type(value) in (list, tuple) else value

    def wrapped(module: Node, name: str, value: Any) -> Any:
        if not field_info:
            return walk(value)
        found = metadata.field_metadata(module)[name]
        return FieldInfo(name, walk(value), (found.kind or object) if found.node else Static, module, name)

    return walk(tree)


def to_string(
    tree: Any, *, private_fields: bool = False, static_fields: bool = True, color: bool = False, indent: int = 2
) -> str:
    """A tree as text, one attribute a line, with arrays as ``f32[2, 3]``.

    Args:
        tree: a module, or any tree.
        private_fields: whether attributes that begin with ``_`` are shown.
        static_fields: whether attributes without leaves are shown.
        color: dim the static attributes, for a terminal.
        indent: the number of blanks for each level.

    Example:
        >>> import unimod as um
        >>> print(um.to_string({"a": um.nn.Linear(2, 1).init(0)}, static_fields=False))
        {
          a: Linear {
            kernel: f32[2, 1]
            bias: f32[1]
          }
        }
    """

    def lines(value: Any) -> list[str]:
        if isinstance(value, Node):
            parts = _chosen(value, private_fields, static_fields)
            kinds = metadata.field_metadata(value)
            return block(f"{type(value).__name__} {{", [entry(n, v, not kinds[n].node) for n, v in parts.items()], "}")
        if isinstance(value, dict):
            return block("{", [entry(str(name), item, False) for name, item in value.items()], "}")
        if type(value) in (list, tuple):
            opening, closing = "[]" if type(value) is list else "()"
            return block(opening, [lines(item) for item in value], closing)
        return render.brief(value).split("\n")

    def entry(name: str, value: Any, is_static: bool) -> list[str]:
        first, *rest = lines(value)
        found = [f"{name}: {first}", *rest]
        return [f"{_STATIC_COLOR}{line}{_PLAIN}" for line in found] if color and is_static else found

    def block(opening: str, parts: list[list[str]], closing: str) -> list[str]:
        inner = [" " * indent + line for part in parts for line in part]
        return [opening, *inner, closing] if inner else [opening + closing]

    return "\n".join(lines(tree))


def _chosen(module: Node, private: bool, static: bool) -> dict[str, Any]:
    kinds = metadata.field_metadata(module)
    return {
        name: value
        for name, value in vars(module).items()
        if (private or not name.startswith("_")) and (static or kinds[name].node)
    }
