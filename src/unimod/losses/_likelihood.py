"""The likelihood of classes, of their log-probabilities."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.losses._classification import check_class_weight, check_labels, is_class, is_probabilities, last, pick
from unimod.losses._reduce import Call

Array = Any


def nll(
    log_probs: Array,
    labels: Array,
    *,
    class_weight: Array | None = None,
    ignore_index: int | None = None,
    axis: int = -1,
    check: bool = False,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``-log_probs[label]``: :func:`cross_entropy` behind a ``log_softmax``.

    Args:
        log_probs: floating, ``(..., classes)``: logarithms of probabilities.
        labels: integers ``(...)`` in [0, classes); one outside that is not ignored makes its value NaN.
        class_weight: ``(classes,)``, as in :func:`cross_entropy`.
        ignore_index: as in :func:`cross_entropy`.
        axis: of the classes.
        check: as in :func:`cross_entropy`.
        reduction: as in :func:`cross_entropy`.
        sample_weight: factors of the values, ``(...)`` or of its leading axes.

    Returns:
        A scalar, or ``(...)`` for ``"none"``; in the dtype of ``log_probs``.

    Raises:
        ShapeError: the shapes do not fit.
        DTypeError: ``log_probs`` is not floating, or ``labels`` are not integers.
        OptionError: an option has a wrong value, or ``check`` found a label that is no class.

    Example:
        >>> import unimod as um
        >>> log_probs = um.nn.log_softmax(um.numpy.asarray([[2.0, 0.0], [0.0, 2.0]]))
        >>> round(float(um.losses.nll(log_probs, um.numpy.asarray([0, 0]))), 4)
        1.1269

    Source: ``torch.nn.functional.nll_loss``.
    """
    call = Call("nll", reduction, sample_weight, log_probs, labels, class_weight)
    labels, class_weight = call.others
    is_probabilities(call, labels, ignore_index=-1, axis=axis)  # floating labels are refused, as with an ignored index
    call.preds = last(call.preds, axis)
    check_class_weight(call, class_weight)
    classes = call.preds.shape[-1]
    if check:
        check_labels(call, labels, classes, ignore_index)
    is_known = is_class(labels, classes)
    safe = unp.where(is_known, labels, 0)
    values = unp.where(is_known, unp.negative(pick(call.preds, safe)), unp.nan)
    counts = None
    if class_weight is not None:
        counts = unp.reshape(unp.take(call.widened(class_weight), unp.reshape(safe, (-1,)), axis=0), safe.shape)
        values = unp.multiply(values, counts)
    if ignore_index is not None:
        is_used = unp.not_equal(labels, ignore_index)
        values = unp.where(is_used, values, 0.0)
        counts = unp.where(is_used, unp.ones_like(values) if counts is None else counts, 0.0)
    return call.reduce(values, counts)
