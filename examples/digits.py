"""Train one small convolutional network on handwritten digits, on JAX, on PyTorch, or on both and compare.

    python examples/digits.py --backend jax
    python examples/digits.py --backend torch
    python examples/digits.py --backend both --plot digits.png

The data are the 1,797 images of 8 x 8 pixels that ship with scikit-learn. With ``both``, the same model is trained on
each engine from the same seed, the loss curves are compared, and a third run changes engine half way: trained on JAX,
moved to PyTorch with its optimizer and random keys, and finished there.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import unimod as um

BATCH = 64
RATE = 2e-3
COMPARED = 50
TOLERANCE = 1e-3


def make_model() -> um.Module:
    """Two convolutions with batch norm, dropout, and two linear layers.

    It is smooth throughout. At the kinks of relu and max pooling a rounding error of 1e-8 can send a gradient another
    way, and two runs, on whatever engines, then part for a reason that has nothing to do with them.
    """
    return um.nn.Sequential(
        um.nn.Conv(1, 24, (3, 3), use_bias=False),
        um.nn.BatchNorm(24),
        um.nn.silu,
        um.nn.Conv(24, 48, (3, 3), use_bias=False),
        um.nn.BatchNorm(48),
        um.nn.silu,
        um.nn.AvgPool(2),
        um.nn.Dropout(0.25),
        um.nn.Flatten(),
        um.nn.Linear(4 * 4 * 48, 64),
        um.nn.silu,
        um.nn.Dropout(0.25),
        um.nn.Linear(64, 10),
    )


def loss_fn(model: um.Module, images: Any, labels: Any) -> tuple[Any, um.Module]:
    """The cross-entropy of a batch, and the model, whose statistics and keys have changed."""
    return um.losses.cross_entropy(model(images), labels), model


@um.jit
def train_step(model: um.Module, opt: Any, images: Any, labels: Any) -> tuple[um.Module, Any, Any]:
    """One step of Adam."""
    (loss, model), grads = um.value_and_grad(loss_fn, has_aux=True)(model, images, labels)
    model, opt = um.apply_gradients(model, opt, grads)
    return model, opt, loss


@um.jit
def predict(model: um.Module, images: Any) -> Any:
    """The most likely class of each image."""
    return um.numpy.argmax(model(images), axis=-1)


class Data:
    """The digits as arrays of one engine, split into 1,437 training and 360 test images."""

    def __init__(self, backend: str) -> None:
        images, labels = load_digits(return_X_y=True)
        parts = train_test_split(images, labels, test_size=0.2, random_state=0, stratify=labels)
        shaped = [(part.reshape(-1, 8, 8, 1) / 16).astype(np.float32) for part in parts[:2]]
        arrays = [*shaped, *(part.astype(np.int32) for part in parts[2:])]
        self.images, self.test_images, self.labels, self.test_labels = (
            um.numpy.asarray(array, backend=backend) for array in arrays
        )

    def batches(self, epoch: int) -> Any:
        """The batches of an epoch in random order, the same on every engine."""
        with um.use_backend(um.engine_of(self.images).name):
            order = um.random.permutation(um.random.fold_in(um.random.key(1), epoch), len(self.labels))
        for start in range(0, len(self.labels) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            yield um.numpy.take(self.images, chosen, axis=0), um.numpy.take(self.labels, chosen, axis=0)


class Run:
    """A model, its optimizer and what was seen of its training."""

    def __init__(self, backend: str, seed: int = 0) -> None:
        self.backend = backend
        self.data = Data(backend)
        self.model = make_model().init(seed, backend=backend)
        self.opt = um.optim.adam(RATE).init(self.model.parameters())
        self.losses: list[float] = []

    def train(self, epochs: range, title: str) -> Run:
        """Train for some epochs."""
        steps = len(epochs) * (len(self.data.labels) // BATCH)
        with tqdm(total=steps, desc=f"{title:>12}", unit="step") as bar:
            for epoch in epochs:
                for images, labels in self.data.batches(epoch):
                    self.model, self.opt, loss = train_step(self.model, self.opt, images, labels)
                    self.losses.append(float(loss))
                    bar.update()
                bar.set_postfix(loss=f"{self.losses[-1]:.4f}")
        return self

    def move(self, backend: str) -> Run:
        """Go on with another engine: the weights, statistics, random keys and optimizer state move."""
        self.model, self.opt = um.to_backend((self.model, self.opt), backend)
        self.data, self.backend = Data(backend), backend
        return self

    def accuracy(self) -> float:
        """The share of test images that are classified correctly, in evaluation mode."""
        found = predict(self.model.eval(), self.data.test_images)
        return float(um.numpy.mean(um.numpy.astype(found == self.data.test_labels, "float32")))


def relative_difference(a: list[float], b: list[float], count: int | None = None) -> float:
    """The largest relative difference of the first losses of two runs."""
    x, y = np.asarray(a[:count]), np.asarray(b[:count])
    return float(np.max(np.abs(x - y) / np.maximum(np.abs(x), np.abs(y))))


def plot(runs: dict[str, Run], path: Path) -> None:
    """Draw the loss curves, and their difference."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(2, 1, sharex=True, figsize=(8, 6), height_ratios=(2, 1))
    for (name, run), style in zip(runs.items(), ("-", "--", ":"), strict=False):
        above.plot(run.losses, style, label=name)
    above.set(ylabel="loss", yscale="log", title="One model, the same seed, on two engines")
    above.legend()
    reference, *others = runs.items()
    for name, run in others:
        difference = np.abs(np.asarray(run.losses) - np.asarray(reference[1].losses))
        below.plot(np.maximum(difference, 1e-9), label=f"|{name} - {reference[0]}|")
    below.set(xlabel="step", ylabel="difference", yscale="log")
    below.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def print_curves(runs: dict[str, Run]) -> None:
    """Print the loss curves side by side."""
    print("\n  step  " + "".join(f"{name:>16}" for name in runs))
    steps = len(next(iter(runs.values())).losses)
    shown = sorted({0, 1, 2, 5, 10, 20, 49, 100, 150, 200, steps - 1})
    for step in (n for n in shown if n < steps):
        print(f"{step:>6}  " + "".join(f"{run.losses[step]:>16.6f}" for run in runs.values()))


