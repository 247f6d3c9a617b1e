"""Noise is turned into a spiral: a model of diffusion in the plane.

    python examples/denoising_diffusion.py --backend torch

Points of a spiral are mixed with noise, and a network learns to find the noise in the mixture. A sample begins as noise
alone; in one ``um.fori_loop`` the network takes away, a little at a time, what it believes to be noise.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import unimod as um

unp = um.numpy

BATCH, HIDDEN, TIMES = 256, 128, 100
RATE = 2e-3

# The share of the signal that is left at each time, along a cosine, and the share that one step leaves of the last.
LEFT = (np.cos(np.linspace(0, 1, TIMES + 2)[1:-1] * np.pi / 2) ** 2).astype(np.float32)
KEPT = np.maximum(LEFT / np.concatenate([[1], LEFT[:-1]]), 0.05).astype(np.float32)


class Denoiser(um.Module):
    """The noise ``(batch, 2)`` in the points ``(batch, 2)`` at the times ``(batch,)``."""

    def __init__(self) -> None:
        self.time = um.nn.Embed(TIMES, HIDDEN)
        self.enter = um.nn.Linear(2, HIDDEN)
        self.blocks = [um.nn.Residual(um.nn.MLP([HIDDEN, HIDDEN, HIDDEN], activation=um.nn.silu)) for _ in range(2)]
        self.leave = um.nn.Linear(HIDDEN, 2)

    def __call__(self, points: Any, times: Any) -> Any:
        x = self.enter(points) + self.time(times)
        for block in self.blocks:
            x = block(x)
        return self.leave(um.nn.silu(x))


def spiral(random: np.random.Generator, count: int) -> np.ndarray:
    """Points ``(count, 2)`` near two turns of a spiral."""
    turn = np.sqrt(random.uniform(0.05, 1, count))
    points = 1.8 * turn * np.stack([np.cos(4 * np.pi * turn), np.sin(4 * np.pi * turn)])
    return (points + random.normal(0, 0.03, points.shape)).T.astype(np.float32)


def loss_fn(model: Denoiser, points: Any, key: Any) -> Any:
    """The squared error of the noise that the model finds."""
    first, second = um.random.split(key)
    times = um.random.randint(first, (len(points),), 0, TIMES)
    noise = um.random.normal(second, tuple(points.shape))
    left = unp.take(unp.asarray(LEFT), times)[:, None]
    mixed = unp.sqrt(left) * points + unp.sqrt(1 - left) * noise
    loss = um.losses.mean_squared_error(model(mixed, times), noise)
    return loss, (loss, model)


train_step = um.jit(um.build_update_fn(loss_fn))


def sample(model: Denoiser, count: int, key: Any) -> Any:
    """Points ``(count, 2)``, from noise at the last time down to time 0."""
    lefts, keeps = unp.asarray(LEFT), unp.asarray(KEPT)

    def denoise(step: Any, points: Any) -> Any:
        time = TIMES - 1 - step
        left, kept = unp.take(lefts, time), unp.take(keeps, time)
        noise = model(points, unp.full_like(points[:, 0], 0, dtype="int32") + time)
        points = (points - (1 - kept) / unp.sqrt(1 - left) * noise) / unp.sqrt(kept)
        fresh = um.random.normal(um.random.fold_in(key, step), tuple(points.shape))
        return points + unp.where(time > 0, unp.sqrt(1 - kept), 0.0) * fresh

    start = um.random.normal(um.random.fold_in(key, TIMES), (count, 2))
    return um.fori_loop(0, TIMES, denoise, start)


def train(steps: int, seed: int) -> tuple[Denoiser, list[float]]:
    """Train on points that are new in each step."""
    random, losses = np.random.default_rng(seed), []
    model, key = Denoiser().init(seed), um.random.key(seed)
    opt = um.optim.adam(um.optim.cosine_decay_schedule(RATE, max(steps, 1))).init(model.parameters())
    for step in range(steps):
        model, opt, loss = train_step(model, opt, spiral(random, BATCH), um.random.fold_in(key, step))
        losses.append(float(loss))
        if step % 250 == 0 or step == steps - 1:
            print(f"step {step:4}  loss {losses[-1]:.4f}")
    return model, losses


def distance(points: np.ndarray, others: np.ndarray) -> float:
    """The mean distance of the points from the nearest of the others."""
    return float(np.linalg.norm(points[:, None] - others, axis=-1).min(axis=1).mean())


def main(arguments: list[str] | None = None) -> tuple[Denoiser, list[float]]:
    """Read the command line, train, and sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("jax", "torch"), default="jax")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    random = np.random.default_rng(options.seed + 1)
    data, noise = spiral(random, 2000), random.normal(size=(500, 2))
    with um.use_backend(options.backend):
        model, losses = train(options.steps, options.seed)
        points = np.asarray(um.jit(sample, static_argnums=1)(model, 500, um.random.key(options.seed)))
    for name, found in (("samples", points), ("noise", noise), ("spiral", spiral(random, 500))):
        print(f"mean distance from the spiral, {name}: {distance(found, data):.3f}")
    return model, losses


if __name__ == "__main__":
    main()
