"""A run goes on with another engine, again and again, as if nothing had happened.

    python examples/switch_engine.py --backend jax --every 20

``um.to_backend`` moves the weights, the statistics of the batch norm, the random keys of the dropout and the state of
the optimizer between JAX and PyTorch in the middle of training. A second run stays where it began: losses are the
same up to rounding. The data are digits of 8 x 8 pixels that come with scikit-learn.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import unimod as um

BATCH, HIDDEN = 64, 64
RATE = 3e-3
OTHER = {"jax": "torch", "torch": "jax"}


def make_model() -> um.nn.Sequential:
    """Three kinds of leaves: parameters, running statistics, and a random key."""
    return um.nn.Sequential(
        um.nn.Flatten(),
        um.nn.Linear(64, HIDDEN),
        um.nn.BatchNorm(HIDDEN),
        um.nn.silu,
        um.nn.Dropout(0.2),
        um.nn.Linear(HIDDEN, 10),
    )


def loss_fn(model: um.nn.Sequential, images: Any, labels: Any) -> Any:
    """The cross-entropy of a batch, and the model, whose statistics and key have changed."""
    loss = um.losses.cross_entropy(model(images), labels)
    return loss, (loss, model)


train_step = um.jit(um.build_update_fn(loss_fn))


def train(backend: str, steps: int, every: int, seed: int) -> tuple[Any, list[tuple[str, float]]]:
    """Train, and move to the other engine after each ``every`` steps; the losses, each with the engine it is from."""
    draws, losses = np.random.default_rng(seed), []
    images, labels = load_digits(return_X_y=True)
    images, labels = (images.reshape(-1, 8, 8) / 16).astype(np.float32), labels.astype(np.int32)
    model = make_model().init(seed, backend=backend)
    opt = um.optim.adamw(RATE).init(model.parameters())
    for step in range(steps):
        if step and step % every == 0:
            backend = OTHER[backend]
            model, opt = um.to_backend((model, opt), backend)
        chosen = draws.integers(len(labels), size=BATCH)
        model, opt, loss = train_step(model, opt, images[chosen], labels[chosen])
        losses.append((um.engine_of(loss).name, float(loss)))
    return (model, opt), losses


def main(arguments: list[str] | None = None) -> tuple[Any, list[float]]:
    """Read the command line, train twice, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=tuple(OTHER), default="jax", help="where both runs begin")
    parser.add_argument("--every", type=int, default=20, help="so many steps between two moves")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    moved, there = train(options.backend, options.steps, options.every, options.seed)
    _, here = train(options.backend, options.steps, options.steps, options.seed)
    print(f"{'step':>4}  {'engine':6}  {'loss':8}  {'of the run that stays':>21}")
    for step, ((engine, loss), (_, other)) in enumerate(zip(there, here, strict=True)):
        if step % options.every in (0, options.every - 1):
            print(f"{step:4}  {engine:6}  {loss:.6f}  {other:21.6f}")
    losses = [loss for _, loss in there]
    difference = max(abs(loss - other) for loss, (_, other) in zip(losses, here, strict=True))
    print(f"largest difference of all {len(losses)} losses: {difference:.1e}")
    return moved, losses


if __name__ == "__main__":
    main()
