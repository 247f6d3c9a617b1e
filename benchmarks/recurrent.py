"""Loss and gradients of recurrent layers: 128 units, 64 steps, batch 32."""

from __future__ import annotations

import flax.linen
import jax
import torch

import unimod as um
from benchmarks._measure import Row, compare, repeat

SIZE, STEPS, BATCH = 128, 64, 32
PAIRS = 31


def loss_of(model, x):
    return um.numpy.mean(um.numpy.square(model(x)))


step_of = um.value_and_grad(loss_of)


def run() -> list[Row]:
    torch.set_num_threads(1)
    return [
        *on_torch("LSTM", um.nn.LSTM, torch.nn.LSTM, "<= 1.05"),
        *on_torch("GRU", um.nn.GRU, torch.nn.GRU, "<= 1.05"),
        on_jax("LSTM", um.nn.LSTM, flax.linen.OptimizedLSTMCell(SIZE)),
        on_jax("GRU", um.nn.GRU, flax.linen.GRUCell(SIZE)),
    ]


def on_torch(name, layer, native_layer, target) -> list[Row]:
    model, native = layer(SIZE, SIZE).init(0, backend="torch"), native_layer(SIZE, SIZE, batch_first=True)
    x, parameters = torch.randn(BATCH, STEPS, SIZE), list(native.parameters())

    def theirs():
        return torch.autograd.grad(native(x)[0].square().mean(), parameters)

    jitted = um.jit(step_of)
    ways = {"eager": lambda: step_of(model, x), "um.jit": lambda: jitted(model, x)}
    return [
        compare(
            f"torch, {name}, {way}",
            repeat(ours),
            repeat(theirs),
            baseline=f"torch.nn.{name}",
            target=target,
            pairs=PAIRS,
        )
        for way, ours in ways.items()
    ]


def on_jax(name, layer, cell) -> Row:
    model, native = layer(SIZE, SIZE).init(0, backend="jax"), flax.linen.RNN(cell)
    x = jax.random.normal(jax.random.key(0), (BATCH, STEPS, SIZE))
    params = native.init(jax.random.key(1), x)
    step = um.jit(step_of)
    theirs = jax.jit(jax.value_and_grad(lambda params: (native.apply(params, x) ** 2).mean()))
    loops = (
        repeat(lambda: step(model, x), lambda result: jax.block_until_ready(um.tree.leaves(result))),
        repeat(lambda: theirs(params), jax.block_until_ready),
    )
    return compare(f"JAX, {name}, um.jit", *loops, baseline="flax.linen.RNN", pairs=PAIRS)
