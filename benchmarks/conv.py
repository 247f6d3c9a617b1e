"""Convolutions, forward and backward: a layer against torch.nn.Conv2d, lax.conv_general_dilated and flax.linen.Conv.

Images have their channels last in memory (NHWC) or first. On torch the baseline is the layer of torch.nn in the same
memory format, so that a copy from one layout to the other would show. The small size, in which the calls cost more than
the numbers, has no target.
"""

from __future__ import annotations

import jax
import torch
from flax import linen

import unimod as um
from benchmarks._machine import use_synchronous_dispatch
from benchmarks._measure import Row, compare, repeat

TARGET = "<= 1.05"
PAIRS = 21
SHAPES = {
    "64 to 64 channels, 16 x 32 x 32, 3 x 3": ((16, 32, 32, 64), 64, 3, 1, TARGET),
    "64 to 128 channels, 8 x 28 x 28, 3 x 3, stride 2": ((8, 28, 28, 64), 128, 3, 2, TARGET),
    "128 to 128 channels, 16 x 28 x 28, 1 x 1": ((16, 28, 28, 128), 128, 1, 1, TARGET),
    "8 to 8 channels, 1 x 8 x 8, 3 x 3": ((1, 8, 8, 8), 8, 3, 1, ""),
}
FORMATS = {"NHWC": torch.channels_last, "NCHW": torch.contiguous_format}


def layer_of(shape, features, size, stride, layout, backend):
    layer = um.nn.Conv(shape[-1], features, size, stride=stride, padding=size // 2, data_format=layout)
    return layer.init(0, backend=backend)


def on_torch(name, layout, shape, features, size, stride, target) -> list[Row]:
    layer = layer_of(shape, features, size, stride, layout, "torch").map(lambda leaf: leaf.clone().requires_grad_())
    twin = torch.nn.Conv2d(shape[-1], features, size, stride=stride, padding=size // 2).to(
        memory_format=FORMATS[layout]
    )
    with torch.no_grad():
        twin.weight.copy_(layer.kernel.permute(3, 2, 0, 1))
        twin.bias.copy_(layer.bias)
    x = torch.rand(shape)
    image = x.movedim(-1, 1).contiguous(memory_format=FORMATS[layout]).requires_grad_()
    x = (x if layout == "NHWC" else image.detach().clone()).requires_grad_()
    weight = torch.rand_like(twin(image))
    cotangent = weight.movedim(1, -1) if layout == "NHWC" else weight

    def ours():
        return torch.autograd.grad(layer(x), (layer.kernel, layer.bias, x), cotangent)

    def theirs():
        return torch.autograd.grad(twin(image), (twin.weight, twin.bias, image), weight)

    torch.testing.assert_close(ours()[0].permute(3, 2, 0, 1), theirs()[0], rtol=1e-3, atol=1e-2)
    ways = {
        "forward": (lambda: forward(layer, x), lambda: forward(twin, image)),
        "forward and backward": (ours, theirs),
    }
    baseline = f"torch.nn.Conv2d, {'channels last' if layout == 'NHWC' else 'channels first'}"
    label = f"{name}, {layout}, torch"
    return [
        compare(f"{label}, {way}", repeat(a), repeat(b), baseline=baseline, target=target, pairs=PAIRS)
        for way, (a, b) in ways.items()
    ]


def forward(layer, x):
    with torch.no_grad():
        return layer(x)


def on_jax(name, layout, shape, features, size, stride, target) -> list[Row]:
    layer = layer_of(shape, features, size, stride, layout, "jax")
    shape = shape if layout == "NHWC" else (shape[0], shape[3], *shape[1:3])
    x = um.random.uniform(um.random.key(0, backend="jax"), shape)
    params = {"kernel": layer.kernel, "bias": layer.bias}
    steps = {
        "forward": um.jit(lambda model, x: model(x)),
        "forward and backward": um.jit(um.grad(lambda model, x: um.numpy.sum(model(x) ** 2), argnums=(0, 1))),
    }
    rows = []
    for baseline, fn in twins(layout, features, size, stride).items():
        slopes = jax.grad(lambda params, x, fn=fn: (fn(params, x) ** 2).sum(), argnums=(0, 1))
        natives = {"forward": jax.jit(fn), "forward and backward": jax.jit(slopes)}
        for way, step in steps.items():
            loops = (
                repeat(lambda step=step: step(layer, x), wait),
                repeat(lambda native=natives[way]: native(params, x), wait),
            )
            rows.append(compare(f"{name}, {layout}, jax, {way}", *loops, baseline=baseline, target=target, pairs=PAIRS))
    return rows


def twins(layout, features, size, stride):
    """The same with the functions of JAX, and with the layer of Flax, which has its channels last."""
    pads, numbers = ((size // 2,) * 2,) * 2, (layout, "HWIO", layout)

    def with_lax(params, x):
        out = jax.lax.conv_general_dilated(x, params["kernel"], (stride,) * 2, pads, dimension_numbers=numbers)
        return out + (params["bias"] if layout == "NHWC" else params["bias"][:, None, None])

    flax = linen.Conv(features, (size, size), strides=stride, padding=pads)
    found = {"lax.conv_general_dilated": with_lax}
    return found | ({"flax.linen.Conv": lambda p, x: flax.apply({"params": p}, x)} if layout == "NHWC" else {})


def wait(result) -> None:
    jax.block_until_ready(um.tree.leaves(result))


def run() -> list[Row]:
    torch.set_num_threads(1)
    use_synchronous_dispatch()
    return [
        row
        for name, options in SHAPES.items()
        for layout in FORMATS
        for measure in (on_torch, on_jax)
        for row in measure(name, layout, *options)
    ]
