"""Shares of right predictions."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.config import dtype_of
from unimod.dtypes import is_inexact
from unimod.errors import OptionError
from unimod.losses._base import On
from unimod.losses._reduce import ratio
from unimod.metrics import _sums
from unimod.metrics._base import Array, Metric, State, same_shape, weights
from unimod.metrics._marks import Marks, check_classes, marks
from unimod.metrics._means import check_average
from unimod.nn import _checks


class Accuracy(Metric):
    """The share of predictions that are right.

    Predictions are scores ``(..., classes)`` for integer targets ``(...)``, or class ids ``(...)``, or floats of the
    shape of the targets, of which those above ``threshold`` are yes.

    Args:
        num_classes: how many there are; needed for ``average="macro"`` and ``"none"``.
        top_k: a prediction is right where the target is among so many of the highest scores.
        average: ``"micro"`` over the examples; ``"macro"`` is the mean over the classes that occur of the share of
            their examples that are right; ``"none"`` gives each class (0 where it does not occur).
        threshold: of yes.
        subset: whether all entries of the last axis have to be right, for examples with several labels.
        ignore_index: targets with this value do not count.
        on, name, dtype: as in :class:`Metric`.

    Example:
        >>> import unimod as um
        >>> metric = um.metrics.Accuracy()
        >>> float(metric(um.numpy.asarray([[0.9, 0.1], [0.6, 0.4]]), um.numpy.asarray([0, 1])))
        0.5
        >>> float(um.metrics.Accuracy(threshold=0.3)(um.numpy.asarray([0.4, 0.1]), um.numpy.asarray([1, 0])))
        1.0
    """

    state_names = ("correct", "count")

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        top_k: int = 1,
        average: str = "micro",
        threshold: float = 0.5,
        subset: bool = False,
        ignore_index: int | None = None,
        on: On = None,
        name: str | None = None,
        dtype: str = "float32",
    ) -> None:
        check_average("Accuracy", average, ("micro", "macro", "none"))
        check_classes("Accuracy", num_classes, top_k)
        if average != "micro" and num_classes is None:
            raise OptionError(
                "Accuracy needs the number of classes for this average.",
                got=f"average = {average!r}, num_classes = None",
                expected="num_classes = ...",
                fix="pass num_classes",
            )
        super().__init__(() if average == "micro" else (num_classes or 0,), on=on, name=name, dtype=dtype)
        self.num_classes, self.top_k, self.average = num_classes, top_k, average
        self.threshold, self.subset, self.ignore_index = threshold, subset, ignore_index

    def measure(self, preds: Array, target: Array, sample_weight: Array | None) -> State:
        if self.average == "micro":
            right, used, weight = self._right(preds, target, sample_weight)
            used = unp.equal(right, right) if used is None else used
            return {"correct": _sums.tally(unp.logical_and(right, used), weight), "count": _sums.tally(used, weight)}
        found = self._marks(preds, target, sample_weight)
        actual = found.actual if found.used is None else unp.logical_and(found.actual, found.used)
        axis = tuple(range(len(actual.shape) - 1))
        correct = unp.logical_and(actual, found.predicted)
        return {
            "correct": _sums.tally(correct, found.weight, axis),
            "count": _sums.tally(actual, found.weight, axis),
        }

    def value(self, state: State) -> Array:
        share = ratio(state["correct"], state["count"])
        if self.average != "macro":
            return share
        return ratio(unp.sum(share), unp.sum(unp.astype(unp.greater(state["count"], 0), str(dtype_of(share)))))

    def _right(self, preds: Array, target: Array, sample_weight: Array | None) -> tuple[Array, Array | None, Any]:
        """For each target whether the prediction is right, whether it counts, and its weight."""
        is_score = target is not None and len(preds.shape) == len(target.shape) + 1
        if is_score:
            found = self._marks(preds, target, sample_weight)
            right = unp.any(unp.logical_and(found.predicted, found.actual), axis=-1)
            return right, _without_classes(found.used), _without_classes(found.weight)
        same_shape(self, preds, target)
        used = None if self.ignore_index is None else unp.not_equal(target, self.ignore_index)
        if is_inexact(str(dtype_of(preds))):
            preds, target = unp.greater(preds, self.threshold), _truth(target)
        right = unp.equal(preds, target)
        if self.subset:
            right = unp.all(right if used is None else unp.logical_or(right, unp.logical_not(used)), axis=-1)
            used = None if used is None else unp.any(used, axis=-1)
        return right, used, weights(self, sample_weight, tuple(right.shape))

    def _marks(self, preds: Array, target: Array, sample_weight: Array | None) -> Marks:
        return marks(
            self,
            preds,
            target,
            sample_weight,
            num_classes=self.num_classes,
            top_k=self.top_k,
            threshold=self.threshold,
            ignore_index=self.ignore_index,
        )


class TopKAccuracy(Accuracy):
    """The share of examples whose class is among the ``k`` highest scores: :class:`Accuracy` with ``top_k``.

    Of equal scores the first count.

    Args:
        k: how many.
        ignore_index, on, name, dtype: as in :class:`Accuracy`.

    Example:
        >>> import unimod as um
        >>> scores, target = um.numpy.asarray([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]), um.numpy.asarray([1, 2])
        >>> float(um.metrics.TopKAccuracy(2)(scores, target))
        0.5
    """

    def __init__(
        self,
        k: int = 5,
        *,
        ignore_index: int | None = None,
        on: On = None,
        name: str | None = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__(top_k=k, ignore_index=ignore_index, on=on, name=name, dtype=dtype)


class FBeta(Metric):
    """``(1 + beta^2) * precision * recall / (beta^2 * precision + recall)``, the weighted harmonic mean of the two.

    Without ``num_classes`` of yes and no: predictions and targets have one shape. With it of each class: scores
    ``(..., classes)`` or class ids for integer targets ``(...)``, or floats and targets that both are
    ``(..., classes)``, for examples with several labels. A share of nothing is 0.

    Args:
        num_classes: how many classes there are; None: yes and no.
        beta: how much more recall weighs than precision.
        average: ``"micro"`` counts all classes together, ``"macro"`` is the mean over the classes, ``"weighted"`` that
            weighted by how often they occur, ``"none"`` gives each class.
        threshold: of yes.
        top_k: so many of the highest scores are predicted.
        ignore_index: targets with this value do not count.
        on, name, dtype: as in :class:`Metric`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1, 1, 0, 1]), um.numpy.asarray([1, 0, 1, 1])
        >>> round(float(um.metrics.FBeta(beta=2.0)(preds, target)), 4)
        0.6667
    """

    state_names = ("hits", "false_alarms", "misses")

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        beta: float = 1.0,
        average: str = "macro",
        threshold: float = 0.5,
        top_k: int = 1,
        ignore_index: int | None = None,
        on: On = None,
        name: str | None = None,
        dtype: str = "float32",
    ) -> None:
        own = type(self).__name__
        check_average(own, average, ("micro", "macro", "weighted", "none"))
        check_classes(own, num_classes, top_k)
        _checks.positive(own, "beta", beta)
        super().__init__(() if num_classes is None else (num_classes,), on=on, name=name, dtype=dtype)
        self.num_classes, self.beta, self.average = num_classes, beta, average
        self.threshold, self.top_k, self.ignore_index = threshold, top_k, ignore_index

    def measure(self, preds: Array, target: Array, sample_weight: Array | None) -> State:
        found = marks(
            self,
            preds,
            target,
            sample_weight,
            num_classes=self.num_classes,
            top_k=self.top_k,
            threshold=self.threshold,
            ignore_index=self.ignore_index,
        )
        axis = None if self.num_classes is None else tuple(range(len(found.actual.shape) - 1))
        yes, no = found.actual, unp.logical_not(found.actual)
        hits = unp.logical_and(found.predicted, yes)
        counted = {
            "hits": hits,
            "false_alarms": unp.logical_and(found.predicted, no),
            "misses": unp.logical_and(unp.logical_not(found.predicted), yes),
        }
        if found.used is not None:
            counted = {name: unp.logical_and(mask, found.used) for name, mask in counted.items()}
        return {name: _sums.tally(mask, found.weight, axis) for name, mask in counted.items()}

    def value(self, state: State) -> Array:
        hits, false_alarms, misses = (state[name] for name in self.state_names)
        if self.num_classes is None:
            return self.score(hits, false_alarms, misses)
        if self.average == "micro":
            return self.score(unp.sum(hits), unp.sum(false_alarms), unp.sum(misses))
        scores = self.score(hits, false_alarms, misses)
        if self.average == "weighted":
            occurs = unp.add(hits, misses)
            return ratio(unp.sum(unp.multiply(scores, occurs)), unp.sum(occurs))
        return unp.mean(scores) if self.average == "macro" else scores

    def score(self, hits: Array, false_alarms: Array, misses: Array) -> Array:
        """The score of counts."""
        square = self.beta * self.beta
        right = unp.multiply(hits, 1.0 + square)
        return ratio(right, unp.add(right, unp.add(unp.multiply(misses, square), false_alarms)))


class F1(FBeta):
    """The harmonic mean of precision and recall: :class:`FBeta` with ``beta=1``, with the same other options.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1, 1, 0, 1]), um.numpy.asarray([1, 0, 1, 0])
        >>> round(float(um.metrics.F1()(preds, target)), 4)
        0.4
    """

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        average: str = "macro",
        threshold: float = 0.5,
        top_k: int = 1,
        ignore_index: int | None = None,
        on: On = None,
        name: str | None = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__(
            num_classes,
            average=average,
            threshold=threshold,
            top_k=top_k,
            ignore_index=ignore_index,
            on=on,
            name=name,
            dtype=dtype,
        )


class Precision(F1):
    """The share of what was predicted that is true, ``hits / (hits + false alarms)``. Options as in :class:`F1`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1, 1, 0, 1]), um.numpy.asarray([1, 0, 1, 0])
        >>> round(float(um.metrics.Precision()(preds, target)), 4)
        0.3333
    """

    def score(self, hits: Array, false_alarms: Array, misses: Array) -> Array:
        return ratio(hits, unp.add(hits, false_alarms))


class Recall(F1):
    """The share of what is true that was predicted, ``hits / (hits + misses)``. Options as in :class:`F1`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1, 1, 0, 1]), um.numpy.asarray([1, 0, 1, 0])
        >>> round(float(um.metrics.Recall()(preds, target)), 4)
        0.5
    """

    def score(self, hits: Array, false_alarms: Array, misses: Array) -> Array:
        return ratio(hits, unp.add(hits, misses))


def _truth(target: Array) -> Array:
    return unp.greater(target, 0.5) if is_inexact(str(dtype_of(target))) else unp.not_equal(target, False)


def _without_classes(x: Array | None) -> Array | None:
    return None if x is None else unp.squeeze(x, axis=-1)
