"""Normalisation, forward and backward: each layer against that of torch.nn, eager, and of flax.linen, jitted.

Images are 32 x 56 x 56 x 64, rows 8 x 512 x 512; both have one small size, in which the calls cost more than the
numbers. Layers of images are measured channels last (torch.nn in its ``channels_last`` memory format) and first.
Variances here are two-pass; the default of flax, which is not, is a baseline without a target.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import torch
from flax import linen

import unimod as um
from benchmarks._machine import use_synchronous_dispatch
from benchmarks._measure import Row, compare, repeat

TARGET = "<= 1.05"
PAIRS = 15
IMAGES, SMALL_IMAGES, CHANNELS, GROUPS = (32, 56, 56, 64), (2, 8, 8, 64), 64, 8
ROWS, SMALL_ROWS, WIDTH = (8, 512, 512), (4, 16, 512), 512
LAYOUTS = {"NHWC": (-1, torch.channels_last), "NCHW": (1, torch.contiguous_format)}


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer, its twins, and whether it takes images (with an axis of channels) or rows."""

    ours: Callable[..., Any]
    torchs: Callable[[], torch.nn.Module]
    flaxs: Callable[..., Any]
    is_of_images: bool = True
    is_training: bool = True
    has_variance: bool = True


LAYERS = {
    "BatchNorm, train": Layer(
        lambda axis: um.nn.BatchNorm(CHANNELS, axis=axis),
        lambda: torch.nn.BatchNorm2d(CHANNELS),
        lambda axis, **fast: linen.BatchNorm(use_running_average=False, axis=axis, momentum=0.9, **fast),
    ),
    "BatchNorm, eval": Layer(
        lambda axis: um.nn.BatchNorm(CHANNELS, axis=axis),
        lambda: torch.nn.BatchNorm2d(CHANNELS),
        lambda axis: linen.BatchNorm(use_running_average=True, axis=axis),
        is_training=False,
        has_variance=False,
    ),
    "GroupNorm": Layer(
        lambda axis: um.nn.GroupNorm(GROUPS, CHANNELS, axis=axis),
        lambda: torch.nn.GroupNorm(GROUPS, CHANNELS),
        lambda axis, **fast: linen.GroupNorm(GROUPS, **fast),
    ),
    "InstanceNorm": Layer(
        lambda axis: um.nn.InstanceNorm(CHANNELS, axis=axis),
        lambda: torch.nn.InstanceNorm2d(CHANNELS, affine=True),
        lambda axis, **fast: linen.InstanceNorm(feature_axes=axis, **fast),
    ),
    "LayerNorm": Layer(
        lambda axis: um.nn.LayerNorm(WIDTH),
        lambda: torch.nn.LayerNorm(WIDTH),
        lambda axis, **fast: linen.LayerNorm(**fast),
        is_of_images=False,
    ),
    "RMSNorm": Layer(
        lambda axis: um.nn.RMSNorm(WIDTH),
        lambda: torch.nn.RMSNorm(WIDTH, eps=1e-6),
        lambda axis: linen.RMSNorm(),
        is_of_images=False,
        has_variance=False,
    ),
}


def run() -> list[Row]:
    torch.set_num_threads(1)
    use_synchronous_dispatch()
    rows = []
    for name, layer in LAYERS.items():
        for layout in LAYOUTS if layer.is_of_images else ("NHWC",):
            for shape, target in sizes(layer):
                x = um.random.normal(um.random.key(0, backend="torch"), shape)
                x = x if layout == "NHWC" else x.movedim(-1, 1).contiguous()
                label = f"{name}, {'x'.join(map(str, x.shape))}" + (f", {layout}" if layer.is_of_images else "")
                rows += on_torch(f"{label}, torch", layer, layout, x, target)
                rows += on_jax(f"{label}, jax", layer, layout, x, target)
    return rows


