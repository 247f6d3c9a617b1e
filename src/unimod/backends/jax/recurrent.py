"""JAX: recurrent layers over time, each one compiled loop.

Arrays are (time, batch, features), states (batch, hidden), in float32 or float64; a mask is (time, batch).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

Array = Any
State = tuple[Array, ...]
Step = Callable[..., State]
Loop = tuple[Array, Step]
"""What a loop reads, a row for each step, and the step."""

_WIDE = 16
"""The rows of a batch from which on a step computes the gates itself."""


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
    step = _relu_step if activation == "relu" else _tanh_step
    ys, (last,) = _run(_Gates(x, kernel, bias).before(step, recurrent_kernel), (h,), mask, reverse, unroll)
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
    inside = jnp.zeros(h.shape[-1], h.dtype) if candidate_bias is None else candidate_bias
    step = _Gates(x, kernel, bias).before(_gru_step, recurrent_kernel, inside)
    ys, (last,) = _run(step, (h,), mask, reverse, unroll)
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
    ys, last = _run(_Gates(x, kernel, bias).before(_lstm_step, recurrent_kernel), (h, c), mask, reverse, unroll)
    return ys, *last


def loop(step: Step, xs: Array, state: State, mask: Array | None, *, reverse: bool, unroll: int) -> tuple[Array, State]:
    """``state = step(x, *state)`` for each ``x``: the first part of all states, and the last state."""
    return _run((xs, lambda x, state: step(x, *state)), state, mask, reverse, unroll)


class _Gates:
    """The product of the inputs of all steps with their kernel: at once, or in each step.

    On CPUs the loop of XLA (JAX 0.10.2) reads a long stack of gates slowly, at half the speed for 128 units; in each
    step the product is as quick, if the batch makes a matrix of it.
    """

    def __init__(self, x: Array, kernel: Array, bias: Array | None) -> None:
        self.kernel, self.bias = kernel, bias
        self.is_late = x.shape[1] >= _WIDE and jax.default_backend() == "cpu"
        rows = x.reshape(x.shape[0] * x.shape[1], x.shape[2])
        self.read = x if self.is_late else self._product(rows).reshape(*x.shape[:2], kernel.shape[1])

    def before(self, step: Step, *weights: Array) -> Loop:
        """What ``step(gates, state, *weights)`` reads in the loop, and the step as a function of that and the state."""
        if self.is_late:
            return self.read, lambda x, state: step(self._product(x), state, *weights)
        return self.read, lambda gate, state: step(gate, state, *weights)

    def _product(self, rows: Array) -> Array:
        product = rows @ self.kernel
        return product if self.bias is None else product + self.bias


def _tanh_step(gate: Array, state: State, kernel: Array) -> State:
    return (jnp.tanh(gate + state[0] @ kernel),)


def _relu_step(gate: Array, state: State, kernel: Array) -> State:
    return (jax.nn.relu(gate + state[0] @ kernel),)


def _gru_step(gate: Array, state: State, kernel: Array, bias: Array) -> State:
    (h,) = state
    (gate_r, gate_z, gate_n), (r, z, n) = jnp.split(gate, 3, -1), jnp.split(h @ kernel, 3, -1)
    candidate = jnp.tanh(gate_n + jax.nn.sigmoid(gate_r + r) * (n + bias))
    update = jax.nn.sigmoid(gate_z + z)
    return (candidate + update * (h - candidate),)


def _lstm_step(gate: Array, state: State, kernel: Array) -> State:
    h, c = state
    i, f, g, o = jnp.split(gate + h @ kernel, 4, -1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


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
