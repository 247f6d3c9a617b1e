"""Attention as a pure function of arrays."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.dtypes import DType
from unimod.errors import DTypeError
from unimod.nn import _attention_checks as checks
from unimod.nn import _checks, activations, masks
from unimod.nn._noise import dropout
from unimod.numpy._dispatch import many

Array = Any
Shape = tuple[int, ...]

_NAME = "scaled_dot_product_attention"


def scaled_dot_product_attention(
    query: Array,
    key: Array,
    value: Array,
    *,
    mask: Array | None = None,
    bias: Array | None = None,
    is_causal: bool = False,
    window: int | Sequence[int] | None = None,
    key_lengths: Array | None = None,
    scale: float | None = None,
    dropout_rate: float = 0.0,
    dropout_key: Any = None,
    return_weights: bool = False,
) -> Any:
    """``softmax(scale * query @ key.T + bias) @ value`` for each head, over the keys that a query may see.

    With fewer heads of keys and values than of queries, neighbouring heads of queries share one (grouped queries). A
    query that may see no key gets 0, with derivatives of 0.

    Args:
        query: floating, ``(..., Tq, H, D)``.
        key: of the same dtype, ``(..., Tk, K, D)``, where K divides H.
        value: of the same dtype, ``(..., Tk, K, Dv)``.
        mask: bool, broadcastable to ``(..., H, Tq, Tk)``: True where a query attends to a key.
        bias: floating, likewise broadcastable: added to the scores; -inf is a key that is not seen.
        is_causal: query ``i`` sees the keys ``j <= i`` only.
        window: query ``i`` sees ``i - before <= j <= i + after`` only; an int, or a pair ``(before, after)``.
        key_lengths: integers ``(...)``, the leading axes: the keys ``j < key_lengths`` are seen only.
        scale: None: ``1 / sqrt(D)``.
        dropout_rate: the probability of dropping a weight, see :func:`unimod.nn.functional.dropout`.
        dropout_key: draws what is dropped; the same on every engine.
        return_weights: return ``(result, weights)`` with the weights ``(..., H, Tq, Tk)``, after dropout.

    Returns:
        ``(..., Tq, H, Dv)``, in the dtype of ``query``; under half precision the softmax is computed in float32.

    Raises:
        ShapeError: the shapes do not belong together.
        DTypeError: the dtypes differ or are not floating, ``mask`` is not bool or ``key_lengths`` not integer.
        OptionError: ``window`` or ``dropout_rate`` has a wrong value.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([1.0, 3.0, 8.0]), (3, 1, 1))
        >>> y = um.nn.functional.scaled_dot_product_attention(um.numpy.zeros_like(x), x, x, is_causal=True)
        >>> y[:, 0, 0].tolist()
        [1.0, 2.0, 4.0]

    Source:
        Vaswani et al. (2017), arXiv:1706.03762, equation 1; grouped queries: Ainslie et al. (2023), arXiv:2305.13245.
    """
    _checks.rate(dropout_rate)
    drop = _Dropping(dropout_rate, dropout_key) if dropout_rate > 0 else None
    return attend(
        query,
        key,
        value,
        mask=mask,
        bias=bias,
        is_causal=is_causal,
        window=window,
        key_lengths=key_lengths,
        scale=scale,
        drop=drop,
        return_weights=return_weights,
    )


def attend(
    query: Array,
    key: Array,
    value: Array,
    *,
    mask: Array | None = None,
    bias: Array | None = None,
    is_causal: bool = False,
    window: int | Sequence[int] | None = None,
    key_lengths: Array | None = None,
    scale: float | None = None,
    drop: Callable[[Array], Array] | None = None,
    return_weights: bool = False,
) -> Any:
    """:func:`scaled_dot_product_attention`, with a function that drops some of the weights."""
    engine, query, key, value, mask, bias, key_lengths = many(query, key, value, mask, bias, key_lengths)
    checks.operands(_NAME, engine, query, key, value)
    _check_restrictions(engine, query, key, mask, bias, key_lengths)
    scale = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    call = _Call(engine, query, key, value, mask, bias, scale, is_causal)
    call = call.seeing(checks.window(_NAME, window), key_lengths).without_infinities()
    return _composed(call, drop, return_weights) if return_weights or drop is not None else _fused(call)


@dataclasses.dataclass(frozen=True)
class _Dropping:
    rate: float
    key: Any

    def __post_init__(self) -> None:
        if self.key is None:
            raise DTypeError(
                "Dropout of attention weights needs a key.",
                got="dropout_key = None",
                expected="a key",
                fix="pass dropout_key=um.random.key(0)",
            )

    def __call__(self, weights: Array) -> Array:
        return dropout(weights, self.key, self.rate)


def _check_restrictions(
    engine: Engine, query: Array, key: Array, mask: Array | None, bias: Array | None, lengths: Array | None
) -> None:
    shape = checks.scores(query, key)
    checks.is_mask(_NAME, "mask", engine, mask)
    checks.is_bias(_NAME, engine, bias)
    checks.broadcasts(_NAME, "mask", mask, shape)
    checks.broadcasts(_NAME, "bias", bias, shape)
    if lengths is not None:
        _checks.integers(_NAME, "key_lengths", engine, lengths)
        _checks.shapes(_NAME, shape[:-3], key_lengths=lengths)


@dataclasses.dataclass(frozen=True)
class _Call:
    """One call, checked: of what a query may see only a mask and ``is_causal`` are left, and of these one at most."""

    engine: Engine
    query: Array
    key: Array
    value: Array
    mask: Array | None
    bias: Array | None
    scale: float
    is_causal: bool

    def seeing(self, sides: tuple[int, int] | None, lengths: Array | None) -> _Call:
        """With a window and lengths put into the mask, and the causal order where it does not stand alone."""
        queries, keys = self.query.shape[-3], self.key.shape[-3]
        mask = self.mask
        if lengths is not None:
            mask = masks.combine_masks(mask, masks.padding_mask(lengths, keys))
        if mask is None and self.bias is None and sides is None:
            return self
        if sides is not None or self.is_causal:
            before, after = sides or (None, None)
            after = 0 if self.is_causal else after
            mask = masks.combine_masks(mask, masks.band(self.engine, self.query, queries, keys, before, after))
        return dataclasses.replace(self, mask=mask, is_causal=False)

    def without_infinities(self) -> _Call:
        """With the mask in place of an infinite bias, whose derivative would be NaN."""
        if self.bias is None:
            return self
        is_seen = unp.not_equal(self.bias, -unp.inf)
        bias = unp.where(is_seen, self.bias, unp.zeros_like(self.bias))
        return dataclasses.replace(self, bias=bias, mask=masks.combine_masks(self.mask, is_seen))


def _fused(call: _Call) -> Array:
    """The engine's function, on arrays with exactly one batch axis; composed where the engine has none."""
    attention = getattr(call.engine.nn, "attention", None)
    if attention is None:
        return _composed(call, None, False)
    lead = tuple(call.query.shape[:-3])
    out = attention(
        *(x if len(lead) == 1 else _merged(x, lead, 3) for x in (call.query, call.key, call.value)),
        _spread(call.mask, lead),
        _spread(call.bias, lead),
        scale=call.scale,
        is_causal=call.is_causal,
    )
    return out if len(lead) == 1 else unp.reshape(out, (*lead, *out.shape[1:]))


