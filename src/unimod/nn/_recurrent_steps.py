"""One step of each recurrent layer, and the loop over the steps for engines that have none: with public functions only.

Arrays of the loops are (time, batch, features), states (batch, hidden); a mask is (time, batch), and where it is False
the state is held and the output is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.nn import activations
from unimod.nn._affine import linear

Array = Any
State = tuple[Array, ...]
Step = Callable[..., State]

ACTIVATIONS = {"tanh": activations.tanh, "relu": activations.relu}


def rnn_step(gates: Array, h: Array, kernel: Array, activation: str) -> Array:
    """``activation(gates + h @ kernel)``."""
    return ACTIVATIONS[activation](unp.add(gates, unp.matmul(h, kernel)))


def gru_step(gates: Array, h: Array, kernel: Array, candidate_bias: Array | None) -> Array:
    """The state after one step, for gates r, z and n, side by side."""
    outer, inner = parts(gates, 3), parts(unp.matmul(h, kernel), 3)
    r, z = (activations.sigmoid(unp.add(a, b)) for a, b in zip(outer[:2], inner[:2], strict=True))
    inside = inner[2] if candidate_bias is None else unp.add(inner[2], candidate_bias)
    n = activations.tanh(unp.add(outer[2], unp.multiply(r, inside)))
    return unp.add(n, unp.multiply(z, unp.subtract(h, n)))


def lstm_step(gates: Array, h: Array, c: Array, kernel: Array) -> State:
    """Both parts of the state after one step, for gates i, f, g and o, side by side."""
    return lstm_update(unp.add(gates, unp.matmul(h, kernel)), c)


def lstm_update(gates: Array, c: Array) -> State:
    """Both parts of the state that whole gates make of ``c``."""
    i, f, g, o = parts(gates, 4)
    kept = unp.multiply(activations.sigmoid(f), c)
    c = unp.add(kept, unp.multiply(activations.sigmoid(i), activations.tanh(g)))
    return unp.multiply(activations.sigmoid(o), activations.tanh(c)), c


def parts(x: Array, count: int) -> list[Array]:
    """Gates that stand side by side, one by one."""
    size = x.shape[-1] // count
    return [x[..., i * size : (i + 1) * size] for i in range(count)]


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
    """The outputs and the last state of a simple recurrent layer."""
    step = lambda gates, h: (rnn_step(gates, h, recurrent_kernel, activation),)  # noqa: E731
    ys, (last,) = loop(step, linear(x, kernel, bias), (h,), mask, reverse=reverse)
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
    """The outputs and the last state of gated recurrent units."""
    step = lambda gates, h: (gru_step(gates, h, recurrent_kernel, candidate_bias),)  # noqa: E731
    ys, (last,) = loop(step, linear(x, kernel, bias), (h,), mask, reverse=reverse)
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
    """The outputs and both parts of the last state of a long short-term memory."""
    step = lambda gates, h, c: lstm_step(gates, h, c, recurrent_kernel)  # noqa: E731
    ys, last = loop(step, linear(x, kernel, bias), (h, c), mask, reverse=reverse)
    return ys, *last


def run(
    engine: Engine, step: Step, xs: Array, state: State, mask: Array | None, *, reverse: bool, unroll: int = 1
) -> Any:
    """:func:`loop`, as one loop of the engine where it has any."""
    return getattr(engine.nn, "loop", loop)(step, xs, state, mask, reverse=reverse, unroll=unroll)


def loop(
    step: Step, xs: Array, state: State, mask: Array | None, *, reverse: bool, unroll: int = 1
) -> tuple[Array, State]:
    """``state = step(x, *state)`` for each ``x``: the first part of all states, and the last state."""
    steps, ys = range(xs.shape[0]), []
    for t in reversed(steps) if reverse else steps:
        new = step(xs[t], *state)
        state = new if mask is None else tuple(held(mask[t], one, old) for one, old in zip(new, state, strict=True))
        ys.append(state[0] if mask is None else held(mask[t], state[0], unp.zeros_like(state[0])))
    if not ys:
        return unp.broadcast_to(unp.zeros_like(state[0]), (0, *state[0].shape)), state
    return unp.stack(ys[::-1] if reverse else ys), state


def held(keep: Array, new: Array, old: Array) -> Array:
    """``new`` for the examples where ``keep``, of shape (batch,), is True, else ``old``."""
    return unp.where(unp.reshape(keep, (-1, *(1,) * (len(new.shape) - 1))), new, old)
