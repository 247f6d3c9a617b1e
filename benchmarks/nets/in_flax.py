"""The networks in Flax Linen, and in plain JAX where that is another thing to write."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from benchmarks.nets import sizes


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
    @nn.compact
    def __call__(self, x):
        def norm(x):
            return nn.BatchNorm(use_running_average=False, momentum=0.9)(x)

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


def data(name: str):
    """Inputs and targets."""
    return tuple(map(jnp.asarray, sizes.data(name)))


def loss_of(name: str, out, y):
    if name in sizes.REGRESSIONS:
        return jnp.mean(jnp.square(out - y))
    return optax.softmax_cross_entropy_with_integer_labels(out, y).mean()


def optimizer(name: str):
    kind, rate = sizes.OPTIMIZERS[name]
    if kind == "momentum":
        return optax.sgd(rate, momentum=0.9)
    return optax.adamw(rate, weight_decay=1e-2) if kind == "adamw" else optax.adam(rate)


def step_of(name: str, model, optimizer):
    """A train step of ``(params, statistics, state)``."""

    def step(params, statistics, state, x, y):
        def loss(params):
            variables = {"params": params, **statistics}
            out, changed = (
                model.apply(variables, x, mutable=list(statistics))
                if statistics
                else (
                    model.apply(variables, x),
                    statistics,
                )
            )
            return loss_of(name, out, y), changed

        (value, changed), grads = jax.value_and_grad(loss, has_aux=True)(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), changed, state, value

    return step