def sizes(layer):
    shapes = (IMAGES, SMALL_IMAGES) if layer.is_of_images else (ROWS, SMALL_ROWS)
    return zip(shapes, (TARGET, ""), strict=True)


def on_torch(name, layer, layout, x, target) -> list[Row]:
    axis, memory = LAYOUTS[layout]
    ours = layer.ours(axis).init(0, backend="torch")
    ours = ours if layer.is_training else ours.eval()
    leaves = [leaf.requires_grad_() for leaf in (ours.scale, ours.bias) if leaf is not None]
    native = layer.torchs().train(layer.is_training)
    image = x.clone().requires_grad_()
    twin = x.clone()
    if layer.is_of_images:
        twin = (x.movedim(-1, 1) if layout == "NHWC" else x).contiguous(memory_format=memory)
    twin = twin.clone().requires_grad_()
    cotangent, twin_cotangent = torch.ones_like(image), torch.ones_like(twin)
    both = {
        "forward": (lambda: forward(ours, image), lambda: forward(native, twin)),
        "forward and backward": (
            lambda: torch.autograd.grad(ours(image), [image, *leaves], cotangent),
            lambda: torch.autograd.grad(native(twin), [twin, *native.parameters()], twin_cotangent),
        ),
    }
    check(both, layout if layer.is_of_images else "")
    baseline = f"torch.nn.{type(native).__name__}"
    return [
        compare(f"{name}, {way}", repeat(a), repeat(b), baseline=baseline, target=target, pairs=PAIRS)
        for way, (a, b) in both.items()
    ]


def forward(layer, x):
    with torch.no_grad():
        return layer(x)


def check(both, layout) -> None:
    found, expected = (fn() for fn in both["forward"])
    if layout == "NHWC":
        expected = expected.movedim(1, -1)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def on_jax(name, layer, layout, x, target) -> list[Row]:
    ours = layer.ours(LAYOUTS[layout][0]).init(0, backend="jax")
    ours = ours if layer.is_training else ours.eval()
    x, cotangent = um.to_backend(x, "jax"), um.random.normal(um.random.key(1, backend="jax"), tuple(x.shape))
    steps = {
        "forward": um.jit(lambda model, x, cotangent: (model(x), model)),
        "forward and backward": um.jit(um.grad(ours_loss, argnums=(0, 1), has_aux=True)),
    }
    # GroupNorm of flax has no option for the axis: channels first it is not there.
    is_there = layout == "NHWC" or "GroupNorm" not in name
    rows = []
    for baseline, native in twins(layer, LAYOUTS[layout][0]) if is_there else ():
        variables = native.init(jax.random.key(0), x)
        for way, step in steps.items():
            theirs, arguments = flax_step(native, way), (variables, x, cotangent)
            loops = (
                repeat(lambda step=step: step(ours, x, cotangent), wait),
                repeat(lambda theirs=theirs, arguments=arguments: theirs(*arguments), wait),
            )
            wanted = "" if "fast" in baseline else target
            rows.append(compare(f"{name}, {way}", *loops, baseline=baseline, target=wanted, pairs=PAIRS))
    return rows


def twins(layer, axis):
    if not layer.has_variance:
        return {"flax.linen": layer.flaxs(axis)}.items()
    fast = {"flax.linen, two-pass": False, "flax.linen, fast variance": True}
    return {name: layer.flaxs(axis, use_fast_variance=is_fast) for name, is_fast in fast.items()}.items()


def ours_loss(model, x, cotangent):
    return um.numpy.sum(model(x) * cotangent), model


def flax_step(native, way):
    def apply(variables, x, cotangent):
        return native.apply(variables, x, mutable=["batch_stats"])

    def loss(variables, x, cotangent):
        y, state = apply(variables, x, cotangent)
        return (y * cotangent).sum(), state

    return jax.jit(apply if way == "forward" else jax.grad(loss, argnums=(0, 1), has_aux=True))


def wait(result) -> None:
    jax.block_until_ready(um.tree.leaves(result))
