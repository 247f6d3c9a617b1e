"""Sums and means, and means of errors."""

from __future__ import annotations

import math
from typing import TypeVar

import unimod.numpy as unp
from unimod.config import dtype_of
from unimod.errors import OptionError
from unimod.losses import _distance
from unimod.losses._base import On
from unimod.losses._classification import clamped_log
from unimod.losses._reduce import ratio
from unimod.metrics import _sums
from unimod.metrics._base import Array, Metric, State, floating, same_shape, weights
from unimod.nn.activations import log_softmax

S = TypeVar("S", bound="Sum")


class Sum(Metric):
    """The sum of ``values * sample_weight``.

    Options as in :class:`Metric`; it is called with values, and takes no targets.

    Example:
        >>> import unimod as um
        >>> metric = um.metrics.Sum()
        >>> float(metric.update(um.numpy.asarray([1.0, 2.0])).update(um.numpy.asarray(4.0)).compute())
        7.0
    """

    state_names = ("total",)

    def __init__(self, *, on: On = None, name: str | None = None, dtype: str = "float32") -> None:
        super().__init__(on=on, name=name, dtype=dtype)

    def measure(self, preds: Array, target: Array, sample_weight: Array | None) -> State:
        weight = weights(self, sample_weight, tuple(preds.shape))
        return {"total": unp.sum(preds if weight is None else weighted(preds, weight))}

    def value(self, state: State) -> Array:
        return state["total"]


class Mean(Metric):
    """``sum(values * sample_weight) / sum(sample_weight)``; 0 where that is 0 / 0.

    Options as in :class:`Metric`; it is called with values, and takes no targets.

    Example:
        >>> import unimod as um
        >>> metric = um.metrics.Mean()
        >>> float(metric.update(um.numpy.asarray([1.0, 2.0])).update(um.numpy.asarray(6.0)).compute())
        3.0
    """

    state_names = ("total", "count")

    def __init__(self, *, on: On = None, name: str | None = None, dtype: str = "float32") -> None:
        super().__init__(on=on, name=name, dtype=dtype)

    def values(self, preds: Array, target: Array) -> Array:
        """What the mean is taken of."""
        return preds

    def measure(self, preds: Array, target: Array, sample_weight: Array | None) -> State:
        values = self.values(preds, target)
        weight = weights(self, sample_weight, tuple(values.shape))
        if weight is None:
            # The number is known without counting; as an array of the engine, it is split as counts are.
            return {"total": unp.sum(values), "count": unp.sum(unp.ones_like(values, dtype="int32"))}
        count = unp.sum(unp.broadcast_to(weight, tuple(values.shape)))
        return {"total": unp.sum(weighted(values, weight)), "count": count}

    def value(self, state: State) -> Array:
        return ratio(state["total"], state["count"])


class MeanAbsoluteError(Mean):
    """The mean of ``|preds - target|``. Options as in :class:`Metric`.

    Example:
        >>> import unimod as um
        >>> float(um.metrics.MeanAbsoluteError()(um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0])))
        1.0
    """

    def values(self, preds: Array, target: Array) -> Array:
        same_shape(self, preds, target)
        return unp.abs(unp.subtract(preds, target))


class MeanSquaredError(Mean):
    """The mean of ``(preds - target)^2``. Options as in :class:`Metric`.

    Example:
        >>> import unimod as um
        >>> float(um.metrics.MeanSquaredError()(um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0])))
        2.0
    """

    def values(self, preds: Array, target: Array) -> Array:
        same_shape(self, preds, target)
        return unp.square(unp.subtract(preds, target))


class RootMeanSquaredError(MeanSquaredError):
    """The square root of the mean of ``(preds - target)^2``. Options as in :class:`Metric`.

    Example:
        >>> import unimod as um
        >>> float(um.metrics.RootMeanSquaredError()(um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([4.0, -1.0])))
        3.0
    """

    def value(self, state: State) -> Array:
        return unp.sqrt(super().value(state))


class CosineSimilarity(Mean):
    """The mean cosine of the angle between predictions and targets, over the last axis: 1 for the same direction.

    Options as in :class:`Metric`. The loss of that name is minus this.

    Example:
        >>> import unimod as um
        >>> float(um.metrics.CosineSimilarity()(um.numpy.asarray([[2.0, 0.0]]), um.numpy.asarray([[0.0, 3.0]])))
        0.0
    """

    def values(self, preds: Array, target: Array) -> Array:
        same_shape(self, preds, target)
        floating(self, preds)
        return _distance.cosine(preds, unp.astype(target, str(dtype_of(preds))))


