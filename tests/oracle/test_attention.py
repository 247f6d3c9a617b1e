"""Attention, positions and transformers against those of torch, jax and flax, with the same weights."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod.nn import functional as F

pytestmark = pytest.mark.thin(3)

unp = um.numpy
CLOSE = {"rtol": 2e-5, "atol": 2e-5}
"""Two sums of products with a softmax between them, in float32, of normal numbers."""


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def data(shared=1, queries=3, keys=5):
    return normal(0, 2, queries, 4, 8), normal(1, 2, keys, 4 // shared, 8), normal(2, 2, keys, 4 // shared, 8)


def mask_of(queries=3, keys=5):
    mask = normal(3, 2, 1, queries, keys) > -0.3
    mask[..., 0] = True
    return mask


OPTIONS = {
    "plain": ({}, {}),
    "causal": ({"is_causal": True}, {"is_causal": True}),
    "causal, more queries than keys": ({"is_causal": True}, {"is_causal": True}),
    "scale": ({"scale": 0.3}, {"scale": 0.3}),
    "mask": ({"mask": mask_of()}, {"mask": mask_of()}),
    "bias": ({"bias": normal(4, 4, 3, 5)}, {"bias": normal(4, 4, 3, 5)}),
    "grouped": ({}, {}),
    "window": ({"window": (1, 0)}, {"local_window_size": (1, 0)}),
    "lengths": (
        {"key_lengths": np.array([5, 2], np.int32)},
        {"key_value_seq_lengths": np.array([5, 2], np.int32)},
    ),
}


def arrays(name):
    return data(shared=2 if name == "grouped" else 1, queries=7 if "more queries" in name else 3)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("name", OPTIONS)
def test_attention_is_that_of_jax(name):
    import jax

    ours, theirs = OPTIONS[name]
    theirs = {"bias" if n == "bias" else n: x[None] if n == "bias" else x for n, x in theirs.items()}
    q, k, v = map(jax.numpy.asarray, arrays(name))
    ours = {n: jax.numpy.asarray(x) if isinstance(x, np.ndarray) else x for n, x in ours.items()}

    def slopes(fn, options):
        loss = lambda *xs: jax.numpy.sin(fn(*xs, **options)).sum()  # noqa: E731
        return jax.jit(lambda *xs: (fn(*xs, **options), jax.grad(loss, argnums=(0, 1, 2))(*xs)))(q, k, v)

    found, expected = slopes(F.scaled_dot_product_attention, ours), slopes(jax.nn.dot_product_attention, theirs)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, **CLOSE)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", [name for name in OPTIONS if name not in ("window", "lengths")])
def test_attention_is_that_of_torch(name):
    import torch

    ours = {n: torch.as_tensor(x) if isinstance(x, np.ndarray) else x for n, x in OPTIONS[name][0].items()}
    theirs = {"attn_mask" if n in ("mask", "bias") else n: x for n, x in ours.items()}
    inputs = [torch.as_tensor(x).requires_grad_() for x in arrays(name)]

    def native(*xs):
        out = torch.nn.functional.scaled_dot_product_attention(
            *(x.transpose(1, 2) for x in xs), enable_gqa=name == "grouped", **theirs
        )
        return out.transpose(1, 2)

    found, expected = F.scaled_dot_product_attention(*inputs, **ours), native(*inputs)
    torch.testing.assert_close(found, expected, **CLOSE)
    slopes = [torch.autograd.grad(out.sin().sum(), inputs) for out in (found, expected)]
    torch.testing.assert_close(*slopes, **CLOSE)


def ours_from_torch(native, embed, heads, **options):
    """Our layer with the weights of torch's."""
    import torch

    model = um.nn.MultiHeadAttention(heads, embed, **options).init(0, backend="torch")
    weight, bias = native.in_proj_weight.detach(), native.in_proj_bias.detach()
    parts = zip((model.query, model.key, model.value), weight.chunk(3), bias.chunk(3), strict=True)
    with torch.no_grad():
        for linear, kernel, shift in parts:
            linear.kernel, linear.bias = kernel.T.clone(), shift.clone()
        model.out.kernel = native.out_proj.weight.detach().T.clone()
        model.out.bias = native.out_proj.bias.detach().clone()
    return model


def torch_attention(embed=8, heads=2):
    import torch

    torch.manual_seed(0)
    native = torch.nn.MultiheadAttention(embed, heads, batch_first=True)
    with torch.no_grad():
        for one in native.parameters():
            one.copy_(0.5 * torch.randn(one.shape))
    return native


