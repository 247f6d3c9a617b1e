"""Transformers that read a text as a whole."""

from __future__ import annotations

from typing import Any, NamedTuple

import unimod.numpy as unp
from unimod.core.kinds import Parameter
from unimod.core.module import Module
from unimod.nets import _options
from unimod.nets._transformer import with_kernels
from unimod.nn import _leaves, activations, initializers
from unimod.nn.embed import Embed
from unimod.nn.linear import Linear
from unimod.nn.norm import LayerNorm
from unimod.nn.positions import LearnedPositions
from unimod.nn.stochastic import Dropout
from unimod.nn.transformer import Activation, Norm, TransformerEncoder, TransformerEncoderLayer

Array = Any

_NARROW = initializers.truncated_normal(0.02)


class BERTOutput(NamedTuple):
    """What :class:`BERT` gives.

    Attributes:
        hidden: ``(..., T, features)``, a vector for each token.
        pooled: ``(..., features)``, one for the text; None without a pooler.
        scores: ``(..., T, num_tokens)``, of the tokens that may stand at each place; None without a language head.
    """

    hidden: Array
    pooled: Array | None
    scores: Array | None


class LanguageHead(Module):
    """Scores of the tokens that may stand at a place: ``norm(activation(dense(x))) @ embedding.T + bias``."""

    def __init__(self, embed: Embed, activation: Activation, norm: Norm, dtype: str) -> None:
        size, features = embed.num_embeddings, embed.features
        self.activation = activation
        self.dense = Linear(features, features, kernel_init=_NARROW, dtype=dtype)
        self.norm = norm(features, dtype=dtype)
        self.table = Embed(size, features, embedding_init=_NARROW, dtype=dtype)
        self.table.embedding = embed.share("embedding")
        self.bias: Any = Parameter(_leaves.pending(initializers.zeros(), (size,), dtype))

    def __call__(self, x: Array) -> Array:
        """Scores ``(..., num_tokens)`` of ``x``, of shape ``(..., features)``."""
        return unp.add(self.table.attend(self.norm(self.activation(self.dense(x)))), self.bias)


class BERT(Module):
    """A transformer in which every token sees all others, with a vector for the text as a whole.

    Embeddings of tokens, positions and segments are added; then come a norm and post-norm layers
    (:class:`unimod.nn.TransformerEncoderLayer`). The defaults are those of the smaller BERT.

    Args:
        num_tokens: number of different tokens.
        features: length of the vectors between the layers.
        num_layers: number of layers.
        num_heads: number of heads of each.
        hidden_features: size inside of the small networks; None: ``4 * features``.
        max_length: number of positions.
        num_segments: number of different segments; 0: there are none.
        activation: of the small networks, and of the language head.
        norm_first: pre-norm layers, with a norm behind the last one instead of that before the first.
        norm: makes a norm, called with ``features`` and ``dtype=``.
        dropout_rate: the probability of dropping, in training: of the embeddings and in the layers.
        use_pooler: whether to give ``tanh(linear(hidden of the first token))``.
        use_language_head: whether to give scores of the tokens at each place; their table is that of the embeddings.
        dtype: of the leaves.

    Raises:
        ShapeError: the heads do not divide evenly, or the text is longer than ``max_length``.
        DTypeError: the tokens are not integers.

    Example:
        >>> import unimod as um
        >>> um.nets.count_parameters(um.nets.BERT())
        109482240
        >>> model = um.nets.BERT(11, 8, num_layers=2, num_heads=2, max_length=16, use_language_head=True).init(0)
        >>> out = model(um.numpy.asarray([[1, 2, 3], [4, 5, 0]]), key_lengths=um.numpy.asarray([3, 2]))
        >>> out.hidden.shape == (2, 3, 8), out.pooled.shape == (2, 8), out.scores.shape == (2, 3, 11)
        (True, True, True)

    Source: Devlin et al. (2018), arXiv:1810.04805.

    Differences: BERT's own norms add 1e-12 to the variance; those here 1e-5, unless ``norm`` makes others.
    """

    def __init__(
        self,
        num_tokens: int = 30522,
        features: int = 768,
        *,
        num_layers: int = 12,
        num_heads: int = 12,
        hidden_features: int | None = None,
        max_length: int = 512,
        num_segments: int = 2,
        activation: Activation = activations.gelu,
        norm_first: bool = False,
        norm: Norm = LayerNorm,
        dropout_rate: float = 0.0,
        use_pooler: bool = True,
        use_language_head: bool = False,
        dtype: str = "float32",
    ) -> None:
        _options.counts("BERT", "num_layers", (num_layers,))
        table: dict[str, Any] = {"embedding_init": _NARROW, "dtype": dtype}
        self.embed = Embed(num_tokens, features, **table)
        self.positions = LearnedPositions(max_length, features, **table)
        self.segments: Any = Embed(num_segments, features, **table) if num_segments else None
        self.norm: Any = None if norm_first else norm(features, dtype=dtype)
        self.dropout: Any = Dropout(dropout_rate) if dropout_rate else None
        options: dict[str, Any] = {
            "activation": activation,
            "norm_first": norm_first,
            "norm": norm,
            "dropout_rate": dropout_rate,
            "dtype": dtype,
        }
        layers = [
            with_kernels(TransformerEncoderLayer(num_heads, features, hidden_features, **options), _NARROW)
            for _ in range(num_layers)
        ]
        self.blocks = TransformerEncoder(layers, norm=norm(features, dtype=dtype) if norm_first else None)
        self.pooler: Any = Linear(features, features, kernel_init=_NARROW, dtype=dtype) if use_pooler else None
        self.head: Any = LanguageHead(self.embed, activation, norm, dtype) if use_language_head else None

    def __call__(
        self,
        tokens: Array,
        segments: Array | None = None,
        *,
        mask: Array | None = None,
        key_lengths: Array | None = None,
    ) -> BERTOutput:
        """Read a text.

        Args:
            tokens: integers ``(..., T)``.
            segments: integers ``(..., T)``; None: all 0.
            mask: as in :class:`unimod.nn.MultiHeadAttention`.
            key_lengths: integers ``(...)``, the lengths of the texts without what fills them up.
        """
        x = self.positions(self._embedded(tokens, segments))
        x = x if self.norm is None else self.norm(x)
        x = x if self.dropout is None else self.dropout(x)
        hidden = self.blocks(x, mask=mask, key_lengths=key_lengths)
        pooled = None if self.pooler is None else unp.tanh(self.pooler(hidden[..., 0, :]))
        return BERTOutput(hidden, pooled, None if self.head is None else self.head(hidden))

    def _embedded(self, tokens: Array, segments: Array | None) -> Array:
        x = self.embed(tokens)
        if self.segments is None:
            return x
        return unp.add(x, self.segments(unp.zeros_like(tokens) if segments is None else segments))
