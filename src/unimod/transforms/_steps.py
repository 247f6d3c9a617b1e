"""Loops and branches in Python, for engines that have none of their own: each step is a call of the body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends import _loops
from unimod.backends._protocol import Array, FlatFn


def scan(
    fn: FlatFn, carry: list[Array], xs: list[Array], *, length: int, reverse: bool, unroll: int
) -> tuple[list[Array], list[Array], Any]:
    """``fn([*carry, *x]) -> ([*carry, *y], extra)`` for each row of ``xs``; see the protocol."""
    if not length:
        outputs, extra = fn([*carry, *(_row_of_zeros(x) for x in xs)])
        return carry, [unp.stack([y])[:0] for y in outputs[len(carry) :]], extra
    # With the ellipsis a row of a vector is an array on all engines.
    rows = [[x[i, ...] for i in range(length)] for x in xs]
    carry, ys, extra = _loops.scan(fn, carry, rows, length, reverse)
    return carry, [unp.stack(y) for y in ys], extra


def _row_of_zeros(x: Array) -> Array:
    return unp.astype(unp.sum(x, axis=0), config.dtype_of(x))


def while_loop(cond: FlatFn, body: FlatFn, carry: list[Array]) -> list[Array]:
    """``body(carry)`` while ``cond(carry)``; see the protocol."""
    while bool(cond(carry)[0][0]):
        carry = body(carry)[0]
    return carry


def switch(index: Array, branches: Sequence[FlatFn], operands: list[Array]) -> tuple[list[Array], Any]:
    """``branches[index](operands)``; see the protocol."""
    return branches[min(max(int(index), 0), len(branches) - 1)](operands)
