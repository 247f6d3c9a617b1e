"""Activation functions and the pure layers of ``nn.functional``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod import nn
from unimod import random as rnd
from unimod.nn import functional as F  # noqa: N812
from unimod.testing.bounds import EXACT, Bound
from unimod.testing.case import FLOATS, WIDE, Case, Data

_LOGS = Bound(eps=16, why="XLA's exp and log1p in float64 are off by several roundings each")
_TAIL = Bound(eps=8, why="1 + erf or 1 + tanh cancels for negative inputs")

_ACTIVATIONS: dict[str, tuple[Callable[..., Any], Bound]] = {
    name: (getattr(nn, name), Bound(eps=4))
    for name in (
        "relu", "relu6", "leaky_relu", "sigmoid", "log_sigmoid", "softplus", "silu", "tanh", "soft_sign", "elu", "celu",
        "selu", "hard_tanh", "hard_sigmoid", "hard_silu", "mish", "softmax", "log_softmax",
    )
}  # fmt: skip
_ACTIVATIONS |= {
    "leaky_relu[slope]": (lambda x: nn.leaky_relu(x, negative_slope=0.3), Bound(eps=4)),
    "elu[alpha]": (lambda x: nn.elu(x, alpha=0.7), Bound(eps=4)),
    "celu[alpha]": (lambda x: nn.celu(x, alpha=0.7), Bound(eps=4)),
    "gelu": (nn.gelu, _TAIL),
    "gelu[tanh]": (lambda x: nn.gelu(x, approximate="tanh"), _TAIL),
    "glu": (nn.glu, Bound(eps=4)),
    "softmax[axis=0]": (lambda x: nn.softmax(x, axis=0), Bound(eps=4)),
    "identity": (nn.identity, Bound(eps=1)),
    "tanh_shrink": (nn.tanh_shrink, Bound(eps=4)),
    "soft_shrink": (nn.soft_shrink, Bound(eps=4)),
    "hard_shrink": (nn.hard_shrink, Bound(eps=4)),
    "threshold": (lambda x: nn.threshold(x, threshold=0.3, value=-2.0), Bound(eps=4)),
    "sparse_plus": (nn.sparse_plus, Bound(eps=4)),
    "sparse_sigmoid": (nn.sparse_sigmoid, Bound(eps=4)),
    "squareplus": (nn.squareplus, Bound(eps=4)),
    "logsumexp": (nn.logsumexp, Bound(eps=4)),
    "logsumexp[axis]": (lambda x: nn.logsumexp(x, axis=1, keepdims=True), Bound(eps=4)),
    "standardize": (nn.standardize, Bound(eps=16, why="sums, a square root and a product in a row")),
}


def _image(d: Data) -> tuple[Any, ...]:
    return d.array(2, 5, 4, 2), d.array(3, 2, 2, 3, low=-1, high=1)


def _grouped(d: Data) -> tuple[Any, ...]:
    return d.array(1, 7, 4), d.array(3, 2, 6, low=-1, high=1)


def _features(d: Data) -> tuple[Any, ...]:
    return d.array(4, 3), d.array(3), d.array(3)


def _statistics(d: Data) -> tuple[Any, ...]:
    return d.array(4, 3), d.array(3), d.array(3, low=0.5, high=2), d.array(3), d.array(3)


def _words(d: Data) -> Any:
    return d.random.integers(0, 2**32, 2, dtype=np.uint32)


_LONG = Bound(eps=16, why="sums of 12 products, in another order on each engine")
_NORM = Bound(eps=16, why="sums, a square root and a division in a row")

_FUNCTIONAL: list[tuple[str, Callable[..., Any], Callable[[Data], tuple[Any, ...]], tuple[int, ...], Bound]] = [
    ("conv", F.conv, _image, (0, 1), _LONG),
    ("conv[stride]", lambda x, k: F.conv(x, k, stride=2, padding="SAME"), _image, (0, 1), _LONG),
    ("conv[valid]", lambda x, k: F.conv(x, k, padding="VALID", dilation=(1, 2)), _image, (0, 1), _LONG),
    ("conv[groups]", lambda x, k: F.conv(x, k, groups=2, padding="CAUSAL"), _grouped, (0, 1), _LONG),
    ("conv_transpose", lambda x, k: F.conv_transpose(x, k, stride=2), _image, (0, 1), _LONG),
    ("conv_transpose[valid]", lambda x, k: F.conv_transpose(x, k, padding="VALID", groups=2), _grouped, (0, 1), _LONG),
    ("max_pool", lambda x: F.max_pool(x, 2), lambda d: (d.array(2, 4, 4, 2),), (0,), Bound(eps=1)),
    (
        "max_pool[same]",
        lambda x: F.max_pool(x, 3, stride=2, padding="SAME"),
        lambda d: (d.array(1, 5, 5, 2),),
        (0,),
        Bound(eps=1),
    ),
    ("sum_pool", lambda x: F.sum_pool(x, 2), lambda d: (d.array(2, 4, 4, 2),), (0,), Bound(eps=4)),
    ("avg_pool", lambda x: F.avg_pool(x, 2), lambda d: (d.array(2, 4, 4, 2),), (0,), Bound(eps=4)),
    (
        "avg_pool[same]",
        lambda x: F.avg_pool(x, 3, padding="SAME", count_include_pad=False),
        lambda d: (d.array(1, 5, 5, 2),),
        (0,),
        Bound(eps=4),
    ),
    ("layer_norm", lambda x, s, b: F.layer_norm(x, s, b), _features, (0, 1, 2), _NORM),
    ("moments", F.moments, lambda d: (d.array(5, 3),), (0,), Bound(eps=8)),
    ("batch_norm", F.batch_norm, _statistics, (0, 1, 2, 3, 4), _NORM),
    (
        "dropout",
        lambda x, k: F.dropout(x, rnd.wrap_key_data(k), 0.4),
        lambda d: (d.array(4, 5), _words(d)),
        (0,),
        Bound(eps=1),
    ),
    ("embedding", F.embedding, lambda d: (d.array(5, 2), d.ints(0, 5, 2, 3)), (0,), Bound(eps=0)),
]


def _masked(d: Data) -> tuple[Any, ...]:
    return d.array(2, 4), d.bools(2, 4)


def _log_softmax(x: Any, mask: Any) -> Any:
    # What is left out is -inf, of which there are no differences.
    return unp.where(mask, nn.log_softmax(x, where=mask), -1.0)


CASES = (
    *(
        Case(f"nn.{name}", fn, lambda d: (d.array(3, 4, low=-4.3, high=4.6),), dtypes=FLOATS, wrt=(0,), bound=bound)
        for name, (fn, bound) in _ACTIVATIONS.items()
    ),
    Case("nn.softmax[where]", lambda x, mask: nn.softmax(x, where=mask), _masked, dtypes=WIDE, wrt=(0,)),
    Case("nn.log_softmax[where]", _log_softmax, _masked, wrt=(0,)),
    Case("nn.standardize[where]", lambda x, m: nn.standardize(x, where=m), _masked, wrt=(0,), bound=_NORM),
    Case(
        "nn.log1mexp", nn.log1mexp, lambda d: (d.array(3, 4, low=0.05, high=3),), dtypes=FLOATS, wrt=(0,), bound=_LOGS
    ),
    Case("nn.prelu", nn.prelu, lambda d: (d.array(3, 4), d.array(4)), dtypes=FLOATS, wrt=(0, 1)),
    Case("nn.one_hot", lambda i: nn.one_hot(i, 4), lambda d: (d.ints(0, 5, 2, 3),), bound=EXACT),
    *(
        Case(f"nn.functional.{name}", fn, inputs, wrt=wrt, bound=bound, gradient_bound=Bound(eps=64, why=bound.why))
        for name, fn, inputs, wrt, bound in _FUNCTIONAL
    ),
)
