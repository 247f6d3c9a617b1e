"""The margin of triplets, for any distance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod.config import describe_value
from unimod.errors import ShapeError
from unimod.losses._margin import positive_part
from unimod.losses._reduce import Call
from unimod.nn._similarity import pairwise_distance

Array = Any


def triplet_margin_with_distance(
    anchor: Array,
    positive: Array,
    negative: Array,
    *,
    distance: Callable[[Array, Array], Array] = pairwise_distance,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``max(distance(anchor, positive) - distance(anchor, negative) + margin, 0)``.

    Args:
        anchor: floating, ``(..., features)``.
        positive: of the same shape: what belongs to the anchors.
        negative: of the same shape: what does not.
        distance: of two arrays of that shape: ``(...)``; a function or a layer.
        margin: by which the distances are to differ.
        swap: whether the distance from positive to negative counts where it is the smaller one.
        reduction: over the examples: ``"mean"``, ``"sum"``, ``"none"`` or ``"weighted mean"``.
        sample_weight: factors of the examples.

    Returns:
        A scalar, or ``(...)`` for ``"none"``.

    Raises:
        ShapeError: the shapes differ, or the distances are not one for each example.
        DTypeError: ``anchor`` is not floating.
        OptionError: ``reduction`` is unknown.

    Example:
        >>> import unimod as um
        >>> anchor, far = um.numpy.asarray([[0.0, 0.0]]), um.numpy.asarray([[3.0, 4.0]])
        >>> greatest = lambda one, other: um.numpy.max(um.numpy.abs(one - other), axis=-1)
        >>> float(um.losses.triplet_margin_with_distance(anchor, far, anchor, distance=greatest))
        5.0

    Source: ``torch.nn.functional.triplet_margin_with_distance_loss``; Balntas et al. (2016) for ``swap``.
    """
    call = Call("triplet_margin_with_distance", reduction, sample_weight, anchor, positive, negative)
    positive, negative = call.matching(call.others[0], "positives"), call.matching(call.others[1], "negatives")
    near, far = distance(call.preds, positive), distance(call.preds, negative)
    far = unp.minimum(far, distance(positive, negative)) if swap else far
    if tuple(near.shape) != tuple(call.preds.shape[:-1]):
        raise ShapeError(
            "triplet_margin_with_distance got a distance that is not one number for each example.",
            got=f"distances {describe_value(near)} of embeddings {describe_value(call.preds)}",
            expected=f"distances of the shape {tuple(call.preds.shape[:-1])}",
            fix="take the norm over the last axis, without keeping it",
        )
    return call.reduce(positive_part(unp.add(unp.subtract(near, far), margin)))
