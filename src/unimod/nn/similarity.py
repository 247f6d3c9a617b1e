"""Layers that compare two arrays of vectors."""

from __future__ import annotations

from typing import Any

from unimod.core.module import Module
from unimod.nn import _similarity


class CosineSimilarity(Module):
    """The cosine of the angle between the vectors of two arrays.

    Args:
        axis: that of the vectors.
        epsilon: the least length: shorter vectors count as so long.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.CosineSimilarity()
        >>> [round(v, 4) for v in layer(um.numpy.asarray([[3.0, 4.0]]), um.numpy.asarray([[1.0, 0.0]])).tolist()]
        [0.6]

    Differences: the loss of that name, ``um.losses.CosineSimilarity``, is the negative mean of it.
    """

    def __init__(self, *, axis: int = -1, epsilon: float = 1e-8) -> None:
        self.axis, self.epsilon = axis, epsilon

    def __call__(self, x: Any, other: Any) -> Any:
        """Compare ``x`` and ``other``, whose shapes broadcast."""
        return _similarity.cosine_similarity(x, other, axis=self.axis, epsilon=self.epsilon)


class PairwiseDistance(Module):
    """``|x - other + epsilon|_p`` over the last axis of two arrays.

    Args:
        p: of the norm; ``inf`` is the greatest difference.
        epsilon: added to each difference, which keeps the derivative away from that of a norm at 0.
        keepdims: whether the last axis stays, with length 1.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.PairwiseDistance()
        >>> [round(v, 4) for v in layer(um.numpy.asarray([[3.0, 4.0]]), um.numpy.asarray([[0.0, 0.0]])).tolist()]
        [5.0]
    """

    def __init__(self, *, p: float = 2.0, epsilon: float = 1e-6, keepdims: bool = False) -> None:
        self.p, self.epsilon, self.keepdims = p, epsilon, keepdims

    def __call__(self, x: Any, other: Any) -> Any:
        """Compare ``x`` and ``other``, ``(..., features)``, whose shapes broadcast."""
        return _similarity.pairwise_distance(x, other, p=self.p, epsilon=self.epsilon, keepdims=self.keepdims)
