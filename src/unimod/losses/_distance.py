"""Losses of distributions and of directions."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.losses._reduce import pair
from unimod.nn import _checks

Array = Any


def kl_divergence(
    log_preds: Array,
    target: Array,
    *,
    log_target: bool = False,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``sum(target * (log(target) - log_preds))`` over the last axis: the divergence of the prediction from the target.

    Args:
        log_preds: floating, ``(..., classes)``: logarithms of probabilities.
        target: ``(..., classes)``: probabilities; those that are 0 add nothing.
        log_target: whether ``target`` holds logarithms too.
        reduction: over the examples: ``"mean"`` (torch's ``batchmean``), ``"sum"``, ``"none"`` or ``"weighted mean"``.
        sample_weight: factors of the examples, ``(...)`` or of its leading axes.

    Returns:
        A scalar, or ``(...)`` for ``"none"``.

    Raises:
        ShapeError: the shapes differ.
        DTypeError: ``log_preds`` is not floating.
        OptionError: ``reduction`` is unknown.

    Example:
        >>> import unimod as um
        >>> log_preds = um.numpy.log(um.numpy.asarray([[0.25, 0.75]]))
        >>> round(float(um.losses.kl_divergence(log_preds, um.numpy.asarray([[0.5, 0.5]]))), 4)
        0.1438
    """
    call = pair("kl_divergence", log_preds, target, reduction, sample_weight)
    (target,) = call.others
    target, log_target_ = (unp.exp(target), target) if log_target else (target, None)
    return call.reduce(_divergence(target, call.preds, log_target_))


def js_divergence(preds: Array, target: Array, *, reduction: str = "mean", sample_weight: Array | None = None) -> Array:
    """The Jensen-Shannon divergence, ``(KL(p, m) + KL(q, m)) / 2`` with ``m = (p + q) / 2``, of probabilities.

    Args:
        preds: floating, ``(..., classes)``: probabilities; those that are 0 add nothing.
        target: ``(..., classes)``: probabilities.
        reduction: over the examples, as in :func:`kl_divergence`.
        sample_weight: as in :func:`kl_divergence`.

    Returns:
        A scalar, or ``(...)`` for ``"none"``: from 0 to log 2.

    Example:
        >>> import unimod as um
        >>> one, other = um.numpy.asarray([[1.0, 0.0]]), um.numpy.asarray([[0.0, 1.0]])
        >>> round(float(um.losses.js_divergence(one, other)), 4)
        0.6931

    Source: Lin (1991), "Divergence measures based on the Shannon entropy".
    """
    call = pair("js_divergence", preds, target, reduction, sample_weight)
    (target,) = call.others
    middle = unp.multiply(unp.add(call.preds, target), 0.5)
    log_middle = unp.log(unp.where(unp.greater(middle, 0), middle, 1.0))
    both = unp.add(_divergence(call.preds, log_middle), _divergence(target, log_middle))
    return call.reduce(unp.multiply(both, 0.5))


def _divergence(target: Array, log_preds: Array, log_target: Array | None = None) -> Array:
    is_there = unp.greater(target, 0)
    log_target = unp.log(unp.where(is_there, target, 1.0)) if log_target is None else log_target
    difference = unp.subtract(unp.where(is_there, log_target, 0.0), unp.where(is_there, log_preds, 0.0))
    return unp.sum(unp.multiply(target, difference), axis=-1)


def cosine_similarity(
    preds: Array,
    target: Array,
    *,
    epsilon: float = 1e-8,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``-cos(preds, target)`` over the last axis: -1 for the same direction, 1 for opposite ones.

    A vector shorter than ``epsilon`` counts as having that length, so that the loss and its derivative are finite at 0.

    Args:
        preds: floating, ``(..., features)``.
        target: of the same shape.
        epsilon: the least length.
        reduction: over the examples: ``"mean"``, ``"sum"``, ``"none"`` or ``"weighted mean"``.
        sample_weight: factors of the examples, ``(...)`` or of its leading axes.

    Returns:
        A scalar, or ``(...)`` for ``"none"``.

    Raises:
        ShapeError: the shapes differ.
        DTypeError: ``preds`` is not floating.
        OptionError: ``reduction`` is unknown.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([[3.0, 0.0]]), um.numpy.asarray([[5.0, 0.0]])
        >>> round(float(um.losses.cosine_similarity(preds, target)), 4)
        -1.0
    """
    _checks.positive("cosine_similarity", "epsilon", epsilon)
    call = pair("cosine_similarity", preds, target, reduction, sample_weight)
    return call.reduce(unp.negative(cosine(call.preds, call.others[0], epsilon)))


def cosine_distance(
    preds: Array,
    target: Array,
    *,
    epsilon: float = 1e-8,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``1 - cos(preds, target)``: :func:`cosine_similarity` plus 1, from 0 to 2.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([[3.0, 0.0]]), um.numpy.asarray([[0.0, 5.0]])
        >>> round(float(um.losses.cosine_distance(preds, target)), 4)
        1.0
    """
    _checks.positive("cosine_distance", "epsilon", epsilon)
    call = pair("cosine_distance", preds, target, reduction, sample_weight)
    return call.reduce(unp.subtract(1.0, cosine(call.preds, call.others[0], epsilon)))


def cosine(one: Array, other: Array, epsilon: float = 1e-8) -> Array:
    """The cosine of the angle between vectors of the last axis."""
    return unp.sum(unp.multiply(unit(one, epsilon), unit(other, epsilon)), axis=-1)


def unit(x: Array, epsilon: float = 1e-8) -> Array:
    """Vectors of the last axis scaled to length 1; those shorter than ``epsilon`` by ``1 / epsilon``."""
    square = unp.sum(unp.square(x), axis=-1, keepdims=True)
    return unp.multiply(x, unp.rsqrt(unp.maximum(square, epsilon * epsilon)))
