"""Areas under curves of scores against yes and no."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import unimod.numpy as unp
from unimod.config import dtype_of
from unimod.errors import OptionError
from unimod.losses._base import On
from unimod.losses._reduce import ratio
from unimod.metrics._base import Array, Metric, State, floating, same_shape, weights
from unimod.metrics._means import check_average
from unimod.nn.activations import sigmoid


class AUC(Metric):
    """The area under the curve of the shares that are called yes, as the threshold falls.

    The curve has a point for each threshold, and is exact where thresholds lie between all scores.

    Args:
        num_thresholds: how many thresholds, evenly spread over [0, 1], of which the first lies below 0 and the last
            above 1.
        thresholds: these between 0 and 1 in place of evenly spread ones.
        curve: ``"ROC"``: the share of the true ones that are found, over the share of the others that are taken for
            true; ``"PR"``: precision over recall.
        interpolation: of the area between two points: ``"linear"`` (of the ROC curve by trapezoids, of the PR curve
            linear in the counts, which is the right way there), ``"lower"`` or ``"upper"``.
        from_logits: whether predictions are logits, else probabilities in [0, 1].
        on, name, dtype: as in :class:`Metric`.

    Raises:
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> metric = um.metrics.AUC()
        >>> float(metric(um.numpy.asarray([0.1, 0.4, 0.35, 0.8]), um.numpy.asarray([0, 0, 1, 1])))
        0.75

    Source: Fawcett (2006), "An introduction to ROC analysis"; Davis and Goadrich (2006), "The relationship between
    precision-recall and ROC curves", for the interpolation.
    """

    state_names = ("positives", "negatives")

    def __init__(
        self,
        num_thresholds: int = 200,
        *,
        thresholds: Sequence[float] | None = None,
        curve: str = "ROC",
        interpolation: str = "linear",
        from_logits: bool = False,
        on: On = None,
        name: str | None = None,
        dtype: str = "float32",
    ) -> None:
        check_average("AUC", curve, ("ROC", "PR"))
        check_average("AUC", interpolation, ("linear", "lower", "upper"))
        inner = _spread(num_thresholds) if thresholds is None else tuple(sorted(float(t) for t in thresholds))
        if not inner or not 0 <= inner[0] <= inner[-1] <= 1:
            raise OptionError(
                "The thresholds of AUC are none.",
                got=f"num_thresholds = {num_thresholds}, thresholds = {thresholds}",
                expected="num_thresholds >= 3, or thresholds in [0, 1]",
                fix="200 is the usual number",
            )
        self.thresholds = (-1e-7, *inner, 1.0 + 1e-7)
        # One bin of scores above each threshold, and one below all of them.
        super().__init__((len(self.thresholds) + 1,), on=on, name=name, dtype=dtype)
        self.curve, self.interpolation, self.from_logits = curve, interpolation, from_logits

    def measure(self, preds: Array, target: Array, sample_weight: Array | None) -> State:
        same_shape(self, preds, target)
        floating(self, preds)
        preds = unp.ravel(sigmoid(preds) if self.from_logits else preds)
        weight = weights(self, sample_weight, tuple(target.shape))
        weight = None if weight is None else unp.ravel(unp.broadcast_to(weight, tuple(target.shape)))
        # The number of thresholds that a score exceeds.
        bins = unp.searchsorted(np.asarray(self.thresholds, str(dtype_of(preds))), preds)
        is_true = unp.ravel(unp.greater(target, 0.5) if dtype_of(target).kind == "float" else unp.not_equal(target, 0))
        return {
            "positives": self._binned(is_true, bins, weight),
            "negatives": self._binned(unp.logical_not(is_true), bins, weight),
        }

    def value(self, state: State) -> Array:
        hits, false_alarms = _above(state["positives"]), _above(state["negatives"])
        if self.curve == "PR" and self.interpolation == "linear":
            return _area_of_precision(hits, false_alarms)
        recall = ratio(hits, hits[:1])
        x = recall if self.curve == "PR" else ratio(false_alarms, false_alarms[:1])
        y = recall if self.curve == "ROC" else ratio(hits, unp.add(hits, false_alarms))
        return unp.sum(unp.multiply(unp.subtract(x[:-1], x[1:]), self._heights(y[:-1], y[1:])))

    def _binned(self, mask: Array, bins: Array, weight: Array | None) -> Array:
        counts = unp.astype(mask, "int32") if weight is None else unp.where(mask, weight, 0.0)
        return unp.segment_sum(counts, bins, len(self.thresholds) + 1)

    def _heights(self, one: Array, other: Array) -> Array:
        if self.interpolation == "linear":
            return unp.multiply(unp.add(one, other), 0.5)
        return unp.minimum(one, other) if self.interpolation == "lower" else unp.maximum(one, other)


def _spread(count: int) -> tuple[float, ...]:
    return tuple(step / (count - 1) for step in range(1, count - 1)) if count > 2 else ()


def _above(bins: Array) -> Array:
    """For each threshold how many scores exceed it: sums from the end, without the bin below all thresholds."""
    return unp.flip(unp.cumulative_sum(unp.flip(bins)))[1:]


def _area_of_precision(hits: Array, false_alarms: Array) -> Array:
    """The area under the PR curve with hits and false alarms linear between two thresholds.

    Between two points the precision is ``(b + s * n) / n`` in the number ``n`` of predictions, whose integral over the
    hits has a logarithm.
    """
    called = unp.add(hits, false_alarms)
    gained, more = unp.subtract(hits[:-1], hits[1:]), unp.subtract(called[:-1], called[1:])
    slope = ratio(gained, more)
    start = unp.subtract(hits[1:], unp.multiply(slope, called[1:]))
    is_open = unp.logical_and(unp.greater(called[:-1], 0), unp.greater(called[1:], 0))
    growth = unp.where(is_open, ratio(called[:-1], called[1:]), 1.0)
    areas = unp.multiply(slope, unp.add(gained, unp.multiply(start, unp.log(unp.where(is_open, growth, 1.0)))))
    return ratio(unp.sum(areas), hits[0])
