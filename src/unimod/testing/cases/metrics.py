"""Metrics: of two batches, one after the other, and merged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unimod import losses, metrics
from unimod.testing.bounds import EXACT, Bound
from unimod.testing.case import Case, Data

Inputs = Callable[[Data], tuple[Any, ...]]

_SUMS = Bound(eps=8, why="sums of float32, and a division")
_CURVE = Bound(eps=32, why="sums along a curve")


def _pair(d: Data) -> tuple[Any, ...]:
    return d.array(4, 3), d.array(4, 3)


def _classes(d: Data) -> tuple[Any, ...]:
    return d.array(6, 4), d.ints(0, 4, 6)


def _scores(d: Data) -> tuple[Any, ...]:
    return d.array(12, low=0.01, high=0.99), d.bools(12).astype(np.int32)


def _weighted(d: Data) -> tuple[Any, ...]:
    return *_classes(d), d.array(6, low=0.5, high=2)


def _accumulated(make: Callable[[], metrics.Metric]) -> Callable[..., Any]:
    """The value of a batch, that of three, and that of a merged metric."""

    def run(preds: Any, target: Any = None, weight: Any = None) -> Any:
        metric, other = make(), make()
        batch = metric(preds, target, sample_weight=weight)
        metric.update(preds * 2 if target is None else preds, target)
        other.update(preds, target, sample_weight=weight)
        return batch, metric.compute(), metric.merge(other).compute(), metric.reset().compute()

    return run


_METRICS: dict[str, tuple[Callable[[], metrics.Metric], Inputs, Bound]] = {
    "Sum": (metrics.Sum, lambda d: (d.array(4, 3),), _SUMS),
    "Mean": (metrics.Mean, lambda d: (d.array(4, 3),), _SUMS),
    "MeanAbsoluteError": (metrics.MeanAbsoluteError, _pair, _SUMS),
    "MeanSquaredError": (metrics.MeanSquaredError, _pair, _SUMS),
    "RootMeanSquaredError": (metrics.RootMeanSquaredError, _pair, _SUMS),
    "CosineSimilarity": (metrics.CosineSimilarity, _pair, _SUMS),
    "R2Score": (lambda: metrics.R2Score(3), _pair, _CURVE),
    "Perplexity": (lambda: metrics.Perplexity(ignore_index=2), _classes, _SUMS),
    "Accuracy": (metrics.Accuracy, _weighted, _SUMS),
    "Accuracy[macro]": (lambda: metrics.Accuracy(4, average="macro", ignore_index=1), _classes, _SUMS),
    "Accuracy[threshold]": (lambda: metrics.Accuracy(threshold=0.4), _scores, _SUMS),
    "TopKAccuracy": (lambda: metrics.TopKAccuracy(2), _classes, _SUMS),
    "Precision": (lambda: metrics.Precision(4), _weighted, _SUMS),
    "Recall": (lambda: metrics.Recall(4, average="none"), _classes, _SUMS),
    "F1": (lambda: metrics.F1(4, average="weighted"), _classes, _SUMS),
    "FBeta": (lambda: metrics.FBeta(beta=2.0), _scores, _SUMS),
    "ConfusionMatrix": (lambda: metrics.ConfusionMatrix(4), _classes, EXACT),
    "ConfusionMatrix[share]": (lambda: metrics.ConfusionMatrix(4, normalize="true", weighted=True), _weighted, _SUMS),
    "AUC": (lambda: metrics.AUC(20), _scores, _CURVE),
    "AUC[PR]": (lambda: metrics.AUC(20, curve="PR"), _scores, _CURVE),
}


def _collected(preds: Any, target: Any) -> Any:
    found = metrics.Metrics({"squares": metrics.MeanSquaredError(), "size": metrics.MeanAbsoluteError()})
    return found(preds, target), found.update(preds, target).compute()


def _lost(preds: Any, target: Any) -> Any:
    found = metrics.Losses([losses.MeanSquaredError(), losses.MeanAbsoluteError(weight=0.5)])
    return found(preds, target)[0], found.compute()


def _logged(preds: Any, target: Any) -> Any:
    found = metrics.LossesAndMetrics(losses.MeanSquaredError(), metrics.MeanAbsoluteError())
    return found(preds, target)[0], found.compute()


_MAPPED = ("Mean", "Accuracy[macro]", "ConfusionMatrix")
"""Those that are mapped: the others are made of the same sums."""

CASES = (
    *(
        Case(
            f"metrics.{name}",
            _accumulated(make),
            inputs,
            dtypes=("float32", "bfloat16") if name in ("Mean", "Accuracy", "Perplexity") else ("float32",),
            bound=bound,
            vmap=name in _MAPPED,
        )
        for name, (make, inputs, bound) in _METRICS.items()
    ),
    Case("metrics.Metrics", _collected, _pair, bound=_SUMS),
    Case("metrics.Losses", _lost, _pair, bound=_SUMS),
    Case("metrics.Losses[gradient]", lambda *arrays: _lost(*arrays)[0], _pair, wrt=(0,), bound=_SUMS),
    Case("metrics.LossesAndMetrics", _logged, _pair, bound=_SUMS),
)
