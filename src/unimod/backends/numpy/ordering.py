"""NumPy: sorting, and finding places. nan counts as the greatest, equal elements keep their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from unimod.backends.numpy.dtypes import cast


def sort(x: Any, axis: int, descending: bool) -> Any:
    """Sorted along an axis."""
    if not descending:
        return np.sort(x, axis, stable=True)
    return np.flip(np.sort(np.flip(x, axis), axis, stable=True), axis)


def argsort(x: Any, axis: int, descending: bool) -> Any:
    """The order that sorts along an axis; equal elements keep theirs."""
    if not descending:
        return cast(np.argsort(x, axis, stable=True), "int32")
    backwards = np.argsort(np.flip(x, axis), axis, stable=True)
    return cast(x.shape[axis] - 1 - np.flip(backwards, axis), "int32")


def searchsorted(x: Any, values: Any, side: Any) -> Any:
    """The places in the sorted ``x`` before which ``values`` belong; both are of one dtype."""
    return cast(np.searchsorted(x, values, side), "int32")


def flatnonzero(mask: Any) -> Any:
    """The places at which a mask of one axis is True."""
    return cast(np.flatnonzero(mask), "int32")
