"""Losses of embeddings: what belongs together comes near, the rest is pushed apart."""

from __future__ import annotations

from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.config import describe_value
from unimod.errors import ShapeError
from unimod.losses._distance import cosine, unit
from unimod.losses._margin import positive_part
from unimod.losses._reduce import Call
from unimod.nn import _checks
from unimod.nn.activations import log_softmax

Array = Any


def triplet_margin(
    anchor: Array,
    positive: Array,
    negative: Array,
    *,
    margin: float = 1.0,
    p: float = 2.0,
    swap: bool = False,
    epsilon: float = 1e-6,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``max(d(anchor, positive) - d(anchor, negative) + margin, 0)`` with ``d(a, b) = |a - b + epsilon|_p``.

    Args:
        anchor: floating, ``(..., features)``.
        positive: of the same shape: what belongs to the anchors.
        negative: of the same shape: what does not.
        margin: by which the distances are to differ.
        p: of the norm.
        swap: whether the distance from positive to negative counts where it is the smaller one.
        epsilon: added to each difference, which keeps the derivative away from that of a norm at 0.
        reduction: over the examples: ``"mean"``, ``"sum"``, ``"none"`` or ``"weighted mean"``.
        sample_weight: factors of the examples.

    Returns:
        A scalar, or ``(...)`` for ``"none"``.

    Example:
        >>> import unimod as um
        >>> anchor, far = um.numpy.asarray([[0.0, 0.0]]), um.numpy.asarray([[3.0, 4.0]])
        >>> round(float(um.losses.triplet_margin(anchor, far, anchor)), 3)
        6.0

    Source: ``torch.nn.functional.triplet_margin_loss``; Balntas et al. (2016) for ``swap``.
    """
    _checks.positive("triplet_margin", "p", p)
    call = Call("triplet_margin", reduction, sample_weight, anchor, positive, negative)
    positive, negative = call.matching(call.others[0], "positives"), call.matching(call.others[1], "negatives")
    near, far = _distance(call.preds, positive, p, epsilon), _distance(call.preds, negative, p, epsilon)
    far = unp.minimum(far, _distance(positive, negative, p, epsilon)) if swap else far
    return call.reduce(positive_part(unp.add(unp.subtract(near, far), margin)))


def contrastive(
    one: Array,
    other: Array,
    target: Array,
    *,
    margin: float = 1.0,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``target * d^2 + (1 - target) * max(margin - d, 0)^2`` with the Euclidean distance ``d`` of two embeddings.

    Args:
        one: floating, ``(..., features)``.
        other: of the same shape.
        target: ``(...)``: 1 where the two belong together, 0 where they do not.
        margin: the distance beyond which different ones cost nothing.
        reduction: over the examples: ``"mean"``, ``"sum"``, ``"none"`` or ``"weighted mean"``.
        sample_weight: factors of the examples.

    Returns:
        A scalar, or ``(...)`` for ``"none"``. The derivative of ``d`` at equal embeddings is 0.

    Example:
        >>> import unimod as um
        >>> one, other = um.numpy.asarray([[0.0], [0.0]]), um.numpy.asarray([[2.0], [0.5]])
        >>> um.losses.contrastive(one, other, um.numpy.asarray([1, 0]), reduction="none").tolist()
        [4.0, 0.25]

    Source: Hadsell, Chopra and LeCun (2006), "Dimensionality reduction by learning an invariant mapping".
    """
    call = Call("contrastive", reduction, sample_weight, one, other, target)
    square = unp.sum(unp.square(unp.subtract(call.preds, call.matching(call.others[0], "embeddings"))), axis=-1)
    target = call.widened(_one_each(call, call.others[1]))
    is_equal = unp.equal(square, 0)
    distance = unp.where(is_equal, 0.0, unp.sqrt(unp.where(is_equal, 1.0, square)))
    apart = unp.square(positive_part(unp.subtract(margin, distance)))
    return call.reduce(unp.add(unp.multiply(target, square), unp.multiply(unp.subtract(1.0, target), apart)))


def cosine_embedding(
    one: Array,
    other: Array,
    target: Array,
    *,
    margin: float = 0.0,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``1 - cos(one, other)`` where the target is 1, ``max(cos(one, other) - margin, 0)`` where it is -1.

    Args:
        one: floating, ``(..., features)``.
        other: of the same shape.
        target: ``(...)``: 1 or -1.
        margin: the cosine below which different ones cost nothing, from -1 to 1.
        reduction: over the examples: ``"mean"``, ``"sum"``, ``"none"`` or ``"weighted mean"``.
        sample_weight: factors of the examples.

    Returns:
        A scalar, or ``(...)`` for ``"none"``.

    Example:
        >>> import unimod as um
        >>> one, other = um.numpy.asarray([[1.0, 0.0]] * 2), um.numpy.asarray([[0.0, 2.0]] * 2)
        >>> um.losses.cosine_embedding(one, other, um.numpy.asarray([1, -1]), reduction="none").tolist()
        [1.0, 0.0]

    Source: ``torch.nn.functional.cosine_embedding_loss``.
    """
    call = Call("cosine_embedding", reduction, sample_weight, one, other, target)
    found = cosine(call.preds, call.matching(call.others[0], "embeddings"))
    is_same = unp.greater(_one_each(call, call.others[1]), 0)
    return call.reduce(unp.where(is_same, unp.subtract(1.0, found), positive_part(unp.subtract(found, margin))))


def info_nce(
    queries: Array,
    keys: Array,
    *,
    temperature: float = 0.1,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """The cross entropy of finding the key of each query among all keys, by their cosines over ``temperature``.

    Args:
        queries: floating, ``(n, features)``.
        keys: of the same shape: the i-th belongs to the i-th query.
        temperature: the cosines are divided by it.
        reduction: over the queries: ``"mean"``, ``"sum"``, ``"none"`` or ``"weighted mean"``.
        sample_weight: factors of the queries.

    Returns:
        A scalar, or ``(n,)`` for ``"none"``.

    Example:
        >>> import unimod as um
        >>> round(float(um.losses.info_nce(um.numpy.eye(2), um.numpy.eye(2), temperature=1.0)), 4)
        0.3133

    Source: van den Oord et al. (2018), arXiv:1807.03748; cosines as in He et al. (2019), arXiv:1911.05722.
    """
    call = _two_views("info_nce", queries, keys, temperature, reduction, sample_weight)
    scores = unp.divide(unp.matmul(unit(call.preds), unp.matrix_transpose(unit(call.others[0]))), temperature)
    return call.reduce(unp.negative(unp.diagonal(log_softmax(scores))))


def nt_xent(
    one: Array,
    other: Array,
    *,
    temperature: float = 0.1,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """The cross entropy of finding the other view of each of 2 n embeddings among all the others.

    Args:
        one: floating, ``(n, features)``: one view of each example.
        other: of the same shape: the other view.
        temperature: the cosines are divided by it.
        reduction: over the embeddings: ``"mean"``, ``"sum"``, ``"none"`` or ``"weighted mean"``.
        sample_weight: factors of the embeddings, ``(2 n,)``.

    Returns:
        A scalar, or ``(2 n,)`` for ``"none"``: those of ``one``, then those of ``other``.

    Example:
        >>> import unimod as um
        >>> round(float(um.losses.nt_xent(um.numpy.eye(2), um.numpy.eye(2), temperature=1.0)), 4)
        0.5514

    Source: Chen et al. (2020), arXiv:2002.05709, equation 1.
    """
    call = _two_views("nt_xent", one, other, temperature, reduction, sample_weight)
    views, count = unit(unp.concat([call.preds, call.others[0]])), call.preds.shape[0]
    scores = unp.divide(unp.matmul(views, unp.matrix_transpose(views)), temperature)
    log_probs = log_softmax(unp.where(np.eye(2 * count, dtype=bool), -unp.inf, scores))
    pairs = unp.concat([unp.diagonal(log_probs, offset=count), unp.diagonal(log_probs, offset=-count)])
    return call.reduce(unp.negative(pairs))


def _two_views(
    name: str, one: Array, other: Array, temperature: float, reduction: str, sample_weight: Array | None
) -> Call:
    _checks.positive(name, "temperature", temperature)
    call = Call(name, reduction, sample_weight, one, other)
    call.others = [call.matching(call.others[0], "embeddings")]
    if len(call.preds.shape) != 2:
        raise ShapeError(
            f"{name} works on one embedding for each example.",
            got=describe_value(one),
            expected="(examples, features)",
            fix="reshape the embeddings, or pool them",
        )
    return call


def _one_each(call: Call, target: Array) -> Array:
    if tuple(target.shape) != tuple(call.preds.shape[:-1]):
        raise ShapeError(
            f"{call.name} got targets that do not fit the embeddings.",
            got=f"embeddings {describe_value(call.preds)}, targets {describe_value(target)}",
            expected=f"targets of the shape {tuple(call.preds.shape[:-1])}",
            fix="pass one target for each pair",
        )
    return target


def _distance(one: Array, other: Array, p: float, epsilon: float) -> Array:
    return unp.linalg.vector_norm(unp.add(unp.subtract(one, other), epsilon), axis=-1, ord=p)
