"""The networks in Haiku."""

from __future__ import annotations

import haiku as hk
import jax
import jax.numpy as jnp

from benchmarks.nets import on_jax, sizes

NAMES = ("dispatch", "cnn", "resnet", "lstm", "gpt")


def dispatch(x, is_training):
    return hk.Sequential([hk.Linear(sizes.TINY_WIDTH), jax.nn.relu, hk.Linear(sizes.TINY_WIDTH)])(x)


def cnn(x, is_training):
    for channels in (6, 16):
        x = hk.max_pool(jax.nn.relu(hk.Conv2D(channels, 5, padding="VALID")(x)), (2, 2, 1), (2, 2, 1), "VALID")
    return hk.nets.MLP([120, 84, 10])(hk.Flatten()(x))


def resnet(x, is_training):
    def normed(x, channels, size, stride=1):
        pad = (size // 2,) * 2
        x = hk.Conv2D(channels, size, stride, padding=(pad, pad), with_bias=False)(x)
        return hk.BatchNorm(True, True, decay_rate=0.9)(x, is_training)

    x = jax.nn.relu(normed(x, sizes.CHANNELS[0], 3))
    for place, channels in enumerate(sizes.CHANNELS):
        stride = 1 + (place > 0)
        y = normed(jax.nn.relu(normed(x, channels, 3, stride)), channels, 3)
        x = jax.nn.relu(y + (normed(x, channels, 1, stride) if place else x))
    return hk.Linear(10)(x.mean((1, 2)))


def lstm(tokens, is_training):
    """Its cell adds one to the forget gate, which costs nothing and changes the loss."""
    x, core = hk.Embed(sizes.TOKENS, sizes.LSTM_WIDTH)(tokens), hk.LSTM(sizes.LSTM_WIDTH)
    hidden, _ = hk.dynamic_unroll(core, jnp.swapaxes(x, 0, 1), core.initial_state(len(tokens)))
    return hk.Linear(sizes.TOKENS)(jnp.swapaxes(hidden, 0, 1))


def gpt(tokens, is_training):
    batch, length = tokens.shape
    width, heads = sizes.GPT_WIDTH, sizes.GPT_HEADS

    def norm(x):
        return hk.LayerNorm(-1, True, True)(x)

    x = hk.Embed(sizes.TOKENS, width)(tokens) + hk.Embed(sizes.GPT_LENGTH, width)(jnp.arange(length))
    for _ in range(sizes.GPT_LAYERS):
        qkv = hk.Linear(3 * width)(norm(x)).reshape(batch, length, 3, heads, -1)
        y = jax.nn.dot_product_attention(*(qkv[:, :, i] for i in range(3)), is_causal=True)
        x = x + hk.Linear(width)(y.reshape(x.shape))
        x = x + hk.Linear(width)(jax.nn.gelu(hk.Linear(4 * width)(norm(x))))
    return hk.Linear(sizes.TOKENS, with_bias=False)(norm(x))


def way(name: str):
    network = hk.without_apply_rng(hk.transform_with_state(globals()[name]))
    params, statistics = network.init(jax.random.key(0), on_jax.data(name)[0], True)
    return on_jax.functional(name, network.apply, params, statistics)
