"""Whole networks, as small as they get: each row is a path through options that no other row takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unimod import nets, nn
from unimod.core.module import Module
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data

_DEEP = Bound(eps=256, why="a network: each layer scales the roundings of those before by what it normalises with")
_SLOPES = Bound(eps=2048, why="derivatives through all layers of a network, added over the batch")

Inputs = Callable[[Data], tuple[Any, ...]]


def _images(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 4, 4, 1),)


def _odd(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 3, 2, 1),)


def _first(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 1, 8, 8),)


def _timed(d: Data) -> tuple[Any, ...]:
    return d.array(2, 3, 2, 1), np.asarray([1, 700], np.int32)


def _text(d: Data) -> tuple[Any, ...]:
    return (d.ints(0, 4, 2, 3),)


def _segments(d: Data) -> tuple[Any, ...]:
    return d.ints(0, 4, 2, 3), np.asarray([[0, 0, 1], [0, 1, 1]], np.int32)


def _resnet(**options: Any) -> Callable[[], Module]:
    return lambda: nets.ResNet(1, 2, **options)


_NETS: dict[str, tuple[Callable[[], Module], Inputs]] = {
    "ResNet": (_resnet(stage_sizes=(1, 1), channels=(2, 2), data_format="NCHW"), _first),
    "ResNet[bottleneck, version 2]": (
        _resnet(stage_sizes=(1,), channels=(1,), stem="cifar", version=2, block="bottleneck", width=2, groups=2),
        _images,
    ),
    "GPT": (lambda: nets.GPT(4, 4, num_layers=1, num_heads=2, hidden_features=3, max_length=4), _text),
    "BERT": (
        lambda: nets.BERT(4, 4, num_layers=1, num_heads=2, hidden_features=3, max_length=3, use_language_head=True),
        _segments,
    ),
    "UNet": (lambda: nets.UNet(1, 1, channels=(2, 2), norm=None, down="conv", up="transpose"), _odd),
    "UNet[time, attention]": (
        lambda: nets.UNet(1, 1, channels=(2,), num_groups=2, time_features=2, attention_levels=(0,), is_residual=True),
        _timed,
    ),
    "VAE": (lambda: nets.VAE(3, 2, hidden_features=(4,), activation=nn.tanh), lambda d: (d.array(4, 3),)),
}  # fmt: skip

CASES = tuple(
    Case(
        f"nets.{name}",
        None,
        inputs,
        module=module,
        wrt=() if inputs in (_text, _segments) else (0,),
        bound=_DEEP,
        gradient_bound=_SLOPES,
    )
    for name, (module, inputs) in _NETS.items()
)
