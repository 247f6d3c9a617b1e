"""Cross entropies of yes and no, and focal losses."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.losses._classification import (
    check_class_weight,
    check_labels,
    clamped_log,
    is_class,
    is_probabilities,
    last,
)
from unimod.losses._reduce import Call, check_share, pair
from unimod.nn.activations import log_sigmoid, log_softmax
from unimod.numpy._dispatch import adopt

Array = Any


def binary_cross_entropy(
    logits: Array,
    labels: Array,
    *,
    from_logits: bool = True,
    label_smoothing: float = 0.0,
    pos_weight: Array | float | None = None,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``-(pos_weight * labels * log p + (1 - labels) * log(1 - p))`` with ``p = sigmoid(logits)``.

    Args:
        logits: floating, any shape.
        labels: of the same shape, in [0, 1]; ints and bools are converted.
        from_logits: False if ``logits`` are already probabilities; their logarithms are then clamped at -100, with the
            derivative 0 beyond. Logits are the more exact form.
        label_smoothing: ``a`` makes of a label ``(1 - a) * label + a / 2``.
        pos_weight: factor of the positive labels, a number or an array that broadcasts against the labels.
        reduction: ``"mean"``, ``"sum"``, ``"none"`` or ``"weighted mean"``.
        sample_weight: factors of the values, of their shape or that of their leading axes.

    Returns:
        A scalar, or the shape of ``logits`` for ``"none"``; in the dtype of ``logits``.

    Raises:
        ShapeError: the shapes differ.
        DTypeError: ``logits`` is not floating.
        OptionError: ``reduction`` is unknown, or the smoothing is not in [0, 1].

    Example:
        >>> import unimod as um
        >>> logits, labels = um.numpy.asarray([0.0, 100.0]), um.numpy.asarray([1.0, 1.0])
        >>> round(float(um.losses.binary_cross_entropy(logits, labels)), 4)
        0.3466
    """
    call = pair("binary_cross_entropy", logits, labels, reduction, sample_weight)
    log_p, log_q = _logs(call, from_logits)
    return call.reduce(_entropy(log_p, log_q, _smooth(call, label_smoothing), _number(call, pos_weight)))


