"""Small layers: linear ones over several axes, look-ups, noise, containers, changes of shape, averages, keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod import nn
from unimod import random as rnd
from unimod.core.module import Module
from unimod.nn import functional as F  # noqa: N812
from unimod.testing.bounds import EXACT, Bound
from unimod.testing.case import Case, Data

Inputs = Callable[[Data], tuple[Any, ...]]

_DTYPES = ("float32", "float64", "bfloat16")
_SUMS = Bound(eps=16, why="sums of products, in another order on each engine")
_SLOPES = Bound(eps=128, why="derivatives of sums, added over the batch")
_FEW = Bound(eps=4)
_NOISE = Bound(eps=16, why="normal numbers are equal within 4 steps, and the noise is scaled and added")


def _vectors(d: Data) -> tuple[Any, ...]:
    return (d.array(4, 3),)


def _images(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 3, 2, 4),)


def _pairs(d: Data) -> tuple[Any, ...]:
    return d.array(4, 3), d.array(4, 2)


def _words(d: Data) -> Any:
    return d.random.integers(0, 2**32, 2, dtype=np.uint32)


def _noised(d: Data) -> tuple[Any, ...]:
    return d.array(4, 5), _words(d)


def _keyed(fn: Callable[..., Any], *amount: float, **options: Any) -> Callable[[Any, Any], Any]:
    return lambda x, words: fn(x, rnd.wrap_key_data(words), *amount, **options)


def _bilinear(d: Data) -> tuple[Any, ...]:
    return d.array(4, 3), d.array(4, 2), d.array(3, 2, 2), d.array(2)


def _attend(table: Any, ids: Any) -> Any:
    return F.embedding(table, ids, padding_idx=-1)


_FUNCTIONS: dict[str, tuple[Callable[..., Any], Inputs, tuple[int, ...], Bound]] = {
    "linear": (F.linear, lambda d: (d.array(4, 3), d.array(3, 2), d.array(2)), (0, 1, 2), _SUMS),
    "linear[axes]": (lambda x, k: F.linear(x, k), lambda d: (d.array(2, 2, 3), d.array(3, 2)), (0, 1), _SUMS),
    "bilinear": (F.bilinear, _bilinear, (0, 1, 2, 3), _SUMS),
    "dropout[axes]": (_keyed(F.dropout, 0.4, broadcast_axes=(-1,)), _noised, (0,), Bound(eps=1)),
    "alpha_dropout": (_keyed(F.alpha_dropout, 0.3), _noised, (0,), _FEW),
    "alpha_dropout[axes]": (_keyed(F.alpha_dropout, 0.3, broadcast_axes=(0,)), _noised, (0,), _FEW),
    "gaussian_noise": (_keyed(F.gaussian_noise, 0.3), _noised, (0,), _NOISE),
    # The derivative is the noise: differences in float64 would see another one.
    "gaussian_dropout": (_keyed(F.gaussian_dropout, 0.3), _noised, (), _NOISE),
    "stochastic_depth": (_keyed(F.stochastic_depth, 0.4), _noised, (0,), Bound(eps=1)),
    # The derivative leaves a row out, which differences do not: none is asked for here.
    "embedding[padding]": (_attend, lambda d: (d.array(5, 2), d.ints(-5, 5, 2, 3)), (), EXACT),
}
_DRAWN = ("gaussian_noise", "gaussian_dropout")
"""What is drawn depends on the dtype, so that a reference in float64 would see other numbers."""


def _total(results: list[Any]) -> Any:
    return unp.add(results[0], results[1])


def _mlp() -> Module:
    return nn.MLP([None, 4, 2], activation=nn.tanh, out_activation=nn.softmax, norm=nn.LayerNorm, dropout=0.3)


_ROW = Bound(eps=64, why="two layers, a normalisation and a softmax in a row")

_LAYERS: dict[str, tuple[Callable[[], Module], Inputs, Bound]] = {
    "Bilinear": (lambda: nn.Bilinear(3, 2, 4), _pairs, _SUMS),
    "Bilinear[inferred]": (lambda: nn.Bilinear(None, None, 4, use_bias=False), _pairs, _SUMS),
    "LinearGeneral": (lambda: nn.LinearGeneral((3, 4), (2, 3), axis=(1, -1)), _images, _SUMS),
    "LinearGeneral[inferred]": (lambda: nn.LinearGeneral(None, 2, axis=1, use_bias=False), _images, _SUMS),
    "Einsum": (lambda: nn.Einsum("...d,dnh->...nh", (4, 2, 3), bias_shape=(2, 3)), _images, _SUMS),
    "PReLU": (nn.PReLU, _vectors, _FEW),
    "PReLU[channels]": (lambda: nn.PReLU(3, axis=1), _images, _FEW),
    "Dropout[axes]": (lambda: nn.Dropout(0.4, broadcast_axes=(1, 2)), _images, _FEW),
    "SpatialDropout": (lambda: nn.SpatialDropout(0.4), _images, _FEW),
    "SpatialDropout[axis]": (lambda: nn.SpatialDropout(0.4, axis=1), _images, _FEW),
    "AlphaDropout": (lambda: nn.AlphaDropout(0.3), _vectors, _FEW),
    "FeatureAlphaDropout": (lambda: nn.FeatureAlphaDropout(0.3), _images, _FEW),
    "StochasticDepth": (lambda: nn.StochasticDepth(0.4), _vectors, _FEW),
    "Residual": (lambda: nn.Residual(nn.Sequential(nn.Linear(3, 3), nn.tanh)), _vectors, _SUMS),
    "Residual[shortcut]": (lambda: nn.Residual(nn.Linear(3, 2), shortcut=nn.Linear(3, 2)), _vectors, _SUMS),
    "Parallel": (lambda: nn.Parallel(nn.Linear(3, 2), nn.tanh), _vectors, _SUMS),
    "Parallel[merge]": (lambda: nn.Parallel(nn.Linear(3, 3), nn.tanh, merge=_total), _vectors, _SUMS),
    "Concat": (lambda: nn.Concat(nn.Linear(3, 2), nn.tanh), _vectors, _SUMS),
    "MLP[options]": (_mlp, _vectors, _ROW),
    "Flatten[axes]": (lambda: nn.Flatten(1, 2), _images, EXACT),
    "Unflatten": (lambda: nn.Unflatten(-1, (2, -1)), _images, EXACT),
    "Reshape": (lambda: nn.Reshape((4, -1)), _images, EXACT),
}


def _stream(words: Any) -> Any:
    stream = nn.RngSeq(rnd.wrap_key_data(words))
    return [rnd.key_data(key) for key in (stream.next(), stream(), stream.next(3))]


def _trees(d: Data) -> tuple[Any, ...]:
    return {"a": d.array(2, 3), "n": d.ints(0, 9, 2)}, {"a": d.array(2, 3), "n": d.ints(0, 9, 2)}


CASES = (
    *(
        Case(
            f"nn.functional.{name}",
            fn,
            inputs,
            dtypes=("float32",) if "[" in name or name in _DRAWN else _DTYPES,
            wrt=wrt,
            bound=bound,
            gradient_bound=_SLOPES,
            widen=name not in _DRAWN,
        )
        for name, (fn, inputs, wrt, bound) in _FUNCTIONS.items()
    ),
    *(
        Case(
            f"nn.{name}",
            None,
            inputs,
            module=module,
            wrt=(0, 1) if name.startswith("Bilinear") else (0,),
            bound=bound,
            gradient_bound=_SLOPES,
        )
        for name, (module, inputs, bound) in _LAYERS.items()
    ),
    *(
        Case(f"nn.{name}", None, _vectors, module=module, bound=_NOISE, widen=False)
        for name, module in {
            "GaussianNoise": lambda: nn.GaussianNoise(0.3),
            "GaussianDropout": lambda: nn.GaussianDropout(0.3),
        }.items()
    ),
    Case(
        "nn.Embed[padding]",
        None,
        lambda d: (d.ints(1, 6, 2, 3),),
        module=lambda: nn.Embed(6, 2, padding_idx=0),
        bound=Bound(eps=1),
        gradient_bound=_SLOPES,
    ),
    *(
        Case(f"nn.{name}", None, _vectors, module=module, bound=Bound(eps=8, why="a division, and products of decays"))
        for name, module in {
            "EMA": lambda: nn.EMA(0.9),
            "EMA[warmup]": lambda: nn.EMA(0.99, debias=False, warmup=True),
        }.items()
    ),
    Case("nn.running_avg", lambda old, new: nn.running_avg(old, new, 0.25), _trees, dtypes=_DTYPES, wrt=()),
    Case("nn.debiased", lambda x: nn.debiased(x, 0.75), _vectors, dtypes=_DTYPES, wrt=(0,)),
    Case("nn.RngSeq", _stream, lambda d: (_words(d),), bound=EXACT, widen=False),
)
