"""The arithmetic of random integers in a range: two words for each, and a remainder.

``offset = ((high mod span) * multiplier + low mod span) mod span``, where a span of 0 stands for 2**width.
"""

from __future__ import annotations

import numpy as np


def width_of(name: str) -> int:
    """How many bits are drawn for each of the two words: small integers are drawn as 32 bits."""
    return max(32, np.iinfo(name).bits)


def span_of(minval: int, maxval: int, name: str) -> tuple[int, int]:
    """The lowest value and the number of values, modulo 2**width, of the range clipped to the dtype.

    An empty range has the one value ``minval``.
    """
    info = np.iinfo(name)
    low = min(max(minval, int(info.min)), int(info.max))
    high = min(max(maxval, int(info.min)), int(info.max) + 1)
    return low, (max(1, high - low)) % 2 ** width_of(name)


def multiplier_of(span: int, width: int) -> int:
    """``2**width mod span`` as JAX computes it: 0 for spans above ``2**(width / 2)``, where the square wraps."""
    half = 2 ** (width // 2)
    return (half % span) ** 2 % 2**width % span if span else 0
