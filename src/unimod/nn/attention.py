"""Multi-head attention, with a cache for decoding step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import unimod.numpy as unp
from unimod.core import init
from unimod.core.kinds import Cache
from unimod.core.module import Module
from unimod.errors import NotInitializedError, OptionError
from unimod.nn import _attention, _attention_checks, _leaves, _positions, initializers, masks
from unimod.nn.linear import Linear
from unimod.nn.positions import RotaryPositions
from unimod.nn.stochastic import Dropout
from unimod.numpy._dispatch import unary
from unimod.numpy._options import device_of

Array = Any

_GLOROT = initializers.glorot_uniform()


class MultiHeadAttention(Module):
    """Attention between sequences, by several heads: ``out(concat_h(softmax(q_h k_h.T / sqrt(head_dim)) v_h))``.

    Queries, keys and values are linear functions of the inputs, ``query`` split into ``num_heads`` heads, ``key`` and
    ``value`` into ``num_kv_heads``.

    Args:
        num_heads: number of heads of queries.
        in_features: last axis of the queries' input; None: taken from the example input at ``init``.
        key_features: last axis of the keys' input; None: ``in_features``, or taken from the example input.
        value_features: likewise of the values' input; None: ``key_features``, or taken from the example input.
        num_kv_heads: number of heads of keys and values, a divisor of ``num_heads``; None: as many.
        head_dim: size of a head; None: ``in_features // num_heads``.
        out_features: last axis of the result; None: ``in_features``.
        use_bias: whether the four linear functions have biases.
        dropout_rate: the probability of dropping a weight, in training.
        is_causal: an entry sees itself and those before it only.
        window: an entry sees so many before and after it only; an int, or a pair ``(before, after)``.
        rotary: whether to rotate queries and keys by their positions, or a :class:`RotaryPositions` that does.
        alibi: whether to lower the scores with the distance, see :func:`unimod.nn.functional.alibi`.
        kernel_init: ``init(key, shape, dtype)`` of the kernels of queries, keys and values.
        out_kernel_init: likewise of the last one; None: ``kernel_init``.
        bias_init: likewise of the biases.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: heads do not divide evenly, an input or a mask has a wrong shape, or the cache is too short.
        DTypeError: an input has another dtype, or a mask is not bool.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.MultiHeadAttention(2, 8, is_causal=True).init(0)
        >>> layer(um.numpy.ones((3, 5, 8))).shape == (3, 5, 8)
        True
        >>> decoder = layer.eval().init_cache(3, max_length=5)
        >>> steps = [decoder(um.numpy.ones((3, 1, 8)), decode=True) for _ in range(5)]
        >>> int(decoder.cache_index), tuple(steps[-1].shape)
        (5, (3, 1, 8))

    Source: Vaswani et al. (2017), arXiv:1706.03762, section 3.2.2.
    """

    def __init__(
        self,
        num_heads: int,
        in_features: int | None = None,
        *,
        key_features: int | None = None,
        value_features: int | None = None,
        num_kv_heads: int | None = None,
        head_dim: int | None = None,
        out_features: int | None = None,
        use_bias: bool = True,
        dropout_rate: float = 0.0,
        is_causal: bool = False,
        window: int | Sequence[int] | None = None,
        rotary: bool | RotaryPositions = False,
        alibi: bool = False,
        kernel_init: _leaves.Fill = _GLOROT,
        out_kernel_init: _leaves.Fill | None = None,
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.num_heads, self.num_kv_heads = num_heads, num_kv_heads or num_heads
        _attention_checks.divides("MultiHeadAttention", num_heads, self.num_kv_heads, ("num_heads", "num_kv_heads"))
        self.in_features, self.head_dim, self.out_features = in_features, head_dim, out_features
        self.is_causal, self.window, self.alibi = is_causal, _attention_checks.window("attention", window), alibi
        self.rotary: Any = (RotaryPositions() if rotary else None) if isinstance(rotary, bool) else rotary
        self.dropout: Any = Dropout(dropout_rate) if dropout_rate else None
        inputs = _inputs(in_features, key_features, value_features)
        options: dict[str, Any] = {"use_bias": use_bias, "bias_init": bias_init, "dtype": dtype}
        unknown: Any = None
        self.query, self.key, self.value = (Linear(n, unknown, kernel_init=kernel_init, **options) for n in inputs)
        self.out = Linear(None, unknown, kernel_init=out_kernel_init or kernel_init, **options)
        self.cached_key: Any = None
        self.cached_value: Any = None
        self.cache_index: Any = None
        if in_features is not None:
            self._size(in_features)

    def _size(self, in_features: int) -> None:
        """Give the linear functions the sizes that follow from that of the input."""
        self.in_features = in_features
        if self.head_dim is None:
            self.head_dim = _attention_checks.divides(
                "MultiHeadAttention", in_features, self.num_heads, ("in_features", "num_heads")
            )
        self.out_features = in_features if self.out_features is None else self.out_features
        self.query.out_features = self.out.in_features = self.num_heads * self.head_dim
        self.key.out_features = self.value.out_features = self.num_kv_heads * self.head_dim
        self.out.out_features = self.out_features
        for linear in (self.query, self.key, self.value, self.out):
            linear._declare()

    def __call__(
        self,
        query: Array,
        key: Array | None = None,
        value: Array | None = None,
        *,
        mask: Array | None = None,
        bias: Array | None = None,
        key_lengths: Array | None = None,
        decode: bool = False,
        return_weights: bool = False,
    ) -> Any:
        """Attend from ``query``, of shape ``(..., Tq, in_features)``.

        Args:
            query: the entries that attend.
            key: ``(..., Tk, key_features)``, the entries that are attended to; None: ``query``.
            value: ``(..., Tk, value_features)``; None: ``key``.
            mask: bool, broadcastable to ``(..., num_heads, Tq, Tk)``: True where a query attends to a key.
            bias: floating, likewise broadcastable: added to the scores.
            key_lengths: integers ``(...)``: the keys before are seen only.
            decode: the queries go on where those of the last call ended, and see the keys in the cache too; ``Tk`` is
                the ``max_length`` of the cache. See :func:`unimod.nn.init_cache`.
            return_weights: return ``(result, weights)`` with the weights ``(..., num_heads, Tq, Tk)``.

        Returns:
            ``(..., Tq, out_features)``.
        """
        if self.in_features is None and init.state.active is not None:
            self._size(int(query.shape[-1]))
        q, k, v = self._heads(query, key, value)
        start: Any = 0
        if decode:
            self._check_decoding(key, k)
            start = self.cache_index
        if self.rotary is not None:
            q, k = self.rotary(q, offset=start), self.rotary(k, offset=start)
        if decode:
            k, v = self._remember(k, v)
            mask = masks.combine_masks(mask, self._seen(q, k, start))
        out = _attention.attend(
            q,
            k,
            v,
            mask=mask,
            bias=self._bias(bias, q, k, start),
            is_causal=self.is_causal and not decode,
            window=None if decode else self.window,
            key_lengths=key_lengths,
            drop=self._dropping(),
            return_weights=return_weights,
        )
        if return_weights:
            return self._joined(out[0]), out[1]
        return self._joined(out)

    def _heads(self, query: Array, key: Array | None, value: Array | None) -> tuple[Array, Array, Array]:
        key = query if key is None else key
        value = key if value is None else value
        wide = self.query(query), self.key(key), self.value(value)
        heads = self.num_heads, self.num_kv_heads, self.num_kv_heads
        q, k, v = (unp.reshape(x, (*x.shape[:-1], n, x.shape[-1] // n)) for x, n in zip(wide, heads, strict=True))
        return q, k, v

    def _joined(self, x: Array) -> Array:
        return self.out(unp.reshape(x, (*x.shape[:-2], x.shape[-2] * x.shape[-1])))

    def _bias(self, bias: Array | None, q: Array, k: Array, start: Any) -> Array | None:
        if not self.alibi:
            return bias
        engine, _ = unary(q)
        slopes = _positions.biased(engine, q, self.num_heads, q.shape[-3], k.shape[-3], start)
        return slopes if bias is None else unp.add(slopes, bias)

    def _dropping(self) -> Any:
        dropout = self.dropout
        return dropout if dropout is not None and dropout.training and not dropout.frozen else None

    # Decoding

    def init_cache(self, batch: int | Sequence[int], max_length: int) -> MultiHeadAttention:
        """A copy with an empty cache. See :func:`unimod.nn.init_cache`."""
        return init_cache(self, batch, max_length)

    def reset_cache(self) -> MultiHeadAttention:
        """A copy whose cache is empty again."""
        return reset_cache(self)

    def _start_cache(self, batch: Sequence[int], max_length: int) -> None:
        engine, kernel = unary(self.key.kernel)
        assert self.head_dim is not None
        shape = (*batch, max_length, self.num_kv_heads, self.head_dim)
        dtype, device = engine.arrays.dtype_name(kernel), device_of(engine, kernel)
        self.cached_key = Cache(engine.arrays.full(shape, 0.0, dtype, device))
        self.cached_value = Cache(engine.arrays.full(shape, 0.0, dtype, device))
        self.cache_index = Cache(engine.arrays.full((), 0, "int32", device))

    def _check_decoding(self, key: Array | None, new: Array) -> None:
        if not self.is_causal or key is not None:
            raise OptionError(
                "MultiHeadAttention decodes causal self-attention only.",
                got="decode = True" + ("" if key is None else ", with a key of its own"),
                expected="is_causal = True, and no `key`",
                fix="build it with is_causal=True; attention to other sequences needs no cache",
            )
        if self.cached_key is None:
            raise NotInitializedError(
                "MultiHeadAttention has no cache.", fix="call init_cache(batch, max_length) first"
            )
        engine, index = unary(self.cache_index)
        used = int(index) if engine.arrays.is_concrete(index) else 0
        _attention_checks.room(tuple(new.shape), tuple(self.cached_key.shape), used)

    def _remember(self, key: Array, value: Array) -> tuple[Array, Array]:
        place = [*(0 for _ in key.shape[:-3]), self.cache_index, 0, 0]
        self.cached_key = unp.dynamic_update_slice(self.cached_key, key, place)
        self.cached_value = unp.dynamic_update_slice(self.cached_value, value, place)
        self.cache_index = unp.add(self.cache_index, key.shape[-3])
        return self.cached_key, self.cached_value

    def _seen(self, q: Array, k: Array, start: Any) -> Array:
        engine, _ = unary(q)
        before = None if self.window is None else self.window[0]
        return masks.band(engine, q, q.shape[-3], k.shape[-3], before, 0, start)


def _inputs(query: int | None, key: int | None, value: int | None) -> tuple[int | None, int | None, int | None]:
    key = query if key is None else key
    return query, key, key if value is None else value


M = TypeVar("M", bound=Module)


def init_cache(model: M, batch: int | Sequence[int], max_length: int) -> M:
    """A copy of a model in which every causal :class:`MultiHeadAttention` has an empty cache, of the kind ``Cache``.

    With ``decode=True`` the calls then take a sequence step by step, or in chunks, and give what one call with all of
    it gives.

    Args:
        model: any module, initialized.
        batch: length of the batch axis, or lengths of the batch axes.
        max_length: number of entries for which there is room.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.MultiHeadAttention(2, 4, is_causal=True).init(0)
        >>> um.nn.init_cache(layer, 3, 10).cached_key.shape == (3, 10, 2, 2)
        True
    """
    lead = (batch,) if isinstance(batch, int) else tuple(batch)
    return model.apply(lambda module: module._start_cache(lead, max_length) if _decodes(module) else None)


def reset_cache(model: M) -> M:
    """A copy of a model in which all caches are empty again.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.MultiHeadAttention(2, 4, is_causal=True).init(0).init_cache(1, 8)
        >>> _ = layer(um.numpy.ones((1, 5, 4)), decode=True)
        >>> int(layer.cache_index), int(um.nn.reset_cache(layer).cache_index)
        (5, 0)
    """

    def emptied(module: Any) -> None:
        if _decodes(module) and module.cached_key is not None:
            module._start_cache(tuple(module.cached_key.shape[:-3]), module.cached_key.shape[-3])

    return model.apply(emptied)


def _decodes(module: Any) -> bool:
    return isinstance(module, MultiHeadAttention) and module.is_causal
