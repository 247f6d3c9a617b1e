"""How near two arrays of vectors are."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.nn import _axes, _checks
from unimod.nn._precision import entering, leaving
from unimod.numpy._dispatch import many

Array = Any


def cosine_similarity(x: Array, other: Array, *, axis: int = -1, epsilon: float = 1e-8) -> Array:
    """The cosine of the angle between the vectors of two arrays: ``sum(x * other) / (|x| * |other|)``.

    Args:
        x: floating.
        other: of the same dtype; the shapes broadcast.
        axis: that of the vectors, of the shape that both broadcast to.
        epsilon: the least length: shorter vectors count as so long, so that derivatives are finite at 0.

    Returns:
        An array without that axis; half precision is computed in float32.

    Raises:
        ShapeError: the shapes do not broadcast, or there is no such axis.
        DTypeError: the dtypes differ, or are not floating.
        OptionError: ``epsilon`` is not positive.

    Example:
        >>> import unimod as um
        >>> x, other = um.numpy.asarray([[3.0, 4.0], [0.0, 0.0]]), um.numpy.asarray([[1.0, 0.0]])
        >>> [round(v, 4) for v in um.nn.functional.cosine_similarity(x, other).tolist()]
        [0.6, 0.0]
    """
    _checks.positive("cosine_similarity", "epsilon", epsilon)
    one, two, dtype = _pair("cosine_similarity", x, other)
    one, two = unp.broadcast_arrays(one, two)
    place = _axes.resolve(one, axis)
    return leaving(unp.sum(unp.multiply(_unit(one, place, epsilon), _unit(two, place, epsilon)), axis=place), dtype)


def pairwise_distance(
    x: Array, other: Array, *, p: float = 2.0, epsilon: float = 1e-6, keepdims: bool = False
) -> Array:
    """``|x - other + epsilon|_p`` over the last axis.

    Args:
        x: floating, ``(..., features)``.
        other: of the same dtype; the shapes broadcast.
        p: of the norm; ``inf`` is the greatest difference.
        epsilon: added to each difference, which keeps the derivative away from that of a norm at 0.
        keepdims: whether the last axis stays, with length 1.

    Returns:
        An array without the last axis; half precision is computed in float32.

    Raises:
        ShapeError: the shapes do not broadcast.
        DTypeError: the dtypes differ, or are not floating.
        OptionError: ``p`` is not positive.

    Example:
        >>> import unimod as um
        >>> x, other = um.numpy.asarray([[3.0, 4.0]]), um.numpy.asarray([[0.0, 0.0]])
        >>> [round(v, 4) for v in um.nn.functional.pairwise_distance(x, other).tolist()]
        [5.0]
    """
    _checks.positive("pairwise_distance", "p", p)
    one, two, dtype = _pair("pairwise_distance", x, other)
    difference = unp.add(unp.subtract(one, two), epsilon)
    return leaving(unp.linalg.vector_norm(difference, axis=-1, keepdims=keepdims, ord=p), dtype)


def _pair(name: str, x: Array, other: Array) -> tuple[Array, Array, str]:
    engine, x, other = many(x, other)
    _checks.floating(name, engine, x)
    _checks.same_dtype(name, engine, x, other, "other")
    (one, dtype), (two, _) = entering(x), entering(other)
    return one, two, dtype


def _unit(x: Array, axis: int, epsilon: float) -> Array:
    square = unp.sum(unp.square(x), axis=axis, keepdims=True)
    return unp.multiply(x, unp.rsqrt(unp.maximum(square, epsilon * epsilon)))
