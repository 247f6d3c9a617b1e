"""A convolutional network reads handwritten digits, in full or in half precision.

    python examples/mnist.py --backend torch
    python examples/mnist.py --backend jax --compute float16

The digits are the 1,797 images of 8 x 8 pixels that come with scikit-learn. Under ``--compute float16`` parameters stay
float32 and layers compute in float16; the loss is scaled, so that small gradients do not vanish, by as much as
goes well: a step whose gradients overflow is held, and the scale shrinks.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import unimod as um

BATCH = 64
CHANNELS = (16, 32)
RATE = 3e-3


def make_model() -> um.nn.Sequential:
    """Two convolutions with batch norm, and a linear layer over the mean of what they found."""
    few, many = CHANNELS
    return um.nn.Sequential(
        um.nn.Conv(1, few, (3, 3), use_bias=False),
        um.nn.BatchNorm(few),
        um.nn.silu,
        um.nn.AvgPool(2),
        um.nn.Conv(few, many, (3, 3), use_bias=False),
        um.nn.BatchNorm(many),
        um.nn.silu,
        um.nn.Flatten(),
        um.nn.Linear(16 * many, 10),
    )


def loss_fn(model: um.nn.Sequential, scale: um.LossScale, images: Any, labels: Any) -> Any:
    """The scaled cross-entropy of a batch; what it is unscaled, and the model with its new statistics."""
    loss = um.losses.cross_entropy(model(images), labels)
    return scale.scale(loss), (loss, model)


@um.jit
def train_step(model: um.nn.Sequential, opt: Any, scale: um.LossScale, images: Any, labels: Any) -> Any:
    """One step of Adam; the loss scale says whether it is taken."""
    grads, (loss, model) = um.grad(loss_fn, has_aux=True)(model, scale, images, labels)
    model, opt, scale = um.apply_gradients(model, opt, grads, loss_scale=scale)
    return model, opt, scale, loss


@um.jit
def accuracy(model: um.nn.Sequential, images: Any, labels: Any) -> Any:
    """The share of images whose likeliest class is the right one."""
    return um.numpy.mean(um.numpy.astype(um.numpy.argmax(model(images), axis=-1) == labels, "float32"))


def load() -> list[Any]:
    """1,500 images and labels to train with, and 297 to test with."""
    images, labels = load_digits(return_X_y=True)
    images, labels = (images.reshape(-1, 8, 8, 1) / 16).astype(np.float32), labels.astype(np.int32)
    return [um.numpy.asarray(part) for part in (images[:1500], labels[:1500], images[1500:], labels[1500:])]


def train(model: um.nn.Sequential, scale: um.LossScale, images: Any, labels: Any, steps: int, seed: int) -> Any:
    """Train on random batches."""
    draws, losses = np.random.default_rng(seed), []
    opt = um.optim.adam(RATE).init(model.parameters())
    for step in range(steps):
        chosen = draws.integers(len(labels), size=BATCH)
        batch = (um.numpy.take(array, chosen, axis=0) for array in (images, labels))
        model, opt, scale, loss = train_step(model, opt, scale, *batch)
        losses.append(float(loss))
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step:4}  loss {losses[-1]:.4f}  scale {float(scale.loss_scale):g}")
    return model, losses


def main(arguments: list[str] | None = None) -> tuple[um.nn.Sequential, list[float]]:
    """Read the command line, train, and test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("jax", "torch"), default="jax")
    parser.add_argument("--compute", choices=("float32", "bfloat16", "float16"), default="float32")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    policy = um.Policy(f"params=float32,compute={options.compute},output=float32")
    scale = um.DynamicLossScale(2.0**15) if options.compute == "float16" else um.NoOpLossScale()
    with um.use_backend(options.backend):
        *training, test_images, test_labels = load()
        model = um.apply_policy(make_model().init(options.seed), policy)
        model, losses = train(model, scale, *training, options.steps, options.seed)
        print(f"accuracy on held-out digits: {float(accuracy(model.eval(), test_images, test_labels)):.1%}")
    return model, losses


if __name__ == "__main__":
    main()
