"""Rectifiers with a slope that is drawn."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import random
from unimod.errors import OptionError
from unimod.nn._precision import entering, leaving
from unimod.nn.activations import leaky_relu
from unimod.nn.stochastic import Stochastic

Array = Any


def rrelu(x: Array, key: Any, *, lower: float = 1 / 8, upper: float = 1 / 3) -> Array:
    """``x`` where ``x > 0``, else ``slope * x`` with a slope in [lower, upper) that is drawn for each element.

    Args:
        x: an array of any shape.
        key: draws the slopes; the same key and shape give the same slopes on every engine.
        lower: the least slope.
        upper: the greatest slope.

    Returns:
        The shape and dtype of ``x``. The derivative at 0 is the slope.

    Raises:
        OptionError: ``lower`` is greater than ``upper``.

    Example:
        >>> import unimod as um
        >>> y = um.nn.functional.rrelu(um.numpy.asarray([-1.0, 2.0]), um.random.key(0), lower=0.25, upper=0.25)
        >>> y.tolist()
        [-0.25, 2.0]

    Source: Xu et al. (2015), arXiv:1505.00853.
    """
    _check(lower, upper)
    wide, dtype = entering(x)
    slope = random.uniform(key, tuple(wide.shape), minval=float(lower), maxval=float(upper))
    return leaving(unp.where(unp.greater(wide, 0.0), wide, unp.multiply(wide, slope)), dtype)


class RReLU(Stochastic):
    """``x`` where ``x > 0``, else ``slope * x``; in training the slope is drawn for each element, else it is the mean.

    Args:
        lower: the least slope.
        upper: the greatest slope.

    Raises:
        OptionError: ``lower`` is greater than ``upper``.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.RReLU(0.25, 0.75).init(0)
        >>> layer.eval()(um.numpy.asarray([-1.0, 2.0])).tolist()
        [-0.5, 2.0]

    Source: Xu et al. (2015), arXiv:1505.00853.
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3) -> None:
        _check(lower, upper)
        self.lower, self.upper = float(lower), float(upper)
        self._declare_key()

    def __call__(self, x: Any) -> Any:
        """Apply the activation to ``x``."""
        if self._is_drawing(self.upper - self.lower):
            return rrelu(x, self._next_key(), lower=self.lower, upper=self.upper)
        return leaky_relu(x, negative_slope=(self.lower + self.upper) / 2)


def _check(lower: float, upper: float) -> None:
    if not lower <= upper:
        raise OptionError(
            "The slopes of RReLU have no range.",
            got=f"lower = {lower!r}, upper = {upper!r}",
            expected="lower <= upper",
            fix="swap the two",
        )
