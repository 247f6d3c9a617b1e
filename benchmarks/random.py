"""Counter-based random numbers against the generator of torch."""

from __future__ import annotations

import torch

import unimod as um
from benchmarks._measure import Row, compare, repeat

RATE = 0.1


def draws(size: int) -> list[Row]:
    key, x = um.random.key(0, backend="torch"), torch.ones(size)
    native = torch.Generator().manual_seed(0)
    cases = {
        "bits": (
            lambda key, x: um.random.bits(key, (size,)),
            lambda: torch.randint(0, 2**32, (size,), dtype=torch.int64, generator=native),
        ),
        "normal": (lambda key, x: um.random.normal(key, (size,)), lambda: torch.randn(size, generator=native)),
        "dropout": (
            lambda key, x: um.nn.functional.dropout(x, key, RATE),
            lambda: torch.nn.functional.dropout(x, RATE),
        ),
    }
    rows = []
    for name, (ours, theirs) in cases.items():
        compiled = um.jit(ours)
        loops = repeat(lambda ours=ours: ours(key, x)), repeat(lambda compiled=compiled: compiled(key, x))
        for kind, loop in zip(("eager", "um.jit"), loops, strict=True):
            rows.append(compare(f"{name}, {size:.0e}, {kind}", loop, repeat(theirs), baseline="torch", pairs=31))
    return rows


def run() -> list[Row]:
    torch.set_num_threads(1)
    return [*draws(10_000), *draws(1_000_000)]
