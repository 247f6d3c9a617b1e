"""Modules as text: the repr."""

from __future__ import annotations

from typing import Any

from unimod import config
from unimod.core import lazy
from unimod.core.node import Node


def brief(value: Any) -> str:
    """One line for a value: arrays as ``f32[4, 2]``."""
    if config.is_array(value):
        return config.short(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {brief(item)}" for name, item in value.items()) + "}"
    if type(value) in (list, tuple):
        inner = ", ".join(map(brief, value))
        return f"[{inner}]" if type(value) is list else f"({inner}{',' if len(value) == 1 else ''})"
    if callable(value) and not isinstance(value, Node) and hasattr(value, "__name__"):
        return str(value.__name__)
    return repr(value)


def repr_module(module: Any) -> str:
    """The repr of a module: on one line where it fits in 100 characters, else indented."""
    lazy.touch(module)
    parts = [(n, value) for n, value in vars(module).items() if not n.startswith("_")]
    name = getattr(module, "_um_title", type(module).__name__)
    line = f"{name}({', '.join(f'{attribute}={brief(value)}' for attribute, value in parts)})"
    if len(line) <= 100 and "\n" not in line:
        return line
    body = "\n".join(_indented(f"{attribute}={_tall(value)}") + "," for attribute, value in parts)
    return f"{name}(\n{body}\n)"


def _tall(value: Any) -> str:
    line = brief(value)
    if len(line) <= 90 and "\n" not in line:
        return line
    if isinstance(value, dict):
        body = [f"{name!r}: {_tall(item)}," for name, item in value.items()]
        return "{\n" + "\n".join(map(_indented, body)) + "\n}"
    if type(value) in (list, tuple):
        opening, closing = "[]" if type(value) is list else "()"
        return opening + "\n" + "\n".join(_indented(f"{_tall(item)},") for item in value) + "\n" + closing
    return line


def _indented(text: str) -> str:
    return "\n".join("  " + line for line in text.split("\n"))
