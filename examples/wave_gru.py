"""A recurrent network makes sound, sample by sample, of the pitch that it is told.

    python examples/wave_gru.py --backend torch

It sees the last sample and the pitch of the present frame, and predicts the next sample, one of 64 levels. The sounds
to learn from are made here: tones with an overtone, whose pitch glides. At the end it makes tones of given pitches from
nothing but its own draws, and the pitch of what it made is measured.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import unimod as um

BATCH, FRAMES, FRAME = 16, 8, 40
HIDDEN, LEVELS = 96, 64
SAMPLES_PER_SECOND, LOW, HIGH = 4000, 100.0, 400.0
RATE, TEMPERATURE = 5e-3, 0.7


class WaveGRU(um.Module):
    """Scores of the next level, from the present levels ``(batch, time)`` and conditions ``(batch, time, HIDDEN)``."""

    def __init__(self) -> None:
        self.condition = um.nn.Sequential(um.nn.Conv1D(1, HIDDEN, 3), um.nn.silu, um.nn.Conv1D(HIDDEN, HIDDEN, 3))
        self.embed = um.nn.Embed(LEVELS, HIDDEN)
        self.rnn = um.nn.GRU(HIDDEN, HIDDEN, return_state=True)
        self.head = um.nn.Sequential(um.nn.Linear(HIDDEN, HIDDEN), um.nn.silu, um.nn.Linear(HIDDEN, LEVELS))

    def prepare(self, pitches: Any) -> Any:
        """Conditions for each sample, of pitches ``(batch, frames)`` in hertz."""
        octaves = um.numpy.log2(pitches / LOW)[..., None] - 1
        return um.numpy.repeat(self.condition(octaves), FRAME, axis=1)

    def __call__(self, levels: Any, conditions: Any, state: Any = None) -> tuple[Any, Any]:
        outputs, state = self.rnn(self.embed(levels) + conditions, state)
        return self.head(outputs), state


def draw(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Levels ``(BATCH, FRAMES * FRAME + 1)`` of gliding tones, and their pitches ``(BATCH, FRAMES)``."""
    ends = np.log2(random.uniform(LOW, HIGH, (BATCH, 2, 1)))
    pitches = 2 ** (ends[:, 0] + (ends[:, 1] - ends[:, 0]) * np.linspace(0, 1, FRAMES))
    turns = np.cumsum(np.repeat(pitches, FRAME, axis=1), axis=1) / SAMPLES_PER_SECOND + random.uniform(size=(BATCH, 1))
    wave = 0.7 * np.sin(2 * np.pi * turns) + 0.3 * np.sin(4 * np.pi * turns)
    levels = np.rint((wave + 1) / 2 * (LEVELS - 1)).astype(np.int32)
    return np.pad(levels, ((0, 0), (1, 0)), constant_values=LEVELS // 2), pitches.astype(np.float32)


def loss_fn(model: WaveGRU, levels: Any, pitches: Any) -> Any:
    """The cross-entropy of each next level, in nats."""
    scores, _ = model(levels[:, :-1], model.prepare(pitches))
    loss = um.losses.cross_entropy(scores, levels[:, 1:])
    return loss, (loss, model)


train_step = um.jit(um.build_update_fn(loss_fn))


@um.jit
def play(model: WaveGRU, pitches: Any, key: Any) -> Any:
    """Levels ``(time, batch)``, each drawn, and given back to the network."""

    def step(carry: Any, inputs: Any) -> Any:
        (level, state), (condition, key) = carry, inputs
        scores, state = model(level[:, None], condition[:, None], state)
        level = um.random.categorical(key, scores[:, 0] / TEMPERATURE)
        return (level, state), level

    conditions = um.numpy.permute_dims(model.prepare(pitches), (1, 0, 2))
    silence = um.numpy.full_like(pitches[:, 0], LEVELS // 2, dtype="int32"), model.rnn.initial_state(len(pitches))
    return um.scan(step, silence, (conditions, um.random.split(key, len(conditions))))[1]


def measure(levels: np.ndarray) -> np.ndarray:
    """The strongest frequency of each column, in hertz."""
    size = 8 * len(levels)
    spectrum = abs(np.fft.rfft((levels - levels.mean(0)) * np.hanning(len(levels))[:, None], size, axis=0))
    return np.fft.rfftfreq(size, 1 / SAMPLES_PER_SECOND)[spectrum.argmax(axis=0)]


def train(steps: int, seed: int) -> tuple[WaveGRU, list[float]]:
    """Train on tones that are new in each step."""
    random, losses = np.random.default_rng(seed), []
    model = WaveGRU().init(seed)
    opt = um.optim.chain(um.optim.clip_by_global_norm(1.0), um.optim.adam(RATE)).init(model.parameters())
    for step in range(steps):
        model, opt, loss = train_step(model, opt, *draw(random))
        losses.append(float(loss))
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step:4}  loss {losses[-1]:.3f}")
    return model, losses


def main(arguments: list[str] | None = None) -> tuple[WaveGRU, list[float]]:
    """Read the command line, train, and play tones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("jax", "torch"), default="jax")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    asked = np.asarray([120.0, 180.0, 250.0, 350.0], np.float32)
    with um.use_backend(options.backend):
        model, losses = train(options.steps, options.seed)
        levels = play(model, np.repeat(asked[:, None], 3 * FRAMES, axis=1), um.random.key(options.seed))
    for pitch, found in zip(asked, measure(np.asarray(levels)), strict=True):
        print(f"asked for {pitch:.0f} Hz, made {found:.0f} Hz")
    return model, losses


if __name__ == "__main__":
    main()
