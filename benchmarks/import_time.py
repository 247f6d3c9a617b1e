"""Importing the package, over importing numpy, each in a fresh process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

from benchmarks._measure import Row

RUNS = 15
PROGRAM = """
import sys, time
start = time.perf_counter()
import {name}
print(time.perf_counter() - start, sorted(set(sys.modules) & {{"jax", "torch", "optax"}}))
"""


def seconds(name: str, cache: str) -> float:
    """The time of one import, with the byte code in ``cache``, also where the environment forbids to write it."""
    variables = os.environ | {"PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-c", PROGRAM.format(name=name)]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=variables)
    time, frameworks = out.stdout.split(maxsplit=1)
    if frameworks.strip() != "[]":
        raise RuntimeError(f"import {name} imports {frameworks.strip()}")
    return float(time)


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as cache:
        seconds("unimod", cache)  # writes the byte code
        pairs = [(seconds("unimod", cache), seconds("numpy", cache)) for _ in range(RUNS)]
    ours, theirs = zip(*pairs, strict=True)
    return [_row("min", min, ours, theirs), _row("median", statistics.median, ours, theirs)]


def _row(name, of, ours, theirs) -> Row:
    added = of(ours) - of(theirs)
    low, middle, high = statistics.quantiles([a / b for a, b in zip(ours, theirs, strict=True)], n=4)
    text = f"added {added:.3f} s, < 0.150 s"
    return Row(
        f"import unimod, {name} of {RUNS}", "import numpy", text, 1e6 * of(ours), 1e6 * of(theirs), middle, low, high
    )
