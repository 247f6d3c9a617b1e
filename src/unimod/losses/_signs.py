"""Losses of scores or distances and signs."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.losses._margin import positive_part
from unimod.losses._reduce import pair
from unimod.nn.activations import softplus

Array = Any


def soft_margin(preds: Array, target: Array, *, reduction: str = "mean", sample_weight: Array | None = None) -> Array:
    """``log(1 + exp(-target * preds))`` for targets -1 and 1. Arguments, result and errors as in :func:`hinge`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([0.0, -200.0]), um.numpy.asarray([1.0, 1.0])
        >>> [round(v, 4) for v in um.losses.soft_margin(preds, target, reduction="none").tolist()]
        [0.6931, 200.0]

    Source: ``torch.nn.functional.soft_margin_loss``.
    """
    call = pair("soft_margin", preds, target, reduction, sample_weight)
    return call.reduce(softplus(unp.negative(unp.multiply(call.others[0], call.preds))))


def hinge_embedding(
    distance: Array,
    target: Array,
    *,
    margin: float = 1.0,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``distance`` where the target is 1, ``max(margin - distance, 0)`` where it is -1.

    Args:
        distance: floating, any shape: how far apart two things are.
        target: of the same shape: 1 where they belong together, -1 where they do not.
        margin: the distance beyond which different ones cost nothing.
        reduction: as in :func:`hinge`.
        sample_weight: as in :func:`hinge`.

    Returns:
        A scalar, or the shape of ``distance`` for ``"none"``.

    Example:
        >>> import unimod as um
        >>> distance, target = um.numpy.asarray([2.0, 0.25, 3.0]), um.numpy.asarray([1, -1, -1])
        >>> um.losses.hinge_embedding(distance, target, reduction="none").tolist()
        [2.0, 0.75, 0.0]

    Source: ``torch.nn.functional.hinge_embedding_loss``.
    """
    call = pair("hinge_embedding", distance, target, reduction, sample_weight)
    is_same = unp.greater(call.others[0], 0)
    return call.reduce(unp.where(is_same, call.preds, positive_part(unp.subtract(margin, call.preds))))
