"""Importing the package, over importing numpy, each in a fresh process."""

from __future__ import annotations

import statistics
import subprocess
import sys

from benchmarks._measure import Row

RUNS = 15
PROGRAM = """
import sys, time
start = time.perf_counter()
import {name}
print(time.perf_counter() - start, sorted(set(sys.modules) & {{"jax", "torch", "optax"}}))
"""


def seconds(name: str) -> float:
    out = subprocess.run([sys.executable, "-c", PROGRAM.format(name=name)], check=True, capture_output=True, text=True)
    time, frameworks = out.stdout.split(maxsplit=1)
    if frameworks.strip() != "[]":
        raise RuntimeError(f"import {name} imports {frameworks.strip()}")
    return float(time)


def run() -> list[Row]:
    seconds("unimod")  # writes the byte code
    ours, theirs = zip(*((seconds("unimod"), seconds("numpy")) for _ in range(RUNS)), strict=True)
    return [_row("min", min, ours, theirs), _row("median", statistics.median, ours, theirs)]


def _row(name, of, ours, theirs) -> Row:
    added = of(ours) - of(theirs)
    low, middle, high = statistics.quantiles([a / b for a, b in zip(ours, theirs, strict=True)], n=4)
    text = f"added {added:.3f} s, < 0.150 s"
    return Row(
        f"import unimod, {name} of {RUNS}", "import numpy", text, 1e6 * of(ours), 1e6 * of(theirs), middle, low, high
    )
