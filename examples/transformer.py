"""A small GPT learns to write like the reference manual of Python, and continues a sentence.

    python examples/transformer.py --backend torch

The text comes with every Python, as the topics of ``help()``; each byte is a token. The rate of AdamW rises, and falls
along a cosine; weights decay, biases and scales do not. To write, the model goes through one ``um.scan`` with the keys
and values that it keeps of the past.
"""

from __future__ import annotations

import argparse
from pydoc_data.topics import topics
from typing import Any

import numpy as np

import unimod as um

BATCH, LENGTH = 16, 64
FEATURES, LAYERS, HEADS = 128, 3, 4
RATE, TEMPERATURE = 3e-3, 0.5

TEXT = np.frombuffer("\n".join(topics[name] for name in sorted(topics)).encode(), np.uint8).astype(np.int32)


def make_model(max_length: int) -> um.nets.GPT:
    """A transformer with learned positions, whose table of tokens also makes the scores."""
    return um.nets.GPT(256, FEATURES, num_layers=LAYERS, num_heads=HEADS, max_length=max_length)


def make_optimizer(steps: int) -> um.optim.Transformation:
    """AdamW with clipped gradients."""
    warmup = max(steps // 10, 1)
    rate = um.optim.warmup_cosine_decay_schedule(RATE / 10, RATE, warmup, max(steps, warmup + 1), RATE / 30)
    return um.optim.chain(um.optim.clip_by_global_norm(1.0), um.optim.adamw(rate, weight_decay=0.1, mask="*.kernel"))


def loss_fn(model: um.nets.GPT, tokens: Any) -> Any:
    """The cross-entropy of each next token, in nats."""
    loss = um.losses.cross_entropy(model(tokens[:, :-1]), tokens[:, 1:])
    return loss, (loss, model)


train_step = um.jit(um.build_update_fn(loss_fn))


@um.jit
def write(model: um.nets.GPT, prompt: Any, keys: Any) -> Any:
    """Go on from ``prompt`` with one token for each of the ``keys``."""

    def step(carry: Any, key: Any) -> Any:
        model, scores = carry
        token = um.random.categorical(key, scores / TEMPERATURE)
        scores = model(token[:, None], decode=True)[:, -1]
        return (model, scores), token

    model = model.eval().init_cache(1, prompt.shape[1] + len(keys))
    scores = model(prompt, decode=True)[:, -1]
    return um.scan(step, (model, scores), keys)[1]


def train(steps: int, seed: int, max_length: int) -> tuple[um.nets.GPT, list[float]]:
    """Train on pieces from random places."""
    places, losses = np.random.default_rng(seed), []
    model = make_model(max_length).init(seed)
    opt = make_optimizer(steps).init(model.parameters())
    for step in range(steps):
        starts = places.integers(len(TEXT) - LENGTH, size=(BATCH, 1))
        model, opt, loss = train_step(model, opt, TEXT[starts + np.arange(LENGTH + 1)])
        losses.append(float(loss))
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step:4}  loss {losses[-1]:.3f}")
    return model, losses


def main(arguments: list[str] | None = None) -> tuple[um.nets.GPT, list[float]]:
    """Read the command line, train, and continue a sentence."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("jax", "torch"), default="jax")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prompt", default="The expression ")
    parser.add_argument("--write", type=int, default=400, help="how many bytes to write")
    options = parser.parse_args(arguments)
    prompt = np.frombuffer(options.prompt.encode(), np.uint8).astype(np.int32)[None]
    with um.use_backend(options.backend):
        model, losses = train(options.steps, options.seed, max(LENGTH, prompt.size + options.write))
        tokens = write(model, prompt, um.random.split(um.random.key(options.seed), options.write))
    print("\n" + options.prompt + bytes(tokens[:, 0].tolist()).decode(errors="replace"))
    return model, losses


if __name__ == "__main__":
    main()
