"""Normalisation: the functions with each option, and the layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unimod import nn
from unimod.core.module import Module
from unimod.nn import functional as F  # noqa: N812
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data

Inputs = Callable[[Data], tuple[Any, ...]]

_DTYPES = ("float32", "float64", "bfloat16")
_NORM = Bound(eps=32, why="sums, a square root and a division in a row")
_SLOPES = Bound(eps=128, why="derivatives of sums, added over the batch")
_STEPS = Bound(eps=64, why="two products and two norms for each of the power iterations")


def _vectors(d: Data) -> tuple[Any, ...]:
    return (d.array(4, 3),)


def _images(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 3, 2, 4),)


def _channels_last(d: Data) -> tuple[Any, ...]:
    return d.array(2, 3, 4), d.array(4), d.array(4)


def _channels_first(d: Data) -> tuple[Any, ...]:
    return d.array(2, 4, 3), d.array(4), d.array(4)


def _statistics_first(d: Data) -> tuple[Any, ...]:
    return d.array(2, 3, 4), d.array(3), d.array(3, low=0.5, high=2)


def _kernel(d: Data) -> tuple[Any, ...]:
    return d.array(2, 2, 3, low=0.5), d.array(3, low=0.5), d.array(4, low=0.5)


_FUNCTIONS: dict[str, tuple[Callable[..., Any], Inputs, tuple[int, ...]]] = {
    "rms_norm": (lambda x, s: F.rms_norm(x, s), lambda d: (d.array(4, 3), d.array(3)), (0, 1)),
    "rms_norm[axes]": (lambda x: F.rms_norm(x, num_axes=2, epsilon=0.1), lambda d: (d.array(2, 2, 3),), (0,)),
    "group_norm": (lambda x, s, b: F.group_norm(x, 2, s, b), _channels_last, (0, 1, 2)),
    "group_norm[axis]": (lambda x, s, b: F.group_norm(x, 2, s, b, axis=1), _channels_first, (0, 1, 2)),
    "instance_norm": (lambda x, s, b: F.instance_norm(x, s, b), _channels_last, (0, 1, 2)),
    "instance_norm[axis]": (lambda x, s, b: F.instance_norm(x, s, b, axis=1), _channels_first, (0, 1, 2)),
    "local_response_norm": (lambda x: F.local_response_norm(x, 3, alpha=0.5, k=2.0), _vectors, (0,)),
    "local_response_norm[axis]": (lambda x: F.local_response_norm(x, 2, alpha=0.5, axis=0), _vectors, (0,)),
    "weight_norm": (lambda k, s: F.weight_norm(k, s), lambda d: (d.array(2, 2, 3), d.array(3)), (0, 1)),
    "weight_norm[axis]": (lambda k, s: F.weight_norm(k, s, axis=0), lambda d: (d.array(2, 3), d.array(2)), (0, 1)),
    "spectral_norm": (lambda k, u, v: F.spectral_norm(k, u, v, num_steps=0)[0], _kernel, (0, 1, 2)),
    # Derivatives go around the iterations, which differences do not: none are asked for here.
    "spectral_norm[steps]": (lambda k, u, v: F.spectral_norm(k, u, v, num_steps=2), _kernel, ()),
    "moments[axis]": (lambda x: F.moments(x, axis=1), lambda d: (d.array(2, 3, 4),), (0,)),
    "moments[mask]": (lambda x, m: F.moments(x, mask=m), lambda d: (d.array(4, 3), d.bools(4, 1)), (0,)),
    "batch_norm[axis]": (lambda x, m, v: F.batch_norm(x, m, v, axis=1), _statistics_first, (0, 1, 2)),
}

_LAYERS: dict[str, tuple[Callable[[], Module], Inputs, Bound]] = {
    "RMSNorm": (lambda: nn.RMSNorm(3), _vectors, _NORM),
    "RMSNorm[inferred]": (lambda: nn.RMSNorm(None, use_scale=False, epsilon=0.01), _vectors, _NORM),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), _images, _NORM),
    "GroupNorm[inferred]": (lambda: nn.GroupNorm(1, None, axis=1, use_scale=False), _images, _NORM),
    "InstanceNorm": (lambda: nn.InstanceNorm(4), _images, _NORM),
    "InstanceNorm[axis]": (lambda: nn.InstanceNorm(None, axis=1, use_bias=False), _images, _NORM),
    "LocalResponseNorm": (lambda: nn.LocalResponseNorm(3, alpha=0.5), _vectors, _NORM),
    "BatchNorm[axis]": (lambda: nn.BatchNorm(None, axis=1, unbiased=True), _images, _NORM),
    "BatchNorm[batch]": (lambda: nn.BatchNorm(3, track_running_stats=False), _vectors, _NORM),
    # So many steps that the vectors have arrived: only then do differences not see them move.
    "SpectralNorm": (lambda: nn.SpectralNorm(nn.Linear(3, 2), num_steps=40), _vectors, _STEPS),
    "SpectralNorm[inferred]": (lambda: nn.SpectralNorm(nn.Linear(None, 2), num_steps=0), _vectors, _NORM),
    "WeightNorm": (lambda: nn.WeightNorm(nn.Linear(3, 2)), _vectors, _NORM),
    "WeightNorm[Conv]": (lambda: nn.WeightNorm(nn.Conv(None, 2, (2, 2))), _images, _NORM),
}


class _Masked(Module):
    """A layer that takes a mask as a second argument."""

    def __init__(self) -> None:
        self.norm = nn.BatchNorm(3, unbiased=True)

    def __call__(self, x: Any, mask: Any) -> Any:
        return self.norm(x, mask=mask)


def _masked(d: Data) -> tuple[Any, ...]:
    return d.array(5, 3), np.asarray([True, True, False, True, False])[:, None]


CASES = (
    *(
        Case(
            f"nn.functional.{name}",
            fn,
            inputs,
            dtypes=("float32",) if "[" in name else _DTYPES,
            wrt=wrt,
            bound=_NORM,
            gradient_bound=_SLOPES,
        )
        for name, (fn, inputs, wrt) in _FUNCTIONS.items()
    ),
    *(
        Case(f"nn.{name}", None, inputs, module=module, wrt=(0,), bound=bound, gradient_bound=_SLOPES)
        for name, (module, inputs, bound) in _LAYERS.items()
    ),
    Case("nn.BatchNorm[mask]", None, _masked, module=_Masked, wrt=(0,), bound=_NORM, gradient_bound=_SLOPES),
)
