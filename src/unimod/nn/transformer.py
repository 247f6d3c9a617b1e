"""Transformers: layers of attention and a small network, encoders and decoders made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from unimod.core.module import Module
from unimod.errors import OptionError
from unimod.nn import _leaves, activations, initializers
from unimod.nn.attention import MultiHeadAttention, init_cache, reset_cache
from unimod.nn.linear import Linear
from unimod.nn.norm import LayerNorm
from unimod.nn.positions import RotaryPositions
from unimod.nn.stochastic import Dropout

Array = Any
Activation = Callable[[Any], Any]
Norm = Callable[..., Any]

_GLOROT = initializers.glorot_uniform()


class FeedForward(Module):
    """``down(dropout(activation(up(x))))``, the small network of a transformer layer.

    Args:
        features: last axis of the input and of the result.
        hidden_features: size in between; None: ``4 * features``.
        activation: the function in between.
        is_gated: whether ``activation(gate(x))`` multiplies ``up(x)``, as in SwiGLU.
        dropout_rate: the probability of dropping, in training.
        use_bias: whether the linear functions have biases.
        kernel_init: ``init(key, shape, dtype)`` of the kernels.
        dtype: of the leaves; inputs must have it too.

    Example:
        >>> import unimod as um
        >>> um.nn.FeedForward(4, 16).init(0)(um.numpy.ones((2, 5, 4))).shape == (2, 5, 4)
        True

    Source: Vaswani et al. (2017), arXiv:1706.03762, section 3.3; gated: Shazeer (2020), arXiv:2002.05202.
    """

    def __init__(
        self,
        features: int,
        hidden_features: int | None = None,
        *,
        activation: Activation = activations.relu,
        is_gated: bool = False,
        dropout_rate: float = 0.0,
        use_bias: bool = True,
        kernel_init: _leaves.Fill = _GLOROT,
        dtype: str = "float32",
    ) -> None:
        hidden = 4 * features if hidden_features is None else hidden_features
        options: dict[str, Any] = {"use_bias": use_bias, "kernel_init": kernel_init, "dtype": dtype}
        self.up = Linear(features, hidden, **options)
        self.gate: Any = Linear(features, hidden, **options) if is_gated else None
        self.down = Linear(hidden, features, **options)
        self.dropout: Any = Dropout(dropout_rate) if dropout_rate else None
        self.activation = activation

    def __call__(self, x: Array) -> Array:
        """Apply the network to ``x``, of shape ``(..., features)``."""
        hidden = self.activation(self.up(x)) if self.gate is None else self.activation(self.gate(x)) * self.up(x)
        return self.down(hidden if self.dropout is None else self.dropout(hidden))


class _Layer(Module):
    """A residual layer: ``x + dropout(part(norm(x)))``, or ``norm(x + dropout(part(x)))``."""

    norm_first: bool
    dropout: Any

    def _around(self, x: Array, norm: Any, part: Callable[[Any], Any]) -> Array:
        if self.norm_first:
            return x + self._dropped(part(norm(x)))
        return norm(x + self._dropped(part(x)))

    def _dropped(self, x: Array) -> Array:
        return x if self.dropout is None else self.dropout(x)

    def init_cache(self, batch: int | Sequence[int], max_length: int) -> Any:
        """A copy with empty caches. See :func:`unimod.nn.init_cache`."""
        return init_cache(self, batch, max_length)

    def reset_cache(self) -> Any:
        """A copy whose caches are empty again."""
        return reset_cache(self)


class TransformerEncoderLayer(_Layer):
    """Self-attention and a small network, each with a norm and a residual connection.

    Args:
        num_heads: number of heads.
        features: last axis of the input and of the result.
        hidden_features: size inside of the small network; None: ``4 * features``.
        activation: of the small network.
        norm_first: norms stand before attention and network (pre-norm), else after the residual sums (post-norm).
        norm: makes a norm, called with ``features`` and ``dtype=``.
        dropout_rate: the probability of dropping, in training: of weights, inside of the network, of both results.
        is_causal: an entry sees itself and those before it only, as in a decoder without memory.
        num_kv_heads: number of heads of keys and values; None: ``num_heads``.
        rotary: as in :class:`MultiHeadAttention`.
        alibi: likewise.
        is_gated: as in :class:`FeedForward`.
        use_bias: whether the linear functions have biases.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: the heads do not divide evenly, or an input has a wrong shape.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.TransformerEncoderLayer(2, 8, norm_first=True).init(0)
        >>> layer(um.numpy.ones((3, 5, 8))).shape == (3, 5, 8)
        True

    Source: Vaswani et al. (2017), arXiv:1706.03762; pre-norm: Xiong et al. (2020), arXiv:2002.04745.
    """

    def __init__(
        self,
        num_heads: int,
        features: int,
        hidden_features: int | None = None,
        *,
        activation: Activation = activations.relu,
        norm_first: bool = False,
        norm: Norm = LayerNorm,
        dropout_rate: float = 0.0,
        is_causal: bool = False,
        num_kv_heads: int | None = None,
        rotary: bool | RotaryPositions = False,
        alibi: bool = False,
        is_gated: bool = False,
        use_bias: bool = True,
        dtype: str = "float32",
    ) -> None:
        self.norm_first = norm_first
        shared: dict[str, Any] = {"dropout_rate": dropout_rate, "use_bias": use_bias, "dtype": dtype}
        self.attention = MultiHeadAttention(
            num_heads, features, num_kv_heads=num_kv_heads, is_causal=is_causal, rotary=rotary, alibi=alibi, **shared
        )
        self.feed_forward = FeedForward(features, hidden_features, activation=activation, is_gated=is_gated, **shared)
        self.attention_norm, self.feed_forward_norm = norm(features, dtype=dtype), norm(features, dtype=dtype)
        self.dropout: Any = Dropout(dropout_rate) if dropout_rate else None

    def __call__(
        self, x: Array, *, mask: Array | None = None, key_lengths: Array | None = None, decode: bool = False
    ) -> Array:
        """Apply the layer to ``x``, of shape ``(..., T, features)``; options as in :class:`MultiHeadAttention`."""

        def attend(y: Array) -> Array:
            return self.attention(y, mask=mask, key_lengths=key_lengths, decode=decode)

        x = self._around(x, self.attention_norm, attend)
        return self._around(x, self.feed_forward_norm, self.feed_forward)


class TransformerDecoderLayer(_Layer):
    """Causal self-attention, attention to a memory, and a small network, each with a norm and a residual connection.

    Args:
        num_heads: number of heads.
        features: last axis of the input and of the result.
        hidden_features: size inside of the small network; None: ``4 * features``.
        memory_features: last axis of the memory; None: ``features``.
        activation: of the small network.
        norm_first: norms stand before the parts (pre-norm), else after the residual sums (post-norm).
        norm: makes a norm, called with ``features`` and ``dtype=``.
        dropout_rate: the probability of dropping, in training.
        is_causal: whether an entry sees itself and those before it only.
        num_kv_heads: number of heads of keys and values; None: ``num_heads``.
        rotary: as in :class:`MultiHeadAttention`, for the self-attention.
        alibi: likewise.
        is_gated: as in :class:`FeedForward`.
        use_bias: whether the linear functions have biases.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: the heads do not divide evenly, or an input has a wrong shape.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.TransformerDecoderLayer(2, 8).init(0)
        >>> x, memory = um.numpy.ones((3, 5, 8)), um.numpy.ones((3, 7, 8))
        >>> layer(x, memory).shape == (3, 5, 8)
        True

    Source: Vaswani et al. (2017), arXiv:1706.03762.
    """

    def __init__(
        self,
        num_heads: int,
        features: int,
        hidden_features: int | None = None,
        *,
        memory_features: int | None = None,
        activation: Activation = activations.relu,
        norm_first: bool = False,
        norm: Norm = LayerNorm,
        dropout_rate: float = 0.0,
        is_causal: bool = True,
        num_kv_heads: int | None = None,
        rotary: bool | RotaryPositions = False,
        alibi: bool = False,
        is_gated: bool = False,
        use_bias: bool = True,
        dtype: str = "float32",
    ) -> None:
        self.norm_first = norm_first
        shared: dict[str, Any] = {"dropout_rate": dropout_rate, "use_bias": use_bias, "dtype": dtype}
        heads: dict[str, Any] = {"num_kv_heads": num_kv_heads, **shared}
        memory = features if memory_features is None else memory_features
        self.attention = MultiHeadAttention(
            num_heads, features, is_causal=is_causal, rotary=rotary, alibi=alibi, **heads
        )
        self.memory_attention = MultiHeadAttention(num_heads, features, key_features=memory, **heads)
        self.feed_forward = FeedForward(features, hidden_features, activation=activation, is_gated=is_gated, **shared)
        norms = [norm(features, dtype=dtype) for _ in range(3)]
        self.attention_norm, self.memory_norm, self.feed_forward_norm = norms
        self.dropout: Any = Dropout(dropout_rate) if dropout_rate else None

    def __call__(
        self,
        x: Array,
        memory: Array,
        *,
        mask: Array | None = None,
        memory_mask: Array | None = None,
        key_lengths: Array | None = None,
        memory_lengths: Array | None = None,
        decode: bool = False,
    ) -> Array:
        """Apply the layer to ``x``, ``(..., T, features)``, and ``memory``, ``(..., S, memory_features)``."""

        def attend(y: Array) -> Array:
            return self.attention(y, mask=mask, key_lengths=key_lengths, decode=decode)

        def look(y: Array) -> Array:
            return self.memory_attention(y, memory, mask=memory_mask, key_lengths=memory_lengths)

        x = self._around(x, self.attention_norm, attend)
        x = self._around(x, self.memory_norm, look)
        return self._around(x, self.feed_forward_norm, self.feed_forward)


class _Stack(Module):
    """Layers one after the other, and a norm behind them."""

    layers: list[Any]
    norm: Any

    def init_cache(self, batch: int | Sequence[int], max_length: int) -> Any:
        """A copy with empty caches. See :func:`unimod.nn.init_cache`."""
        return init_cache(self, batch, max_length)

    def reset_cache(self) -> Any:
        """A copy whose caches are empty again."""
        return reset_cache(self)


class TransformerEncoder(_Stack):
    """Encoder layers one after the other.

    Args:
        layers: the layers, such as :class:`TransformerEncoderLayer`.
        norm: a norm behind the last layer, of use with pre-norm layers; None: none.

    Raises:
        OptionError: there are no layers.

    Example:
        >>> import unimod as um
        >>> layers = [um.nn.TransformerEncoderLayer(2, 8, norm_first=True) for _ in range(3)]
        >>> model = um.nn.TransformerEncoder(layers, norm=um.nn.LayerNorm(8)).init(0)
        >>> model(um.numpy.ones((2, 5, 8))).shape == (2, 5, 8)
        True
    """

    def __init__(self, layers: Sequence[Any], *, norm: Any = None) -> None:
        self.layers, self.norm = _some(layers, "TransformerEncoder"), norm

    def __call__(
        self, x: Array, *, mask: Array | None = None, key_lengths: Array | None = None, decode: bool = False
    ) -> Array:
        """Apply the layers to ``x``, of shape ``(..., T, features)``; the options go to each of them."""
        for layer in self.layers:
            x = layer(x, mask=mask, key_lengths=key_lengths, decode=decode)
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(_Stack):
    """Decoder layers one after the other, all of which see the same memory.

    Args:
        layers: the layers, such as :class:`TransformerDecoderLayer`.
        norm: a norm behind the last layer, of use with pre-norm layers; None: none.

    Raises:
        OptionError: there are no layers.

    Example:
        >>> import unimod as um
        >>> model = um.nn.TransformerDecoder([um.nn.TransformerDecoderLayer(2, 8) for _ in range(2)]).init(0)
        >>> x, memory = um.numpy.ones((3, 5, 8)), um.numpy.ones((3, 7, 8))
        >>> model(x, memory).shape == (3, 5, 8)
        True
    """

    def __init__(self, layers: Sequence[Any], *, norm: Any = None) -> None:
        self.layers, self.norm = _some(layers, "TransformerDecoder"), norm

    def __call__(
        self,
        x: Array,
        memory: Array,
        *,
        mask: Array | None = None,
        memory_mask: Array | None = None,
        key_lengths: Array | None = None,
        memory_lengths: Array | None = None,
        decode: bool = False,
    ) -> Array:
        """Apply the layers to ``x``, ``(..., T, features)``, and ``memory``, ``(..., S, memory_features)``."""
        for layer in self.layers:
            x = layer(
                x,
                memory,
                mask=mask,
                memory_mask=memory_mask,
                key_lengths=key_lengths,
                memory_lengths=memory_lengths,
                decode=decode,
            )
        return x if self.norm is None else self.norm(x)


def _some(layers: Sequence[Any], name: str) -> list[Any]:
    if len(layers):
        return list(layers)
    raise OptionError(f"{name} needs at least one layer.", got="layers = []", fix="pass the layers as a list")
