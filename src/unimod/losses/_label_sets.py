"""Losses of examples with several labels each."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.config import describe_value
from unimod.errors import DTypeError
from unimod.losses._classification import check_class_weight
from unimod.losses._margin import positive_part
from unimod.losses._reduce import Call
from unimod.nn.activations import log_sigmoid

Array = Any


def multi_label_margin(
    preds: Array, labels: Array, *, reduction: str = "mean", sample_weight: Array | None = None
) -> Array:
    """``sum(max(1 - preds[j] + preds[i], 0)) / classes`` over the labels j of an example and the other classes i.

    Args:
        preds: floating, ``(..., classes)``: scores.
        labels: integers of the same shape: the labels of each example first, then -1; what follows the first negative
            number is not read.
        reduction: over the examples, as in :func:`hinge`.
        sample_weight: factors of the examples.

    Returns:
        A scalar, or ``(...)`` for ``"none"``.

    Raises:
        ShapeError: the shapes differ.
        DTypeError: ``preds`` is not floating, or the labels are not integers.
        OptionError: ``reduction`` is unknown.

    Example:
        >>> import unimod as um
        >>> preds, labels = um.numpy.asarray([[2.0, 1.5, 0.0, 0.0]]), um.numpy.asarray([[0, -1, 1, 1]])
        >>> float(um.losses.multi_label_margin(preds, labels))
        0.125

    Source: ``torch.nn.functional.multilabel_margin_loss``.
    """
    call = Call("multi_label_margin", reduction, sample_weight, preds, labels)
    (labels,) = call.others
    _check_integers(call, labels)
    call.matching(labels, "labels")
    classes = call.preds.shape[-1]
    # A label counts up to the first negative one.
    is_read = unp.equal(unp.cumsum(unp.astype(unp.less(labels, 0), "int32"), axis=-1), 0)
    safe = unp.where(is_read, labels, 0)
    named = unp.where(unp.expand_dims(is_read, axis=-1), unp.one_hot(safe, classes, dtype="int32"), 0)
    is_other = unp.equal(unp.sum(named, axis=-2), 0)
    right = unp.expand_dims(unp.take_along_axis(call.preds, safe, axis=-1), axis=-1)
    missing = positive_part(unp.add(unp.subtract(unp.expand_dims(call.preds, axis=-2), right), 1.0))
    counts = unp.logical_and(unp.expand_dims(is_read, axis=-1), unp.expand_dims(is_other, axis=-2))
    return call.reduce(unp.divide(unp.sum(unp.where(counts, missing, 0.0), axis=(-2, -1)), classes))


def multi_label_soft_margin(
    logits: Array,
    labels: Array,
    *,
    class_weight: Array | None = None,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """The mean over the classes of ``-(y log sigmoid(logits) + (1 - y) log sigmoid(-logits))``.

    :func:`binary_cross_entropy` with one value for each example, and with weights of the classes.

    Args:
        logits: floating, ``(..., classes)``.
        labels: of the same shape: 1 for the classes of an example, 0 for the others.
        class_weight: ``(classes,)``: factors of the classes.
        reduction: over the examples, as in :func:`hinge`.
        sample_weight: factors of the examples.

    Returns:
        A scalar, or ``(...)`` for ``"none"``.

    Raises:
        ShapeError: the shapes do not fit.
        DTypeError: ``logits`` is not floating.
        OptionError: ``reduction`` is unknown.

    Example:
        >>> import unimod as um
        >>> logits, labels = um.numpy.asarray([[0.0, 100.0]]), um.numpy.asarray([[1, 1]])
        >>> round(float(um.losses.multi_label_soft_margin(logits, labels)), 4)
        0.3466

    Source: ``torch.nn.functional.multilabel_soft_margin_loss``.
    """
    call = Call("multi_label_soft_margin", reduction, sample_weight, logits, labels, class_weight)
    labels, class_weight = call.matching(call.others[0], "labels"), call.others[1]
    check_class_weight(call, class_weight)
    positive = unp.multiply(labels, log_sigmoid(call.preds))
    negative = unp.multiply(unp.subtract(1.0, labels), log_sigmoid(unp.negative(call.preds)))
    values = unp.negative(unp.add(positive, negative))
    values = values if class_weight is None else unp.multiply(values, call.widened(class_weight))
    return call.reduce(unp.mean(values, axis=-1))


def _check_integers(call: Call, labels: Array) -> None:
    if not call.engine.arrays.dtype_name(labels).startswith(("int", "uint")):
        raise DTypeError(
            f"{call.name} takes integers as labels.",
            got=describe_value(labels),
            expected="the numbers of the labels, then -1",
            fix="for labels of 0 and 1 there is multi_label_soft_margin",
        )
