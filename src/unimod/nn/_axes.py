"""Axes of arrays, as the layers name them."""

from __future__ import annotations

from typing import Any

from unimod.errors import ShapeError


def resolve(x: Any, axis: int) -> int:
    """``axis`` of ``x``, counted from the start.

    Raises:
        ShapeError: ``x`` has no such axis.
    """
    rank = len(x.shape)
    if -rank <= axis < rank:
        return axis % rank
    raise ShapeError(
        f"There is no axis {axis}.",
        got=f"x of rank {rank}",
        expected=f"an axis in [{-rank}, {rank})",
        fix="pass an array with more axes, or another `axis`",
    )