def compare(epochs: int, path: Path) -> dict[str, Run]:
    """Train on both engines, and once with a change of engine half way; print and plot how they agree."""
    half = epochs // 2
    runs = {
        "jax": Run("jax").train(range(epochs), "jax"),
        "torch": Run("torch").train(range(epochs), "torch"),
        "jax->torch": Run("jax").train(range(half), "jax").move("torch").train(range(half, epochs), "then torch"),
    }
    print_curves(runs)
    first = relative_difference(runs["jax"].losses, runs["torch"].losses, COMPARED)
    largest = max(abs(a - b) for a, b in zip(runs["jax"].losses, runs["torch"].losses, strict=True))
    print(
        f"\nlargest relative difference, first {COMPARED} losses, jax and torch: {first:.2e} (allowed: {TOLERANCE:.0e})"
    )
    print(f"largest difference of all {len(runs['jax'].losses)} losses, jax and torch: {largest:.2e}")
    for name, run in runs.items():
        print(f"accuracy on held-out digits, {name}: {run.accuracy():.2%}")
    plot(runs, path)
    print(f"plot: {path}")
    if first > TOLERANCE:
        raise SystemExit(f"the engines differ by more than {TOLERANCE}")
    return runs


def main(arguments: list[str] | None = None) -> dict[str, Run]:
    """Read the command line, and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("jax", "torch", "both"), default="both")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--plot", type=Path, default=Path("digits.png"))
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    if options.backend == "both":
        runs = compare(options.epochs, options.plot)
    else:
        runs = {options.backend: Run(options.backend).train(range(options.epochs), options.backend)}
        print(f"accuracy on held-out digits: {runs[options.backend].accuracy():.2%}")
    print(f"time: {time.perf_counter() - start:.0f} s")
    return runs


if __name__ == "__main__":
    main()