def _merged(x: Array, lead: Shape, kept: int) -> Array:
    return unp.reshape(x, (math.prod(lead), *x.shape[len(x.shape) - kept :]))


def _spread(x: Array | None, lead: Shape) -> Array | None:
    """A mask or bias with exactly one batch axis, and all axes behind it."""
    if x is None or len(x.shape) == 4 == len(lead) + 3:
        return x
    tail = (1, 1, 1, *x.shape)[-3:]
    outer = tuple(x.shape[:-3])
    if math.prod(outer) == 1:
        return unp.reshape(x, (1, *tail))
    return _merged(unp.broadcast_to(x, (*lead, *tail)), lead, 3)


def _composed(call: _Call, drop: Callable[[Array], Array] | None, return_weights: bool) -> Any:
    """The products and the softmax one by one, for what needs the weights."""
    dtype = call.engine.arrays.dtype_name(call.query)
    weights = _weights(call) if drop is None else drop(_weights(call))
    out = unp.astype(_mixed(weights, _heads_first(_widen(call.value))), dtype)
    return (out, unp.astype(weights, dtype)) if return_weights else out


def _weights(call: _Call) -> Array:
    query, key = (_heads_first(_widen(x)) for x in (call.query, call.key))
    shape = checks.scores(call.query, call.key)
    grouped = _grouped(unp.multiply(query, call.scale), key.shape[-3])
    logits = unp.reshape(unp.matmul(grouped, unp.expand_dims(unp.matrix_transpose(key), -3)), shape)
    if call.bias is not None:
        logits = unp.add(logits, unp.astype(call.bias, call.engine.arrays.dtype_name(logits)))
    mask = masks.band(call.engine, logits, shape[-2], shape[-1], None, 0) if call.is_causal else call.mask
    return activations.softmax(logits, where=mask)


def _mixed(weights: Array, value: Array) -> Array:
    grouped = _grouped(weights, value.shape[-3])
    out = unp.matmul(grouped, unp.expand_dims(value, -3))
    return _heads_first(unp.reshape(out, (*weights.shape[:-1], value.shape[-1])))


def _grouped(x: Array, groups: int) -> Array:
    """``(..., H, A, B)`` as ``(..., groups, H / groups, A, B)``."""
    return unp.reshape(x, (*x.shape[:-3], groups, x.shape[-3] // groups, *x.shape[-2:]))


def _heads_first(x: Array) -> Array:
    return unp.swapaxes(x, -3, -2)


def _widen(x: Array) -> Array:
    return unp.astype(x, "float32") if DType(unp.dtype_of(x)).itemsize == 2 else x
