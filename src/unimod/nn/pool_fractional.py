"""Max pooling with windows whose places are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.nn import _fractional
from unimod.nn.conv import hashable
from unimod.nn.stochastic import Stochastic

Sizes = int | Sequence[int]


class FractionalMaxPool(Stochastic):
    """The maximum of each of ``size`` windows whose distances vary, channels last; they are drawn in training only.

    Args:
        window: size of the window; one int means all spatial axes.
        size: the number of windows, for all axes or for each.
        ratio: in place of ``size``: the number of windows over the size of the axis, in (0, 1).
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.

    Raises:
        OptionError: an option has a wrong value, or not exactly one of ``size`` and ``ratio`` is given.
        ShapeError: there is no room for the windows.

    Example:
        >>> import unimod as um
        >>> um.nn.FractionalMaxPool(2, ratio=0.6).init(0)(um.numpy.ones((1, 10, 7, 3))).shape == (1, 6, 4, 3)
        True

    Source: Graham (2014), arXiv:1412.6071.
    Differences: torch's draws in evaluation too; here the windows then lie evenly.
    """

    def __init__(
        self,
        window: Sizes,
        *,
        size: Sizes | None = None,
        ratio: float | Sequence[float] | None = None,
        data_format: str | None = None,
    ) -> None:
        _fractional.check_size(size, ratio)
        self.window, self.size, self.ratio = hashable(window), hashable(size), hashable(ratio)
        self.data_format = data_format
        self._declare_key()

    def __call__(self, x: Any) -> Any:
        """Pool ``x``, of shape ``(batch, *spatial, channels)``."""
        key = self._next_key() if self._is_drawing(1.0) else None
        return _fractional.fractional_max_pool(
            x, key, self.window, size=self.size, ratio=self.ratio, data_format=self.data_format
        )
