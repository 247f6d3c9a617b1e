"""Convolutions, forward and backward: a layer against torch.nn.Conv2d, lax.conv_general_dilated and flax.linen.Conv.

Images have their channels last in memory. On torch the first baseline is PyTorch's usual layout, channels first, and
the second its ``channels_last`` memory format; both compute the same numbers.
"""

from __future__ import annotations

import jax
import torch
from flax import linen

import unimod as um
from benchmarks._machine import use_synchronous_dispatch
from benchmarks._measure import Row, compare, repeat

TARGET = "<= 1.05"
PAIRS = 41
SHAPES = {
    "32 to 64 channels, 28 x 28, 3 x 3": ((8, 28, 28, 32), 64, 3, 1),
    "64 to 128 channels, 28 x 28, 3 x 3, stride 2": ((8, 28, 28, 64), 128, 3, 2),
    "64 to 64 channels, 14 x 14, 1 x 1": ((8, 14, 14, 64), 64, 1, 1),
}


def on_torch(name, shape, features, size, stride) -> list[Row]:
    layer = um.nn.Conv(shape[-1], features, size, stride=stride, padding=size // 2).init(0, backend="torch")
    layer = layer.map(lambda leaf: leaf.clone().requires_grad_())
    x = torch.rand(shape, requires_grad=True)
    cotangent = torch.rand(layer(x).shape)

    def ours():
        return torch.autograd.grad(layer(x), (layer.kernel, layer.bias, x), cotangent)

    def native(format):
        twin = torch.nn.Conv2d(shape[-1], features, size, stride=stride, padding=size // 2).to(memory_format=format)
        with torch.no_grad():
            twin.weight.copy_(layer.kernel.permute(3, 2, 0, 1))
            twin.bias.copy_(layer.bias)
        image = x.detach().movedim(-1, 1).contiguous(memory_format=format).requires_grad_()
        weight = cotangent.movedim(-1, 1).contiguous(memory_format=format)
        leaves = (twin.weight, twin.bias, image)
        return lambda: torch.autograd.grad(twin(image), leaves, weight)

    rows = []
    for label, format in (("channels first", torch.contiguous_format), ("channels last", torch.channels_last)):
        theirs = native(format)
        found, expected = ours(), theirs()
        torch.testing.assert_close(found[2].movedim(-1, 1), expected[2], rtol=1e-3, atol=1e-4)
        baseline = f"torch.nn.Conv2d, {label}"
        rows.append(
            compare(f"{name}, torch", repeat(ours), repeat(theirs), baseline=baseline, target=TARGET, pairs=PAIRS)
        )
    return rows


def on_jax(name, shape, features, size, stride) -> list[Row]:
    layer = um.nn.Conv(shape[-1], features, size, stride=stride).init(0, backend="jax")
    x = um.random.uniform(um.random.key(0, backend="jax"), shape)
    params = {"kernel": layer.kernel, "bias": layer.bias}
    flax = linen.Conv(features, (size, size), strides=stride)

    def with_lax(params, x):
        numbers = ("NHWC", "HWIO", "NHWC")
        out = jax.lax.conv_general_dilated(x, params["kernel"], (stride,) * 2, "SAME", dimension_numbers=numbers)
        return out + params["bias"]

    def slopes(forward):
        return jax.jit(jax.grad(lambda params, x: (forward(params, x) ** 2).sum(), argnums=(0, 1)))

    step = um.jit(um.grad(lambda model, x: um.numpy.sum(model(x) ** 2), argnums=(0, 1)))
    ours = repeat(lambda: step(layer, x), lambda grads: jax.block_until_ready(grads[1]))
    rows = []
    for baseline, forward in (
        ("lax.conv_general_dilated", with_lax),
        ("flax.linen.Conv", lambda params, x: flax.apply({"params": params}, x)),
    ):
        native = slopes(forward)
        theirs = repeat(lambda native=native: native(params, x), jax.block_until_ready)
        rows.append(compare(f"{name}, jax", ours, theirs, baseline=baseline, target=TARGET, pairs=PAIRS))
    return rows


def run() -> list[Row]:
    torch.set_num_threads(1)
    use_synchronous_dispatch()
    return [row for name, shape in SHAPES.items() for measure in (on_torch, on_jax) for row in measure(name, *shape)]
