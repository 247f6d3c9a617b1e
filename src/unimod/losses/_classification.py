"""Losses of class predictions."""

from __future__ import annotations

import math
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.config import describe_value
from unimod.dtypes import is_inexact
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.losses._reduce import check_floating, check_reduction, in_dtype_of, pair, reduce
from unimod.nn.activations import log_sigmoid, log_softmax
from unimod.numpy._dispatch import many

Array = Any


def cross_entropy(
    logits: Array,
    labels: Array,
    *,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    weight: Array | None = None,
    ignore_index: int | None = None,
) -> Array:
    """``-log softmax(logits)[label]``, or ``-sum(p * log softmax(logits))`` for labels that are probabilities.

    With ``label_smoothing = a`` a label becomes ``(1 - a) * label + a / classes``; with ``weight`` each class counts
    ``weight[class]`` times. The mean of integer labels is ``sum(loss) / sum(weight[label])`` over those not ignored
    (0 where all are ignored); the mean of probabilities is over the examples.

    Args:
        logits: floating, ``(..., classes)``.
        labels: integers ``(...)`` in [0, classes), or floating ``(..., classes)``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        label_smoothing: in [0, 1].
        weight: ``(classes,)``.
        ignore_index: integer labels with this value add nothing, whether it is a class or not.

    Returns:
        A scalar, or ``(...)`` for ``"none"``; in the dtype of ``logits``.

    Raises:
        ShapeError: the shapes do not fit.
        DTypeError: ``logits`` is not floating, or ``labels`` are bools.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> logits = um.numpy.asarray([[2.0, 0.0], [0.0, 2.0]])
        >>> round(float(um.losses.cross_entropy(logits, um.numpy.asarray([0, 0]))), 4)
        1.1269
        >>> soft = um.numpy.asarray([[1.0, 0.0], [0.5, 0.5]])
        >>> [round(v, 4) for v in um.losses.cross_entropy(logits, soft, reduction="none").tolist()]
        [0.1269, 1.1269]

    Differences: where all labels are ignored torch gives NaN.

    Source: ``torch.nn.functional.cross_entropy`` (weights, smoothing); Szegedy et al. (2015), arXiv:1512.00567.
    """
    check_reduction("cross_entropy", reduction)
    engine, logits, labels, weight = many(logits, labels, weight)
    check_floating("cross_entropy", engine, logits)
    _check_smoothing(label_smoothing)
    _check_weight(weight, logits)
    is_soft = _check_labels(engine, logits, labels, ignore_index)
    log_probs = log_softmax(logits)
    if is_soft:
        return _soft(log_probs, in_dtype_of(engine, logits, labels), weight, label_smoothing, reduction)
    return _hard(log_probs, labels, weight, label_smoothing, ignore_index, reduction)


def softmax_cross_entropy(logits: Array, labels: Array, *, reduction: str = "mean") -> Array:
    """``-sum(labels * log softmax(logits))`` over the last axis, for one-hot labels or probabilities.

    :func:`cross_entropy` without its options, for labels of the shape of ``logits`` only.

    Example:
        >>> import unimod as um
        >>> logits, labels = um.numpy.asarray([[2.0, 0.0]]), um.numpy.asarray([[1.0, 0.0]])
        >>> round(float(um.losses.softmax_cross_entropy(logits, labels)), 4)
        0.1269
    """
    logits, labels = pair("softmax_cross_entropy", logits, labels, reduction)
    return _soft(log_softmax(logits), labels, None, 0.0, reduction)


def _hard(
    log_probs: Array,
    labels: Array,
    weight: Array | None,
    smoothing: float,
    ignore_index: int | None,
    reduction: str,
) -> Array:
    is_used = None if ignore_index is None else unp.not_equal(labels, ignore_index)
    # Before the look-up: an ignored label is often none of the classes.
    labels = labels if is_used is None else unp.where(is_used, labels, 0)
    loss = unp.negative(_pick(log_probs, labels))
    counts = None if weight is None else unp.reshape(unp.take(weight, unp.reshape(labels, (-1,)), axis=0), labels.shape)
    loss = loss if counts is None else unp.multiply(loss, counts)
    if smoothing:
        loss = _smoothed(loss, log_probs, weight, smoothing)
    if is_used is not None:
        loss = unp.where(is_used, loss, 0.0)
        counts = unp.astype(is_used, loss.dtype) if counts is None else unp.where(is_used, counts, 0.0)
    if reduction != "mean" or counts is None:
        return reduce(loss, reduction)
    total = unp.sum(counts)
    return unp.divide(unp.sum(loss), unp.where(unp.equal(total, 0), 1.0, total))


def _pick(log_probs: Array, labels: Array) -> Array:
    return unp.squeeze(unp.take_along_axis(log_probs, unp.expand_dims(labels, axis=-1), axis=-1), axis=-1)


