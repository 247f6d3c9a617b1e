"""Embeddings."""

from __future__ import annotations

import dataclasses
from typing import Any

import unimod.numpy as unp
from unimod.core.module import Module
from unimod.nn import _affine, _leaves, _lookup, initializers


class Embed(Module):
    """A table of trained vectors, looked up by integers.

    Args:
        num_embeddings: number of vectors.
        features: length of each.
        padding_idx: an index whose vector starts as zeros and is not trained.
        max_norm: the greatest norm of a vector: longer ones are given scaled down to it.
        norm_type: the order of that norm.
        embedding_init: ``init(key, shape, dtype)`` of the table ``(num_embeddings, features)``.
        dtype: of the table.

    Raises:
        DTypeError: the indices are not integers.
        ShapeError: an index is none of ``[-num_embeddings, num_embeddings)`` (seen where the values are known on the
            host: not inside of transformed functions, and not on accelerators).
        OptionError: ``max_norm`` or ``norm_type`` is not positive.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.Embed(10, 4, padding_idx=0).init(0)
        >>> layer(um.numpy.asarray([[1, 2, 3]])).shape == (1, 3, 4)
        True
        >>> layer(um.numpy.asarray([0])).tolist()
        [[0.0, 0.0, 0.0, 0.0]]
    """

    def __init__(
        self,
        num_embeddings: int,
        features: int,
        *,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        embedding_init: _leaves.Fill = initializers.variance_scaling(1.0, "fan_in", "normal", out_axis=0),
        dtype: str = "float32",
    ) -> None:
        _lookup.check_norm(max_norm, norm_type)
        self.num_embeddings, self.features, self.padding_idx = num_embeddings, features, padding_idx
        self.max_norm, self.norm_type = max_norm, norm_type
        if padding_idx is not None:
            embedding_init = Padded(embedding_init, _lookup.padding_row(num_embeddings, padding_idx))
        self.embedding: Any = _leaves.parameter(embedding_init, (num_embeddings, features), str(dtype))

    def __call__(self, ids: Any) -> Any:
        """The vectors of ``ids``, integers of any shape in ``[0, num_embeddings)``: ``(*ids.shape, features)``."""
        return _lookup.embedding(
            self.embedding, ids, padding_idx=self.padding_idx, max_norm=self.max_norm, norm_type=self.norm_type
        )

    def attend(self, query: Any) -> Any:
        """The product of ``query``, ``(..., features)``, with each vector: ``(..., num_embeddings)``.

        With it the table is also the last layer of a model that gives scores for the same integers (tied weights).

        Raises:
            ShapeError: the last axis of ``query`` has another length.
            DTypeError: ``query`` has another dtype than the table.
        """
        _leaves.check_input(self, query, self.embedding, self.features, "features")
        return _affine.linear(query, unp.matrix_transpose(self.embedding))


@dataclasses.dataclass(frozen=True)
class Padded:
    """An initializer with zeros in one row."""

    init: _leaves.Fill
    row: int

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: str) -> Any:
        return unp.at(self.init(key, shape, dtype))[self.row].set(0.0)
