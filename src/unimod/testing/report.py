"""The report of a run of the suite: JSON, and a page with one coloured cell for each case, check and engine."""

from __future__ import annotations

import html
import json
import math
import pathlib
from collections.abc import Iterable
from typing import Any

_PAGE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Conformance</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222; background: #fff; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: 2px 8px; text-align: right; border: 1px solid #ddd; }}
th:first-child, td:first-child {{ text-align: left; font-family: monospace; }}
thead th {{ position: sticky; top: 0; background: #f4f4f4; }}
td.failed {{ background: #c0392b; color: #fff; }} td.none {{ background: #fafafa; }}
</style>
<h1>Conformance</h1>
<p>{summary}</p>
<p>A cell is the largest deviation as a share of what is allowed: 0 is equal, 1 is at the bound.
Empty cells: the check does not apply. Texts of failures show when pointed at.</p>
<table><thead><tr><th>case</th>{heads}</tr></thead><tbody>
{rows}
</tbody></table></html>
"""

Cell = dict[str, Any]


def write(path: pathlib.Path, outcomes: Iterable[Cell]) -> tuple[pathlib.Path, pathlib.Path]:
    """Write ``path`` with the suffixes ``.json`` and ``.html``; returns both paths."""
    rows = sorted(outcomes, key=lambda row: (row["case"], row["check"], row["engine"], row["dtype"]))
    base = path.with_suffix("") if path.suffix in (".json", ".html") else path
    base.parent.mkdir(parents=True, exist_ok=True)
    as_json, as_html = (base.with_name(base.name + suffix) for suffix in (".json", ".html"))
    as_json.write_text(json.dumps([_plain(row) for row in rows], indent=1) + "\n", "utf-8")
    as_html.write_text(page(rows), "utf-8")
    return as_json, as_html


def page(rows: list[Cell]) -> str:
    """The whole page, without anything from elsewhere."""
    columns = sorted({(row["check"], row["engine"]) for row in rows})
    by_case: dict[str, dict[tuple[str, str], list[Cell]]] = {}
    for row in rows:
        by_case.setdefault(row["case"], {}).setdefault((row["check"], row["engine"]), []).append(row)
    heads = "".join(f"<th>{html.escape(check)}<br>{html.escape(engine)}</th>" for check, engine in columns)
    lines = [
        f"<tr><td>{html.escape(name)}</td>{''.join(_cell(cells.get(column, [])) for column in columns)}</tr>"
        for name, cells in sorted(by_case.items())
    ]
    failed = sum(1 for row in rows if row["error"])
    summary = f"{len(rows)} checks of {len(by_case)} cases, {failed} failed."
    return _PAGE.format(summary=summary, heads=heads, rows="\n".join(lines))


def _cell(rows: list[Cell]) -> str:
    if not rows:
        return '<td class="none"></td>'
    failures = [row for row in rows if row["error"]]
    if failures:
        texts = "\n\n".join(f"{row['dtype']}: {row['error']}" for row in failures)
        return f'<td class="failed" title="{html.escape(texts)}">failed</td>'
    worst = max(rows, key=lambda row: row["share"])
    title = f"{worst['dtype']}, bound: {worst['bound']}"
    return f'<td style="background: {heat(worst["share"])}" title="{html.escape(title)}">{worst["share"]:.2g}</td>'


def heat(share: float) -> str:
    """From white for 0 through yellow to orange for 1.

    Example:
        >>> from unimod.testing.report import heat
        >>> heat(0.0), heat(1.0)
        ('hsl(50, 90%, 100%)', 'hsl(25, 90%, 60%)')
    """
    share = min(max(share, 0.0), 1.0)
    return f"hsl({50 - 25 * share:.0f}, 90%, {100 - 40 * share:.0f}%)"


def _plain(row: Cell) -> Cell:
    """JSON has no infinity."""
    share = row["share"]
    return {**row, "share": share if share is None or math.isfinite(share) else None}
