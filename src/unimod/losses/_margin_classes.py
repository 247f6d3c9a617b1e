"""Losses of margins, embeddings and sequences, as objects."""

from __future__ import annotations

from typing import Any

from unimod.losses import _ctc, _margin, _metric_learning
from unimod.losses._base import Loss, On, part, part_of_weight

Array = Any


class Hinge(Loss):
    """:func:`hinge` with its options.

    Options as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([0.5, -3.0]), um.numpy.asarray([1.0, 1.0])
        >>> round(float(um.losses.Hinge()(preds, target)), 4)
        2.25
    """

    function = staticmethod(_margin.hinge)


class SquaredHinge(Loss):
    """:func:`squared_hinge` with its options.

    Options as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([0.5, -3.0]), um.numpy.asarray([1.0, 1.0])
        >>> round(float(um.losses.SquaredHinge()(preds, target)), 4)
        8.125
    """

    function = staticmethod(_margin.squared_hinge)


class CategoricalHinge(Loss):
    """:func:`categorical_hinge` with its options.

    Options as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([[2.0, 1.5, 0.0]]), um.numpy.asarray([[1, 0, 0]])
        >>> round(float(um.losses.CategoricalHinge()(preds, target)), 4)
        0.5
    """

    function = staticmethod(_margin.categorical_hinge)


