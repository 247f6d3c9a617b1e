"""The results as a table and as JSON."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Sequence

from benchmarks import _machine
from benchmarks._measure import Row

HEADER = ("", "against", "ours", "theirs", "", "ratio", "quartiles", "added", "target")


def show(rows: Sequence[Row]) -> None:
    """Print a table."""
    cells = [HEADER, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADER))]
    for line in cells:
        padded = [f"{text:{'<' if column < 2 else '>'}{widths[column]}}" for column, text in enumerate(line)]
        print("  ".join(padded).rstrip(), flush=True)


def _cells(row: Row) -> tuple[str, ...]:
    quartiles = f"{row.low:.2f}-{row.high:.2f}"
    times = (f"{row.ours:.2f}", f"{row.theirs:.2f}", row.unit, f"{row.ratio:.2f}")
    return (row.name, row.baseline, *times, quartiles, f"{row.difference:+.2f}", row.target)


def write(path: pathlib.Path, workload: str, rows: Sequence[Row], notes: Sequence[str] = (), *, keep: bool) -> None:
    """Put the results of one workload into the file; those of the others stay.

    Args:
        path: of the file.
        workload: its name.
        rows: the results.
        notes: what a reader should know beside them.
        keep: whether earlier rows stay that were measured on the same machine, with the same versions.
    """
    results = json.loads(path.read_text()) if path.exists() else {}
    earlier = results.get(workload, {}) if keep else {}
    made = [dataclasses.asdict(row) for row in rows]
    if earlier.get("machine") == _machine.describe():
        names = {(row["name"], row["baseline"]) for row in made}
        made = [row for row in earlier["rows"] if (row["name"], row["baseline"]) not in names] + made
        notes = [note for note in earlier.get("notes", ()) if note not in notes] + list(notes)
    results[workload] = {"machine": _machine.describe(), "rows": made} | ({"notes": list(notes)} if notes else {})
    path.write_text(json.dumps(results, indent=1) + "\n")
