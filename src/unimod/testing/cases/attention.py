"""Attention, positions, masks and transformers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod import nn, random
from unimod.core.module import Module
from unimod.nn import functional as F  # noqa: N812 - the name that everyone knows
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data

_DTYPES = ("float32", "float64", "bfloat16")
_SUMS = Bound(eps=16, why="two sums of products with a softmax between them, in another order on each engine")
_WAVES = Bound(eps=8, why="a sine and a cosine, and a sum of two products")
_DEEP = Bound(eps=64, why="attention and a network, with a division by a standard deviation after each")
_SLOPES = Bound(eps=128, why="derivatives of sums, added over the batch")

Inputs = Callable[[Data], tuple[Any, ...]]


def _heads(d: Data) -> tuple[Any, ...]:
    return d.array(2, 3, 2, 4), d.array(2, 4, 2, 4), d.array(2, 4, 2, 4)


def _restricted(d: Data) -> tuple[Any, ...]:
    mask = d.bools(2, 1, 3, 4)
    mask[0, 0, 1] = False
    return *_heads(d), mask, d.array(2, 1, 4)


def _grouped(d: Data) -> tuple[Any, ...]:
    return d.array(2, 4, 4, 2), d.array(2, 5, 2, 2), d.array(2, 5, 2, 3)


def _unbatched(d: Data) -> tuple[Any, ...]:
    return d.array(3, 2, 4), d.array(3, 2, 4), d.array(3, 2, 4)


def _biased(d: Data) -> tuple[Any, ...]:
    bias = d.array(2, 3, 4)
    bias[1, 0, 2] = bias[0, 2] = -np.inf
    return *_heads(d), bias


def _attended(q: Any, k: Any, v: Any, mask: Any, bias: Any) -> Any:
    return F.scaled_dot_product_attention(q, k, v, mask=mask, bias=bias, scale=0.4)


def _with_infinite_bias(q: Any, k: Any, v: Any, bias: Any) -> Any:
    return F.scaled_dot_product_attention(q, k, v, bias=bias)


def _with_lengths(q: Any, k: Any, v: Any, lengths: Any) -> Any:
    return F.scaled_dot_product_attention(q, k, v, key_lengths=lengths, is_causal=True)


def _with_options(**options: Any) -> Callable[..., Any]:
    return lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **options)


def _dropped(q: Any, k: Any, v: Any) -> Any:
    key = random.key(3)
    return F.scaled_dot_product_attention(q, k, v, dropout_rate=0.4, dropout_key=key, return_weights=True)


_ATTENTION: dict[str, tuple[Callable[..., Any], Inputs, tuple[str, ...]]] = {
    "": (_with_options(), _heads, _DTYPES),
    "[mask, bias]": (_attended, _restricted, ("float32", "bfloat16")),
    "[infinite bias]": (_with_infinite_bias, _biased, ("float32",)),
    "[causal]": (_with_options(is_causal=True), _heads, ("float32", "bfloat16")),
    "[causal, no batch]": (_with_options(is_causal=True), _unbatched, ("float32",)),
    "[window, grouped]": (_with_options(window=(1, 0)), _grouped, ("float32",)),
    "[grouped, weights]": (_with_options(return_weights=True, is_causal=True), _grouped, ("float32",)),
    "[lengths]": (_with_lengths, lambda d: (*_heads(d), np.array([3, 1], np.int32)), ("float32",)),
    "[dropout]": (_dropped, _heads, ("float32",)),
}


def _wrt(name: str) -> tuple[int, ...]:
    # The infinite entries have no central differences.
    return (0, 1, 2, 4) if name == "[mask, bias]" else (0, 1, 2)


_FUNCTIONS = (
    *(
        Case(
            f"nn.functional.scaled_dot_product_attention{name}",
            fn,
            inputs,
            dtypes=dtypes,
            wrt=_wrt(name),
            bound=_SUMS,
            gradient_bound=Bound(eps=64, why=_SUMS.why),
        )
        for name, (fn, inputs, dtypes) in _ATTENTION.items()
    ),
    Case("nn.functional.rotary", F.rotary, lambda d: (d.array(2, 3, 2, 4),), dtypes=_DTYPES, wrt=(0,), bound=_WAVES),
    Case(
        "nn.functional.rotary[interleaved, part]",
        lambda x: F.rotary(x, interleaved=True, features=4, offset=2, base=100.0),
        lambda d: (d.array(3, 2, 6),),
        wrt=(0,),
        bound=_WAVES,
    ),
    Case(
        "nn.functional.rotary[positions]",
        F.rotary,
        lambda d: (d.array(2, 3, 1, 4), d.ints(0, 9, 2, 3)),
        wrt=(0,),
        bound=_WAVES,
    ),
    Case(
        "nn.functional.sinusoidal",
        lambda x: unp.multiply(x, F.sinusoidal(3, 5, base=100.0)),
        lambda d: (d.array(3, 5),),
        bound=Bound(eps=2),
    ),
    Case(
        "nn.functional.alibi",
        lambda x, offset: unp.multiply(x, F.alibi(3, 2, 4, offset=offset)),
        lambda d: (d.array(3, 2, 4), np.int32(2)),
        bound=Bound(eps=2),
        layout=False,
    ),
    Case("nn.causal_mask", lambda n: nn.causal_mask(2, 5, offset=n, window=1), lambda d: (np.int32(2),), layout=False),
    Case("nn.padding_mask", lambda n: nn.padding_mask(n, 4), lambda d: (d.ints(0, 5, 3),)),
    Case("nn.combine_masks", nn.combine_masks, lambda d: (d.bools(2, 1, 4), d.bools(3, 1))),
)


class _Stepwise(Module):
    """A sequence taken in chunks, which gives what one call gives."""

    def __init__(self, model: Any, *, is_reset: bool = False) -> None:
        self.model, self.is_reset = model, is_reset

    def __call__(self, x: Any) -> Any:
        model = nn.init_cache(self.model, x.shape[0], x.shape[1] + 1)
        if self.is_reset:
            model(x, decode=True)
            model = nn.reset_cache(model)
        chunks = (x[:, :1], x[:, 1:3], x[:, 3:])
        return unp.concat([model(chunk, decode=True) for chunk in chunks], axis=1)


def _mha(**options: Any) -> Callable[[], Module]:
    return lambda: nn.MultiHeadAttention(2, 4, **options)


def _sequence(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 4, 4),)


def _with_memory(d: Data) -> tuple[Any, ...]:
    return d.array(2, 3, 4), d.array(2, 5, 4)


def _encoder(**options: Any) -> Any:
    return nn.TransformerEncoderLayer(2, 4, 6, **options)


def _decoder(**options: Any) -> Any:
    return nn.TransformerDecoderLayer(2, 4, 6, **options)


_ROPE = nn.RotaryPositions(interleaved=True, base=50.0)

_LAYERS: dict[str, tuple[Callable[[], Any], Inputs, Bound]] = {
    "MultiHeadAttention": (_mha(), _sequence, _SUMS),
    "MultiHeadAttention[inferred]": (
        lambda: nn.MultiHeadAttention(2, num_kv_heads=1, out_features=3, use_bias=False),
        lambda d: (d.array(2, 3, 4), d.array(2, 5, 3)),
        _SUMS,
    ),
    "MultiHeadAttention[rotary]": (_mha(is_causal=True, rotary=_ROPE), _sequence, _SUMS),
    "MultiHeadAttention[alibi]": (_mha(alibi=True, window=1, head_dim=3), _sequence, _SUMS),
    "MultiHeadAttention[dropout]": (_mha(dropout_rate=0.3), _sequence, _SUMS),
    "init_cache": (lambda: _Stepwise(_mha(is_causal=True, num_kv_heads=1)()), _sequence, _SUMS),
    "reset_cache": (
        lambda: _Stepwise(_mha(is_causal=True, rotary=True, alibi=True, window=2)(), is_reset=True),
        _sequence,
        _SUMS,
    ),
    "SinusoidalPositions": (lambda: nn.SinusoidalPositions(base=100.0), _sequence, _WAVES),
    "LearnedPositions": (lambda: nn.LearnedPositions(6), _sequence, Bound(eps=2)),
    "RotaryPositions": (lambda: nn.RotaryPositions(offset=1), lambda d: (d.array(2, 3, 2, 4),), _WAVES),
    "FeedForward": (lambda: nn.FeedForward(3, 5), lambda d: (d.array(4, 3),), _SUMS),
    "FeedForward[gated]": (lambda: nn.FeedForward(4, activation=nn.silu, is_gated=True), _sequence, _SUMS),
    "TransformerEncoderLayer": (_encoder, _sequence, _DEEP),
    "TransformerEncoderLayer[norm_first]": (lambda: _encoder(norm_first=True, dropout_rate=0.2), _sequence, _DEEP),
    "TransformerDecoderLayer": (_decoder, _with_memory, _DEEP),
    "TransformerEncoder": (
        lambda: nn.TransformerEncoder([_encoder(norm_first=True, activation=nn.gelu)], norm=nn.LayerNorm(4)),
        _sequence,
        _DEEP,
    ),
    "TransformerDecoder": (
        lambda: nn.TransformerDecoder([_decoder(norm_first=True, use_bias=False)], norm=nn.LayerNorm(4)),
        _with_memory,
        _DEEP,
    ),
}  # fmt: skip

CASES = _FUNCTIONS + tuple(
    Case(
        f"nn.{name}",
        None,
        inputs,
        module=module,
        dtypes=("float32",),
        wrt=(0, 1) if inputs is _with_memory else (0,),
        bound=bound,
        gradient_bound=_SLOPES.times(4) if bound is _DEEP else _SLOPES,
    )
    for name, (module, inputs, bound) in _LAYERS.items()
)
