"""Forward and backward pass of multi-head self-attention: batch 8, length 128, width 128, 4 heads."""

from __future__ import annotations

import jax
import torch
from flax import linen

import unimod as um
from benchmarks._measure import Row, compare, repeat

BATCH, LENGTH, WIDTH, HEADS = 8, 128, 128, 4
TARGET = "<= 1.05"


def run() -> list[Row]:
    torch.set_num_threads(1)
    return [on_torch(is_jitted=False), on_torch(is_jitted=True), on_jax()]


def loss(model, x, cotangent):
    return um.numpy.sum(model(x) * cotangent)


def ours(backend):
    return um.nn.MultiHeadAttention(HEADS, WIDTH).init(0, backend=backend)


def on_torch(*, is_jitted) -> Row:
    torch.manual_seed(0)
    x, cotangent = torch.randn(BATCH, LENGTH, WIDTH), torch.randn(BATCH, LENGTH, WIDTH)
    model, native = ours("torch"), torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    copy_weights(model, native)

    def theirs():
        native.zero_grad()
        out, _ = native(x, x, x, need_weights=False)
        (out * cotangent).sum().backward()
        return native.out_proj.weight.grad

    step = um.value_and_grad(loss)
    step = um.jit(step) if is_jitted else step
    found = step(model, x, cotangent)[1].out.kernel
    torch.testing.assert_close(found, theirs().T, rtol=1e-3, atol=1e-3)
    name = f"MultiHeadAttention on torch, {'um.jit' if is_jitted else 'eager'}"
    loops = repeat(lambda: step(model, x, cotangent)), repeat(theirs)
    return compare(name, *loops, baseline="torch.nn.MultiheadAttention, eager", target=TARGET)


def copy_weights(model, native) -> None:
    kernels = [linear.kernel.T for linear in (model.query, model.key, model.value)]
    with torch.no_grad():
        native.in_proj_weight.copy_(torch.cat(kernels))
        native.out_proj.weight.copy_(model.out.kernel.T)


def on_jax() -> Row:
    x, cotangent = (jax.random.normal(jax.random.key(i), (BATCH, LENGTH, WIDTH)) for i in range(2))
    model, native = ours("jax"), linen.MultiHeadDotProductAttention(HEADS)
    params = native.init(jax.random.key(0), x)
    step = um.jit(um.value_and_grad(loss))
    theirs = jax.jit(jax.value_and_grad(lambda params: (native.apply(params, x) * cotangent).sum()))
    loops = (
        repeat(lambda: step(model, x, cotangent), lambda result: jax.block_until_ready(um.tree.leaves(result))),
        repeat(lambda: theirs(params), jax.block_until_ready),
    )
    return compare("MultiHeadAttention on JAX, um.jit", *loops, baseline="flax.linen, jax.jit", target=TARGET)
