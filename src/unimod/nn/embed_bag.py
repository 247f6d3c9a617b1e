"""Embeddings of sets."""

from __future__ import annotations

from typing import Any

from unimod.core.module import Module
from unimod.nn import _bags, _leaves, _lookup, initializers
from unimod.nn.embed import Padded


class EmbeddingBag(Module):
    """The sum, mean or maximum of trained vectors, for each bag of integers; an empty bag gives 0.

    Args:
        num_embeddings: number of vectors.
        features: length of each.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        padding_idx: an index that counts as no member of its bag; its vector starts as zeros.
        max_norm: as in ``Embed``.
        norm_type: as in ``Embed``.
        include_last_offset: whether the last offset is the end of the last bag.
        embedding_init: ``init(key, shape, dtype)`` of the table ``(num_embeddings, features)``.
        dtype: of the table.

    Raises:
        DTypeError: the indices or the offsets are not integers, or the weights have another dtype than the table.
        ShapeError: the shapes do not fit; an index is outside of ``[-num_embeddings, num_embeddings)``, as in Embed.
        OptionError: an option has a wrong value, or there are weights for another mode than ``"sum"``.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.EmbeddingBag(10, 4, mode="sum").init(0)
        >>> layer(um.numpy.asarray([[1, 2, 3], [4, 4, 0]])).shape == (2, 4)
        True
        >>> layer(um.numpy.asarray([1, 2, 3, 4, 4]), um.numpy.asarray([0, 3, 3])).shape == (3, 4)
        True
    """

    def __init__(
        self,
        num_embeddings: int,
        features: int,
        *,
        mode: str = "mean",
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        include_last_offset: bool = False,
        embedding_init: _leaves.Fill = initializers.variance_scaling(1.0, "fan_in", "normal", out_axis=0),
        dtype: str = "float32",
    ) -> None:
        _bags.check_mode(mode)
        _lookup.check_norm(max_norm, norm_type)
        self.num_embeddings, self.features, self.mode, self.padding_idx = num_embeddings, features, mode, padding_idx
        self.max_norm, self.norm_type, self.include_last_offset = max_norm, norm_type, include_last_offset
        if padding_idx is not None:
            embedding_init = Padded(embedding_init, _lookup.padding_row(num_embeddings, padding_idx))
        self.embedding: Any = _leaves.parameter(embedding_init, (num_embeddings, features), str(dtype))

    def __call__(self, ids: Any, offsets: Any = None, *, weights: Any = None) -> Any:
        """One vector for each bag.

        Args:
            ids: integers ``(..., n)``, a bag on the last axis; with ``offsets`` ``(total,)``.
            offsets: where in ``ids`` each bag starts; None: see ``ids``.
            weights: of the shape of ``ids``: factors in a sum.

        Returns:
            ``(..., features)``, or ``(bags, features)`` with ``offsets``.
        """
        return _bags.embedding_bag(
            self.embedding,
            ids,
            offsets,
            mode=self.mode,
            weights=weights,
            padding_idx=self.padding_idx,
            max_norm=self.max_norm,
            norm_type=self.norm_type,
            include_last_offset=self.include_last_offset,
        )
