"""NumPy: batching by a loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unimod.backends._protocol import Array, FlatFn
from unimod.errors import CapabilityError


def vmap(fn: FlatFn, leaves: list[Array], in_axes: Sequence[int | None], size: int) -> tuple[list[Array], Any]:
    """Call ``fn`` once for each index of the mapped axes and stack what it returns; see the protocol."""
    if size == 0:
        raise CapabilityError(
            "The numpy engine cannot map over an axis of length 0.",
            got="a mapped axis of length 0",
            expected="a mapped axis of length 1 or more",
            fix='move the data first: um.to_backend(tree, "jax")',
        )
    calls = [fn([_slice(x, axis, i) for x, axis in zip(leaves, in_axes, strict=True)]) for i in range(size)]
    return [np.stack(outputs) for outputs in zip(*(outputs for outputs, _ in calls), strict=True)], calls[-1][1]


def _slice(x: Array, axis: int | None, i: int) -> Array:
    return x if axis is None else np.asarray(np.take(x, i, axis=axis))
