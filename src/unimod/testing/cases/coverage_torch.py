"""What torch.nn has beside the other tables: folding, unpooling, bags, distances, rare classes, further losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unimod import losses, nn
from unimod import random as rnd
from unimod.core.module import Module
from unimod.nn import functional as F  # noqa: N812
from unimod.testing.bounds import EXACT, Bound
from unimod.testing.case import Case, Data

Inputs = Callable[[Data], tuple[Any, ...]]

_DTYPES = ("float32", "float64", "bfloat16")
_FEW = Bound(eps=4, why="a chain of logarithms and sums")
_SUMS = Bound(eps=16, why="sums of products, in another order on each engine")
_SLOPES = Bound(eps=64, why="derivatives of sums, added over the batch")


def _images(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 4, 5, 2),)


def _planes(d: Data) -> tuple[Any, ...]:
    return (d.array(1, 2, 4, 5),)


def _pairs(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), d.array(3, 4)


def _bags(d: Data) -> tuple[Any, ...]:
    return d.array(5, 2), d.ints(-5, 5, 2, 3)


def _weighted(d: Data) -> tuple[Any, ...]:
    return *_bags(d), d.array(2, 3)


def _joined(d: Data) -> tuple[Any, ...]:
    return d.array(5, 2), d.ints(0, 5, 6), np.array([0, 2, 2], np.int32)


def _noised(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), d.random.integers(0, 2**32, 2, dtype=np.uint32)


def _drawn(d: Data) -> tuple[Any, ...]:
    return d.array(2, 4, 5, 2), d.random.integers(0, 2**32, 2, dtype=np.uint32)


def _pooled(d: Data) -> tuple[Any, ...]:
    return d.array(1, 2, 2), np.array([[[0, 3], [2, 1]]], np.int32)


_FUNCTIONS: dict[str, tuple[Callable[..., Any], Inputs, tuple[int, ...], Bound]] = {
    "unfold": (lambda x: F.unfold(x, (2, 3), stride=2, padding=1), _images, (0,), EXACT),
    "unfold[first]": (lambda x: F.unfold(x, 2, dilation=2, data_format="NCHW"), _planes, (0,), EXACT),
    "fold": (
        lambda x: F.fold(x, (4, 5), (2, 3), stride=(2, 1), padding=(1, 0)), lambda d: (d.array(1, 9, 12),), (0,), _SUMS,
    ),
    "channel_shuffle": (lambda x: F.channel_shuffle(x, 2, axis=1), _images, (0,), EXACT),
    "cosine_similarity": (F.cosine_similarity, _pairs, (0, 1), _FEW),
    "pairwise_distance": (F.pairwise_distance, _pairs, (0, 1), _FEW),
    "pairwise_distance[p]": (lambda x, y: F.pairwise_distance(x, y, p=3.0, keepdims=True), _pairs, (0,), _FEW),
    "embedding_bag": (F.embedding_bag, _bags, (0,), _SUMS),
    "embedding_bag[weights]": (
        lambda t, i, w: F.embedding_bag(t, i, mode="sum", weights=w, padding_idx=1), _weighted, (0, 2), _SUMS,
    ),
    "embedding_bag[max]": (lambda t, i: F.embedding_bag(t, i, mode="max", padding_idx=1), _bags, (0,), EXACT),
    "embedding_bag[offsets]": (F.embedding_bag, _joined, (0,), _SUMS),
    "embedding_bag[offsets, max]": (lambda t, i, o: F.embedding_bag(t, i, o, mode="max"), _joined, (0,), EXACT),
    "embedding[norm]": (lambda t, i: F.embedding(t, i, max_norm=1.5), _bags, (0,), _FEW),
    "max_pool_with_indices": (lambda x: F.max_pool_with_indices(x, 2, stride=1, padding=(1, 0)), _images, (0,), EXACT),
    "fractional_max_pool": (
        lambda x, words: F.fractional_max_pool(x, rnd.wrap_key_data(words), 2, size=(2, 3)), _drawn, (0,), EXACT,
    ),
    "max_unpool": (lambda x, i: F.max_unpool(x, i, 2), _pooled, (0,), EXACT),
    "rrelu": (lambda x, words: F.rrelu(x, rnd.wrap_key_data(words)), _noised, (0,), _FEW),
}  # fmt: skip


_MOVES = ("unfold", "channel_shuffle", "max_unpool", "fractional_max_pool")
"""What only moves numbers, of whatever dtype."""

_RARE = Bound(eps=32, why="two products and two normalisations in a row")

_LAYERS: dict[str, tuple[Callable[[], Module], Inputs, tuple[int, ...], Bound]] = {
    "EmbeddingBag": (lambda: nn.EmbeddingBag(5, 2, mode="sum"), lambda d: (d.ints(0, 5, 2, 3),), (), _SUMS),
    "AdaptiveLogSoftmax": (
        lambda: nn.AdaptiveLogSoftmax(None, 7, (2, 4), div_value=2.0, use_head_bias=True),
        lambda d: (d.array(3, 4), np.array([1, 6, 3], np.int32)), (0,), _RARE,
    ),
    "RReLU": (nn.RReLU, lambda d: (d.array(3, 4),), (0,), _FEW),
    "SeparableConv[mode]": (
        lambda: nn.SeparableConv(2, 3, 3, padding=1, padding_mode="CIRCULAR"), _images, (0,), _SUMS,
    ),
    "GeneralConv[mode]": (
        lambda: nn.GeneralConv(("NHWC", "OIHW", "NHWC"), 2, 3, in_features=2, padding=1, padding_mode="REFLECT"),
        _images, (0,), _SUMS,
    ),
}  # fmt: skip


_WITHOUT_LEAVES: dict[str, tuple[Callable[[], Module], Inputs, Bound]] = {
    "Unfold": (lambda: nn.Unfold(2), _planes, EXACT),
    "Fold": (lambda: nn.Fold((3,), 2, data_format="NCW"), lambda d: (d.array(2, 4, 2),), _SUMS),
    "ChannelShuffle": (lambda: nn.ChannelShuffle(2), _images, EXACT),
    "CosineSimilarity": (lambda: nn.CosineSimilarity(axis=0), _pairs, _FEW),
    "PairwiseDistance": (nn.PairwiseDistance, _pairs, _FEW),
    "MaxPoolWithIndices": (lambda: nn.MaxPoolWithIndices(2, data_format="NCHW"), _planes, EXACT),
    "MaxUnpool": (lambda: nn.MaxUnpool(2), _pooled, EXACT),
    "FractionalMaxPool": (lambda: nn.FractionalMaxPool(2, ratio=0.6, data_format="NCHW"), _planes, EXACT),
}


def _signs(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), np.where(d.bools(3, 4), 1, -1).astype(np.int32)


def _lists(d: Data) -> tuple[Any, ...]:
    # Not 4 from end to end: twelve steps would then have pairs that differ by the margin, where the kink is.
    return d.array(3, 4, low=-1.7), np.array([[2, 0, -1, 3], [-1, 1, 1, 1], [3, -1, -1, -1]], np.int32)


def _yes_and_no(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), d.bools(3, 4).astype(np.int32)


def _classes(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), d.ints(0, 4, 3)


def _triplets(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), d.array(3, 4), d.array(3, 4)


_WEIGHT = np.array([0.5, 1, 2, 1], np.float32)

_LOSSES: dict[str, tuple[str, dict[str, Any], Inputs]] = {
    "soft_margin": ("SoftMargin", {}, _signs),
    "hinge_embedding": ("HingeEmbedding", {"margin": 0.7}, _signs),
    "multi_label_margin": ("MultiLabelMargin", {}, _lists),
    "multi_label_soft_margin": ("MultiLabelSoftMargin", {"class_weight": _WEIGHT}, _yes_and_no),
    "nll": ("NLL", {"class_weight": _WEIGHT, "ignore_index": 2}, _classes),
    "triplet_margin_with_distance": ("TripletMarginWithDistance", {"swap": True}, _triplets),
}


def _loss(name: str, inputs: Inputs) -> Case:
    fn = getattr(losses, name)
    return Case(f"losses.{name}", fn, inputs, dtypes=_DTYPES, wrt=(0,), bound=_FEW, gradient_bound=_SUMS)


def _object(name: str, options: dict[str, Any], inputs: Inputs) -> Case:
    # The derivatives by the inputs are those of the function, whose row has them.
    make = lambda: getattr(losses, name)(**options)  # noqa: E731
    return Case(f"losses.{name}", None, inputs, module=make, bound=_SUMS, gradient_bound=_SUMS, vmap=False)


CASES = (
    *(
        Case(
            f"nn.functional.{name}",
            fn,
            inputs,
            dtypes=("float32",) if "[" in name or name in _MOVES else _DTYPES,
            wrt=wrt,
            bound=bound,
            gradient_bound=_SLOPES,
        )
        for name, (fn, inputs, wrt, bound) in _FUNCTIONS.items()
    ),
    *(
        Case(f"nn.{name}", None, inputs, module=module, wrt=wrt, bound=bound, gradient_bound=_SLOPES)
        for name, (module, inputs, wrt, bound) in _LAYERS.items()
    ),
    *(
        # The derivatives are those of the function, whose row has them.
        Case(f"nn.{name}", None, inputs, module=module, bound=bound, vmap=False)
        for name, (module, inputs, bound) in _WITHOUT_LEAVES.items()
    ),
    *(_loss(name, inputs) for name, (_, _, inputs) in _LOSSES.items()),
    *(_object(name, options, inputs) for name, options, inputs in _LOSSES.values()),
)