def _smoothed(loss: Array, log_probs: Array, weight: Array | None, smoothing: float) -> Array:
    weighted = log_probs if weight is None else unp.multiply(log_probs, weight)
    spread = unp.multiply(unp.sum(weighted, axis=-1), -smoothing / log_probs.shape[-1])
    return unp.add(unp.multiply(loss, 1.0 - smoothing), spread)


def _soft(log_probs: Array, labels: Array, weight: Array | None, smoothing: float, reduction: str) -> Array:
    if smoothing:
        labels = unp.add(unp.multiply(labels, 1.0 - smoothing), smoothing / log_probs.shape[-1])
    # A class that is impossible on both sides adds nothing: 0 * -inf is 0 here.
    is_void = unp.logical_and(unp.equal(labels, 0), unp.equal(log_probs, -math.inf))
    terms = unp.multiply(labels, unp.where(is_void, 0.0, log_probs))
    terms = terms if weight is None else unp.multiply(terms, weight)
    return reduce(unp.negative(unp.sum(terms, axis=-1)), reduction)


def binary_cross_entropy(logits: Array, labels: Array, *, from_logits: bool = True, reduction: str = "mean") -> Array:
    """``-(labels * log p + (1 - labels) * log(1 - p))`` with ``p = sigmoid(logits)``.

    Args:
        logits: floating, any shape.
        labels: of the same shape, in [0, 1]; ints and bools are converted.
        from_logits: False if ``logits`` are already probabilities; their logarithms are then clamped at -100, with the
            derivative 0 beyond. Logits are the more exact form.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or the shape of ``logits`` for ``"none"``; in the dtype of ``logits``.

    Raises:
        ShapeError: the shapes differ.
        DTypeError: ``logits`` is not floating.
        OptionError: ``reduction`` is unknown.

    Example:
        >>> import unimod as um
        >>> logits, labels = um.numpy.asarray([0.0, 100.0]), um.numpy.asarray([1.0, 1.0])
        >>> round(float(um.losses.binary_cross_entropy(logits, labels)), 4)
        0.3466
    """
    logits, labels = pair("binary_cross_entropy", logits, labels, reduction)
    rest = unp.subtract(1.0, labels)
    if from_logits:
        log_p, log_q = log_sigmoid(logits), log_sigmoid(unp.negative(logits))
    else:
        log_p, log_q = _clamped_log(logits), _clamped_log(unp.subtract(1.0, logits))
    return reduce(unp.negative(unp.add(unp.multiply(labels, log_p), unp.multiply(rest, log_q))), reduction)


def _clamped_log(p: Array) -> Array:
    is_positive = unp.greater(p, 0)
    log_p = unp.log(unp.where(is_positive, p, 1.0))
    return unp.where(unp.logical_and(is_positive, unp.greater(log_p, -100.0)), log_p, -100.0)


def _check_smoothing(smoothing: float) -> None:
    if not 0 <= smoothing <= 1:
        raise OptionError(
            "`label_smoothing` is not a share of the label.",
            got=f"label_smoothing = {smoothing!r}",
            expected="0 <= label_smoothing <= 1",
            fix="0.1 is a common value",
        )


def _check_weight(weight: Array | None, logits: Array) -> None:
    if weight is not None and tuple(weight.shape) != tuple(logits.shape[-1:]):
        raise ShapeError(
            "cross_entropy got a `weight` that does not fit the classes.",
            got=f"weight = {describe_value(weight)}, logits = {describe_value(logits)}",
            expected="one weight for each class, the last axis of the logits",
            fix="pass a `weight` of shape (classes,)",
        )


def _check_labels(engine: Engine, logits: Array, labels: Array, ignore_index: int | None) -> bool:
    """Whether the labels are probabilities, after the checks of their shape and dtype."""
    dtype = engine.arrays.dtype_name(labels)
    is_soft = is_inexact(dtype)
    if dtype == "bool" or (is_soft and ignore_index is not None):
        raise DTypeError(
            "cross_entropy got labels of a dtype that it cannot take.",
            got=f"labels = {describe_value(labels)}" + ("" if ignore_index is None else ", with ignore_index"),
            expected="integer class ids, or floating probabilities (without ignore_index)",
            fix="convert the labels with um.numpy.astype",
        )
    expected = tuple(logits.shape) if is_soft else tuple(logits.shape[:-1])
    if not len(logits.shape) or tuple(labels.shape) != expected:
        raise ShapeError(
            "cross_entropy got labels that do not fit the logits.",
            got=f"logits = {describe_value(logits)}, labels = {describe_value(labels)}",
            expected="integer labels of the shape logits.shape[:-1], or floating ones of the shape of the logits",
            fix="the classes are the last axis; one-hot integers: convert them to the dtype of the logits",
        )
    return is_soft
