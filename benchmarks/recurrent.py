"""Recurrent layers, forward and backward: 128 units, 64 steps, batch 32; and a small size without a target."""

from __future__ import annotations

import flax.linen
import jax
import torch

import unimod as um
from benchmarks._measure import Row, compare, repeat

SIZES = {"32 x 64 x 128": ((32, 64, 128), "<= 1.05"), "2 x 8 x 8": ((2, 8, 8), "")}
PAIRS = 21


def loss_of(model, x):
    return um.numpy.mean(um.numpy.square(model(x)))


def forward(model, x):
    return model(x)


step_of = um.value_and_grad(loss_of)


def run() -> list[Row]:
    torch.set_num_threads(1)
    rows = []
    for name, (shape, target) in SIZES.items():
        for kind, layer, native, cell in (
            ("LSTM", um.nn.LSTM, torch.nn.LSTM, flax.linen.OptimizedLSTMCell),
            ("GRU", um.nn.GRU, torch.nn.GRU, flax.linen.GRUCell),
        ):
            rows += on_torch(f"{kind}, {name}", layer, native, shape, target)
            rows += on_jax(f"{kind}, {name}", layer, cell(shape[-1]), shape, target)
    return rows


def on_torch(name, layer, native_layer, shape, target) -> list[Row]:
    size = shape[-1]
    model, native = layer(size, size).init(0, backend="torch"), native_layer(size, size, batch_first=True)
    x, parameters = torch.randn(shape), list(native.parameters())

    def theirs():
        return torch.autograd.grad(native(x)[0].square().mean(), parameters)

    ways = {
        "forward, eager": (lambda: evaluated(model, x), lambda: evaluated(native, x)),
        "forward and backward, eager": (lambda: step_of(model, x), theirs),
    }
    if target:
        jitted = um.jit(step_of)
        ways["forward and backward, um.jit"] = (lambda: jitted(model, x), theirs)
    baseline = f"torch.nn.{native_layer.__name__}"
    return [
        compare(f"{name}, torch, {way}", repeat(a), repeat(b), baseline=baseline, target=target, pairs=PAIRS)
        for way, (a, b) in ways.items()
    ]


def evaluated(layer, x):
    with torch.no_grad():
        return layer(x)


def on_jax(name, layer, cell, shape, target) -> list[Row]:
    model, native = layer(shape[-1], shape[-1]).init(0, backend="jax"), flax.linen.RNN(cell)
    x = jax.random.normal(jax.random.key(0), shape)
    params = native.init(jax.random.key(1), x)
    ways = {
        "forward": (um.jit(forward), jax.jit(native.apply)),
        "forward and backward": (
            um.jit(step_of),
            jax.jit(jax.value_and_grad(lambda params, x: (native.apply(params, x) ** 2).mean())),
        ),
    }
    rows = []
    for way, (step, theirs) in ways.items():
        loops = (
            repeat(lambda step=step: step(model, x), wait),
            repeat(lambda theirs=theirs: theirs(params, x), wait),
        )
        rows.append(compare(f"{name}, jax, {way}", *loops, baseline="flax.linen.RNN", target=target, pairs=PAIRS))
    return rows


def wait(result) -> None:
    jax.block_until_ready(um.tree.leaves(result))
