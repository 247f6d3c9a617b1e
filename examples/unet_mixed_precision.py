"""A U-Net finds discs and squares in noisy images; it computes in half precision, with a loss scale.

    python examples/unet_mixed_precision.py --backend torch
    python examples/unet_mixed_precision.py --backend jax --compute bfloat16

Parameters, gradients and the optimizer are float32, the layers compute in float16. Small derivatives would vanish
there; so the loss is multiplied by a scale, and the gradients are divided by it. Where that overflows, the step is
held, and the scale is halved. The images are made up: each has a disc and a square.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import unimod as um

BATCH, SIZE = 16, 24
CHANNELS = (8, 16, 32)
CLASSES = ("background", "disc", "square")
RATE = 1e-2


def draw(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images ``(count, SIZE, SIZE, 1)`` and the class of each pixel; where shapes overlap the square is in front."""
    y, x = np.mgrid[:SIZE, :SIZE]
    place, radius = random.uniform(4, SIZE - 4, (4, count, 1, 1)), random.uniform(3, 6, (2, count, 1, 1))
    disc = np.hypot(y - place[0], x - place[1]) < radius[0]
    square = np.maximum(abs(y - place[2]), abs(x - place[3])) < radius[1]
    labels = np.where(square, 2, np.where(disc, 1, 0)).astype(np.int32)
    images = (labels > 0) + random.normal(0, 0.3, labels.shape)
    return images[..., None].astype(np.float32), labels


def loss_fn(model: um.nets.UNet, scale: um.LossScale, images: Any, labels: Any) -> Any:
    """The scaled cross-entropy of all pixels, and what it is unscaled."""
    loss = um.losses.cross_entropy(model(images), labels)
    return scale.scale(loss), loss


@um.jit
def train_step(model: um.nets.UNet, opt: Any, scale: um.LossScale, images: Any, labels: Any) -> Any:
    """One step of Adam, if the gradients are finite."""
    grads, loss = um.grad(loss_fn, has_aux=True)(model, scale, images, labels)
    model, opt, scale = um.apply_gradients(model, opt, grads, loss_scale=scale)
    return model, opt, scale, loss


@um.jit
def overlap(model: um.nets.UNet, images: Any, labels: Any) -> Any:
    """For each class the pixels that are found rightly, over those that are found or right."""
    found = um.nn.one_hot(um.numpy.argmax(model(images), axis=-1), len(CLASSES))
    right = um.nn.one_hot(labels, len(CLASSES))
    both = um.numpy.sum(found * right, axis=(0, 1, 2))
    return both / um.numpy.sum(um.numpy.maximum(found, right), axis=(0, 1, 2))


def train(compute: str, steps: int, seed: int) -> tuple[um.nets.UNet, list[float]]:
    """Train on images that are new in each step."""
    random, losses = np.random.default_rng(seed), []
    model = um.nets.UNet(1, len(CLASSES), channels=CHANNELS, num_groups=4).init(seed)
    model = um.apply_policy(model, f"params=float32,compute={compute},output=float32")
    opt = um.optim.adam(RATE).init(model.parameters())
    scale = um.DynamicLossScale(2.0**16, period=100)
    for step in range(steps):
        model, opt, scale, loss = train_step(model, opt, scale, *draw(random, BATCH))
        losses.append(float(loss))
        if step % 25 == 0 or step == steps - 1:
            print(f"step {step:4}  loss {losses[-1]:.4f}  scale {float(scale.loss_scale):g}")
    return model, losses


def main(arguments: list[str] | None = None) -> tuple[um.nets.UNet, list[float]]:
    """Read the command line, train, and test on new images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("jax", "torch"), default="jax")
    parser.add_argument("--compute", choices=("float16", "bfloat16", "float32"), default="float16")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with um.use_backend(options.backend):
        model, losses = train(options.compute, options.steps, options.seed)
        shares = overlap(model, *draw(np.random.default_rng(options.seed + 1), 4 * BATCH))
    print("overlap  " + "  ".join(f"{name} {float(share):.1%}" for name, share in zip(CLASSES, shares, strict=True)))
    return model, losses


if __name__ == "__main__":
    main()
