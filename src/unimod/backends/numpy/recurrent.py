"""NumPy: recurrent layers over time, step by step.

Arrays are (time, batch, features), states (batch, hidden), in float32 or float64; a mask is (time, batch).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
State = tuple[Array, ...]


def rnn(
    x: Array,
    h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    mask: Array | None,
    *,
    activation: str,
    reverse: bool,
    unroll: int,
) -> tuple[Array, Array]:
    """``h = activation(x @ kernel + h @ recurrent_kernel + bias)``: the outputs and the last state."""

    def step(now: Array, h: Array) -> State:
        total = _affine(now, kernel, bias) + h @ recurrent_kernel
        return (np.maximum(total, 0) if activation == "relu" else np.tanh(total),)

    ys, (last,) = loop(step, x, (h,), mask, reverse=reverse)
    return ys, last


def gru(
    x: Array,
    h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    candidate_bias: Array | None,
    mask: Array | None,
    *,
    reverse: bool,
    unroll: int,
) -> tuple[Array, Array]:
    """The gated recurrent unit with the reset after the product: the outputs and the last state."""
    size = h.shape[-1]

    def step(now: Array, h: Array) -> State:
        outer, inner = _affine(now, kernel, bias), h @ recurrent_kernel
        r = _sigmoid(outer[:, :size] + inner[:, :size])
        z = _sigmoid(outer[:, size : 2 * size] + inner[:, size : 2 * size])
        inside = inner[:, 2 * size :] if candidate_bias is None else inner[:, 2 * size :] + candidate_bias
        n = np.tanh(outer[:, 2 * size :] + r * inside)
        return ((1 - z) * n + z * h,)

    ys, (last,) = loop(step, x, (h,), mask, reverse=reverse)
    return ys, last


def lstm(
    x: Array,
    h: Array,
    c: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    mask: Array | None,
    *,
    reverse: bool,
    unroll: int,
) -> tuple[Array, Array, Array]:
    """The long short-term memory: the outputs and the two parts of the last state."""

    def step(now: Array, h: Array, c: Array) -> State:
        i, f, g, o = np.split(_affine(now, kernel, bias) + h @ recurrent_kernel, 4, axis=-1)
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
        return _sigmoid(o) * np.tanh(c), c

    ys, last = loop(step, x, (h, c), mask, reverse=reverse)
    return ys, *last


def loop(
    step: Callable[..., State], xs: Array, state: State, mask: Array | None, *, reverse: bool, unroll: int = 1
) -> tuple[Array, State]:
    """``state = step(x, *state)`` for each ``x``: the first part of all states, and the last state."""
    ys = np.zeros((xs.shape[0], *state[0].shape), state[0].dtype)
    for t in reversed(range(len(xs))) if reverse else range(len(xs)):
        new, keep = step(xs[t], *state), True if mask is None else mask[t].reshape(-1, *(1,) * (state[0].ndim - 1))
        state = tuple(np.where(keep, one, old) for one, old in zip(new, state, strict=True))
        ys[t] = np.where(keep, new[0], 0)
    return ys, state


def _affine(x: Array, kernel: Array, bias: Array | None) -> Array:
    return x @ kernel if bias is None else x @ kernel + bias


def _sigmoid(x: Array) -> Array:
    return np.exp(-np.logaddexp(0, -x))