def binary_focal_cross_entropy(
    logits: Array,
    labels: Array,
    *,
    gamma: float = 2.0,
    alpha: float | None = None,
    from_logits: bool = True,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """:func:`binary_cross_entropy` times ``(1 - p_t)^gamma``: well predicted examples count less.

    ``p_t = labels * p + (1 - labels) * (1 - p)``; with ``alpha`` the loss is multiplied by
    ``labels * alpha + (1 - labels) * (1 - alpha)`` too.

    Args:
        logits: floating, any shape.
        labels: of the same shape, in [0, 1].
        gamma: how much less; 0 is the cross entropy.
        alpha: the share of the positive class, in [0, 1]; 0.25 in the paper.
        from_logits: as in :func:`binary_cross_entropy`.
        label_smoothing: as in :func:`binary_cross_entropy`.
        reduction: as in :func:`binary_cross_entropy`.
        sample_weight: as in :func:`binary_cross_entropy`.

    Example:
        >>> import unimod as um
        >>> logits, labels = um.numpy.asarray([0.0, 2.0]), um.numpy.asarray([1.0, 1.0])
        >>> values = um.losses.binary_focal_cross_entropy(logits, labels, reduction="none")
        >>> [round(v, 4) for v in values.tolist()]
        [0.1733, 0.0018]

    Source: Lin et al. (2017), arXiv:1708.02002, equations 4 and 5; ``optax.sigmoid_focal_loss``.
    """
    if alpha is not None:
        check_share("binary_focal_cross_entropy", "alpha", alpha)
    call = pair("binary_focal_cross_entropy", logits, labels, reduction, sample_weight)
    log_p, log_q = _logs(call, from_logits)
    labels = _smooth(call, label_smoothing)
    rest = unp.subtract(1.0, labels)
    missed = unp.add(unp.multiply(labels, unp.exp(log_q)), unp.multiply(rest, unp.exp(log_p)))
    values = unp.multiply(_entropy(log_p, log_q, labels, None), _power(missed, gamma))
    if alpha is not None:
        values = unp.multiply(values, unp.add(unp.multiply(labels, alpha), unp.multiply(rest, 1.0 - alpha)))
    return call.reduce(values)


def categorical_focal_cross_entropy(
    logits: Array,
    labels: Array,
    *,
    gamma: float = 2.0,
    alpha: Array | float | None = None,
    from_logits: bool = True,
    label_smoothing: float = 0.0,
    axis: int = -1,
    check: bool = False,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``-sum(alpha * (1 - p)^gamma * labels * log p)`` over the classes, with ``p = softmax(logits)``.

    Args:
        logits: floating, ``(..., classes)``.
        labels: integers ``(...)`` (one outside [0, classes) makes its value NaN), or floating ``(..., classes)``.
        gamma: how much less well predicted examples count; 0 is the cross entropy.
        alpha: a factor, or one for each class.
        from_logits: as in :func:`cross_entropy`.
        label_smoothing: as in :func:`cross_entropy`.
        axis: of the classes.
        check: as in :func:`cross_entropy`.
        reduction: as in :func:`cross_entropy`.
        sample_weight: as in :func:`cross_entropy`.

    Example:
        >>> import unimod as um
        >>> logits = um.numpy.asarray([[2.0, 0.0], [0.0, 2.0]])
        >>> values = um.losses.categorical_focal_cross_entropy(logits, um.numpy.asarray([0, 0]), reduction="none")
        >>> [round(v, 4) for v in values.tolist()]
        [0.0018, 1.6501]

    Source: Lin et al. (2017), arXiv:1708.02002.
    """
    check_share("categorical_focal_cross_entropy", "label_smoothing", label_smoothing)
    call = Call("categorical_focal_cross_entropy", reduction, sample_weight, logits, labels)
    (labels,) = call.others
    is_soft = is_probabilities(call, labels, axis=axis)
    call.preds = last(call.preds, axis)
    classes = call.preds.shape[-1]
    alpha = _number(call, alpha)
    if alpha is not None and not isinstance(alpha, (int, float)) and len(alpha.shape):
        check_class_weight(call, alpha)
    if check and not is_soft:
        check_labels(call, labels, classes)
    soft = call.widened(last(labels, axis)) if is_soft else unp.one_hot(labels, classes, dtype=call.wide)
    if label_smoothing:
        soft = unp.add(unp.multiply(soft, 1.0 - label_smoothing), label_smoothing / classes)
    log_p = log_softmax(call.preds) if from_logits else clamped_log(call.preds)
    terms = unp.multiply(unp.multiply(soft, log_p), _power(unp.negative(unp.expm1(log_p)), gamma))
    values = unp.negative(unp.sum(terms if alpha is None else unp.multiply(terms, alpha), axis=-1))
    return call.reduce(values if is_soft else unp.where(is_class(labels, classes), values, unp.nan))


def _logs(call: Call, from_logits: bool) -> tuple[Array, Array]:
    """``log p`` and ``log(1 - p)``."""
    if from_logits:
        return log_sigmoid(call.preds), log_sigmoid(unp.negative(call.preds))
    return clamped_log(call.preds), clamped_log(unp.subtract(1.0, call.preds))


def _entropy(log_p: Array, log_q: Array, labels: Array, pos_weight: Array | float | None) -> Array:
    positive = unp.multiply(labels, log_p)
    positive = positive if pos_weight is None else unp.multiply(positive, pos_weight)
    return unp.negative(unp.add(positive, unp.multiply(unp.subtract(1.0, labels), log_q)))


def _smooth(call: Call, smoothing: float) -> Array:
    check_share(call.name, "label_smoothing", smoothing)
    (labels,) = call.others
    return unp.add(unp.multiply(labels, 1.0 - smoothing), 0.5 * smoothing) if smoothing else labels


def _number(call: Call, value: Array | float | None) -> Array | float | None:
    return value if value is None or isinstance(value, (int, float)) else call.widened(adopt(call.engine, value))


def _power(x: Array, exponent: float) -> Array:
    """``x ** exponent`` for numbers that are not negative, with the derivative 0 at 0."""
    is_positive = unp.greater(x, 0)
    found = unp.pow(unp.where(is_positive, x, 1.0), exponent)
    return found if exponent == 0 else unp.where(is_positive, found, 0.0)
