"""Layers that record a penalty of what passes through them."""

from __future__ import annotations

from typing import Any

from unimod import regularizers
from unimod.core.kinds import Loss
from unimod.core.module import Module
from unimod.nn import _leaves, initializers


class ActivityRegularization(Module):
    """The layer that returns its input, and records ``l1 * sum |x| + l2 * sum x^2`` as a leaf of the kind ``um.Loss``.

    The penalty, a float32 scalar, is of the last call in training mode; ``um.metrics.Losses`` adds it to the others,
    and ``model.losses()`` finds it. In evaluation mode, or frozen, nothing is recorded.

    Args:
        l1: the factor of the absolute values.
        l2: the factor of the squares.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.ActivityRegularization(l2=0.5).init(0)
        >>> y = layer(um.numpy.asarray([1.0, -3.0]))
        >>> float(layer.penalty), y.tolist()
        (5.0, [1.0, -3.0])
    """

    def __init__(self, *, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = l1, l2
        self.penalty: Any = Loss(_leaves.pending(initializers.zeros(), (), "float32"))

    def __call__(self, x: Any) -> Any:
        """Return ``x``."""
        if self.training and not self.frozen:
            self.penalty = regularizers.l1_l2(x, l1_rate=self.l1, l2_rate=self.l2)
        return x
