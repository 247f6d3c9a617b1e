"""The networks in Flax NNX, jitted by what it recommends for its trees: ``nnx.jit_partial``."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from benchmarks.nets import on_jax, sizes
from benchmarks.nets.way import Way

NAMES = ("dispatch", "cnn", "resnet", "lstm", "gpt")


def dispatch(rngs):
    width = sizes.TINY_WIDTH
    return nnx.Sequential(nnx.Linear(width, width, rngs=rngs), nnx.relu, nnx.Linear(width, width, rngs=rngs))


class CNN(nnx.Module):
    def __init__(self, rngs):
        self.convs = nnx.List(nnx.Conv(a, b, (5, 5), padding="VALID", rngs=rngs) for a, b in ((3, 6), (6, 16)))
        self.hidden = nnx.List(nnx.Linear(a, b, rngs=rngs) for a, b in ((400, 120), (120, 84)))
        self.last = nnx.Linear(84, 10, rngs=rngs)

    def __call__(self, x):
        for conv in self.convs:
            x = nnx.max_pool(nnx.relu(conv(x)), (2, 2), (2, 2))
        x = x.reshape(len(x), -1)
        for layer in self.hidden:
            x = nnx.relu(layer(x))
        return self.last(x)


class Normed(nnx.Module):
    def __init__(self, before, channels, size, stride, rngs):
        pads = [(size // 2,) * 2] * 2
        self.conv = nnx.Conv(before, channels, (size, size), stride, padding=pads, use_bias=False, rngs=rngs)
        self.norm = nnx.BatchNorm(channels, momentum=0.9, rngs=rngs)

    def __call__(self, x):
        return self.norm(self.conv(x))


class Block(nnx.Module):
    def __init__(self, before, channels, stride, rngs):
        self.first = Normed(before, channels, 3, stride, rngs)
        self.second = Normed(channels, channels, 3, 1, rngs)
        self.short = Normed(before, channels, 1, stride, rngs) if stride > 1 else lambda x: x

    def __call__(self, x):
        return nnx.relu(self.second(nnx.relu(self.first(x))) + self.short(x))


class ResNet(nnx.Module):
    def __init__(self, rngs):
        first, *_ = channels = sizes.CHANNELS
        self.stem = Normed(3, first, 3, 1, rngs)
        pairs = enumerate(zip((first, *channels), channels, strict=False))
        self.blocks = nnx.List(Block(a, b, 1 + (place > 0), rngs) for place, (a, b) in pairs)
        self.head = nnx.Linear(channels[-1], 10, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((1, 2)))


class CharRNN(nnx.Module):
    def __init__(self, rngs):
        width = sizes.LSTM_WIDTH
        self.embed = nnx.Embed(sizes.TOKENS, width, rngs=rngs)
        self.lstm = nnx.RNN(nnx.OptimizedLSTMCell(width, width, rngs=rngs), rngs=rngs)
        self.head = nnx.Linear(width, sizes.TOKENS, rngs=rngs)

    def __call__(self, tokens):
        return self.head(self.lstm(self.embed(tokens)))


class Layer(nnx.Module):
    def __init__(self, rngs):
        width = sizes.GPT_WIDTH
        self.norm1, self.norm2 = nnx.LayerNorm(width, rngs=rngs), nnx.LayerNorm(width, rngs=rngs)
        self.qkv, self.out = nnx.Linear(width, 3 * width, rngs=rngs), nnx.Linear(width, width, rngs=rngs)
        self.up, self.down = nnx.Linear(width, 4 * width, rngs=rngs), nnx.Linear(4 * width, width, rngs=rngs)

    def __call__(self, x):
        qkv = self.qkv(self.norm1(x)).reshape(*x.shape[:2], 3, sizes.GPT_HEADS, -1)
        y = jax.nn.dot_product_attention(*(qkv[:, :, i] for i in range(3)), is_causal=True)
        x = x + self.out(y.reshape(x.shape))
        return x + self.down(nnx.gelu(self.up(self.norm2(x))))


class GPT(nnx.Module):
    def __init__(self, rngs):
        width = sizes.GPT_WIDTH
        self.embed = nnx.Embed(sizes.TOKENS, width, rngs=rngs)
        self.positions = nnx.Embed(sizes.GPT_LENGTH, width, rngs=rngs)
        self.layers = nnx.List(Layer(rngs) for _ in range(sizes.GPT_LAYERS))
        self.norm = nnx.LayerNorm(width, rngs=rngs)
        self.head = nnx.Linear(width, sizes.TOKENS, use_bias=False, rngs=rngs)

    def __call__(self, tokens):
        x = self.embed(tokens) + self.positions(jnp.arange(tokens.shape[1]))
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x))


cnn, resnet, lstm, gpt = CNN, ResNet, CharRNN, GPT


def made(name: str):
    model = globals()[name](nnx.Rngs(0))
    nnx.update(model, on_jax.same_weights(nnx.state(model, nnx.Param)))
    return model


def way(name: str) -> Way:
    model, still, (x, y) = made(name), made(name), on_jax.data(name)
    still.eval()
    optimizer = nnx.Optimizer(model, on_jax.optimizer(name), wrt=nnx.Param)

    def step(model, optimizer, x, y):
        value, grads = nnx.value_and_grad(lambda model: on_jax.loss_of(name, model(x), y))(model)
        optimizer.update(model, grads)
        return value

    whole = nnx.jit_partial(step, model, optimizer, graph=False)
    applied = nnx.jit_partial(lambda model, x: model(x), still, graph=False)
    return Way(lambda: whole(x, y), lambda: applied(x), on_jax.size(nnx.state(model, nnx.Param)))
