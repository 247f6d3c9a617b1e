"""The same weights in every library, whatever its layouts and names are.

A value depends on the shape alone, and not on the order of the axes; it repeats after as many places as the largest
layers are wide, so that kernels which one library keeps apart and another in one array are the same too.
"""

from __future__ import annotations

import functools

import numpy as np

PERIOD, SCALE = 128, 0.05


def like(path: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """Values for kernels and tables, zeros for biases, None (the library's own ones and zeros) for the rest."""
    if "bias" in path.lower():
        return np.zeros(shape, "float32")
    is_vector = sum(length > 1 for length in shape) < 2
    return None if is_vector else values(tuple(shape))


@functools.cache
def values(shape: tuple[int, ...]) -> np.ndarray:
    places = np.indices(shape) % PERIOD
    return (SCALE * np.sin(np.prod(places + 1.3, axis=0))).astype("float32")
