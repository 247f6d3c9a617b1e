"""Layers that draw random numbers."""

from __future__ import annotations

from typing import Any

from unimod import random
from unimod.core.initializer import Initializer
from unimod.core.kinds import Rng
from unimod.core.module import Module
from unimod.nn import _checks, functional


class Dropout(Module):
    """Set each element to zero with probability ``rate`` and scale the others by ``1 / (1 - rate)``; in training only.

    The key is an ``Rng`` leaf, split at each call, so that the same seed gives the same masks on every engine.

    Args:
        rate: the probability of dropping, in [0, 1].

    Raises:
        OptionError: the rate is not in [0, 1].

    Example:
        >>> import unimod as um
        >>> layer = um.nn.Dropout(0.5).init(0)
        >>> sorted({float(v) for v in layer(um.numpy.ones((100,)))})
        [0.0, 2.0]
        >>> float(um.numpy.sum(layer.eval()(um.numpy.ones((4,)))))
        4.0

    Source: Srivastava et al., "Dropout", 2014.
    """

    def __init__(self, rate: float) -> None:
        _checks.rate(rate)
        self.rate = float(rate)
        self.key: Any = Rng(Initializer(_itself, (2,), "uint32"))

    def __call__(self, x: Any) -> Any:
        """Drop elements of ``x``."""
        if not self.training or self.frozen or self.rate == 0:
            return x
        self.key, key = random.split(self.key)
        return functional.dropout(x, key, self.rate)


def _itself(key: Any) -> Any:
    return key
