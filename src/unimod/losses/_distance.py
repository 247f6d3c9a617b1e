"""Losses of distributions, directions and margins."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.losses._reduce import pair, reduce

Array = Any


def kl_divergence(log_preds: Array, target: Array, *, reduction: str = "mean") -> Array:
    """``sum(target * (log(target) - log_preds))`` over the last axis: the divergence of the prediction from the target.

    Args:
        log_preds: floating, ``(..., classes)``: logarithms of probabilities.
        target: ``(..., classes)``: probabilities; those that are 0 add nothing.
        reduction: over the examples, ``"mean"`` (torch's ``batchmean``), ``"sum"`` or ``"none"``.

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
    log_preds, target = pair("kl_divergence", log_preds, target, reduction)
    is_there = unp.greater(target, 0)
    log_target = unp.log(unp.where(is_there, target, 1.0))
    difference = unp.where(is_there, unp.subtract(log_target, log_preds), 0.0)
    return reduce(unp.sum(unp.multiply(target, difference), axis=-1), reduction)


def cosine_similarity(preds: Array, target: Array, *, reduction: str = "mean", epsilon: float = 1e-8) -> Array:
    """``-cos(preds, target)`` over the last axis: -1 for the same direction, 1 for opposite ones.

    A vector shorter than ``epsilon`` counts as having that length, so that the loss and its derivative are finite at 0.

    Args:
        preds: floating, ``(..., features)``.
        target: of the same shape.
        reduction: over the examples, ``"mean"``, ``"sum"`` or ``"none"``.
        epsilon: the least length.

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
    preds, target = pair("cosine_similarity", preds, target, reduction)
    product = unp.sum(unp.multiply(_unit(preds, epsilon), _unit(target, epsilon)), axis=-1)
    return reduce(unp.negative(product), reduction)


def _unit(x: Array, epsilon: float) -> Array:
    square = unp.sum(unp.square(x), axis=-1, keepdims=True)
    return unp.multiply(x, unp.rsqrt(unp.maximum(square, epsilon * epsilon)))


def hinge(preds: Array, target: Array, *, reduction: str = "mean") -> Array:
    """``max(1 - target * preds, 0)`` for targets -1 and 1, with the derivative 0 at the kink.

    Args:
        preds: floating, any shape: scores.
        target: of the same shape: -1 or 1.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

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
    preds, target = pair("hinge", preds, target, reduction)
    margin = unp.subtract(1.0, unp.multiply(target, preds))
    return reduce(unp.where(unp.greater(margin, 0), margin, 0.0), reduction)
