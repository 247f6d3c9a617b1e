"""A recurrent network learns to write, letter by letter, like the reference manual of Python.

    python examples/char_rnn.py --backend torch

The text comes with every Python, as the topics of ``help()``. An LSTM reads it in pieces and predicts each next
character. To write, its own draws are fed back to it, in one ``um.scan``.
"""

from __future__ import annotations

import argparse
from pydoc_data.topics import topics
from typing import Any

import numpy as np

import unimod as um

BATCH, LENGTH = 32, 64
FEATURES, HIDDEN = 32, 192
RATE, TEMPERATURE = 4e-3, 0.5

TEXT = "\n".join(topics[name] for name in sorted(topics))
CHARS = sorted(set(TEXT))
CODES = np.searchsorted(CHARS, list(TEXT)).astype(np.int32)


class CharRNN(um.Module):
    """Scores ``(batch, time, characters)`` of what comes next, and the state to go on from."""

    def __init__(self, chars: int) -> None:
        self.embed = um.nn.Embed(chars, FEATURES)
        self.rnn = um.nn.LSTM(FEATURES, HIDDEN, return_state=True)
        self.head = um.nn.Linear(HIDDEN, chars)

    def __call__(self, codes: Any, state: Any = None) -> tuple[Any, Any]:
        outputs, state = self.rnn(self.embed(codes), state)
        return self.head(outputs), state


def loss_fn(model: CharRNN, codes: Any) -> Any:
    """The cross-entropy of each next character, in nats."""
    scores, _ = model(codes[:, :-1])
    loss = um.losses.cross_entropy(scores, codes[:, 1:])
    return loss, (loss, model)


train_step = um.jit(um.build_update_fn(loss_fn))


@um.jit
def write(model: CharRNN, prompt: Any, keys: Any) -> Any:
    """Go on from ``prompt`` with one character for each of the ``keys``."""

    def step(carry: Any, key: Any) -> Any:
        scores, state = carry
        code = um.random.categorical(key, scores / TEMPERATURE)
        scores, state = model(code[:, None], state)
        return (scores[:, -1], state), code

    scores, state = model(prompt)
    return um.scan(step, (scores[:, -1], state), keys)[1]


def train(steps: int, seed: int) -> tuple[CharRNN, list[float]]:
    """Train on pieces from random places."""
    places, losses = np.random.default_rng(seed), []
    model = CharRNN(len(CHARS)).init(seed)
    opt = um.optim.chain(um.optim.clip_by_global_norm(1.0), um.optim.adam(RATE)).init(model.parameters())
    for step in range(steps):
        starts = places.integers(len(CODES) - LENGTH, size=(BATCH, 1))
        model, opt, loss = train_step(model, opt, CODES[starts + np.arange(LENGTH + 1)])
        losses.append(float(loss))
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step:4}  loss {losses[-1]:.3f}")
    return model, losses


def main(arguments: list[str] | None = None) -> tuple[CharRNN, list[float]]:
    """Read the command line, train, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("jax", "torch"), default="jax")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=int, default=400, help="how many characters to write")
    options = parser.parse_args(arguments)
    with um.use_backend(options.backend):
        model, losses = train(options.steps, options.seed)
        prompt = um.numpy.asarray(np.searchsorted(CHARS, list("The "))[None], dtype="int32")
        codes = write(model, prompt, um.random.split(um.random.key(options.seed), options.write))
    print("\nThe " + "".join(CHARS[int(code)] for code in codes[:, 0]))
    return model, losses


if __name__ == "__main__":
    main()