@pytest.mark.needs("torch")
@pytest.mark.parametrize("is_cross", [False, True])
def test_multi_head_attention_is_that_of_torch(is_cross):
    import torch

    native = torch_attention()
    model = ours_from_torch(native, 8, 2)
    x, memory = torch.as_tensor(normal(5, 2, 3, 8)), torch.as_tensor(normal(6, 2, 4, 8))
    memory = memory if is_cross else x
    lengths = torch.tensor([memory.shape[1], 2])
    ignored = torch.arange(memory.shape[1]) >= lengths[:, None]
    expected, weights = native(x, memory, memory, key_padding_mask=ignored, average_attn_weights=False)
    found, ours = model(x, memory, key_lengths=lengths.int(), return_weights=True)
    torch.testing.assert_close(found, expected.detach(), **CLOSE)
    torch.testing.assert_close(ours, weights.detach(), **CLOSE)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("norm_first", [False, True])
def test_an_encoder_layer_is_that_of_torch(norm_first):
    import torch

    native = torch.nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True, norm_first=norm_first)
    native.self_attn = torch_attention()
    model = um.nn.TransformerEncoderLayer(2, 8, 12, norm_first=norm_first).init(0, backend="torch")
    model.attention = ours_from_torch(native.self_attn, 8, 2)
    for linear, theirs in ((model.feed_forward.up, native.linear1), (model.feed_forward.down, native.linear2)):
        linear.kernel, linear.bias = theirs.weight.detach().T.clone(), theirs.bias.detach().clone()
    x = torch.as_tensor(normal(5, 2, 4, 8))
    ignored = ~torch.ones(4, 4, dtype=torch.bool).tril()
    expected = native(x, src_mask=ignored).detach()
    torch.testing.assert_close(model(x, mask=um.nn.causal_mask(4, backend="torch")), expected, **CLOSE)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("norm_first", [False, True])
def test_a_decoder_layer_is_that_of_torch(norm_first):
    import torch

    native = torch.nn.TransformerDecoderLayer(8, 2, 12, 0.0, batch_first=True, norm_first=norm_first)
    native.self_attn, native.multihead_attn = torch_attention(), torch_attention()
    model = um.nn.TransformerDecoderLayer(2, 8, 12, norm_first=norm_first).init(0, backend="torch")
    model.attention = ours_from_torch(native.self_attn, 8, 2, is_causal=True)
    model.memory_attention = ours_from_torch(native.multihead_attn, 8, 2)
    for linear, theirs in ((model.feed_forward.up, native.linear1), (model.feed_forward.down, native.linear2)):
        linear.kernel, linear.bias = theirs.weight.detach().T.clone(), theirs.bias.detach().clone()
    x, memory = torch.as_tensor(normal(5, 2, 4, 8)), torch.as_tensor(normal(6, 2, 3, 8))
    ignored = ~torch.ones(4, 4, dtype=torch.bool).tril()
    torch.testing.assert_close(model(x, memory), native(x, memory, tgt_mask=ignored).detach(), **CLOSE)


@pytest.mark.needs("jax")
def test_multi_head_attention_is_that_of_flax():
    import jax
    from flax import linen

    native = linen.MultiHeadDotProductAttention(2, qkv_features=8, out_features=6)
    x, memory = jax.numpy.asarray(normal(5, 2, 3, 4)), jax.numpy.asarray(normal(6, 2, 5, 4))
    params = native.init(jax.random.key(0), x, memory)["params"]
    params = jax.tree.map(lambda leaf: leaf + 0.1, params)
    model = um.nn.MultiHeadAttention(2, 4, head_dim=4, out_features=6).init(0, backend="jax")
    for name in ("query", "key", "value", "out"):
        linear = getattr(model, name)
        linear.kernel = params[name]["kernel"].reshape(linear.kernel.shape)
        linear.bias = params[name]["bias"].reshape(linear.bias.shape)
    mask = jax.numpy.asarray(mask_of())
    expected = native.apply({"params": params}, x, memory, mask=mask)
    np.testing.assert_allclose(model(x, memory, mask=mask), expected, **CLOSE)


@pytest.mark.needs("torch")
def test_rotations_of_neighbours_are_products_of_complex_numbers():
    import torch

    x = torch.as_tensor(normal(0, 2, 5, 3, 8)).double()
    speeds = 10000.0 ** (-torch.arange(0, 8, 2, dtype=torch.float64) / 8)
    turns = torch.polar(torch.ones(5, 4, dtype=torch.float64), torch.arange(5)[:, None] * speeds)
    expected = torch.view_as_real(torch.view_as_complex(x.reshape(2, 5, 3, 4, 2)) * turns[:, None]).reshape(x.shape)
    torch.testing.assert_close(F.rotary(x, interleaved=True), expected, rtol=1e-12, atol=1e-12)
    halves = torch.cat([x[..., 0::2], x[..., 1::2]], -1)
    found = F.rotary(halves)
    torch.testing.assert_close(torch.stack(found.chunk(2, -1), -1).reshape(x.shape), expected, rtol=1e-12, atol=1e-12)
