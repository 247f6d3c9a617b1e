"""Embeddings."""

from __future__ import annotations

from typing import Any

from unimod.core.module import Module
from unimod.nn import _leaves, functional, initializers


class Embed(Module):
    """A table of trained vectors, looked up by integers.

    Args:
        num_embeddings: number of vectors.
        features: length of each.
        embedding_init: ``init(key, shape, dtype)`` of the table ``(num_embeddings, features)``.
        dtype: of the table.

    Raises:
        DTypeError: the indices are not integers.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.Embed(10, 4).init(0)
        >>> layer(um.numpy.asarray([[1, 2, 3]])).shape == (1, 3, 4)
        True
    """

    def __init__(
        self,
        num_embeddings: int,
        features: int,
        *,
        embedding_init: _leaves.Fill = initializers.variance_scaling(1.0, "fan_in", "normal", out_axis=0),
        dtype: str = "float32",
    ) -> None:
        self.num_embeddings, self.features = num_embeddings, features
        self.embedding: Any = _leaves.parameter(embedding_init, (num_embeddings, features), str(dtype))

    def __call__(self, ids: Any) -> Any:
        """The vectors of ``ids``, integers of any shape in ``[0, num_embeddings)``: ``(*ids.shape, features)``."""
        return functional.embedding(self.embedding, ids)

    def attend(self, query: Any) -> Any:
        """The product of ``query``, ``(..., features)``, with each vector: ``(..., num_embeddings)``."""
        return query @ self.embedding.T
