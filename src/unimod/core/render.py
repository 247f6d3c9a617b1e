"""Modules as text: repr and summary."""

from __future__ import annotations

from typing import Any

from unimod import config
from unimod.core import lazy, paths, walk
from unimod.core.initializer import Initializer
from unimod.core.kinds import Parameter
from unimod.core.node import Node
from unimod.dtypes import DType


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
    parts = [(name, value) for name, value in vars(module).items() if not name.startswith("_")]
    line = f"{type(module).__name__}({', '.join(f'{name}={brief(value)}' for name, value in parts)})"
    if len(line) <= 100 and "\n" not in line:
        return line
    body = "\n".join(_indented(f"{name}={_tall(value)}") + "," for name, value in parts)
    return f"{type(module).__name__}(\n{body}\n)"


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


# Summary --------------------------------------------------------------------------------------------------------------

_HEAD = ("path", "module", "leaves", "parameters", "bytes")


def summary_rows(module: Any) -> list[tuple[str, str, str, int, int]]:
    """One row for each module that has leaves of its own: path, type, leaves, number of parameters, bytes of all."""
    leaves, structure = walk.flatten_node(module)
    rows: dict[Any, list[Any]] = {}
    for slot, value in zip(structure.slots, leaves, strict=True):
        row = rows.setdefault(slot.module_path, [slot.module.type.__name__ if slot.module else "", [], 0, 0])
        shape, dtype = _shape_and_dtype(value)
        size = 1
        for length in shape:
            size *= length
        kind = slot.kind.__name__ if slot.kind else ""
        label = f"{slot.name}: {_leaf_text(value)}"
        row[1].append(label if kind == "Parameter" else f"{label} ({kind})")
        row[2] += size if slot.kind is not None and issubclass(slot.kind, Parameter) else 0
        row[3] += size * DType(dtype).itemsize
    return [
        (paths.dotted(path) or "(root)", name, ", ".join(texts), count, size)
        for path, (name, texts, count, size) in rows.items()
    ]


def _leaf_text(value: Any) -> str:
    return f"{config.short(value)}" if config.is_array(value) else brief(value)


def _shape_and_dtype(value: Any) -> tuple[tuple[int, ...], str]:
    if config.is_array(value):
        return tuple(value.shape), config.dtype_of(value)
    if isinstance(value, Initializer):
        return value.shape or (0,), value.dtype
    return (), "float32" if isinstance(value, float) else "int32"


def summary(module: Any) -> str:
    """The table of :func:`summary_rows` with a last line of totals, as plain text."""
    numbers = summary_rows(module)
    rows = [(*row[:3], f"{row[3]:,}", f"{row[4]:,}") for row in numbers]
    total = ("total", "", "", f"{sum(r[3] for r in numbers):,}", f"{sum(r[4] for r in numbers):,}")
    table = [_HEAD, *rows, total]
    widths = [max(len(str(row[i])) for row in table) for i in range(len(_HEAD))]
    lines = ["  ".join(_cell(row[i], widths[i], i) for i in range(len(_HEAD))).rstrip() for row in table]
    rule = "-" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def _cell(text: Any, width: int, column: int) -> str:
    return f"{text:>{width}}" if column > 2 else f"{text:<{width}}"


def print_summary(module: Any) -> None:
    """Print the summary; in colour where rich is installed and the output is a terminal."""
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        print(summary(module))
        return
    table = Table(title=type(module).__name__)
    for index, name in enumerate(_HEAD):
        table.add_column(name, justify="right" if index > 2 else "left")
    rows = summary_rows(module)
    for path, name, texts, count, size in rows:
        table.add_row(path, name, texts, f"{count:,}", f"{size:,}")
    table.add_section()
    table.add_row("total", "", "", f"{sum(row[3] for row in rows):,}", f"{sum(row[4] for row in rows):,}")
    Console().print(table)
