"""Losses that are 0 beyond a margin, with the derivative 0 at the kink."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.losses._classification import check_class_weight, check_labels, is_class, is_probabilities, pick
from unimod.losses._reduce import Call, pair

Array = Any


def hinge(preds: Array, target: Array, *, reduction: str = "mean", sample_weight: Array | None = None) -> Array:
    """``max(1 - target * preds, 0)`` for targets -1 and 1.

    Args:
        preds: floating, any shape: scores.
        target: of the same shape: -1 or 1.
        reduction: ``"mean"``, ``"sum"``, ``"none"`` or ``"weighted mean"``.
        sample_weight: factors of the values, of their shape or that of their leading axes.

    Returns:
        A scalar, or the shape of ``preds`` for ``"none"``.

    Raises:
        ShapeError: the shapes differ.
        DTypeError: ``preds`` is not floating.
        OptionError: ``reduction`` is unknown.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([0.5, -3.0]), um.numpy.asarray([1.0, 1.0])
        >>> um.losses.hinge(preds, target, reduction="none").tolist()
        [0.5, 4.0]
    """
    call = pair("hinge", preds, target, reduction, sample_weight)
    return call.reduce(positive_part(unp.subtract(1.0, unp.multiply(call.others[0], call.preds))))


def squared_hinge(preds: Array, target: Array, *, reduction: str = "mean", sample_weight: Array | None = None) -> Array:
    """``max(1 - target * preds, 0)^2`` for targets -1 and 1. Arguments, result and errors as in :func:`hinge`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([0.5, -3.0]), um.numpy.asarray([1.0, 1.0])
        >>> um.losses.squared_hinge(preds, target, reduction="none").tolist()
        [0.25, 16.0]
    """
    call = pair("squared_hinge", preds, target, reduction, sample_weight)
    return call.reduce(unp.square(positive_part(unp.subtract(1.0, unp.multiply(call.others[0], call.preds)))))


def categorical_hinge(
    preds: Array, target: Array, *, reduction: str = "mean", sample_weight: Array | None = None
) -> Array:
    """``max(1 + max((1 - target) * preds) - sum(target * preds), 0)`` over the last axis, for one-hot targets.

    Args:
        preds: floating, ``(..., classes)``: scores.
        target: of the same shape: 0 or 1.
        reduction: over the examples, as in :func:`hinge`.
        sample_weight: factors of the examples.

    Returns:
        A scalar, or ``(...)`` for ``"none"``.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([[2.0, 1.5, 0.0]]), um.numpy.asarray([[1, 0, 0]])
        >>> float(um.losses.categorical_hinge(preds, target))
        0.5
    """
    call = pair("categorical_hinge", preds, target, reduction, sample_weight)
    (target,) = call.others
    right = unp.sum(unp.multiply(target, call.preds), axis=-1)
    wrong = unp.max(unp.multiply(unp.subtract(1.0, target), call.preds), axis=-1)
    return call.reduce(positive_part(unp.add(unp.subtract(wrong, right), 1.0)))


def multi_margin(
    preds: Array,
    labels: Array,
    *,
    p: int = 1,
    margin: float = 1.0,
    class_weight: Array | None = None,
    check: bool = False,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``sum(max(margin - preds[label] + preds[i], 0)^p) / classes`` over the classes i other than the label.

    Args:
        preds: floating, ``(..., classes)``: scores.
        labels: integers ``(...)`` in [0, classes); one outside makes its value NaN.
        p: 1 or 2, as exponent.
        margin: by which the right score is to exceed the others.
        class_weight: ``(classes,)``; the value of an example is multiplied by the weight of its label.
        check: whether to read the labels and to raise where one is no class; nothing is read in a trace.
        reduction: over the examples, as in :func:`hinge`.
        sample_weight: factors of the examples.

    Returns:
        A scalar, or ``(...)`` for ``"none"``.

    Example:
        >>> import unimod as um
        >>> float(um.losses.multi_margin(um.numpy.asarray([[2.0, 1.5, 0.0, 0.0]]), um.numpy.asarray([0])))
        0.125

    Source: ``torch.nn.functional.multi_margin_loss``.
    """
    call = Call("multi_margin", reduction, sample_weight, preds, labels, class_weight)
    labels, class_weight = call.others
    check_class_weight(call, class_weight)
    classes = call.preds.shape[-1]
    is_probabilities(call, labels, ignore_index=-1)  # floating labels are refused, as with an ignored index
    if check:
        check_labels(call, labels, classes)
    is_known = is_class(labels, classes)
    labels = unp.where(is_known, labels, 0)
    right = unp.expand_dims(pick(call.preds, labels), axis=-1)
    missing = positive_part(unp.add(unp.subtract(call.preds, right), margin))
    missing = unp.where(unp.equal(unp.one_hot(labels, classes), 1), 0.0, missing)
    values = unp.divide(unp.sum(missing if p == 1 else unp.pow(missing, p), axis=-1), classes)
    if class_weight is not None:
        weight = unp.reshape(unp.take(call.widened(class_weight), unp.reshape(labels, (-1,)), axis=0), labels.shape)
        values = unp.multiply(values, weight)
    return call.reduce(unp.where(is_known, values, unp.nan))


def margin_ranking(
    one: Array,
    other: Array,
    target: Array,
    *,
    margin: float = 0.0,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``max(margin - target * (one - other), 0)``: target 1 where ``one`` is to rank higher, -1 where ``other`` is.

    Args:
        one: floating, any shape: scores.
        other: of the same shape: scores.
        target: of the same shape: -1 or 1.
        margin: by which they are to differ.
        reduction: as in :func:`hinge`.
        sample_weight: as in :func:`hinge`.

    Returns:
        A scalar, or the shape of the scores for ``"none"``.

    Example:
        >>> import unimod as um
        >>> one, other = um.numpy.asarray([1.0, 1.0]), um.numpy.asarray([0.0, 3.0])
        >>> um.losses.margin_ranking(one, other, um.numpy.asarray([1, 1]), reduction="none").tolist()
        [0.0, 2.0]

    Source: ``torch.nn.functional.margin_ranking_loss``.
    """
    call = Call("margin_ranking", reduction, sample_weight, one, other, target)
    other, target = call.matching(call.others[0], "scores"), call.matching(call.others[1])
    lead = unp.multiply(target, unp.subtract(call.preds, other))
    return call.reduce(positive_part(unp.subtract(margin, lead)))


def positive_part(x: Array) -> Array:
    """``max(x, 0)``, with the derivative 0 at 0."""
    return unp.where(unp.greater(x, 0), x, 0.0)
