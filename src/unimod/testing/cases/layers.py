"""Layers: each is called in training mode (values, states, derivatives), evaluated, and frozen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod import nn
from unimod.core.module import Module
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data

_SUMS = Bound(eps=16, why="sums of products, in another order on each engine")
_NORM = Bound(eps=32, why="sums, a square root and a division in a row")
_SLOPES = Bound(eps=128, why="derivatives of sums, added over the batch")


def _vectors(d: Data) -> tuple[Any, ...]:
    return (d.array(4, 3),)


def _images(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 4, 4, 2),)


def _network() -> Module:
    return nn.Sequential(
        nn.Conv(2, 3, 3), nn.BatchNorm(3), nn.relu, nn.AvgPool(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(12, 2)
    )


# Made once: a function is a static value of the layer, and two compositions are not the same.
_COMPOSED = nn.sequence(nn.softplus, unp.square)


_LAYERS: dict[str, tuple[Callable[[], Module], Callable[[Data], tuple[Any, ...]], Bound]] = {
    "Linear": (lambda: nn.Linear(3, 4), _vectors, _SUMS),
    "Linear[inferred]": (lambda: nn.Linear(None, 4, use_bias=False), _vectors, _SUMS),
    "Conv": (lambda: nn.Conv(2, 3, 3), _images, _SUMS),
    "Conv[depthwise]": (lambda: nn.Conv(2, 4, 3, groups=2, stride=2, padding="VALID"), _images, _SUMS),
    "BatchNorm": (lambda: nn.BatchNorm(3), _vectors, _NORM),
    "BatchNorm[unbiased]": (lambda: nn.BatchNorm(2, unbiased=True, decay=0.8, use_bias=False), _images, _NORM),
    "LayerNorm": (lambda: nn.LayerNorm(3), _vectors, _NORM),
    "LayerNorm[axes]": (lambda: nn.LayerNorm((4, 2), use_scale=False), _images, _NORM),
    "Dropout": (lambda: nn.Dropout(0.4), _vectors, Bound(eps=1)),
    "Embed": (lambda: nn.Embed(6, 2), lambda d: (d.ints(0, 6, 2, 3),), Bound(eps=1)),
    "MLP": (lambda: nn.MLP([3, 4, 2], activation=nn.tanh), _vectors, _SUMS),
    "Sequential": (_network, _images, Bound(eps=128, why="seven layers, one of which divides by a standard deviation")),
    "MaxPool": (lambda: nn.MaxPool(2), _images, Bound(eps=1)),
    "AvgPool": (lambda: nn.AvgPool(2, stride=1, padding="SAME"), _images, Bound(eps=4)),
    "Flatten": (nn.Flatten, _images, Bound(eps=1)),
    "Identity": (nn.Identity, _vectors, Bound(eps=1)),
    "Lambda": (lambda: nn.Lambda(nn.tanh), _vectors, Bound(eps=8)),
    "sequence": (lambda: nn.Lambda(_COMPOSED), _vectors, Bound(eps=8)),
}  # fmt: skip

CASES = tuple(
    Case(
        f"nn.{name}",
        None,
        inputs,
        module=module,
        wrt=() if name == "Embed" else (0,),
        bound=bound,
        gradient_bound=_SLOPES.times(4) if name == "Sequential" else _SLOPES,
    )
    for name, (module, inputs, bound) in _LAYERS.items()
)
