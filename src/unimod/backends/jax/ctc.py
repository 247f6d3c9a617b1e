"""JAX: the loss of connectionist temporal classification, as one loop over the frames."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

__all__ = ["ctc_loss"]

Array = Any

_IMPOSSIBLE = -1e30
"""In place of -inf, whose differences have no derivative."""


@functools.partial(jax.jit, static_argnames="blank")
def ctc_loss(logits: Array, labels: Array, frames: Array, counts: Array, *, blank: int) -> Array:
    """``-log`` of the probability of the labels for each example; see ``_optional``."""
    batch, steps, _ = logits.shape
    emissions = _emissions(jax.nn.log_softmax(logits, -1), labels, blank)
    jumps = _jumps(labels)

    def body(state: Array, now: tuple[Array, Array]) -> tuple[Array, None]:
        step, emission = now
        move, jump = _shifted(state, 1), jnp.where(jumps, _shifted(state, 2), _IMPOSSIBLE)
        moved = _log_of_sum(state, move, jump) + emission
        return jnp.where((step < frames)[:, None], moved, state), None

    # Before the first frame nothing is said but the first blank, which costs nothing yet.
    start = jnp.full((batch, emissions.shape[-1]), _IMPOSSIBLE, logits.dtype).at[:, 0].set(0)
    state, _ = lax.scan(body, start, (jnp.arange(steps), jnp.moveaxis(emissions, 1, 0)))
    return -_ends(state, counts)


def _emissions(log_probs: Array, labels: Array, blank: int) -> Array:
    """The log-probability of the class of each place in each frame, (batch, frames, 2 labels + 1)."""
    index = jnp.pad(labels[..., None], ((0, 0), (0, 0), (1, 0)), constant_values=blank).reshape(len(labels), -1)
    index = jnp.pad(index, ((0, 0), (0, 1)), constant_values=blank)
    return jnp.take_along_axis(log_probs, index[:, None], axis=-1)


def _jumps(labels: Array) -> Array:
    """Where a place can be reached from the last but one: at a label that differs from the one before it."""
    differs = jnp.pad(labels[:, 1:] != labels[:, :-1], ((0, 0), (1, 0)))
    pairs = jnp.stack([jnp.zeros_like(differs), differs], -1).reshape(len(labels), -1)
    return jnp.pad(pairs, ((0, 0), (0, 1)))


def _shifted(state: Array, by: int) -> Array:
    return jnp.pad(state, ((0, 0), (by, 0)), constant_values=_IMPOSSIBLE)[:, : state.shape[1]]


def _log_of_sum(*ways: Array) -> Array:
    """By hand: under a derivative ``logsumexp`` of a stack takes XLA three times as long."""
    largest = lax.stop_gradient(jnp.maximum(jnp.maximum(ways[0], ways[1]), ways[2]))
    return largest + jnp.log(sum(jnp.exp(way - largest) for way in ways))


def _ends(state: Array, counts: Array) -> Array:
    """The log-probability of ending in the last blank or the last label."""
    last = 2 * counts[:, None]
    at = jnp.take_along_axis(state, jnp.concatenate([last, jnp.maximum(last - 1, 0)], -1), axis=-1)
    label = jnp.where(counts > 0, at[:, 1], _IMPOSSIBLE)
    return jnp.logaddexp(at[:, 0], label)
