"""A residual network learns five digits, is frozen, and with a new last layer tells the other five apart.

    python examples/fine_tune_resnet.py --backend torch

No weights are downloaded: they are made here, by training on the digits 0 to 4. Then everything is frozen but a new
last layer, which learns from 50 images of the digits 5 to 9: gradients and optimizer hold that layer alone, and the
running statistics stay as they are. The same layer on random weights shows what the first training was worth.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import unimod as um

BATCH, SHOTS = 32, 50
BLOCKS, CHANNELS = (2, 2, 2, 2), (8, 16, 32, 64)
RATE = 3e-3


def make_model() -> um.nets.ResNet:
    """A ResNet-18 with fewer channels, and with the first layer for small images."""
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


def load(first: int) -> tuple[np.ndarray, np.ndarray]:
    """The images of five digits from ``first`` on, and their labels from 0 on."""
    images, labels = load_digits(return_X_y=True)
    chosen = (labels >= first) & (labels < first + 5)
    return (images[chosen].reshape(-1, 8, 8, 1) / 16).astype(np.float32), (labels[chosen] - first).astype(np.int32)


def train(model: um.nets.ResNet, images: Any, labels: Any, steps: int, seed: int) -> tuple[um.nets.ResNet, list[float]]:
    """Train what is trainable on random batches."""
    draws, losses = np.random.default_rng(seed), []
    opt = um.optim.adam(RATE).init(model.parameters())
    for step in range(steps):
        chosen = draws.integers(len(labels), size=BATCH)
        model, opt, loss = train_step(model, opt, images[chosen], labels[chosen])
        losses.append(float(loss))
        if step % 50 == 0 or step == steps - 1:
            print(f"  step {step:4}  loss {losses[-1]:.4f}")
    return model, losses


def main(arguments: list[str] | None = None) -> tuple[um.nets.ResNet, list[float]]:
    """Read the command line, train, fine-tune, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("jax", "torch"), default="jax")
    parser.add_argument("--steps", type=int, default=150, help="of each of the trainings")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    steps, seed = options.steps, options.seed
    images, labels = load(5)
    with um.use_backend(options.backend):
        fresh = make_model().init(seed)
        print("digits 0 to 4, all layers")
        learned, first = train(fresh, *load(0), steps, seed)
        print(f"digits 5 to 9, last layer, {SHOTS} images")
        tuned, second = train(with_new_head(learned, seed), images[:SHOTS], labels[:SHOTS], steps, seed)
        print("the same on random weights")
        control, _ = train(with_new_head(fresh, seed), images[:SHOTS], labels[:SHOTS], steps, seed)
        for name, model in (("fine-tuned", tuned), ("random weights", control)):
            share = accuracy(model.eval(), images[SHOTS:], labels[SHOTS:])
            print(f"accuracy on held-out digits, {name}: {float(share):.1%}")
    return tuned, first + second


if __name__ == "__main__":
    main()
