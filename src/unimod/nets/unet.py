"""Networks from image to image."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
from unimod.config import describe_value
from unimod.core.module import Module
from unimod.errors import OptionError, ShapeError
from unimod.nets import _options
from unimod.nets._unet_parts import Level, Style, TimeEmbedding
from unimod.nn import _layouts, activations
from unimod.nn.transformer import Activation

Array = Any


class UNet(Module):
    """A network from image to image: down to low resolutions and up again, with shortcuts between equal resolutions.

    At each resolution are pairs of 3x3 convolutions, ``activation(norm(conv(x)))`` twice. On the way up, images are
    joined with those of the way down. Sizes need not be even: halves are rounded up, and doubles are cut.

    Args:
        in_channels: channels of the images; None: taken from the example input at ``init``.
        out_channels: channels of the result.
        channels: inside, one number for each resolution, the highest first; so many resolutions there are.
        num_blocks: number of pairs of convolutions at each resolution, on either way.
        norm: ``"group"``, ``"batch"``, ``"instance"`` or None.
        num_groups: of ``"group"``; a divisor of all ``channels``.
        down: how images get smaller: ``"max"`` or ``"avg"``, pools of 2x2, or ``"conv"``, a convolution of stride 2.
        up: how images get larger: ``"nearest"`` or ``"linear"`` and a convolution, ``"transpose"``, a transposed
            convolution of 2x2, or ``"shuffle"``, channels that become pixels.
        activation: behind the norms.
        is_residual: whether the input of a pair is added before its last activation.
        time_features: length of the vector of a time, an even number, for models of diffusion; None: there is no time.
        attention_levels: resolutions, counted from the highest as 0, at which pixels attend to each other.
        num_heads: number of heads of the attention.
        dropout_rate: the probability of dropping between the two convolutions, in training.
        data_format: ``"NCHW"`` for images with the channels first.
        dtype: of the leaves; images must have it too.

    Raises:
        OptionError: an option has a wrong value, or a time was given or left out against ``time_features``.
        ShapeError: the images have another number of channels, or too few axes.
        DTypeError: the images have another dtype.

    Example:
        >>> import unimod as um
        >>> model = um.nets.UNet(3, 2, channels=(8, 16), time_features=8, attention_levels=(1,)).init(0)
        >>> model(um.numpy.ones((2, 5, 7, 3)), um.numpy.asarray([0, 500])).shape == (2, 5, 7, 2)
        True

    Source: Ronneberger, Fischer and Brox (2015), arXiv:1505.04597; times and attention: Ho, Jain and Abbeel (2020),
    arXiv:2006.11239.

    Differences: the original pads nothing, so that its results are smaller than its images.
    """

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        *,
        channels: Sequence[int] = (64, 128, 256, 512),
        num_blocks: int = 1,
        norm: str | None = "group",
        num_groups: int = 8,
        down: str = "max",
        up: str = "nearest",
        activation: Activation = activations.silu,
        is_residual: bool = False,
        time_features: int | None = None,
        attention_levels: Sequence[int] = (),
        num_heads: int = 1,
        dropout_rate: float = 0.0,
        data_format: str | None = None,
        dtype: str = "float32",
    ) -> None:
        sizes = _options.counts("UNet", "channels", channels)
        _options.counts("UNet", "num_blocks", (num_blocks,))
        _layouts.is_first(data_format, 2)
        _check_levels(attention_levels, len(sizes))
        _check_even(time_features)
        style = Style(
            norm, num_groups, down, up, activation, is_residual, time_features, num_heads, dropout_rate, str(dtype)
        )
        self.data_format = data_format
        self.time: Any = None if time_features is None else TimeEmbedding(time_features, activation, str(dtype))
        attends = [level in attention_levels for level in range(len(sizes))]
        self.downs = [
            Level(style, before, size, num_blocks, attends[level])
            for level, (before, size) in enumerate(zip((in_channels, *sizes[:-1]), sizes, strict=True))
        ]
        self.shrinks = [style.make_down(size) for size in sizes[:-1]]
        self.grows = [style.make_up(below, size) for size, below in itertools.pairwise(sizes)]
        self.ups = [Level(style, 2 * size, size, num_blocks, attends[level]) for level, size in enumerate(sizes[:-1])]
        self.head = style.conv(sizes[0], out_channels, 1)

    def __call__(self, x: Array, time: Array | None = None) -> Array:
        """Images ``(batch, H, W, out_channels)`` of images ``(batch, H, W, in_channels)``.

        Args:
            x: the images.
            time: numbers ``(batch,)``, where there are ``time_features``.
        """
        first = self.downs[0].convs[0].convs[0]
        _layouts.check_input(self, x, first.kernel, first.in_features, 2, self.data_format)
        times = self._timed(x, time)
        x, images = _layouts.to_last(x, 2, self.data_format), []
        for level, shrink in zip(self.downs, [*self.shrinks, None], strict=True):
            x = level(x, times)
            if shrink is not None:
                images.append(x)
                x = shrink(x)
        for level, grow, image in zip(self.ups[::-1], self.grows[::-1], images[::-1], strict=True):
            larger = grow(x)[..., : image.shape[-3], : image.shape[-2], :]
            x = level(unp.concat([image, larger], axis=-1), times)
        return _layouts.from_last(self.head(x), 2, self.data_format)

    def _timed(self, x: Array, time: Array | None) -> Array | None:
        if (self.time is None) != (time is None):
            raise OptionError(
                "UNet takes a time if it was built with one, and only then.",
                got="no `time`" if time is None else f"time = {describe_value(time)}",
                expected="none" if self.time is None else f"numbers of the shape {tuple(x.shape[:-3])}",
                fix="build it with time_features=, and pass `time`, or leave out both",
            )
        if time is None:
            return None
        if tuple(time.shape) != tuple(x.shape[:-3]):
            raise ShapeError(
                "UNet got other times than images.",
                got=f"x = {describe_value(x)}, time = {describe_value(time)}",
                expected=f"time of the shape {tuple(x.shape[:-3])}",
                fix="pass one time for each image",
            )
        return self.time(time)


def _check_levels(levels: Sequence[int], count: int) -> None:
    if not all(isinstance(level, int) and 0 <= level < count for level in levels):
        raise OptionError(
            "UNet has no such resolution to attend at.",
            got=f"attention_levels = {tuple(levels)!r}",
            expected=f"numbers from 0, the highest resolution, to {count - 1}",
            fix="choose among them, or pass more `channels`",
        )


def _check_even(time_features: int | None) -> None:
    if time_features is not None and (time_features < 2 or time_features % 2):
        raise OptionError(
            "The vector of a time is made of pairs.",
            got=f"time_features = {time_features!r}",
            expected="an even number of 2 or more, or None",
            fix="pass time_features=128, or another even number",
        )