class MultiMargin(Loss):
    """:func:`multi_margin` with its options.

    Args:
        p: 1 or 2, as exponent.
        margin: by which the right score is to exceed the others.
        class_weight: ``(classes,)``; a leaf, of the kind State.
        check: whether to raise for labels that are no class, where they can be read.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([[2.0, 1.5, 0.0, 0.0]]), um.numpy.asarray([0])
        >>> round(float(um.losses.MultiMargin()(preds, target)), 4)
        0.125
    """

    function = staticmethod(_margin.multi_margin)
    options = (
        "p",
        "margin",
        "class_weight",
        "check",
    )

    def __init__(
        self,
        *,
        p: int = 1,
        margin: float = 1.0,
        class_weight: Array | None = None,
        check: bool = False,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.p = p
        self.margin = margin
        self.class_weight = class_weight
        self.check = check


class MarginRanking(Loss):
    """:func:`margin_ranking` with its options; called with two scores and the targets.

    Args:
        margin: by which the scores are to differ.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> one, other = um.numpy.asarray([1.0, 1.0]), um.numpy.asarray([0.0, 3.0])
        >>> round(float(um.losses.MarginRanking()(one, other, um.numpy.asarray([1, 1]))), 4)
        1.0
    """

    function = staticmethod(_margin.margin_ranking)
    options = ("margin",)

    def __init__(
        self,
        *,
        margin: float = 0.0,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.margin = margin

    def __call__(self, one: Array, other: Array, target: Array, *, sample_weight: Array | None = None) -> Array:  # type: ignore[override]
        """The loss of two arrays and the targets."""
        arrays = (part(x, self.on) for x in (one, other, target))
        return self._of(*arrays, sample_weight=part_of_weight(sample_weight, self.on))


class TripletMargin(Loss):
    """:func:`triplet_margin` with its options; called with anchors, positives and negatives.

    Args:
        margin: by which the distances are to differ.
        p: of the norm.
        swap: whether the distance from positive to negative counts where it is smaller.
        epsilon: added to each difference.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> one, other = um.numpy.asarray([[0.0, 0.0]]), um.numpy.asarray([[3.0, 4.0]])
        >>> round(float(um.losses.TripletMargin()(one, other, um.numpy.asarray([[0.0, 0.0]]))), 4)
        6.0
    """

    function = staticmethod(_metric_learning.triplet_margin)
    options = (
        "margin",
        "p",
        "swap",
        "epsilon",
    )

    def __init__(
        self,
        *,
        margin: float = 1.0,
        p: float = 2.0,
        swap: bool = False,
        epsilon: float = 1e-6,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.margin = margin
        self.p = p
        self.swap = swap
        self.epsilon = epsilon

    def __call__(self, anchor: Array, positive: Array, negative: Array, *, sample_weight: Array | None = None) -> Array:  # type: ignore[override]
        """The loss of anchors, positives and negatives."""
        arrays = (part(x, self.on) for x in (anchor, positive, negative))
        return self._of(*arrays, sample_weight=part_of_weight(sample_weight, self.on))


class Contrastive(Loss):
    """:func:`contrastive` with its options; called with two embeddings and the targets.

    Args:
        margin: the distance beyond which different ones cost nothing.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> one, other = um.numpy.asarray([[0.0], [0.0]]), um.numpy.asarray([[2.0], [0.5]])
        >>> round(float(um.losses.Contrastive()(one, other, um.numpy.asarray([1, 0]))), 4)
        2.125
    """

    function = staticmethod(_metric_learning.contrastive)
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

    def __call__(self, one: Array, other: Array, target: Array, *, sample_weight: Array | None = None) -> Array:  # type: ignore[override]
        """The loss of two arrays and the targets."""
        arrays = (part(x, self.on) for x in (one, other, target))
        return self._of(*arrays, sample_weight=part_of_weight(sample_weight, self.on))


class CosineEmbedding(Loss):
    """:func:`cosine_embedding` with its options; called with two embeddings and the targets.

    Args:
        margin: the cosine below which different ones cost nothing.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> one, other = um.numpy.asarray([[1.0, 0.0]]), um.numpy.asarray([[0.0, 2.0]])
        >>> round(float(um.losses.CosineEmbedding()(one, other, um.numpy.asarray([1]))), 4)
        1.0
    """

    function = staticmethod(_metric_learning.cosine_embedding)
    options = ("margin",)

    def __init__(
        self,
        *,
        margin: float = 0.0,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.margin = margin

    def __call__(self, one: Array, other: Array, target: Array, *, sample_weight: Array | None = None) -> Array:  # type: ignore[override]
        """The loss of two arrays and the targets."""
        arrays = (part(x, self.on) for x in (one, other, target))
        return self._of(*arrays, sample_weight=part_of_weight(sample_weight, self.on))


class InfoNCE(Loss):
    """:func:`info_nce` with its options; called with queries and keys.

    Args:
        temperature: the cosines are divided by it.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> round(float(um.losses.InfoNCE(temperature=1.0)(um.numpy.eye(2), um.numpy.eye(2))), 4)
        0.3133
    """

    function = staticmethod(_metric_learning.info_nce)
    options = ("temperature",)

    def __init__(
        self,
        *,
        temperature: float = 0.1,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.temperature = temperature


class NTXent(Loss):
    """:func:`nt_xent` with its options; called with two views.

    Args:
        temperature: the cosines are divided by it.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> round(float(um.losses.NTXent(temperature=1.0)(um.numpy.eye(2), um.numpy.eye(2))), 4)
        0.5514
    """

    function = staticmethod(_metric_learning.nt_xent)
    options = ("temperature",)

    def __init__(
        self,
        *,
        temperature: float = 0.1,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.temperature = temperature


class CTC(Loss):
    """:func:`ctc` with its options; called with logits, labels, and lengths or paddings.

    Args:
        blank: the class that says nothing.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> round(float(um.losses.CTC()(um.numpy.zeros((1, 2, 2)), um.numpy.asarray([[1]]))), 4)
        0.2877
    """

    function = staticmethod(_ctc.ctc)
    options = ("blank",)

    def __init__(
        self,
        *,
        blank: int = 0,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.blank = blank

    def __call__(
        self,
        preds: Any,
        target: Any,
        *,
        logit_lengths: Array | None = None,
        label_lengths: Array | None = None,
        logit_paddings: Array | None = None,
        label_paddings: Array | None = None,
        sample_weight: Array | None = None,
    ) -> Array:
        """The loss of logits and labels, with their lengths or paddings."""
        return self._of(
            part(preds, self.on),
            part(target, self.on),
            logit_lengths=logit_lengths,
            label_lengths=label_lengths,
            logit_paddings=logit_paddings,
            label_paddings=label_paddings,
            sample_weight=part_of_weight(sample_weight, self.on),
        )
