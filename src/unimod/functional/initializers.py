"""Initializers under the names of this style: ``init(key, shape)``."""

from __future__ import annotations

from typing import Any

from unimod.nn import initializers

zeros = initializers.zeros()
ones = initializers.ones()


def glorot() -> Any:
    """Normal numbers of the variance ``2 / (fan_in + fan_out)``, as ``um.nn.initializers.glorot_normal``."""
    return initializers.glorot_normal()


def randn(stddev: float = 1e-2) -> Any:
    """Normal numbers of this standard deviation."""
    return initializers.normal(stddev)
