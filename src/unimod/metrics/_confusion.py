"""The table of what was predicted for what is true."""

from __future__ import annotations

import unimod.numpy as unp
from unimod.config import dtype_of
from unimod.dtypes import DType
from unimod.errors import DTypeError, OptionError
from unimod.losses._base import On
from unimod.losses._reduce import ratio
from unimod.metrics import _sums
from unimod.metrics._base import Array, Metric, State, same_shape, weights
from unimod.metrics._marks import check_classes
from unimod.metrics._means import check_average


class ConfusionMatrix(Metric):
    """How often class ``j`` (column) was predicted where class ``i`` (row) is true.

    Args:
        num_classes: how many classes there are. Class ids outside of them do not count.
        normalize: ``"true"`` divides by the sums of the rows, ``"pred"`` by those of the columns, ``"all"`` by the sum
            of everything; ``"none"`` gives int32 counts.
        ignore_index: targets with this value do not count.
        weighted: whether there may be weights; the matrix is then floating without normalisation too.
        on, name, dtype: as in :class:`Metric`.

    Predictions are scores ``(..., classes)``, of which the highest counts, or class ids of the shape of the targets.

    Raises:
        OptionError: weights were given, and ``weighted`` is False.

    Example:
        >>> import unimod as um
        >>> metric = um.metrics.ConfusionMatrix(2)
        >>> metric(um.numpy.asarray([0, 1, 1, 1]), um.numpy.asarray([0, 1, 0, 1])).tolist()
        [[1, 1], [0, 2]]
    """

    state_names = ("counts",)

    def __init__(
        self,
        num_classes: int,
        *,
        normalize: str = "none",
        ignore_index: int | None = None,
        weighted: bool = False,
        on: On = None,
        name: str | None = None,
        dtype: str = "float32",
    ) -> None:
        check_average("ConfusionMatrix", normalize, ("none", "true", "pred", "all"))
        check_classes("ConfusionMatrix", num_classes)
        super().__init__((num_classes, num_classes), on=on, name=name, dtype=dtype)
        self.num_classes, self.normalize = num_classes, normalize
        self.ignore_index, self.weighted = ignore_index, weighted

    def measure(self, preds: Array, target: Array, sample_weight: Array | None) -> State:
        if target is not None and len(preds.shape) == len(target.shape) + 1:
            preds = unp.argmax(preds, axis=-1)
        same_shape(self, preds, target)
        _check_ids(preds, target)
        weight = weights(self, sample_weight, tuple(target.shape))
        if weight is not None and not self.weighted:
            raise OptionError(
                "ConfusionMatrix counts, and was given weights.",
                got="sample_weight",
                expected="ConfusionMatrix(..., weighted=True)",
                fix="pass weighted=True for a floating matrix",
            )
        size = self.num_classes * self.num_classes
        cells = unp.where(self._counts(preds, target), unp.add(unp.multiply(target, self.num_classes), preds), -1)
        ones = unp.ones_like(cells, dtype="int32") if weight is None else unp.broadcast_to(weight, tuple(cells.shape))
        found = unp.segment_sum(unp.ravel(ones), unp.astype(unp.ravel(cells), "int32"), size)
        return {"counts": unp.reshape(found, (self.num_classes, self.num_classes))}

    def computed(self, state: State) -> Array:
        if self.normalize == "none" and not self.weighted:
            return _sums.whole(state["counts"])
        return super().computed(state)

    def value(self, state: State) -> Array:
        counts = state["counts"]
        if self.normalize == "none":
            return counts
        axis = {"true": 1, "pred": 0, "all": None}[self.normalize]
        return ratio(counts, unp.sum(counts, axis=axis, keepdims=True))

    def _counts(self, preds: Array, target: Array) -> Array:
        """Where both are classes, and the target is not ignored."""
        found = unp.logical_and(unp.greater_equal(preds, 0), unp.less(preds, self.num_classes))
        found = unp.logical_and(found, unp.greater_equal(target, 0))
        found = unp.logical_and(found, unp.less(target, self.num_classes))
        return found if self.ignore_index is None else unp.logical_and(found, unp.not_equal(target, self.ignore_index))


def _check_ids(preds: Array, target: Array) -> None:
    if any(DType(str(dtype_of(x))).kind not in ("int", "uint") for x in (preds, target)):
        raise DTypeError(
            "ConfusionMatrix takes class ids.",
            got=f"preds of {dtype_of(preds)}, target of {dtype_of(target)}",
            expected="integers, or scores (..., classes) for integer targets",
            fix='convert them: um.numpy.astype(x, "int32")',
        )
