"""Two networks play against each other until one of them draws digits.

    python examples/dcgan.py --backend torch

The maker turns noise into images; the critic tells them from real ones, the 1,797 digits of 8 x 8 pixels that come with
scikit-learn. Each has an optimizer of its own, and one jitted step moves both: first the critic, on real and made
images, then the maker, by the gradient that the new critic gives it.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import unimod as um

BATCH, NOISE, WIDTH = 64, 32, 32
RATE = 5e-4
SHADES = " .:-=+*#%@"


def make_maker() -> um.nn.Sequential:
    """From noise to an image of 2 x 2, of 4 x 4, of 8 x 8."""
    return um.nn.Sequential(
        um.nn.Linear(NOISE, 4 * 2 * WIDTH),
        um.nn.Unflatten(-1, (2, 2, 2 * WIDTH)),
        um.nn.BatchNorm(2 * WIDTH),
        um.nn.relu,
        um.nn.ConvTranspose(2 * WIDTH, WIDTH, (4, 4), stride=2, use_bias=False),
        um.nn.BatchNorm(WIDTH),
        um.nn.relu,
        um.nn.ConvTranspose(WIDTH, 1, (4, 4), stride=2),
        um.nn.sigmoid,
    )


def make_critic() -> um.nn.Sequential:
    """From an image to one number, large for real ones."""
    return um.nn.Sequential(
        um.nn.Conv(1, WIDTH, (4, 4), stride=2),
        um.nn.leaky_relu,
        um.nn.Conv(WIDTH, 2 * WIDTH, (4, 4), stride=2),
        um.nn.leaky_relu,
        um.nn.Flatten(),
        um.nn.Linear(4 * 2 * WIDTH, 1),
    )


def critic_loss(critic: um.nn.Sequential, real: Any, made: Any) -> Any:
    """The cross-entropy of both answers, each of one class; the one-sided 0.9 keeps the critic from being certain."""
    answer = critic(real)
    return um.numpy.mean(um.nn.softplus(-answer) + 0.1 * answer + um.nn.softplus(critic(made)))


def maker_loss(maker: um.nn.Sequential, critic: um.nn.Sequential, noise: Any) -> Any:
    """How well the critic sees through what is made; and the maker, whose statistics have changed."""
    return um.numpy.mean(um.nn.softplus(-critic(maker(noise)))), maker


@um.jit
def train_step(models: Any, opts: Any, real: Any, key: Any) -> Any:
    """One step of the critic, then one of the maker."""
    (maker, critic), (maker_opt, critic_opt) = models, opts
    noise = um.random.normal(key, (len(real), NOISE))
    first, grads = um.value_and_grad(critic_loss)(critic, real, maker(noise))
    critic, critic_opt = um.apply_gradients(critic, critic_opt, grads)
    (second, maker), grads = um.value_and_grad(maker_loss, has_aux=True)(maker, critic, noise)
    maker, maker_opt = um.apply_gradients(maker, maker_opt, grads)
    return (maker, critic), (maker_opt, critic_opt), (first, second)


def train(steps: int, seed: int) -> Any:
    """Both networks, and their losses at each step."""
    draws, losses = np.random.default_rng(seed), []
    digits = (load_digits().images[..., None] / 16).astype(np.float32)
    models = make_maker().init(seed), make_critic().init(seed + 1)
    opts = tuple(um.optim.adam(RATE, b1=0.5).init(model.parameters()) for model in models)
    key = um.random.key(seed)
    for step in range(steps):
        real = digits[draws.integers(len(digits), size=BATCH)]
        models, opts, found = train_step(models, opts, real, um.random.fold_in(key, step))
        losses.append(tuple(float(loss) for loss in found))
        if step % 200 == 0 or step == steps - 1:
            print(f"step {step:4}  loss of the critic {losses[-1][0]:.3f}, of the maker {losses[-1][1]:.3f}")
    return models, losses


def show(images: np.ndarray) -> None:
    """Print images with values in 0..1 side by side, each pixel as two characters."""
    shades = (images * (len(SHADES) - 1)).round().astype(int)
    for row in range(images.shape[1]):
        print("  ".join("".join(2 * SHADES[shade] for shade in image[row]) for image in shades))


def main(arguments: list[str] | None = None) -> Any:
    """Read the command line, train, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("jax", "torch"), default="jax")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with um.use_backend(options.backend):
        models, losses = train(options.steps, options.seed)
        noise = um.random.normal(um.random.key(options.seed), (6, NOISE))
        show(np.asarray(models[0].eval()(noise))[..., 0])
    return models, losses


if __name__ == "__main__":
    main()
