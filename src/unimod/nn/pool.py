"""Pooling layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.core.module import Module
from unimod.nn import functional
from unimod.nn._shapes import Padding
from unimod.nn.conv import _hashable


class MaxPool(Module):
    """The maximum of each window of the spatial axes, channels last.

    Args:
        window: size of the window; one int means all spatial axes.
        stride: step of the window (default: its size).
        padding: as for ``Conv``; padded places never win.

    Example:
        >>> import unimod as um
        >>> um.nn.MaxPool(2)(um.numpy.ones((1, 4, 4, 3))).shape == (1, 2, 2, 3)
        True
    """

    def __init__(
        self, window: int | Sequence[int], *, stride: int | Sequence[int] | None = None, padding: Padding = "VALID"
    ) -> None:
        self.window, self.stride, self.padding = _hashable(window), _hashable(stride), _hashable(padding)

    def __call__(self, x: Any) -> Any:
        """Pool ``x``, of shape ``(batch, *spatial, channels)``."""
        return functional.max_pool(x, self.window, stride=self.stride, padding=self.padding)


class AvgPool(Module):
    """The mean of each window of the spatial axes, channels last.

    Args:
        window: size of the window; one int means all spatial axes.
        stride: step of the window (default: its size).
        padding: as for ``Conv``.
        count_include_pad: whether padded places count as zeros.

    Example:
        >>> import unimod as um
        >>> um.nn.AvgPool((2, 2))(um.numpy.ones((1, 4, 4, 3))).shape == (1, 2, 2, 3)
        True
    """

    def __init__(
        self,
        window: int | Sequence[int],
        *,
        stride: int | Sequence[int] | None = None,
        padding: Padding = "VALID",
        count_include_pad: bool = True,
    ) -> None:
        self.window, self.stride, self.padding = _hashable(window), _hashable(stride), _hashable(padding)
        self.count_include_pad = count_include_pad

    def __call__(self, x: Any) -> Any:
        """Pool ``x``, of shape ``(batch, *spatial, channels)``."""
        return functional.avg_pool(
            x, self.window, stride=self.stride, padding=self.padding, count_include_pad=self.count_include_pad
        )
