"""Loss functions, by their predictions, and the losses as objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unimod import losses
from unimod.core.module import Module
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data

Inputs = Callable[[Data], tuple[Any, ...]]

_DTYPES = ("float32", "float64", "bfloat16")
_BOUND = Bound(eps=4, why="a chain of logarithms and sums")
_SLOPES = Bound(eps=8, why="derivatives of such a chain")
_PER_CENT = Bound(eps=400, why="per cents")
_LATTICE = Bound(eps=16, why="a sum over paths, one logarithm for each frame")


def _pair(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), d.array(3, 4) * np.asarray(1.5, d.dtype)


def _positive(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4, low=0.1), d.array(3, 4, low=0.2) + np.asarray(0.05, d.dtype)


def _classes(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), d.ints(0, 4, 3)


def _signs(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), np.where(d.bools(3, 4), 1, -1).astype(d.array(1).dtype)


def _shares(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), d.probabilities(3, 4)


def _two_shares(d: Data) -> tuple[Any, ...]:
    return d.probabilities(3, 4), d.probabilities(3, 4)


def _one_hot(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), np.eye(4, dtype=d.array(1).dtype)[d.ints(0, 4, 3)]


def _variances(d: Data) -> tuple[Any, ...]:
    return *_pair(d), d.array(3, 4, low=0.2)


def _ranking(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), d.array(3, 4), np.where(d.bools(3, 4), 1, -1).astype(np.int32)


def _together(d: Data) -> tuple[Any, ...]:
    return d.array(4, 3), d.array(4, 3), d.bools(4).astype(np.int32)


def _signed(d: Data) -> tuple[Any, ...]:
    return d.array(4, 3), d.array(4, 3), np.where(d.bools(4), 1, -1).astype(np.int32)


def _triplets(d: Data) -> tuple[Any, ...]:
    return d.array(4, 3), d.array(4, 3), d.array(4, 3)


def _views(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), d.array(3, 4)


def _frames(d: Data) -> tuple[Any, ...]:
    return d.array(2, 3, 4), d.ints(1, 4, 2, 2)


def _lengths(d: Data) -> tuple[Any, ...]:
    return *_frames(d), np.array([3, 2], np.int32), np.array([2, 1], np.int32)


def _weighted(inputs: Inputs, *shape: int) -> Inputs:
    return lambda d: (*inputs(d), d.array(*shape, low=0.5, high=2))


_FUNCTIONS: dict[str, tuple[Inputs, dict[str, Any], tuple[int, ...]]] = {
    "mean_squared_error": (_pair, {}, (0, 1)),
    "mean_absolute_error": (_pair, {}, (0, 1)),
    "mean_absolute_percentage_error": (_positive, {}, (0,)),
    "mean_squared_logarithmic_error": (_positive, {}, (0,)),
    "huber": (_pair, {"delta": 0.8}, (0,)),
    "smooth_l1": (_pair, {"beta": 0.8}, (0,)),
    "log_cosh": (_pair, {}, (0,)),
    "poisson": (_positive, {}, (0,)),
    "gaussian_nll": (_variances, {}, (0, 2)),
    "hinge": (_signs, {}, (0,)),
    "squared_hinge": (_signs, {}, (0,)),
    "categorical_hinge": (_one_hot, {}, (0,)),
    "multi_margin": (_classes, {}, (0,)),
    "margin_ranking": (_ranking, {"margin": 0.3}, (0, 1)),
    "triplet_margin": (_triplets, {}, (0, 1, 2)),
    "contrastive": (_together, {}, (0, 1)),
    "cosine_embedding": (_signed, {}, (0, 1)),
    "info_nce": (_views, {"temperature": 0.5}, (0, 1)),
    "nt_xent": (_views, {"temperature": 0.5}, (0, 1)),
    "cosine_similarity": (_pair, {}, (0, 1)),
    "cosine_distance": (_pair, {}, (0,)),
    "kl_divergence": (_shares, {}, (0, 1)),
    "js_divergence": (_two_shares, {}, (0,)),
    "cross_entropy": (_classes, {}, (0,)),
    "softmax_cross_entropy": (_shares, {}, (0,)),
    "binary_cross_entropy": (_shares, {}, (0,)),
    "binary_focal_cross_entropy": (_shares, {}, (0,)),
    "categorical_focal_cross_entropy": (_classes, {}, (0,)),
    "ctc": (_frames, {}, (0,)),
}
_OPTIONS: dict[str, tuple[Inputs, dict[str, Any]]] = {
    "mean_squared_error[sum]": (_pair, {"reduction": "sum"}),
    "mean_squared_error[none]": (_pair, {"reduction": "none"}),
    "cross_entropy[sum]": (_classes, {"reduction": "sum"}),
    "cross_entropy[none]": (_classes, {"reduction": "none"}),
    "cross_entropy[smoothing]": (_classes, {"label_smoothing": 0.1}),
    "cross_entropy[ignored]": (_classes, {"ignore_index": 2}),
    "cross_entropy[soft]": (_shares, {"label_smoothing": 0.2}),
    "cross_entropy[axis]": (lambda d: (d.array(2, 4, 3), d.ints(0, 4, 2, 3)), {"axis": 1}),
    "cross_entropy[probabilities]": (lambda d: (d.probabilities(3, 4), d.ints(0, 4, 3)), {"from_logits": False}),
    "binary_cross_entropy[probabilities]": (_two_shares, {"from_logits": False}),
    "binary_cross_entropy[weight]": (_shares, {"pos_weight": 2.5, "label_smoothing": 0.1}),
    "binary_focal_cross_entropy[alpha]": (_shares, {"alpha": 0.25, "gamma": 1.5}),
    "categorical_focal_cross_entropy[soft]": (_shares, {"alpha": 0.25, "label_smoothing": 0.1}),
    "kl_divergence[log]": (_pair, {"log_target": True}),
    "poisson[rates]": (_positive, {"log_input": False, "full": True}),
    "multi_margin[squared]": (_classes, {"p": 2, "margin": 0.7}),
}


def _case(name: str, inputs: Inputs, options: dict[str, Any], wrt: tuple[int, ...], dtypes: tuple[str, ...]) -> Case:
    fn = getattr(losses, name.partition("[")[0])
    bound = _LATTICE if name == "ctc" else _BOUND
    slopes = _PER_CENT if "percentage" in name else _LATTICE if name == "ctc" else _SLOPES
    call = lambda *arrays: fn(*arrays, **options)  # noqa: E731
    return Case(f"losses.{name}", call, inputs, dtypes=dtypes, wrt=wrt, bound=bound, gradient_bound=slopes)


_CLASSES: dict[str, tuple[Callable[[], Module], Inputs]] = {
    "MeanSquaredError": (lambda: losses.MeanSquaredError(weight=0.5), _pair),
    "MeanAbsoluteError": (losses.MeanAbsoluteError, _pair),
    "MeanAbsolutePercentageError": (losses.MeanAbsolutePercentageError, _positive),
    "MeanSquaredLogarithmicError": (losses.MeanSquaredLogarithmicError, _positive),
    "Huber": (lambda: losses.Huber(delta=0.8), _pair),
    "SmoothL1": (lambda: losses.SmoothL1(beta=0.8), _pair),
    "LogCosh": (losses.LogCosh, _pair),
    "Poisson": (lambda: losses.Poisson(log_input=False), _positive),
    "GaussianNLL": (losses.GaussianNLL, _variances),
    "Hinge": (losses.Hinge, _signs),
    "SquaredHinge": (losses.SquaredHinge, _signs),
    "CategoricalHinge": (losses.CategoricalHinge, _one_hot),
    "MultiMargin": (lambda: losses.MultiMargin(class_weight=np.array([0.5, 1, 2, 1], np.float32)), _classes),
    "MarginRanking": (losses.MarginRanking, _ranking),
    "TripletMargin": (lambda: losses.TripletMargin(swap=True), _triplets),
    "Contrastive": (losses.Contrastive, _together),
    "CosineEmbedding": (lambda: losses.CosineEmbedding(margin=0.1), _signed),
    "InfoNCE": (losses.InfoNCE, _views),
    "NTXent": (losses.NTXent, _views),
    "CosineSimilarity": (losses.CosineSimilarity, _pair),
    "CosineDistance": (losses.CosineDistance, _pair),
    "KLDivergence": (losses.KLDivergence, _shares),
    "JSDivergence": (losses.JSDivergence, _two_shares),
    "CrossEntropy": (lambda: losses.CrossEntropy(class_weight=np.array([0.5, 1, 2, 1], np.float32)), _classes),
    "BinaryCrossEntropy": (lambda: losses.BinaryCrossEntropy(reduction="none"), _shares),
    "BinaryFocalCrossEntropy": (lambda: losses.BinaryFocalCrossEntropy(alpha=0.3), _shares),
    "CategoricalFocalCrossEntropy": (losses.CategoricalFocalCrossEntropy, _classes),
    "CTC": (losses.CTC, _frames),
}


def _object(name: str, module: Callable[[], Module], inputs: Inputs) -> Case:
    bound = _PER_CENT if "Percentage" in name else _LATTICE
    # The derivatives by the inputs are those of the function, whose row has them.
    return Case(f"losses.{name}", None, inputs, module=module, bound=bound, gradient_bound=bound, vmap=False)


CASES = (
    # The lattice takes long to compile.
    *(
        _case(name, inputs, options, wrt, _DTYPES[: 1 if name == "ctc" else 3])
        for name, (inputs, options, wrt) in _FUNCTIONS.items()
    ),
    *(_case(name, inputs, options, (0,), ("float32",)) for name, (inputs, options) in _OPTIONS.items()),
    *(_object(name, module, inputs) for name, (module, inputs) in _CLASSES.items()),
    Case(
        "losses.cross_entropy[weight]",
        lambda logits, labels, weight: losses.cross_entropy(logits, labels, class_weight=weight),
        _weighted(_classes, 4),
        wrt=(0, 2),
        bound=_BOUND,
        gradient_bound=_SLOPES,
    ),
    Case(
        "losses.mean_squared_error[weighted mean]",
        lambda preds, target, weight: losses.mean_squared_error(
            preds, target, reduction="weighted mean", sample_weight=weight
        ),
        _weighted(_pair, 3),
        wrt=(0, 2),
        bound=_BOUND,
        gradient_bound=_SLOPES,
    ),
    Case(
        "losses.ctc[lengths]",
        lambda logits, labels, frames, counts: losses.ctc(
            logits, labels, logit_lengths=frames, label_lengths=counts, reduction="sum"
        ),
        _lengths,
        wrt=(0,),
        bound=_LATTICE,
        gradient_bound=_LATTICE,
    ),
)
