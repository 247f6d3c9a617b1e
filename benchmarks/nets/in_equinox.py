"""The networks in Equinox: written for one example, and mapped over the batch."""

from __future__ import annotations

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp

from benchmarks.nets import on_jax, sizes
from benchmarks.nets.way import Way

NAMES = ("dispatch", "cnn", "resnet", "lstm", "gpt")
KEY = jax.random.key(0)


def linear(before, after, **options):
    return eqx.nn.Linear(before, after, key=KEY, **options)


class MLP(eqx.Module):
    layers: list

    def __init__(self, *widths):
        self.layers = [linear(a, b) for a, b in itertools.pairwise(widths)]

    def __call__(self, x):
        for layer in self.layers[:-1]:
            x = jax.nn.relu(layer(x))
        return self.layers[-1](x)


class CNN(eqx.Module):
    convs: list
    pool: eqx.nn.MaxPool2d
    mlp: MLP

    def __init__(self):
        self.convs = [eqx.nn.Conv2d(a, b, 5, key=KEY) for a, b in ((3, 6), (6, 16))]
        self.pool, self.mlp = eqx.nn.MaxPool2d(2, 2), MLP(400, 120, 84, 10)

    def __call__(self, x):
        for conv in self.convs:
            x = self.pool(jax.nn.relu(conv(x)))
        return self.mlp(x.reshape(-1))


class Normed(eqx.Module):
    conv: eqx.nn.Conv2d
    norm: eqx.nn.BatchNorm

    def __init__(self, before, channels, size, stride):
        self.conv = eqx.nn.Conv2d(before, channels, size, stride, size // 2, use_bias=False, key=KEY)
        self.norm = eqx.nn.BatchNorm(channels, "batch", momentum=0.9, mode="batch")

    def __call__(self, x, state):
        return self.norm(self.conv(x), state)


class Block(eqx.Module):
    first: Normed
    second: Normed
    short: Normed | None

    def __init__(self, before, channels, stride):
        self.first, self.second = Normed(before, channels, 3, stride), Normed(channels, channels, 3, 1)
        self.short = Normed(before, channels, 1, stride) if stride > 1 else None

    def __call__(self, x, state):
        y, state = self.first(x, state)
        y, state = self.second(jax.nn.relu(y), state)
        x, state = (x, state) if self.short is None else self.short(x, state)
        return jax.nn.relu(x + y), state


class ResNet(eqx.Module):
    stem: Normed
    blocks: list
    head: eqx.nn.Linear

    def __init__(self):
        first, *_ = channels = sizes.CHANNELS
        self.stem, self.head = Normed(3, first, 3, 1), linear(channels[-1], 10)
        pairs = enumerate(zip((first, *channels), channels, strict=False))
        self.blocks = [Block(a, b, 1 + (place > 0)) for place, (a, b) in pairs]

    def __call__(self, x, state):
        x, state = self.stem(x, state)
        x = jax.nn.relu(x)
        for block in self.blocks:
            x, state = block(x, state)
        return self.head(x.mean((1, 2))), state


class CharRNN(eqx.Module):
    embed: eqx.nn.Embedding
    cell: eqx.nn.LSTMCell
    head: eqx.nn.Linear

    def __init__(self):
        width = sizes.LSTM_WIDTH
        self.embed, self.head = eqx.nn.Embedding(sizes.TOKENS, width, key=KEY), linear(width, sizes.TOKENS)
        self.cell = eqx.nn.LSTMCell(width, width, key=KEY)

    def __call__(self, tokens):
        def step(carry, x):
            carry = self.cell(x, carry)
            return carry, carry[0]

        zeros = jnp.zeros(sizes.LSTM_WIDTH)
        _, hidden = jax.lax.scan(step, (zeros, zeros), jax.vmap(self.embed)(tokens))
        return jax.vmap(self.head)(hidden)


class Layer(eqx.Module):
    norms: list
    qkv: eqx.nn.Linear
    out: eqx.nn.Linear
    up: eqx.nn.Linear
    down: eqx.nn.Linear

    def __init__(self):
        width = sizes.GPT_WIDTH
        self.norms = [eqx.nn.LayerNorm(width) for _ in range(2)]
        self.qkv, self.out = linear(width, 3 * width), linear(width, width)
        self.up, self.down = linear(width, 4 * width), linear(4 * width, width)

    def __call__(self, x):
        qkv = jax.vmap(lambda x: self.qkv(self.norms[0](x)))(x).reshape(len(x), 3, sizes.GPT_HEADS, -1)
        y = jax.nn.dot_product_attention(*(qkv[:, i] for i in range(3)), is_causal=True)
        x = x + jax.vmap(self.out)(y.reshape(x.shape))
        return x + jax.vmap(lambda x: self.down(jax.nn.gelu(self.up(self.norms[1](x)))))(x)


class GPT(eqx.Module):
    embed: eqx.nn.Embedding
    positions: eqx.nn.Embedding
    layers: list
    norm: eqx.nn.LayerNorm
    head: eqx.nn.Linear

    def __init__(self):
        width = sizes.GPT_WIDTH
        self.embed = eqx.nn.Embedding(sizes.TOKENS, width, key=KEY)
        self.positions = eqx.nn.Embedding(sizes.GPT_LENGTH, width, key=KEY)
        self.layers, self.norm = [Layer() for _ in range(sizes.GPT_LAYERS)], eqx.nn.LayerNorm(width)
        self.head = linear(width, sizes.TOKENS, use_bias=False)

    def __call__(self, tokens):
        x = jax.vmap(self.embed)(tokens) + jax.vmap(self.positions)(jnp.arange(len(tokens)))
        for layer in self.layers:
            x = layer(x)
        return jax.vmap(lambda x: self.head(self.norm(x)))(x)


def dispatch():
    return MLP(*[sizes.TINY_WIDTH] * 3)


cnn, resnet, lstm, gpt = CNN, ResNet, CharRNN, GPT


def way(name: str) -> Way:
    model, state = eqx.nn.make_with_state(globals()[name])()
    arrays, rest = eqx.partition(model, eqx.is_inexact_array)
    model, rule, (x, y) = eqx.combine(on_jax.same_weights(arrays), rest), on_jax.optimizer(name), on_jax.data(name)
    x = jnp.moveaxis(x, -1, 1) if x.ndim == 4 else x

    def applied(model, state, x):
        if name != "resnet":
            return jax.vmap(model)(x), state
        return jax.vmap(model, in_axes=(0, None), out_axes=(0, None), axis_name="batch")(x, state)

    def loss(model, state, x, y):
        out, state = applied(model, state, x)
        return on_jax.loss_of(name, out, y), state

    @eqx.filter_jit
    def whole(model, state, moments, x, y):
        (value, state), grads = eqx.filter_value_and_grad(loss, has_aux=True)(model, state, x, y)
        updates, moments = rule.update(grads, moments, eqx.filter(model, eqx.is_inexact_array))
        return eqx.apply_updates(model, updates), state, moments, value

    everything, still, start = [model, state, rule.init(arrays)], eqx.nn.inference_mode(model), state

    def step():
        *everything[:], value = whole(*everything, x, y)
        return value

    infer = eqx.filter_jit(lambda model, state, x: applied(model, state, x)[0])
    return Way(step, lambda: infer(still, start, x), on_jax.size(arrays))
