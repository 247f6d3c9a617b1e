"""Summaries as tables of plain text.

The renderer is our own: the text has to be the same wherever it is made, also where nothing but numpy is installed and
where the terminal is narrow, and lines of padded cells are less code than the options that would make a library do so.
"""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from unimod.core.kinds import Parameter
from unimod.errors import OptionError

if TYPE_CHECKING:
    from unimod.core.summary import LeafSummary, Summary

MIN_WIDTH = 40
_MIN_COLUMN = 8
_GAP = "  "
_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class Table:
    """Cells of one or more lines, and lines of text below them.

    Attributes:
        head: the names of the columns.
        rows: the cells of each row; the last row is the total.
        right: the columns with numbers, which stand at the right.
        below: what stands under the table.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[str]
    below: str

    def text(self, width: int | None = None) -> str:
        """The table, as wide as its contents, or with cells folded to be at most ``width`` wide."""
        table = [[cell.split("\n") for cell in row] for row in (self.head, *self.rows)]
        widths = _widths([[max(map(len, lines)) for lines in row] for row in table], _checked(width))
        blocks = [self._block(row, widths) for row in table]
        rule = "-" * max(len(line) for block in blocks for line in block)
        lines = [*blocks[0], rule, *(line for block in blocks[1:-1] for line in block), rule, *blocks[-1]]
        return "\n".join([*lines, "", self.below])

    def _block(self, row: list[list[str]], widths: list[int]) -> list[str]:
        cells = [_folded(lines, width) for lines, width in zip(row, widths, strict=True)]
        height = max(map(len, cells))
        padded = [[*cell, *[""] * (height - len(cell))] for cell in cells]
        return [self._line([cell[index] for cell in padded], widths) for index in range(height)]

    def _line(self, cells: list[str], widths: list[int]) -> str:
        columns = zip(cells, widths, self.head, strict=True)
        return _GAP.join(c.rjust(w) if name in self.right else c.ljust(w) for c, w, name in columns).rstrip()


def _checked(width: int | None) -> int | None:
    if width is None or (isinstance(width, int) and width >= MIN_WIDTH):
        return width
    raise OptionError("A table cannot be that narrow.", got=f"width = {width!r}", expected=f"at least {MIN_WIDTH}")


def _widths(sizes: list[list[int]], width: int | None) -> list[int]:
    """The widths of the columns; the widest give way where there is not enough room."""
    widths = [max(column) for column in zip(*sizes, strict=True)]
    room = None if width is None else width - len(_GAP) * (len(widths) - 1)
    while room is not None and sum(widths) > room and max(widths) > _MIN_COLUMN:
        widths[widths.index(max(widths))] -= 1
    return widths


def _folded(lines: list[str], width: int) -> list[str]:
    return [piece for line in lines for piece in (textwrap.wrap(line, width) if len(line) > width else [line])]


# What stands in the tables --------------------------------------------------------------------------------------------

Column = Callable[["Summary", bool], str]
"""The cell of a module; the flag says that the row stands for all that is below it, too."""


def short(summary: Summary, depth: int | None) -> Table:
    """Path, type, inputs, outputs, parameters, bytes, notes."""
    columns: dict[str, Column] = {
        **_named(summary, True),
        "parameters": lambda module, is_whole: f"{sum(leaf.size for leaf in _of(module, is_whole, Parameter)):,}",
        "bytes": lambda module, is_whole: f"{sum(leaf.nbytes for leaf in _of(module, is_whole)):,}",
    }
    return _table(summary, depth, columns, frozenset({"parameters", "bytes"}))


def long(summary: Summary, depth: int | None, signature: bool, kinds: Sequence[type] | None) -> Table:
    """Path, type, inputs, outputs, a column for each kind of leaves, notes."""
    found = dict.fromkeys(leaf.kind for leaf in summary.all_leaves)
    chosen = sorted(found, key=lambda kind: kind is not Parameter) if kinds is None else _checked_kinds(kinds)
    columns = {kind_name(kind): _leaves_of(kind, () if kinds is None else tuple(chosen)) for kind in chosen}
    return _table(summary, depth, {**_named(summary, signature), **columns}, frozenset())


def kind_name(kind: type | None) -> str:
    """The name of a kind; ``leaf`` stands for what is outside of modules."""
    return "leaf" if kind is None else kind.__name__


def _table(summary: Summary, depth: int | None, columns: dict[str, Column], right: frozenset[str]) -> Table:
    rows = list(_rows(summary, _checked_depth(depth)))
    columns = {**columns, "notes": lambda module, is_whole: _notes(module)}
    if not any(_notes(module) for module, _ in rows):
        del columns["notes"]
    cells = [tuple(column(module, is_whole) for column in columns.values()) for module, is_whole in rows]
    named = {"path": "total", "module": "", "inputs": "", "outputs": "", "notes": ""}
    total = tuple(named[name] if name in named else columns[name](summary, True) for name in columns)
    return Table(tuple(columns), (*cells, total), right, _below(summary))


def _rows(summary: Summary, depth: int | None) -> Iterator[tuple[Summary, bool]]:
    yield summary, depth == 0
    for child in summary.children if depth != 0 else ():
        yield from _rows(child, None if depth is None else depth - 1)


def _named(summary: Summary, signature: bool) -> dict[str, Column]:
    columns: dict[str, Column] = {"path": lambda m, _: m.path or "(root)", "module": lambda m, _: m.class_name}
    if signature and any(module.signatures for module in summary):
        columns["inputs"] = lambda module, _: _signatures(module, 0)
        columns["outputs"] = lambda module, _: _signatures(module, 1)
    return columns


def _signatures(module: Summary, place: int) -> str:
    lines = [pair[place] for pair in module.signatures[:_SHOWN]]
    return "\n".join([*lines, "..."] if len(module.signatures) > _SHOWN else lines)


def _of(module: Summary, is_whole: bool, kind: type | None = None) -> list[LeafSummary]:
    """The leaves that a row stands for."""
    leaves = module.all_leaves if is_whole else module.leaves
    return [leaf for leaf in leaves if kind is None or (leaf.kind is not None and issubclass(leaf.kind, kind))]


def _leaves_of(kind: type | None, chosen: tuple[Any, ...]) -> Column:
    """The leaves of one kind: of exactly this one, or of the first of the chosen ones that fits."""

    def is_in(leaf: LeafSummary) -> bool:
        if not chosen or leaf.kind is None:
            return leaf.kind is kind
        return next((other for other in chosen if issubclass(leaf.kind, other)), None) is kind

    def cell(module: Summary, is_whole: bool) -> str:
        leaves = [leaf for leaf in _of(module, is_whole) if is_in(leaf)]
        if not leaves:
            return ""
        count = f"{sum(leaf.size for leaf in leaves):,} ({sum(leaf.nbytes for leaf in leaves):,} bytes)"
        return "\n".join([*([] if is_whole else map(str, leaves)), count])

    return cell


def _notes(module: Summary) -> str:
    shared = f"shared with {module.shared_with}" if module.shared_with is not None else ""
    tied = [f"{leaf.name} shared with {leaf.shared_with}" for leaf in module.leaves if leaf.shared_with is not None]
    calls = {None: "", 0: "not called", 1: ""}.get(module.calls, f"{module.calls} calls")
    size = "size unknown" if any(not leaf.initialized and leaf.shape is None for leaf in module.leaves) else ""
    return ", ".join(filter(None, [shared, *tied, calls, size, "frozen" if module.frozen else ""]))


def _below(summary: Summary) -> str:
    names = {"trainable": "parameters", "frozen": "parameters"}
    cells = [
        (label, f"{size:,}", names.get(label, "numbers"), f"{nbytes:,}")
        for label, (size, nbytes) in summary.totals.items()
    ]
    a, b, c, d = (max(map(len, column)) for column in zip(*cells, strict=True))
    lines = [f"{w:<{a}}  {x:>{b}} {y:<{c}}  {z:>{d}} bytes" for w, x, y, z in cells]
    empty = [leaf for leaf in summary.all_leaves if not leaf.initialized and leaf.shared_with is None]
    return "\n".join([*lines, _without_values(empty)] if empty else lines)


def _without_values(empty: list[LeafSummary]) -> str:
    unknown = sum(leaf.shape is None for leaf in empty)
    sizes = f", {unknown} of unknown size are not counted" if unknown else ""
    return f"without values yet: {len(empty)} leaves{sizes}"


def _checked_depth(depth: int | None) -> int | None:
    if depth is None or (isinstance(depth, int) and depth >= 0):
        return depth
    raise OptionError(
        "`depth` says how many levels of modules are shown.", got=f"depth = {depth!r}", expected="0, 1, ..."
    )


def _checked_kinds(kinds: Sequence[type]) -> list[Any]:
    chosen = list(kinds) if isinstance(kinds, (list, tuple)) else [kinds]
    if all(isinstance(kind, type) for kind in chosen):
        return chosen
    raise OptionError(
        "`kinds` are classes of leaves.", got=f"kinds = {kinds!r}", expected="such as (um.Parameter, um.State)"
    )


# In colour ------------------------------------------------------------------------------------------------------------


def show(table: Table, title: str) -> None:
    """Print a table; in colour where rich is installed and the output is a terminal."""
    try:
        from rich.console import Console
        from rich.table import Table as RichTable
    except ImportError:
        print(table.text())
        return
    rich = RichTable(title=title)
    for name in table.head:
        rich.add_column(name, justify="right" if name in table.right else "left")
    for row in table.rows[:-1]:
        rich.add_row(*row)
    rich.add_section()
    rich.add_row(*table.rows[-1])
    console = Console()
    console.print(rich)
    console.print(table.below)
