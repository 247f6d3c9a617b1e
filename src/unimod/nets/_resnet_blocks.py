"""The residual blocks of ResNet."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from unimod.core.module import Module
from unimod.nn import activations, initializers
from unimod.nn.conv import Conv
from unimod.nn.norm import BatchNorm

Array = Any

EXPANSION = {"basic": 1, "bottleneck": 4}
"""How many times more channels a block gives than its stage is called after."""

_HE = initializers.variance_scaling(2.0, "fan_out", "normal")
_ZEROS = initializers.zeros()


@dataclasses.dataclass(frozen=True)
class Style:
    """What all blocks of a network have in common, and how they make their layers."""

    block: str
    width: float
    groups: int
    is_zero: bool
    norm_options: dict[str, Any]
    dtype: str

    def conv(self, in_features: int | None, features: int, size: int, **options: Any) -> Conv:
        """A convolution without a bias, with zeros around the image on both sides."""
        options = {"kernel_init": _HE, **options}
        return Conv(in_features, features, size, padding=size // 2, use_bias=False, dtype=self.dtype, **options)

    def norm(self, features: int, **options: Any) -> BatchNorm:
        """A normalisation by the statistics of the batch."""
        return BatchNorm(features, dtype=self.dtype, **self.norm_options, **options)

    def features(self, channels: int) -> int:
        """The channels that a block of a stage gives."""
        wide = int(channels * self.width) if self.block == "basic" else channels
        return wide * EXPANSION[self.block]

    def layers(self, channels: int, stride: int) -> list[tuple[int, int, dict[str, Any]]]:
        """Kernel size, channels and options of the convolutions of a block, in order."""
        inner = int(channels * self.width)
        if self.block == "basic":
            return [(3, inner, {"stride": stride}), (3, inner, {})]
        return [(1, inner, {}), (3, inner, {"stride": stride, "groups": self.groups}), (1, self.features(channels), {})]


class Block(Module):
    """Base of the blocks: convolutions and norms in a row, and a shortcut around them."""

    def _build(self, style: Style, in_features: int, channels: int, stride: int) -> list[int]:
        """Make the convolutions; the numbers of channels before, between and behind them."""
        plan = style.layers(channels, stride)
        sizes = [in_features, *(features for _, features, _ in plan)]
        self.convs = [
            style.conv(before, features, size, **options)
            for before, (size, features, options) in zip(sizes[:-1], plan, strict=True)
        ]
        is_same = stride == 1 and in_features == sizes[-1]
        self.shortcut: Any = None if is_same else style.conv(in_features, sizes[-1], 1, stride=stride)
        return sizes


class PostNormBlock(Block):
    """``relu(norm(conv(... relu(norm(conv(x))))) + shortcut(x))``: the block of 2015."""

    def __init__(self, style: Style, in_features: int, channels: int, stride: int) -> None:
        sizes = self._build(style, in_features, channels, stride)
        last = {"scale_init": _ZEROS} if style.is_zero else {}
        self.norms = [*(style.norm(n) for n in sizes[1:-1]), style.norm(sizes[-1], **last)]
        self.shortcut_norm: Any = None if self.shortcut is None else style.norm(sizes[-1])

    def __call__(self, x: Array) -> Array:
        """Apply the block to ``x``, of shape ``(batch, H, W, in_features)``."""
        y = x
        for place, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            y = norm(conv(activations.relu(y) if place else y))
        straight = x if self.shortcut is None else self.shortcut_norm(self.shortcut(x))
        return activations.relu(y + straight)


class PreNormBlock(Block):
    """``conv(relu(norm(... conv(relu(norm(x)))))) + shortcut(x)``: the block of 2016."""

    def __init__(self, style: Style, in_features: int, channels: int, stride: int) -> None:
        sizes = self._build(style, in_features, channels, stride)
        self.norms = [style.norm(n) for n in sizes[:-1]]
        if style.is_zero:
            size, features, _ = style.layers(channels, stride)[-1]
            self.convs[-1] = style.conv(sizes[-2], features, size, kernel_init=_ZEROS)

    def __call__(self, x: Array) -> Array:
        """Apply the block to ``x``, of shape ``(batch, H, W, in_features)``."""
        y, straight = x, x
        for place, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            y = activations.relu(norm(y))
            if place == 0 and self.shortcut is not None:
                straight = self.shortcut(y)
            y = conv(y)
        return y + straight


BLOCKS: dict[int, Callable[[Style, int, int, int], Block]] = {1: PostNormBlock, 2: PreNormBlock}
