"""What a U-Net is made of: pairs of convolutions, attention between pixels, changes of resolution, times as vectors."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod import config
from unimod.core.module import Module
from unimod.dtypes import DType
from unimod.nets import _options
from unimod.nn.attention import MultiHeadAttention
from unimod.nn.containers import Sequential
from unimod.nn.conv import Conv
from unimod.nn.conv_transpose import ConvTranspose
from unimod.nn.linear import Linear
from unimod.nn.norm import BatchNorm, GroupNorm, InstanceNorm
from unimod.nn.pool import AvgPool, MaxPool
from unimod.nn.resize import PixelShuffle, Upsample
from unimod.nn.stochastic import Dropout
from unimod.nn.transformer import Activation
from unimod.numpy._dispatch import unary
from unimod.numpy._options import device_of

Array = Any

NORMS = ("group", "batch", "instance", None)
DOWN = ("max", "avg", "conv")
UP = ("nearest", "linear", "transpose", "shuffle")


@dataclasses.dataclass(frozen=True)
class Style:
    """What all parts of a network have in common, and how they make their layers."""

    norm: str | None
    num_groups: int
    down: str
    up: str
    activation: Activation
    is_residual: bool
    time_features: int | None
    num_heads: int
    dropout_rate: float
    dtype: str

    def __post_init__(self) -> None:
        """Refuse what is not known."""
        _options.one_of("UNet", "norm", self.norm, NORMS)
        _options.one_of("UNet", "down", self.down, DOWN)
        _options.one_of("UNet", "up", self.up, UP)

    def conv(self, in_features: int | None, features: int, size: int = 3, **options: Any) -> Conv:
        """A convolution that keeps the size of the image."""
        return Conv(in_features, features, size, dtype=self.dtype, **options)

    def make_norm(self, features: int) -> Any:
        """A norm of the kind asked for, or None."""
        if self.norm == "group":
            return GroupNorm(self.num_groups, features, dtype=self.dtype)
        kinds: dict[str | None, Any] = {"batch": BatchNorm, "instance": InstanceNorm}
        return kinds[self.norm](features, dtype=self.dtype) if self.norm in kinds else None

    def make_down(self, features: int) -> Any:
        """A layer that makes images half as large, rounded up."""
        if self.down == "conv":
            return self.conv(features, features, stride=2)
        # The last window of an odd axis reaches over its end, and an average is that of the pixels which are there.
        is_max = self.down == "max"
        return MaxPool((2, 2), padding="SAME") if is_max else AvgPool((2, 2), padding="SAME", count_include_pad=False)

    def make_up(self, in_features: int, features: int) -> Any:
        """A layer that makes images twice as large."""
        if self.up == "transpose":
            return ConvTranspose(in_features, features, 2, stride=2, dtype=self.dtype)
        if self.up == "shuffle":
            return Sequential(self.conv(in_features, 4 * features, 1), PixelShuffle((2, 2)))
        return Sequential(Upsample((2, 2), method=self.up), self.conv(in_features, features))


class DoubleConv(Module):
    """``activation(norm(conv(x)))`` twice, with a vector of the time added before the first activation."""

    def __init__(self, style: Style, in_features: int | None, features: int) -> None:
        self.convs = [style.conv(in_features, features), style.conv(features, features)]
        self.norms = [style.make_norm(features) for _ in range(2)]
        self.activation, self.is_residual = style.activation, style.is_residual
        times = style.time_features
        self.time: Any = None if times is None else Linear(times, features, dtype=style.dtype)
        self.dropout: Any = Dropout(style.dropout_rate) if style.dropout_rate else None
        is_changed = style.is_residual and in_features != features
        self.shortcut: Any = style.conv(in_features, features, 1) if is_changed else None

    def __call__(self, x: Array, time: Array | None = None) -> Array:
        """Apply both to ``x``, of shape ``(batch, H, W, in_features)``, at the vectors ``time``, ``(batch, n)``."""
        y = self._normed(0, x)
        if self.time is not None:
            y = unp.add(y, self.time(time)[..., None, None, :])
        y = self.activation(y)
        y = y if self.dropout is None else self.dropout(y)
        y = self._normed(1, y)
        if self.is_residual:
            y = unp.add(y, x if self.shortcut is None else self.shortcut(x))
        return self.activation(y)

    def _normed(self, place: int, x: Array) -> Array:
        x, norm = self.convs[place](x), self.norms[place]
        return x if norm is None else norm(x)


class PixelAttention(Module):
    """``x + attention(norm(x))``, where each pixel sees all others."""

    def __init__(self, style: Style, features: int) -> None:
        self.norm = style.make_norm(features)
        self.attention = MultiHeadAttention(style.num_heads, features, dtype=style.dtype)

    def __call__(self, x: Array) -> Array:
        """Apply the layer to ``x``, of shape ``(batch, H, W, features)``."""
        shape = tuple(x.shape)
        y = x if self.norm is None else self.norm(x)
        y = self.attention(unp.reshape(y, (*shape[:-3], shape[-3] * shape[-2], shape[-1])))
        return unp.add(x, unp.reshape(y, shape))


class Level(Module):
    """Pairs of convolutions at one resolution, each followed by attention where that is asked for."""

    def __init__(self, style: Style, in_features: int | None, features: int, count: int, is_attending: bool) -> None:
        sizes = [in_features, *(features for _ in range(count - 1))]
        self.convs = [DoubleConv(style, size, features) for size in sizes]
        self.attentions: list[Any] = [PixelAttention(style, features) for _ in sizes] if is_attending else []

    def __call__(self, x: Array, time: Array | None = None) -> Array:
        """Apply all to ``x``, of shape ``(batch, H, W, in_features)``."""
        for place, conv in enumerate(self.convs):
            x = conv(x, time)
            x = self.attentions[place](x) if self.attentions else x
        return x


class TimeEmbedding(Module):
    """Waves of a number, and two linear layers with an activation behind each."""

    def __init__(self, features: int, activation: Activation, dtype: str) -> None:
        self.features, self.activation = features, activation
        self.up, self.down = (Linear(features, features, dtype=dtype) for _ in range(2))

    def __call__(self, time: Array) -> Array:
        """Vectors ``(batch, features)`` of the numbers ``time``, of shape ``(batch,)``."""
        waves = _waves(time, self.features, str(config.dtype_of(self.up.kernel)))
        return self.activation(self.down(self.activation(self.up(waves))))


def _waves(time: Array, features: int, dtype: str) -> Array:
    """``sin(t * s_i)`` and then ``cos(t * s_i)``, where ``s_i = 10000 ** (-2 i / features)``."""
    engine, time = unary(time)
    wide = "float32" if DType(dtype).itemsize == 2 else dtype
    # Made on the host in float64: a power that is one rounding off is seen in the sine of a large angle.
    speeds = 10000.0 ** (-np.arange(0, features, 2, dtype=np.float64) / features)
    angles = unp.multiply(
        unp.expand_dims(unp.astype(time, wide), -1), engine.arrays.asarray(speeds, wide, device_of(engine, time))
    )
    return unp.astype(unp.concat([unp.sin(angles), unp.cos(angles)], axis=-1), dtype)
