"""Loops in Python, for engines whose operations run as they come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.backends._protocol import Array, FlatFn


def scan(
    fn: FlatFn,
    carry: list[Array],
    rows: Sequence[Sequence[Array]],
    length: int,
    reverse: bool,
) -> tuple[list[Array], list[list[Array]], Any]:
    """The last carry, the lists of each output in the order of the rows, and what else a call gave.

    Args:
        fn: the step.
        carry: the first carry.
        rows: the rows of each input.
        length: the number of steps, 1 or more.
        reverse: whether to go from the last row to the first.
    """
    count, extra = len(carry), None
    found: list[list[Array]] = []
    for t in reversed(range(length)) if reverse else range(length):
        outputs, extra = fn([*carry, *(column[t] for column in rows)])
        carry = list(outputs[:count])
        found.append(outputs[count:])
    return carry, [list(column) for column in zip(*(found[::-1] if reverse else found), strict=True)], extra
