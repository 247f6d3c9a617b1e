"""JAX: the cells of recurrent layers: a step, and how the step passes on a small change.

A cell sees the state through ``gates + read``, with what the input and the state give to the gates, and is elementwise
in all of them. So its derivative is a factor for each gate, which is computed for all steps at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Array = Any
State = tuple[Array, ...]


class Cell(NamedTuple):
    """A recurrent layer's functions."""

    step: Callable[[Array, Array, State], tuple[State, State]]
    """``(gates, read, state)``: the next state, and the values that ``slopes`` needs."""
    slopes: Callable[[State, State], tuple[Array, Array, State]]
    """``(values, state)``: how the gates follow ``gates`` and ``read``, and further factors for ``collect``."""
    collect: Callable[[Array, State, State], State]
    """``(changes of the gates, change of the state, further factors)``: the change of the next state."""


def _lstm_step(gates: Array, read: Array, state: State) -> tuple[State, State]:
    i, f, g, o = jnp.split(gates + read, 4, -1)
    i, f, g, o = jax.nn.sigmoid(i), jax.nn.sigmoid(f), jnp.tanh(g), jax.nn.sigmoid(o)
    c = f * state[1] + i * g
    out = jnp.tanh(c)
    return (o * out, c), (i, f, g, o, out)


def _lstm_slopes(values: State, state: State) -> tuple[Array, Array, State]:
    i, f, g, o, out = values
    slopes = (g * i * (1 - i), state[1] * f * (1 - f), i * (1 - g * g), out * o * (1 - o))
    slope = jnp.concatenate(slopes, -1)
    return slope, slope, (f, o * (1 - out * out))


def _lstm_collect(change: Array, state: State, more: State) -> State:
    (i, f, g, o), (forget, through) = jnp.split(change, 4, -1), more
    c = forget * state[1] + (i + f + g)
    return through * c + o, c


def _gru_step(gates: Array, read: Array, state: State) -> tuple[State, State]:
    (gate_r, gate_z, gate_n), (r, z, n) = jnp.split(gates, 3, -1), jnp.split(read, 3, -1)
    reset, update = jax.nn.sigmoid(gate_r + r), jax.nn.sigmoid(gate_z + z)
    candidate = jnp.tanh(gate_n + reset * n)
    return (candidate + update * (state[0] - candidate),), (reset, update, candidate, n)


def _gru_slopes(values: State, state: State) -> tuple[Array, Array, State]:
    reset, update, candidate, n = values
    slope = (1 - update) * (1 - candidate * candidate)
    both = (slope * n * reset * (1 - reset), (state[0] - candidate) * update * (1 - update))
    return jnp.concatenate((*both, slope), -1), jnp.concatenate((*both, slope * reset), -1), (update,)


def _gru_collect(change: Array, state: State, more: State) -> State:
    r, z, n = jnp.split(change, 3, -1)
    return (r + z + n + more[0] * state[0],)


def _plain(activation: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Cell:
    def step(gates: Array, read: Array, state: State) -> tuple[State, State]:
        h = activation(gates + read)
        return (h,), (h,)

    def slopes(values: State, state: State) -> tuple[Array, Array, State]:
        slopes = slope(values[0])
        return slopes, slopes, ()

    return Cell(step, slopes, lambda change, state, more: (change,))


LSTM = Cell(_lstm_step, _lstm_slopes, _lstm_collect)
GRU = Cell(_gru_step, _gru_slopes, _gru_collect)
TANH = _plain(jnp.tanh, lambda h: 1 - h * h)
RELU = _plain(jax.nn.relu, lambda h: (h > 0).astype(h.dtype))
