"""A residual network learns five digits, is frozen, and with a new last layer tells the other five apart.

    python examples/fine_tune_resnet.py --backend torch

No weights are downloaded: they are made here, by training on the digits 0 to 4. Then everything is frozen but a new
last layer, which learns from 100 images of the digits 5 to 9: gradients and optimizer hold that layer alone, and the
running statistics stay as they are.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import unimod as um

BATCH, SHOTS = 32, 100
BLOCKS, CHANNELS = (2, 2, 2), (16, 32, 64)
RATE, HEAD_RATE = 3e-3, 2e-2


def make_model() -> um.nets.ResNet:
    """A ResNet-18 with fewer channels, for small images: without its last stage, which would see a single pixel."""
    return um.nets.ResNet(1, 5, stage_sizes=BLOCKS, channels=CHANNELS, stem="cifar")


def with_new_head(model: um.nets.ResNet, seed: int) -> um.nets.ResNet:
    """The model frozen, but for a last layer that knows nothing yet."""
    model = model.freeze()
    model.head = um.nn.Linear(CHANNELS[-1], 5).init(seed)
    return model


def loss_fn(model: um.nets.ResNet, images: Any, labels: Any) -> Any:
    """The cross-entropy of a batch, and the model with its new statistics."""
    loss = um.losses.cross_entropy(model(images), labels)
    return loss, (loss, model)


train_step = um.jit(um.build_update_fn(loss_fn))


@um.jit
def accuracy(model: um.nets.ResNet, images: Any, labels: Any) -> Any:
    """The share of images whose likeliest class is the right one."""
    return um.numpy.mean(um.numpy.astype(um.numpy.argmax(model(images), axis=-1) == labels, "float32"))


def load(group: int) -> tuple[np.ndarray, np.ndarray]:
    """Shuffled images of the digits 0 to 4 (group 0) or 5 to 9 (group 1), and their labels, from 0 on."""
    images, labels = load_digits(return_X_y=True)
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(labels // 5 == group))
    return (images[chosen].reshape(-1, 8, 8, 1) / 16).astype(np.float32), (labels[chosen] % 5).astype(np.int32)


def train(model: um.nets.ResNet, rate: float, images: Any, labels: Any, steps: int, seed: int) -> Any:
    """Train what is trainable on random batches; the model, and its losses."""
    draws, losses = np.random.default_rng(seed), []
    opt = um.optim.adam(rate).init(model.parameters())
    for step in range(steps):
        chosen = draws.integers(len(labels), size=BATCH)
        model, opt, loss = train_step(model, opt, images[chosen], labels[chosen])
        losses.append(float(loss))
        if step % 50 == 0 or step == steps - 1:
            print(f"  step {step:4}  loss {losses[-1]:.4f}")
    return model, losses


def main(arguments: list[str] | None = None) -> tuple[um.nets.ResNet, list[float]]:
    """Read the command line, train, fine-tune, and test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("jax", "torch"), default="jax")
    parser.add_argument("--steps", type=int, default=150, help="of each of the trainings")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    steps, seed = options.steps, options.seed
    images, labels = load(1)
    with um.use_backend(options.backend):
        print("digits 0 to 4, all layers")
        model, first = train(make_model().init(seed), RATE, *load(0), steps, seed)
        model = with_new_head(model, seed)
        trainable, total = (um.nets.count_parameters(part) for part in (model.parameters(), model))
        print(f"digits 5 to 9, last layer ({trainable:,} of {total:,} parameters), {SHOTS} images")
        model, second = train(model, HEAD_RATE, images[:SHOTS], labels[:SHOTS], steps, seed)
        share = accuracy(model.eval(), images[SHOTS:], labels[SHOTS:])
        print(f"accuracy on held-out digits: {float(share):.1%}")
    return model, first + second


if __name__ == "__main__":
    main()
