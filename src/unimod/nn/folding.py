"""Layers that take images apart into windows and put them together, and that shuffle channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.core.module import Module
from unimod.nn import _folding
from unimod.nn._shapes import Padding
from unimod.nn.conv import hashable

Sizes = int | Sequence[int]


class Unfold(Module):
    """The elements of each window of the spatial axes as one row, channels last.

    Args:
        window: size of the window; one int means all spatial axes.
        stride: step of the window.
        padding: ``"SAME"``, ``"VALID"``, an int, or pairs; of zeros.
        dilation: step inside the window.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.

    Example:
        >>> import unimod as um
        >>> um.nn.Unfold(2)(um.numpy.ones((1, 4, 4, 3))).shape == (1, 9, 12)
        True
    """

    def __init__(
        self,
        window: Sizes,
        *,
        stride: Sizes = 1,
        padding: Padding = "VALID",
        dilation: Sizes = 1,
        data_format: str | None = None,
    ) -> None:
        self.window, self.stride, self.padding = hashable(window), hashable(stride), hashable(padding)
        self.dilation, self.data_format = hashable(dilation), data_format

    def __call__(self, x: Any) -> Any:
        """The rows of ``x``, of shape ``(batch, *spatial, channels)``: ``(batch, places, window * channels)``."""
        return _folding.unfold(
            x,
            self.window,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            data_format=self.data_format,
        )


class Fold(Module):
    """Images of rows that ``Unfold`` made: elements that stand in several windows are added.

    Args:
        size: of the spatial axes of the images; its length says how many there are.
        window: as in ``Unfold``.
        stride: as in ``Unfold``.
        padding: as in ``Unfold``.
        dilation: as in ``Unfold``.
        data_format: as in ``Unfold``.

    Example:
        >>> import unimod as um
        >>> um.nn.Fold((4, 4), 2)(um.numpy.ones((1, 9, 12))).shape == (1, 4, 4, 3)
        True
    """

    def __init__(
        self,
        size: Sequence[int],
        window: Sizes,
        *,
        stride: Sizes = 1,
        padding: Padding = "VALID",
        dilation: Sizes = 1,
        data_format: str | None = None,
    ) -> None:
        self.size, self.window, self.stride = tuple(size), hashable(window), hashable(stride)
        self.padding, self.dilation, self.data_format = hashable(padding), hashable(dilation), data_format

    def __call__(self, x: Any) -> Any:
        """The images of ``x``, of shape ``(batch, places, window * channels)``: ``(batch, *size, channels)``."""
        return _folding.fold(
            x,
            self.size,
            self.window,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            data_format=self.data_format,
        )


class ChannelShuffle(Module):
    """Channels in another order: the first of each group, then the second of each, and so on.

    Args:
        groups: in how many groups of neighbours the channels lie.
        axis: that of the channels.

    Example:
        >>> import unimod as um
        >>> um.nn.ChannelShuffle(2)(um.numpy.asarray([1, 2, 3, 4, 5, 6])).tolist()
        [1, 4, 2, 5, 3, 6]

    Source: Zhang et al. (2017), arXiv:1707.01083, section 3.1.
    """

    def __init__(self, groups: int, *, axis: int = -1) -> None:
        self.groups, self.axis = groups, axis

    def __call__(self, x: Any) -> Any:
        """Reorder the channels of ``x``."""
        return _folding.channel_shuffle(x, self.groups, axis=self.axis)
