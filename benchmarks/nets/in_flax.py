"""The networks in Flax Linen."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from benchmarks.nets import on_jax, sizes

NAMES = tuple(sizes.OPTIMIZERS)


class Deep(nn.Module):
    @nn.compact
    def __call__(self, x):
        for _ in range(sizes.BLOCKS):
            x = x + nn.relu(nn.Dense(sizes.DEEP_WIDTH)(nn.LayerNorm()(x)))
        return x


class CNN(nn.Module):
    @nn.compact
    def __call__(self, x):
        for channels in (6, 16):
            x = nn.max_pool(nn.relu(nn.Conv(channels, (5, 5), padding="VALID")(x)), (2, 2), (2, 2))
        x = x.reshape(len(x), -1)
        for features in (120, 84):
            x = nn.relu(nn.Dense(features)(x))
        return nn.Dense(10)(x)


class ResNet(nn.Module):
    is_training: bool = True

    @nn.compact
    def __call__(self, x):
        def norm(x):
            return nn.BatchNorm(use_running_average=not self.is_training, momentum=0.9)(x)

        def conv(x, channels, size, stride):
            pad = size // 2
            return nn.Conv(channels, (size, size), stride, [(pad, pad)] * 2, use_bias=False)(x)

        x = nn.relu(norm(conv(x, sizes.CHANNELS[0], 3, 1)))
        for place, channels in enumerate(sizes.CHANNELS):
            stride = 1 + (place > 0)
            y = norm(conv(nn.relu(norm(conv(x, channels, 3, stride))), channels, 3, 1))
            x = nn.relu(y + (norm(conv(x, channels, 1, stride)) if place else x))
        return nn.Dense(10)(x.mean((1, 2)))


class CharRNN(nn.Module):
    @nn.compact
    def __call__(self, tokens):
        x = nn.RNN(nn.OptimizedLSTMCell(sizes.LSTM_WIDTH))(nn.Embed(sizes.TOKENS, sizes.LSTM_WIDTH)(tokens))
        return nn.Dense(sizes.TOKENS)(x)


class GPT(nn.Module):
    @nn.compact
    def __call__(self, tokens):
        batch, length = tokens.shape
        width, heads = sizes.GPT_WIDTH, sizes.GPT_HEADS
        x = nn.Embed(sizes.TOKENS, width)(tokens) + nn.Embed(sizes.GPT_LENGTH, width)(jnp.arange(length))
        for _ in range(sizes.GPT_LAYERS):
            qkv = nn.Dense(3 * width)(nn.LayerNorm()(x)).reshape(batch, length, 3, heads, -1)
            y = jax.nn.dot_product_attention(*(qkv[:, :, i] for i in range(3)), is_causal=True)
            x = x + nn.Dense(width)(y.reshape(batch, length, width))
            x = x + nn.Dense(width)(nn.gelu(nn.Dense(4 * width)(nn.LayerNorm()(x))))
        return nn.Dense(sizes.TOKENS, use_bias=False)(nn.LayerNorm()(x))


def dispatch():
    return nn.Sequential([nn.Dense(sizes.TINY_WIDTH), nn.relu, nn.Dense(sizes.TINY_WIDTH)])


deep, cnn, resnet, lstm, gpt = Deep, CNN, ResNet, CharRNN, GPT


def way(name: str):
    network = globals()[name]
    variables = network().init(jax.random.key(0), on_jax.data(name)[0])
    params, statistics = variables["params"], {key: value for key, value in variables.items() if key != "params"}

    def apply(params, statistics, x, is_training):
        variables = {"params": params, **statistics}
        if is_training and statistics:
            return network().apply(variables, x, mutable=list(statistics))
        model = network() if is_training or name != "resnet" else network(is_training=False)
        return model.apply(variables, x), statistics

    return on_jax.functional(name, apply, params, statistics)