class Perplexity(Mean):
    """``exp`` of the mean cross entropy of integer labels.

    Args:
        ignore_index: labels with this value do not count.
        from_logits: whether predictions are logits, else probabilities.
        on, name, dtype: as in :class:`Metric`.

    Example:
        >>> import unimod as um
        >>> float(um.metrics.Perplexity()(um.numpy.zeros((1, 2, 8)), um.numpy.asarray([[1, 5]])))
        8.0
    """

    def __init__(
        self,
        *,
        ignore_index: int | None = None,
        from_logits: bool = True,
        on: On = None,
        name: str | None = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__(on=on, name=name, dtype=dtype)
        self.ignore_index, self.from_logits = ignore_index, from_logits

    def measure(self, preds: Array, target: Array, sample_weight: Array | None) -> State:
        log_probs = log_softmax(preds) if self.from_logits else clamped_log(preds)
        losses = unp.negative(_picked(self, log_probs, target))
        weight = weights(self, sample_weight, tuple(losses.shape))
        if self.ignore_index is None:
            is_used = unp.greater_equal(target, unp.min(target))
        else:
            is_used = unp.not_equal(target, self.ignore_index)
        values = losses if weight is None else weighted(losses, weight)
        return {"total": unp.sum(unp.where(is_used, values, 0.0)), "count": _sums.tally(is_used, weight)}

    def value(self, state: State) -> Array:
        return unp.exp(super().value(state))


class R2Score(Metric):
    """The coefficient of determination, ``1 - sum((target - preds)^2) / sum((target - mean(target))^2)``.

    The mean and the sum around it are joined from batch to batch without taking differences of large sums. Where all
    targets are equal it is 0.

    Args:
        num_outputs: the length of the last axis, of which each entry is an output of its own; None: one output.
        average: ``"macro"`` for the mean over the outputs, ``"none"`` for each of them.
        on, name, dtype: as in :class:`Metric`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1.0, 2.0, 3.0]), um.numpy.asarray([1.0, 2.0, 6.0])
        >>> round(float(um.metrics.R2Score()(preds, target)), 4)
        0.3571

    Source: Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance", equation 1.5.
    """

    state_names = ("residual", "count", "mean", "spread")

    def __init__(
        self,
        num_outputs: int | None = None,
        *,
        average: str = "macro",
        on: On = None,
        name: str | None = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__(() if num_outputs is None else (num_outputs,), on=on, name=name, dtype=dtype)
        check_average("R2Score", average, ("macro", "none"))
        self.num_outputs, self.average = num_outputs, average

    def measure(self, preds: Array, target: Array, sample_weight: Array | None) -> State:
        same_shape(self, preds, target)
        axis = None if self.num_outputs is None else tuple(range(len(target.shape) - 1))
        weight = weights(self, sample_weight, tuple(target.shape))
        weight = unp.ones_like(preds) if weight is None else unp.broadcast_to(weight, tuple(target.shape))
        count = unp.sum(weight, axis=axis)
        mean = ratio(unp.sum(unp.multiply(target, weight), axis=axis), count)
        residual = unp.sum(unp.multiply(unp.square(unp.subtract(target, preds)), weight), axis=axis)
        spread = unp.sum(unp.multiply(unp.square(unp.subtract(target, mean)), weight), axis=axis)
        return {"residual": residual, "count": count, "mean": mean, "spread": spread}

    def combine(self, one: State, other: State) -> State:
        n, m = _sums.total(one["count"]), _sums.total(other["count"])
        step = unp.subtract(_sums.total(other["mean"]), _sums.total(one["mean"]))
        share = ratio(m, unp.add(n, m))
        moved = _sums.of(unp.multiply(step, share), one["mean"])
        between = _sums.of(unp.multiply(unp.square(step), unp.multiply(n, share)), one["spread"])
        return {
            "residual": _sums.add(one["residual"], other["residual"]),
            "count": _sums.add(one["count"], other["count"]),
            "mean": _sums.add(one["mean"], moved),
            "spread": _sums.add(_sums.add(one["spread"], other["spread"]), between),
        }

    def value(self, state: State) -> Array:
        is_flat = unp.equal(state["spread"], 0)
        score = unp.where(is_flat, 0.0, unp.subtract(1.0, ratio(state["residual"], state["spread"])))
        return unp.mean(score) if self.average == "macro" else score


def weighted(values: Array, weight: Array) -> Array:
    """Values times weights; where the weight is 0 the value is left out, also one that is not finite."""
    return unp.where(unp.equal(weight, 0), 0.0, unp.multiply(values, weight))


def check_average(name: str, average: str, known: tuple[str, ...]) -> None:
    """``average`` is one of those that the metric knows."""
    if average not in known:
        raise OptionError(
            f"{name} does not know this average.",
            got=f"average = {average!r}",
            expected=", ".join(map(repr, known)),
            fix='"macro" is the mean over the classes, "none" gives each of them',
        )


def _picked(metric: Metric, log_probs: Array, target: Array) -> Array:
    same_shape(metric, log_probs[..., 0], target)
    is_class = unp.logical_and(unp.greater_equal(target, 0), unp.less(target, log_probs.shape[-1]))
    index = unp.expand_dims(unp.where(is_class, target, 0), axis=-1)
    found = unp.squeeze(unp.take_along_axis(log_probs, index, axis=-1), axis=-1)
    return unp.where(is_class, found, math.nan)
