"""NumPy: the loss of connectionist temporal classification, one example and one frame after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["ctc_loss"]

Array = Any


def ctc_loss(logits: Array, labels: Array, frames: Array, counts: Array, *, blank: int) -> Array:
    """``-log`` of the probability of the labels for each example; see ``_optional``."""
    shifted = logits - logits.max(-1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    losses = [
        _loss(log_probs[i, : frames[i]], [int(label) for label in labels[i, : counts[i]]], blank)
        for i in range(len(labels))
    ]
    return np.asarray(losses, logits.dtype)


def _loss(log_probs: Array, labels: list[int], blank: int) -> Any:
    """The places of the lattice are a blank before, between and after the labels."""
    places = [blank, *(place for label in labels for place in (label, blank))]
    may_jump = [i > 1 and place not in (blank, places[i - 2]) for i, place in enumerate(places)]
    state = np.where(np.arange(len(places)) == 0, 0.0, -np.inf).astype(log_probs.dtype)
    for frame in log_probs:
        move, jump = (np.concatenate([np.full(by, -np.inf, state.dtype), state])[: len(places)] for by in (1, 2))
        ways = np.logaddexp(np.logaddexp(state, move), np.where(may_jump, jump, -np.inf))
        state = ways + frame[places]
    return -np.logaddexp.reduce(state[-2:])
