"""Losses of classes, distributions and directions, as objects."""

from __future__ import annotations

from typing import Any

from unimod.losses import _binary, _classification, _distance
from unimod.losses._base import Loss, On

Array = Any


class CrossEntropy(Loss):
    """:func:`cross_entropy` with its options.

    Args:
        from_logits: whether predictions are logits, else probabilities.
        label_smoothing: in [0, 1].
        class_weight: ``(classes,)``; a leaf, of the kind State.
        ignore_index: integer labels with this value add nothing.
        axis: of the classes.
        check: whether to raise for integer labels that are no class, where they can be read.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([[2.0, 0.0], [0.0, 2.0]]), um.numpy.asarray([0, 0])
        >>> round(float(um.losses.CrossEntropy()(preds, target)), 4)
        1.1269
    """

    function = staticmethod(_classification.cross_entropy)
    options = (
        "from_logits",
        "label_smoothing",
        "class_weight",
        "ignore_index",
        "axis",
        "check",
    )

    def __init__(
        self,
        *,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
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
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.ignore_index = ignore_index
        self.axis = axis
        self.check = check


class BinaryCrossEntropy(Loss):
    """:func:`binary_cross_entropy` with its options.

    Args:
        from_logits: whether predictions are logits, else probabilities.
        label_smoothing: in [0, 1].
        pos_weight: factor of the positive labels.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([0.0, 100.0]), um.numpy.asarray([1.0, 1.0])
        >>> round(float(um.losses.BinaryCrossEntropy()(preds, target)), 4)
        0.3466
    """

    function = staticmethod(_binary.binary_cross_entropy)
    options = (
        "from_logits",
        "label_smoothing",
        "pos_weight",
    )

    def __init__(
        self,
        *,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
        pos_weight: Array | float | None = None,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.pos_weight = pos_weight


class BinaryFocalCrossEntropy(Loss):
    """:func:`binary_focal_cross_entropy` with its options.

    Args:
        gamma: how much less well predicted examples count.
        alpha: the share of the positive class.
        from_logits: whether predictions are logits, else probabilities.
        label_smoothing: in [0, 1].
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([0.0, 0.0]), um.numpy.asarray([1.0, 0.0])
        >>> round(float(um.losses.BinaryFocalCrossEntropy()(preds, target)), 4)
        0.1733
    """

    function = staticmethod(_binary.binary_focal_cross_entropy)
    options = (
        "gamma",
        "alpha",
        "from_logits",
        "label_smoothing",
    )

    def __init__(
        self,
        *,
        gamma: float = 2.0,
        alpha: float | None = None,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.gamma = gamma
        self.alpha = alpha
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing


class CategoricalFocalCrossEntropy(Loss):
    """:func:`categorical_focal_cross_entropy` with its options.

    Args:
        gamma: how much less well predicted examples count.
        alpha: a factor, or one for each class.
        from_logits: whether predictions are logits, else probabilities.
        label_smoothing: in [0, 1].
        axis: of the classes.
        check: whether to raise for integer labels that are no class, where they can be read.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([[0.0, 0.0]]), um.numpy.asarray([0])
        >>> round(float(um.losses.CategoricalFocalCrossEntropy()(preds, target)), 4)
        0.1733
    """

    function = staticmethod(_binary.categorical_focal_cross_entropy)
    options = (
        "gamma",
        "alpha",
        "from_logits",
        "label_smoothing",
        "axis",
        "check",
    )

    def __init__(
        self,
        *,
        gamma: float = 2.0,
        alpha: Array | float | None = None,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
        axis: int = -1,
        check: bool = False,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.gamma = gamma
        self.alpha = alpha
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis
        self.check = check


class KLDivergence(Loss):
    """:func:`kl_divergence` with its options.

    Args:
        log_target: whether targets are logarithms too.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([[0.0, -1.0]]), um.numpy.asarray([[1.0, 0.0]])
        >>> round(float(um.losses.KLDivergence()(preds, target)), 4)
        0.0
    """

    function = staticmethod(_distance.kl_divergence)
    options = ("log_target",)

    def __init__(
        self,
        *,
        log_target: bool = False,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.log_target = log_target


class JSDivergence(Loss):
    """:func:`js_divergence` with its options.

    Options as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([[1.0, 0.0]]), um.numpy.asarray([[0.0, 1.0]])
        >>> round(float(um.losses.JSDivergence()(preds, target)), 4)
        0.6931
    """

    function = staticmethod(_distance.js_divergence)


class CosineSimilarity(Loss):
    """:func:`cosine_similarity` with its options: minus the cosine.

    Args:
        epsilon: the least length.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([[3.0, 0.0]]), um.numpy.asarray([[5.0, 0.0]])
        >>> round(float(um.losses.CosineSimilarity()(preds, target)), 4)
        -1.0
    """

    function = staticmethod(_distance.cosine_similarity)
    options = ("epsilon",)

    def __init__(
        self,
        *,
        epsilon: float = 1e-8,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.epsilon = epsilon


class CosineDistance(Loss):
    """:func:`cosine_distance` with its options: 1 minus the cosine.

    Args:
        epsilon: the least length.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([[3.0, 0.0]]), um.numpy.asarray([[0.0, 5.0]])
        >>> round(float(um.losses.CosineDistance()(preds, target)), 4)
        1.0
    """

    function = staticmethod(_distance.cosine_distance)
    options = ("epsilon",)

    def __init__(
        self,
        *,
        epsilon: float = 1e-8,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.epsilon = epsilon
