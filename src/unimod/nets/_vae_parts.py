"""Encoders and decoders of a VAE: of vectors, and of images."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
from unimod.core.module import Module
from unimod.nn.containers import MLP
from unimod.nn.conv import Conv
from unimod.nn.conv_transpose import ConvTranspose
from unimod.nn.linear import Linear
from unimod.nn.transformer import Activation

Array = Any
Shape = tuple[int, ...]


class DenseEncoder(Module):
    """Linear layers from the flattened example."""

    def __init__(self, shape: Shape, hidden: Sequence[int], out: int, activation: Activation, dtype: str) -> None:
        self.rank = len(shape)
        self.layers = MLP([math.prod(shape), *hidden, out], activation=activation, dtype=dtype)

    def __call__(self, x: Array) -> Array:
        """``(batch, out)`` of ``x``, of shape ``(batch, *shape)``."""
        lead = x.shape[: len(x.shape) - self.rank]
        return self.layers(unp.reshape(x, (*lead, math.prod(x.shape[len(lead) :]))))


class DenseDecoder(Module):
    """Linear layers to the flattened example."""

    def __init__(self, shape: Shape, hidden: Sequence[int], latent: int, activation: Activation, dtype: str) -> None:
        self.shape = shape
        self.layers = MLP([latent, *reversed(hidden), math.prod(shape)], activation=activation, dtype=dtype)

    def __call__(self, z: Array) -> Array:
        """``(batch, *shape)`` of ``z``, of shape ``(batch, latent)``."""
        return unp.reshape(self.layers(z), (*z.shape[:-1], *self.shape))


class ConvEncoder(Module):
    """Convolutions of stride 2 with an activation behind each, and a linear layer."""

    def __init__(self, shape: Shape, hidden: Sequence[int], out: int, activation: Activation, dtype: str) -> None:
        self.activation = activation
        pairs = itertools.pairwise((shape[-1], *hidden))
        self.convs = [Conv(before, features, 3, stride=2, dtype=dtype) for before, features in pairs]
        self.head = Linear(math.prod(sizes(shape, len(hidden))[-1]) * hidden[-1], out, dtype=dtype)

    def __call__(self, x: Array) -> Array:
        """``(batch, out)`` of ``x``, of shape ``(batch, H, W, channels)``."""
        for conv in self.convs:
            x = self.activation(conv(x))
        return self.head(unp.reshape(x, (*x.shape[:-3], math.prod(x.shape[-3:]))))


class ConvDecoder(Module):
    """A linear layer, and transposed convolutions of stride 2 with an activation before each."""

    def __init__(self, shape: Shape, hidden: Sequence[int], latent: int, activation: Activation, dtype: str) -> None:
        self.activation, self.sizes = activation, sizes(shape, len(hidden))[::-1]
        self.features = hidden[-1]
        self.tail = Linear(latent, math.prod(self.sizes[0]) * self.features, dtype=dtype)
        pairs = itertools.pairwise((*reversed(hidden), shape[-1]))
        self.convs = [ConvTranspose(before, features, 3, stride=2, dtype=dtype) for before, features in pairs]

    def __call__(self, z: Array) -> Array:
        """``(batch, H, W, channels)`` of ``z``, of shape ``(batch, latent)``."""
        x = unp.reshape(self.tail(z), (*z.shape[:-1], *self.sizes[0], self.features))
        for conv, (height, width) in zip(self.convs, self.sizes[1:], strict=True):
            x = conv(self.activation(x))[..., :height, :width, :]
        return x


def sizes(shape: Shape, steps: int) -> tuple[tuple[int, int], ...]:
    """The size of an image, and of it after each halving, rounded up.

    Example:
        >>> sizes((5, 8, 3), 2)
        ((5, 8), (3, 4), (2, 2))
    """
    height, width = shape[:2]
    found = [(height, width)]
    for _ in range(steps):
        height, width = -(-height // 2), -(-width // 2)
        found.append((height, width))
    return tuple(found)
