"""Vectors of the length 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
from unimod.core.module import Module
from unimod.nn import _axes
from unimod.nn._precision import entering, leaving


class UnitNorm(Module):
    """``x / max(sqrt(sum x^2), epsilon)`` over an axis, or over several: a vector of the length 1.

    Half precision is computed in float32. Where the length is less than ``epsilon`` it is held constant by ``grad``.

    Args:
        axis: the axis, or axes, of the vectors.
        epsilon: the least length that is divided by.

    Raises:
        ShapeError: ``x`` has no such axis.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.UnitNorm()(um.numpy.asarray([3.0, 4.0])).tolist()]
        [0.6, 0.8]
    """

    def __init__(self, axis: int | Sequence[int] = -1, *, epsilon: float = 1e-6) -> None:
        self.axis = (axis,) if isinstance(axis, int) else tuple(axis)
        self.epsilon = epsilon

    def __call__(self, x: Any) -> Any:
        """Normalise ``x``."""
        wide, dtype = entering(x)
        axes = tuple(_axes.resolve(wide, axis) for axis in self.axis)
        square = unp.sum(unp.square(wide), axis=axes, keepdims=True)
        # The larger one under the root: at zeros its derivative is 0 instead of nan.
        return leaving(unp.multiply(wide, unp.rsqrt(unp.maximum(square, self.epsilon**2))), dtype)
