"""Cross entropies of classes."""

from __future__ import annotations

import math
from typing import Any

import unimod.numpy as unp
from unimod.config import describe_value
from unimod.dtypes import is_inexact
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.losses._reduce import Call, check_share, pair
from unimod.nn.activations import log_softmax

Array = Any

CLAMP = -100.0
"""The least logarithm of a probability, where probabilities are given."""


def cross_entropy(
    logits: Array,
    labels: Array,
    *,
    from_logits: bool = True,
    label_smoothing: float = 0.0,
    class_weight: Array | None = None,
    ignore_index: int | None = None,
    axis: int = -1,
    check: bool = False,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``-log softmax(logits)[label]``, or ``-sum(p * log softmax(logits))`` for labels that are probabilities.

    With ``label_smoothing = a`` a label becomes ``(1 - a) * label + a / classes``; with ``class_weight`` each class
    counts ``class_weight[class]`` times. The mean of integer labels is ``sum(loss) / sum(class_weight[label])`` over
    those not ignored (0 where all are ignored); the mean of probabilities is over the examples.

    Args:
        logits: floating, ``(..., classes)``.
        labels: integers ``(...)`` in [0, classes), or floating ``(..., classes)``. An integer outside that is not
            ignored makes its value NaN.
        from_logits: False if ``logits`` are already probabilities; their logarithms are then clamped at -100, with the
            derivative 0 beyond.
        label_smoothing: in [0, 1].
        class_weight: ``(classes,)``.
        ignore_index: integer labels with this value add nothing, whether it is a class or not.
        axis: of the classes, in ``logits`` and in labels that are probabilities.
        check: whether to read integer labels and to raise where one is no class; nothing is read in a trace.
        reduction: ``"mean"``, ``"sum"``, ``"none"`` or ``"weighted mean"``.
        sample_weight: factors of the values, ``(...)`` or of its leading axes.

    Returns:
        A scalar, or ``(...)`` for ``"none"``; in the dtype of ``logits``.

    Raises:
        ShapeError: the shapes do not fit.
        DTypeError: ``logits`` is not floating, or ``labels`` are bools.
        OptionError: an option has a wrong value, or ``check`` found a label that is no class.

    Example:
        >>> import unimod as um
        >>> logits = um.numpy.asarray([[2.0, 0.0], [0.0, 2.0]])
        >>> round(float(um.losses.cross_entropy(logits, um.numpy.asarray([0, 0]))), 4)
        1.1269
        >>> soft = um.numpy.asarray([[1.0, 0.0], [0.5, 0.5]])
        >>> [round(v, 4) for v in um.losses.cross_entropy(logits, soft, reduction="none").tolist()]
        [0.1269, 1.1269]

    Differences: where all labels are ignored torch gives NaN; for a label that is no class it raises, and JAX wraps.

    Source: ``torch.nn.functional.cross_entropy`` (weights, smoothing); Szegedy et al. (2015), arXiv:1512.00567.
    """
    call = Call("cross_entropy", reduction, sample_weight, logits, labels, class_weight)
    labels, class_weight = call.others
    check_share("cross_entropy", "label_smoothing", label_smoothing)
    is_soft = is_probabilities(call, labels, ignore_index, axis)
    call.preds, labels = last(call.preds, axis), last(labels, axis) if is_soft else labels
    check_class_weight(call, class_weight)
    log_probs = log_softmax(call.preds) if from_logits else clamped_log(call.preds)
    class_weight = None if class_weight is None else call.widened(class_weight)
    if is_soft:
        return _soft(call, log_probs, call.widened(labels), class_weight, label_smoothing)
    if check:
        check_labels(call, labels, log_probs.shape[-1], ignore_index)
    return _hard(call, log_probs, labels, class_weight, label_smoothing, ignore_index)


def softmax_cross_entropy(
    logits: Array, labels: Array, *, reduction: str = "mean", sample_weight: Array | None = None
) -> Array:
    """``-sum(labels * log softmax(logits))`` over the last axis, for one-hot labels or probabilities.

    :func:`cross_entropy` without its options, for labels of the shape of ``logits`` only.

    Example:
        >>> import unimod as um
        >>> logits, labels = um.numpy.asarray([[2.0, 0.0]]), um.numpy.asarray([[1.0, 0.0]])
        >>> round(float(um.losses.softmax_cross_entropy(logits, labels)), 4)
        0.1269
    """
    call = pair("softmax_cross_entropy", logits, labels, reduction, sample_weight)
    return _soft(call, log_softmax(call.preds), call.others[0], None, 0.0)


def _hard(
    call: Call, log_probs: Array, labels: Array, weight: Array | None, smoothing: float, ignore_index: int | None
) -> Array:
    is_used = None if ignore_index is None else unp.not_equal(labels, ignore_index)
    is_known = is_class(labels, log_probs.shape[-1])
    # Before the look-up: an ignored label is often none of the classes.
    labels = unp.where(is_known, labels, 0)
    loss = unp.negative(pick(log_probs, labels))
    counts = None if weight is None else unp.reshape(unp.take(weight, unp.reshape(labels, (-1,)), axis=0), labels.shape)
    loss = loss if counts is None else unp.multiply(loss, counts)
    if smoothing:
        loss = _smoothed(loss, log_probs, weight, smoothing)
    loss = unp.where(is_known, loss, math.nan)
    if is_used is not None:
        loss = unp.where(is_used, loss, 0.0)
        counts = unp.astype(is_used, call.wide) if counts is None else unp.where(is_used, counts, 0.0)
    return call.reduce(loss, counts)


def pick(scores: Array, labels: Array) -> Array:
    """The entry of the last axis that each label names."""
    return unp.squeeze(unp.take_along_axis(scores, unp.expand_dims(labels, axis=-1), axis=-1), axis=-1)


def is_class(labels: Array, num_classes: int) -> Array:
    """Where the labels are in [0, classes)."""
    return unp.logical_and(unp.greater_equal(labels, 0), unp.less(labels, num_classes))


def _smoothed(loss: Array, log_probs: Array, weight: Array | None, smoothing: float) -> Array:
    weighted = log_probs if weight is None else unp.multiply(log_probs, weight)
    spread = unp.multiply(unp.sum(weighted, axis=-1), -smoothing / log_probs.shape[-1])
    return unp.add(unp.multiply(loss, 1.0 - smoothing), spread)


def _soft(call: Call, log_probs: Array, labels: Array, weight: Array | None, smoothing: float) -> Array:
    if smoothing:
        labels = unp.add(unp.multiply(labels, 1.0 - smoothing), smoothing / log_probs.shape[-1])
    # A class that is impossible on both sides adds nothing: 0 * -inf is 0 here.
    is_void = unp.logical_and(unp.equal(labels, 0), unp.equal(log_probs, -math.inf))
    terms = unp.multiply(labels, unp.where(is_void, 0.0, log_probs))
    terms = terms if weight is None else unp.multiply(terms, weight)
    return call.reduce(unp.negative(unp.sum(terms, axis=-1)))


def clamped_log(p: Array) -> Array:
    """``max(log(p), -100)``, with the derivative 0 where it is clamped."""
    is_positive = unp.greater(p, 0)
    log_p = unp.log(unp.where(is_positive, p, 1.0))
    return unp.where(unp.logical_and(is_positive, unp.greater(log_p, CLAMP)), log_p, CLAMP)


def last(x: Array, axis: int) -> Array:
    """``x`` with ``axis`` moved to the end."""
    return x if axis in (-1, len(x.shape) - 1) else unp.moveaxis(x, axis, -1)


def check_class_weight(call: Call, weight: Array | None) -> None:
    """One weight for each class."""
    if weight is not None and tuple(weight.shape) != tuple(call.preds.shape[-1:]):
        raise ShapeError(
            f"{call.name} got a `class_weight` that does not fit the classes.",
            got=f"class_weight = {describe_value(weight)}, logits = {describe_value(call.preds)}",
            expected="one weight for each class, the last axis of the logits",
            fix="pass a `class_weight` of shape (classes,)",
        )


def is_probabilities(call: Call, labels: Array, ignore_index: int | None = None, axis: int = -1) -> bool:
    """Whether the labels are probabilities, after the checks of their shape and dtype."""
    logits, dtype = call.preds, call.engine.arrays.dtype_name(labels)
    is_soft = is_inexact(dtype)
    if dtype == "bool" or (is_soft and ignore_index is not None):
        raise DTypeError(
            f"{call.name} got labels of a dtype that it cannot take.",
            got=f"labels = {describe_value(labels)}" + ("" if ignore_index is None else ", with ignore_index"),
            expected="integer class ids, or floating probabilities (without ignore_index)",
            fix="convert the labels with um.numpy.astype",
        )
    shape = list(logits.shape)
    if not -len(shape) <= axis < len(shape):
        raise ShapeError(f"{call.name} has no axis {axis}.", got=f"logits = {describe_value(logits)}")
    rest = [size for place, size in enumerate(shape) if place != axis % len(shape)]
    if list(labels.shape) != (shape if is_soft else rest):
        raise ShapeError(
            f"{call.name} got labels that do not fit the logits.",
            got=f"logits = {describe_value(logits)}, labels = {describe_value(labels)}",
            expected=f"integer labels of the shape {tuple(rest)}, or floating ones of the shape of the logits",
            fix=f"the classes are axis {axis}; one-hot integers: convert them to the dtype of the logits",
        )
    return is_soft


def check_labels(call: Call, labels: Array, num_classes: int, ignore_index: int | None = None) -> None:
    """Where the labels can be read, each is a class or ignored."""
    if not call.engine.arrays.is_concrete(labels):
        return
    is_fine = is_class(labels, num_classes)
    is_fine = is_fine if ignore_index is None else unp.logical_or(is_fine, unp.equal(labels, ignore_index))
    if not bool(unp.all(is_fine)):
        raise OptionError(
            f"{call.name} got a label that is no class.",
            got=f"labels from {int(unp.min(labels))} to {int(unp.max(labels))}",
            expected=f"labels in [0, {num_classes})" + ("" if ignore_index is None else f", or {ignore_index}"),
            fix="give the labels of padding a value of their own, and pass it as ignore_index",
        )
