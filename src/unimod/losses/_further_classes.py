"""Losses of signs, of several labels, of log-probabilities, and of triplets, as objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod.losses import _label_sets, _likelihood, _signs, _triplet
from unimod.losses._base import Loss, On, part, part_of_weight
from unimod.nn._similarity import pairwise_distance

Array = Any


class SoftMargin(Loss):
    """:func:`soft_margin` with its options.

    Options as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([0.0, -200.0]), um.numpy.asarray([1.0, 1.0])
        >>> round(float(um.losses.SoftMargin(reduction="sum")(preds, target)), 4)
        200.6931
    """

    function = staticmethod(_signs.soft_margin)


class HingeEmbedding(Loss):
    """:func:`hinge_embedding` with its options; called with distances and targets.

    Args:
        margin: the distance beyond which different ones cost nothing.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> distance, target = um.numpy.asarray([2.0, 0.25]), um.numpy.asarray([1, -1])
        >>> float(um.losses.HingeEmbedding(reduction="sum")(distance, target))
        2.75
    """

    function = staticmethod(_signs.hinge_embedding)
    options = ("margin",)

    def __init__(
        self,
        *,
        margin: float = 1.0,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.margin = margin


class MultiLabelMargin(Loss):
    """:func:`multi_label_margin` with its options.

    Options as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([[2.0, 1.5, 0.0, 0.0]]), um.numpy.asarray([[0, -1, 1, 1]])
        >>> float(um.losses.MultiLabelMargin()(preds, target))
        0.125
    """

    function = staticmethod(_label_sets.multi_label_margin)


class MultiLabelSoftMargin(Loss):
    """:func:`multi_label_soft_margin` with its options.

    Args:
        class_weight: ``(classes,)``; a leaf, of the kind State.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([[0.0, 100.0]]), um.numpy.asarray([[1, 1]])
        >>> round(float(um.losses.MultiLabelSoftMargin()(preds, target)), 4)
        0.3466
    """

    function = staticmethod(_label_sets.multi_label_soft_margin)
    options = ("class_weight",)

    def __init__(
        self,
        *,
        class_weight: Array | None = None,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.class_weight = class_weight


class NLL(Loss):
    """:func:`nll` with its options; called with log-probabilities and labels.

    Args:
        class_weight: ``(classes,)``; a leaf, of the kind State.
        ignore_index: labels with this value add nothing.
        axis: of the classes.
        check: whether to raise for labels that are no class, where they can be read.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> log_probs = um.nn.log_softmax(um.numpy.asarray([[2.0, 0.0], [0.0, 2.0]]))
        >>> round(float(um.losses.NLL()(log_probs, um.numpy.asarray([0, 0]))), 4)
        1.1269
    """

    function = staticmethod(_likelihood.nll)
    options = ("class_weight", "ignore_index", "axis", "check")

    def __init__(
        self,
        *,
        class_weight: Array | None = None,
        ignore_index: int | None = None,
        axis: int = -1,
        check: bool = False,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.class_weight, self.ignore_index, self.axis, self.check = class_weight, ignore_index, axis, check


class TripletMarginWithDistance(Loss):
    """:func:`triplet_margin_with_distance` with its options; called with anchors, positives and negatives.

    Args:
        distance: of two arrays ``(..., features)``: ``(...)``; a function, or a layer whose leaves then are this
            loss's.
        margin: by which the distances are to differ.
        swap: whether the distance from positive to negative counts where it is smaller.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> anchor, far = um.numpy.asarray([[0.0, 0.0]]), um.numpy.asarray([[3.0, 4.0]])
        >>> loss = um.losses.TripletMarginWithDistance(distance=um.nn.PairwiseDistance(p=1.0))
        >>> round(float(loss(anchor, far, anchor)), 3)
        8.0
    """

    function = staticmethod(_triplet.triplet_margin_with_distance)
    options = ("distance", "margin", "swap")

    def __init__(
        self,
        *,
        distance: Callable[[Array, Array], Array] = pairwise_distance,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.distance, self.margin, self.swap = distance, margin, swap

    def __call__(  # type: ignore[override]
        self, anchor: Array, positive: Array, negative: Array, *, sample_weight: Array | None = None
    ) -> Array:
        """The loss of anchors, what belongs to them, and what does not."""
        arrays = (part(x, self.on) for x in (anchor, positive, negative))
        return self._of(*arrays, sample_weight=part_of_weight(sample_weight, self.on))
