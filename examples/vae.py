"""A variational autoencoder learns to draw digits.

    python examples/vae.py --backend torch

The loss is the negative ELBO in nats: how many it takes to tell the code, and with the code the image. New digits are
decoded from random codes, and printed. The 1,797 images of 8 x 8 pixels come with scikit-learn.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import unimod as um

unp = um.numpy

BATCH = 64
CODE, HIDDEN = 8, (256, 128)
RATE = 2e-3
SHADES = " .:-=+*#%@"


def make_model() -> um.nets.VAE:
    """Linear layers on either side of a code of few numbers; reconstructions are logits of the pixels."""
    return um.nets.VAE((8, 8), CODE, hidden_features=HIDDEN, activation=um.nn.silu)


def loss_fn(model: um.nets.VAE, images: Any) -> Any:
    """The negative ELBO; the code is drawn with the key of the model, which is returned with the next one."""
    logits, mean, logvar = model(images)
    pixels = unp.sum(um.losses.binary_cross_entropy(logits, images, from_logits=True, reduction="none"), axis=(1, 2))
    divergence = unp.sum(unp.exp(logvar) + mean**2 - 1 - logvar, axis=-1) / 2
    loss = unp.mean(pixels + divergence)
    return loss, (loss, model)


train_step = um.jit(um.build_update_fn(loss_fn))


def train(steps: int, seed: int) -> tuple[um.nets.VAE, list[float]]:
    """Train on random batches of all digits."""
    draws, losses = np.random.default_rng(seed), []
    digits = (load_digits().images / 16).astype(np.float32)
    model = make_model().init(seed)
    opt = um.optim.adam(RATE).init(model.parameters())
    for step in range(steps):
        model, opt, loss = train_step(model, opt, digits[draws.integers(len(digits), size=BATCH)])
        losses.append(float(loss))
        if step % 200 == 0 or step == steps - 1:
            print(f"step {step:4}  loss {losses[-1]:.2f}")
    return model, losses


def show(images: np.ndarray) -> None:
    """Print images with values in 0..1 side by side, each pixel as two characters."""
    shades = (images * (len(SHADES) - 1)).round().astype(int)
    for row in range(images.shape[1]):
        print("  ".join("".join(2 * SHADES[shade] for shade in image[row]) for image in shades))


def main(arguments: list[str] | None = None) -> tuple[um.nets.VAE, list[float]]:
    """Read the command line, train, and draw new digits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("jax", "torch"), default="jax")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with um.use_backend(options.backend):
        model, losses = train(options.steps, options.seed)
        show(np.asarray(um.nn.sigmoid(model.sample(6, um.random.key(options.seed)))))
    return model, losses


if __name__ == "__main__":
    main()
