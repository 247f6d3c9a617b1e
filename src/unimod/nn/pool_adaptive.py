"""Pooling layers of which the output has a given size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.core.module import Module
from unimod.nn import functional
from unimod.nn.conv import hashable

Sizes = int | Sequence[int | None]


class _AdaptivePool(Module):
    """The options of bins."""

    def __init__(self, size: Sizes, *, data_format: str | None = None) -> None:
        self.size, self.data_format = hashable(size), data_format


class AdaptiveAvgPool(_AdaptivePool):
    """The mean of each of ``size`` bins along the spatial axes, channels last.

    Args:
        size: the number of bins, one for all axes or one for each; None keeps an axis as it is.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.

    Example:
        >>> import unimod as um
        >>> um.nn.AdaptiveAvgPool((3, 2))(um.numpy.ones((1, 5, 4, 3))).shape == (1, 3, 2, 3)
        True
    """

    def __call__(self, x: Any) -> Any:
        """Pool ``x``, of shape ``(batch, *spatial, channels)``."""
        return functional.adaptive_avg_pool(x, self.size, data_format=self.data_format)


class AdaptiveMaxPool(_AdaptivePool):
    """The maximum of each of ``size`` bins along the spatial axes, channels last. As ``AdaptiveAvgPool``.

    Example:
        >>> import unimod as um
        >>> um.nn.AdaptiveMaxPool((3, None))(um.numpy.ones((1, 5, 4, 3))).shape == (1, 3, 4, 3)
        True
    """

    def __call__(self, x: Any) -> Any:
        """Pool ``x``, of shape ``(batch, *spatial, channels)``."""
        return functional.adaptive_max_pool(x, self.size, data_format=self.data_format)


class _GlobalPool(Module):
    """The options of a pool of everything."""

    def __init__(self, *, keepdims: bool = False, data_format: str | None = None) -> None:
        self.keepdims, self.data_format = keepdims, data_format


class GlobalAvgPool(_GlobalPool):
    """The mean over all spatial axes, for each channel, channels last.

    Args:
        keepdims: whether the spatial axes stay, with length 1.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.

    Example:
        >>> import unimod as um
        >>> um.nn.GlobalAvgPool()(um.numpy.ones((2, 5, 4, 3))).shape == (2, 3)
        True
    """

    def __call__(self, x: Any) -> Any:
        """Pool ``x``, of shape ``(batch, *spatial, channels)``."""
        return functional.global_avg_pool(x, keepdims=self.keepdims, data_format=self.data_format)


class GlobalMaxPool(_GlobalPool):
    """The maximum over all spatial axes, for each channel, channels last. Arguments as in ``GlobalAvgPool``.

    Example:
        >>> import unimod as um
        >>> um.nn.GlobalMaxPool(keepdims=True)(um.numpy.ones((2, 5, 4, 3))).shape == (2, 1, 1, 3)
        True
    """

    def __call__(self, x: Any) -> Any:
        """Pool ``x``, of shape ``(batch, *spatial, channels)``."""
        return functional.global_max_pool(x, keepdims=self.keepdims, data_format=self.data_format)
