"""JAX: recurrent layers over time, each one compiled loop.

Arrays are (time, batch, features), states (batch, hidden), in float32 or float64; a mask is (time, batch).
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jax import lax

from unimod.backends.jax._cells import GRU, LSTM, RELU, TANH, Array, Cell, State
from unimod.backends.jax._recurrence import Weights, recur, stepping

Step = Callable[..., State]
Loop = tuple[Array, Step]
"""What a loop reads, a row for each step, and the step."""


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
    cell, weights = RELU if activation == "relu" else TANH, (kernel, bias, recurrent_kernel, None)
    ys, (last,) = _layer(cell, x, weights, (h,), mask, reverse, unroll)
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
    inside = None if candidate_bias is None else jnp.pad(candidate_bias, (2 * h.shape[-1], 0))
    ys, (last,) = _layer(GRU, x, (kernel, bias, recurrent_kernel, inside), (h,), mask, reverse, unroll)
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
    ys, last = _layer(LSTM, x, (kernel, bias, recurrent_kernel, None), (h, c), mask, reverse, unroll)
    return ys, *last


def loop(step: Step, xs: Array, state: State, mask: Array | None, *, reverse: bool, unroll: int) -> tuple[Array, State]:
    """``state = step(x, *state)`` for each ``x``: the first part of all states, and the last state."""
    return _run((xs, lambda x, state: step(x, *state)), state, mask, reverse, unroll)


def _layer(
    cell: Cell, x: Array, weights: Weights, state: State, mask: Array | None, reverse: bool, unroll: int
) -> tuple[Array, State]:
    if mask is None:
        return recur(cell, reverse, unroll, x, weights, state)
    xs, step = stepping(cell, x, weights)
    return _run((xs, lambda x, state: step(x, state)[0]), state, mask, reverse, unroll)


def _run(loop: Loop, state: State, mask: Array | None, reverse: bool, unroll: int) -> tuple[Array, State]:
    xs, step = loop

    def body(state: State, now: tuple[Array, Array | None]) -> tuple[State, Array]:
        x, keep = now
        new = step(x, state)
        if keep is None:
            return new, new[0]
        keep = keep.reshape(-1, *(1,) * (new[0].ndim - 1))
        held = tuple(jnp.where(keep, one, old) for one, old in zip(new, state, strict=True))
        return held, jnp.where(keep, new[0], 0)

    last, ys = lax.scan(body, state, (xs, mask), reverse=reverse, unroll=unroll)
    return ys, last
