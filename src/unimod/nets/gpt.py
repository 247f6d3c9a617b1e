"""Transformers that continue a text."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod import random
from unimod.core.module import Module
from unimod.nets import _generation, _options
from unimod.nets._transformer import gelu_tanh, with_kernels
from unimod.nn import initializers
from unimod.nn.attention import init_cache, reset_cache
from unimod.nn.embed import Embed
from unimod.nn.norm import LayerNorm
from unimod.nn.positions import LearnedPositions, SinusoidalPositions
from unimod.nn.stochastic import Dropout
from unimod.nn.transformer import Activation, Norm, TransformerEncoder, TransformerEncoderLayer

Array = Any

POSITIONS = ("learned", "rotary", "sinusoidal", "alibi")

_NORMAL = initializers.normal(0.02)


class GPT(Module):
    """A transformer of causal layers, which scores at each place the tokens that may come next.

    Embeddings of the tokens, positions, pre-norm layers (:class:`unimod.nn.TransformerEncoderLayer`), a norm, and the
    product with a table of vectors, one for each token: the embeddings themselves (tied), or another table. The
    defaults are those of the smallest GPT-2; with ``positions="rotary"``, ``norm=um.nn.RMSNorm``, ``is_gated=True``,
    ``activation=um.nn.silu`` and ``use_bias=False`` it is a LLaMA.

    Args:
        num_tokens: number of different tokens.
        features: length of the vectors between the layers.
        num_layers: number of layers.
        num_heads: number of heads of each.
        num_kv_heads: number of heads of keys and values, a divisor of ``num_heads``; None: as many.
        hidden_features: size inside of the small networks; None: ``4 * features``.
        max_length: number of learned positions; the other kinds have no end.
        positions: ``"learned"`` or ``"sinusoidal"`` vectors that are added, ``"rotary"`` or ``"alibi"``.
        activation: of the small networks.
        is_gated: as in :class:`unimod.nn.FeedForward`.
        norm: makes a norm, called with ``features`` and ``dtype=``.
        dropout_rate: the probability of dropping, in training: of the embeddings and in the layers.
        use_bias: whether the linear functions have biases.
        is_tied: whether one table serves tokens and scores.
        dtype: of the leaves.

    Raises:
        OptionError: ``positions`` is unknown, or a number is not positive.
        ShapeError: the heads do not divide evenly, or the text is longer than ``max_length``.
        DTypeError: the tokens are not integers.

    Example:
        >>> import unimod as um
        >>> um.nets.count_parameters(um.nets.GPT())
        124439808
        >>> model = um.nets.GPT(11, 8, num_layers=2, num_heads=2, max_length=16).init(0)
        >>> text = um.numpy.asarray([[1, 2, 3], [4, 5, 6]])
        >>> model(text).shape == (2, 3, 11)
        True
        >>> model.generate(text, 5, temperature=0.7, top_k=3, key=um.random.key(0)).shape == (2, 8)
        True

    Source: Radford et al. (2019), "Language Models are Unsupervised Multitask Learners"; kernels before residual sums
    start smaller by ``sqrt(2 * num_layers)``, section 2.3.
    """

    def __init__(
        self,
        num_tokens: int = 50257,
        features: int = 768,
        *,
        num_layers: int = 12,
        num_heads: int = 12,
        num_kv_heads: int | None = None,
        hidden_features: int | None = None,
        max_length: int = 1024,
        positions: str = "learned",
        activation: Activation = gelu_tanh,
        is_gated: bool = False,
        norm: Norm = LayerNorm,
        dropout_rate: float = 0.0,
        use_bias: bool = True,
        is_tied: bool = True,
        dtype: str = "float32",
    ) -> None:
        _options.one_of("GPT", "positions", positions, POSITIONS)
        _options.counts("GPT", "num_layers", (num_layers,))
        self.num_tokens, self.features = num_tokens, features
        self.embed = Embed(num_tokens, features, embedding_init=_NORMAL, dtype=dtype)
        self.positions: Any = _added(positions, max_length, features, dtype)
        self.dropout: Any = Dropout(dropout_rate) if dropout_rate else None
        options: dict[str, Any] = {
            "num_kv_heads": num_kv_heads,
            "activation": activation,
            "is_gated": is_gated,
            "rotary": positions == "rotary",
            "alibi": positions == "alibi",
            "norm": norm,
            "dropout_rate": dropout_rate,
            "use_bias": use_bias,
            "dtype": dtype,
        }
        last = initializers.normal(0.02 / math.sqrt(2 * num_layers))

        def layer() -> TransformerEncoderLayer:
            one = TransformerEncoderLayer(
                num_heads, features, hidden_features, norm_first=True, is_causal=True, **options
            )
            return with_kernels(one, _NORMAL, last)

        self.blocks = TransformerEncoder([layer() for _ in range(num_layers)], norm=norm(features, dtype=dtype))
        self.head = Embed(num_tokens, features, embedding_init=_NORMAL, dtype=dtype)
        if is_tied:
            self.head.embedding = self.embed.share("embedding")

    def __call__(
        self, tokens: Array, *, mask: Array | None = None, key_lengths: Array | None = None, decode: bool = False
    ) -> Array:
        """Scores ``(..., T, num_tokens)`` of what follows each of the ``tokens``, integers ``(..., T)``.

        Args:
            tokens: the text.
            mask: as in :class:`unimod.nn.MultiHeadAttention`, in addition to that of the past.
            key_lengths: likewise.
            decode: go on where the last call ended. See :func:`unimod.nn.init_cache`.
        """
        return self.head.attend(self.encode(tokens, mask=mask, key_lengths=key_lengths, decode=decode))

    def encode(
        self, tokens: Array, *, mask: Array | None = None, key_lengths: Array | None = None, decode: bool = False
    ) -> Array:
        """The vectors ``(..., T, features)`` that are scored; arguments as in a call."""
        x = self.embed(tokens)
        if self.positions is not None:
            x = self.positions(x, offset=self._place() if decode else 0)
        x = x if self.dropout is None else self.dropout(x)
        return self.blocks(x, mask=mask, key_lengths=key_lengths, decode=decode)

    def _place(self) -> Any:
        index = self.blocks.layers[0].attention.cache_index
        return 0 if index is None else index

    def init_cache(self, batch: int | tuple[int, ...], max_length: int) -> GPT:
        """A copy with empty caches. See :func:`unimod.nn.init_cache`."""
        return init_cache(self, batch, max_length)

    def reset_cache(self) -> GPT:
        """A copy whose caches are empty again."""
        return reset_cache(self)

    def generate(
        self,
        tokens: Array,
        steps: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        key: random.Key | None = None,
        use_cache: bool = True,
    ) -> Array:
        """The text, with ``steps`` tokens more, in evaluation mode; the model itself stays as it is.

        Args:
            tokens: integers ``(..., T)``, the beginning.
            steps: number of new tokens.
            temperature: scores are divided by it before one is drawn; 0 takes the likeliest token.
            top_k: draw among so many of the likeliest tokens; None: among all.
            key: for the draws; the same key gives the same text on every engine, up to roundings of the scores.
            use_cache: keep keys and values of the past, instead of computing them anew for each token.

        Returns:
            ``(..., T + steps)``, in the dtype of ``tokens``.

        Raises:
            ShapeError: there are no tokens, or more than learned positions.
            OptionError: an option has a wrong value, or there is no key to draw with.
        """
        limit = self.positions.max_length if isinstance(self.positions, LearnedPositions) else None
        _generation.check(
            tokens,
            steps,
            temperature=temperature,
            top_k=top_k,
            key=key,
            num_tokens=self.num_tokens,
            max_length=limit,
        )
        model = self.eval()
        if use_cache and steps > 0:
            model = model.init_cache(tuple(tokens.shape[:-1]), tokens.shape[-1] + steps - 1)
        new = tokens
        for step in range(steps):
            seen = model.encode(new if use_cache else tokens, decode=use_cache)
            scores = model.head.attend(seen[..., -1, :])
            draw = None if key is None else random.fold_in(key, step)
            found = _generation.chosen(scores, temperature, top_k, draw)
            new = unp.astype(unp.expand_dims(found, -1), unp.dtype_of(tokens))
            tokens = unp.concat([tokens, new], axis=-1)
        return tokens


def _added(kind: str, max_length: int, features: int, dtype: str) -> Callable[..., Any] | None:
    """The layer that adds vectors of positions; None where attention itself knows the positions."""
    if kind == "learned":
        return LearnedPositions(max_length, features, dtype=dtype)
    return SinusoidalPositions() if kind == "sinusoidal" else None
