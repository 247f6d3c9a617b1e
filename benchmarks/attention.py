"""Multi-head self-attention, forward and backward: batch 8, length 128, width 256, 8 heads; and a small one."""

from __future__ import annotations

import jax
import torch
from flax import linen

import unimod as um
from benchmarks._measure import Row, compare, repeat

SIZES = {"8 x 128 x 256, 8 heads": ((8, 128, 256), 8, "<= 1.05"), "2 x 8 x 16, 2 heads": ((2, 8, 16), 2, "")}
PAIRS = 41


def run() -> list[Row]:
    torch.set_num_threads(1)
    return [row for name, size in SIZES.items() for measure in (on_torch, on_jax) for row in measure(name, *size)]


def loss(model, x, cotangent):
    return um.numpy.sum(model(x) * cotangent)


def forward(model, x, cotangent):
    return model(x)


def ours(shape, heads, backend):
    return um.nn.MultiHeadAttention(heads, shape[-1]).init(0, backend=backend)


def on_torch(name, shape, heads, target) -> list[Row]:
    torch.manual_seed(0)
    x, cotangent = torch.randn(shape), torch.randn(shape)
    model, native = ours(shape, heads, "torch"), torch.nn.MultiheadAttention(shape[-1], heads, batch_first=True)
    copy_weights(model, native)
    grad = um.value_and_grad(loss)
    loops = {
        "forward, eager": (lambda: evaluated(model, x), lambda: evaluated(native, x, x, x, need_weights=False)),
        "forward and backward, eager": (lambda: grad(model, x, cotangent), lambda: slopes(native, x, cotangent)),
    }
    if target:
        jitted = um.jit(grad)
        loops["forward and backward, um.jit"] = (
            lambda: jitted(model, x, cotangent),
            loops["forward and backward, eager"][1],
        )
    torch.testing.assert_close(
        grad(model, x, cotangent)[1].out.kernel, slopes(native, x, cotangent).T, rtol=1e-3, atol=1e-2
    )
    return [
        compare(
            f"{name}, torch, {way}",
            repeat(mine),
            repeat(theirs),
            baseline="torch.nn.MultiheadAttention, eager",
            target=target,
            pairs=PAIRS,
        )
        for way, (mine, theirs) in loops.items()
    ]


def evaluated(layer, *inputs, **options):
    """In training mode, in which torch.nn has no other path than the one that it differentiates."""
    with torch.no_grad():
        return layer(*inputs, **options)


def slopes(native, x, cotangent):
    native.zero_grad()
    (native(x, x, x, need_weights=False)[0] * cotangent).sum().backward()
    return native.out_proj.weight.grad


def copy_weights(model, native) -> None:
    kernels = [linear.kernel.T for linear in (model.query, model.key, model.value)]
    with torch.no_grad():
        native.in_proj_weight.copy_(torch.cat(kernels))
        native.out_proj.weight.copy_(model.out.kernel.T)


def on_jax(name, shape, heads, target) -> list[Row]:
    x, cotangent = (jax.random.normal(jax.random.key(i), shape) for i in range(2))
    model, native = ours(shape, heads, "jax"), linen.MultiHeadDotProductAttention(heads)
    params = native.init(jax.random.key(0), x)
    ways = {
        "forward": (forward, lambda params, x, cotangent: native.apply(params, x)),
        "forward and backward": (
            um.value_and_grad(loss),
            jax.value_and_grad(lambda params, x, cotangent: (native.apply(params, x) * cotangent).sum()),
        ),
    }
    rows = []
    for way, (mine, theirs) in ways.items():
        step, twin = um.jit(mine), jax.jit(theirs)
        loops = (
            repeat(lambda step=step: step(model, x, cotangent), wait),
            repeat(lambda twin=twin: twin(params, x, cotangent), wait),
        )
        label = f"{name}, jax, {way}"
        rows.append(compare(label, *loops, baseline="flax.linen, jax.jit", target=target, pairs=PAIRS))
    return rows


def wait(result) -> None:
    jax.block_until_ready(um.tree.leaves(result))
