"""Recurrent layers: cells, what runs them over time, ready layers, and the functions under them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from unimod import nn
from unimod.core.module import Module
from unimod.nn import functional
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data

_STEP = Bound(eps=16, why="sums of products, then sigmoids and tanhs")
_STEPS = Bound(eps=32, why="the errors of a step go through the next ones")
_SLOPES = Bound(eps=128, why="derivatives of sums, added over batch and time")

BATCH, TIME, IN, HIDDEN = 2, 3, 3, 2
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def _sequences(d: Data) -> tuple[Any, ...]:
    return (d.array(BATCH, TIME, IN),)


def _with_state(count: int, *shape: int) -> Callable[[Data], tuple[Any, ...]]:
    """Sequences and a state, a tuple where it has several parts."""

    def inputs(d: Data) -> tuple[Any, ...]:
        x, parts = d.array(BATCH, TIME, IN), tuple(d.array(*shape) for _ in range(count))
        return x, parts[0] if count == 1 else parts

    return inputs


def _step(count: int) -> Callable[[Data], tuple[Any, ...]]:
    """A state, and one step of the input."""

    def inputs(d: Data) -> tuple[Any, ...]:
        parts = tuple(d.array(BATCH, HIDDEN) for _ in range(count))
        return parts[0] if count == 1 else parts, d.array(BATCH, IN)

    return inputs


class _Averaging(Module):
    """A cell that is none of the ready ones, whose output is not its state."""

    def __init__(self) -> None:
        self.linear = nn.Linear(IN, HIDDEN)

    def initial_state(self, batch_size: int) -> Any:
        raise NotImplementedError

    def __call__(self, state: Any, x: Any) -> Any:
        state = {"mean": 0.5 * state["mean"] + 0.5 * self.linear(x)}
        return state, 2.0 * state["mean"]


def _averages(d: Data) -> tuple[Any, ...]:
    return d.array(BATCH, TIME, IN), {"mean": d.array(BATCH, HIDDEN)}


_LAYERS: dict[str, tuple[Callable[[], Module], Callable[[Data], tuple[Any, ...]], Bound]] = {
    "VanillaRNNCell": (lambda: nn.VanillaRNNCell(IN, HIDDEN), _step(1), _STEP),
    "GRUCell": (lambda: nn.GRUCell(None, HIDDEN), _step(1), _STEP),
    "LSTMCell": (lambda: nn.LSTMCell(IN, HIDDEN, forget_bias=1.0), _step(2), _STEP),
    "RNN": (
        lambda: nn.RNN(nn.LSTMCell(IN, HIDDEN), reverse=True, time_major=True, return_state=True),
        lambda d: (d.array(TIME, BATCH, IN), (d.array(BATCH, HIDDEN), d.array(BATCH, HIDDEN))),
        _STEPS,
    ),
    "RNN[any cell]": (lambda: nn.RNN(_Averaging(), return_state=True), _averages, _STEPS),
    "Bidirectional": (
        lambda: nn.Bidirectional(nn.GRUCell(IN, HIDDEN), nn.VanillaRNNCell(IN, HIDDEN), return_sequences=False),
        _sequences,
        _STEPS,
    ),
    "VanillaRNN": (
        lambda: nn.VanillaRNN(IN, HIDDEN, activation="relu", return_state=True),
        _with_state(1, 1, BATCH, HIDDEN),
        _STEPS,
    ),
    "GRU": (lambda: nn.GRU(None, HIDDEN, return_state=True), _with_state(1, 1, BATCH, HIDDEN), _STEPS),
    "GRU[dropout]": (
        lambda: nn.GRU(IN, HIDDEN, num_layers=2, dropout=0.4, use_bias=False),
        _sequences,
        _STEPS.times(2),
    ),
    "LSTM": (lambda: nn.LSTM(IN, HIDDEN), _sequences, _STEPS),
    "LSTM[two layers in both directions]": (
        lambda: nn.LSTM(IN, HIDDEN, num_layers=2, bidirectional=True, return_state=True),
        _with_state(2, 4, BATCH, HIDDEN),
        _STEPS.times(2),
    ),
}  # fmt: skip


def _layer(name: str, module: Callable[[], Module], inputs: Callable[[Data], tuple[Any, ...]], bound: Bound) -> Case:
    count = len(inputs(Data(name)))
    wrt = tuple(range(count))
    return Case(f"nn.{name}", None, inputs, module=module, wrt=wrt, bound=bound, gradient_bound=_SLOPES)


def _weights(kind: str, d: Data, *, bias: bool = True) -> tuple[Any, ...]:
    width = GATES[kind] * HIDDEN
    kernels = d.array(IN, width, low=-1.0, high=1.0), d.array(HIDDEN, width, low=-1.0, high=1.0)
    if not bias:
        return kernels
    return *kernels, d.array(width), *([d.array(HIDDEN)] if kind == "gru" else [])


def _state(kind: str, d: Data) -> Any:
    h = d.array(BATCH, HIDDEN)
    return (h, d.array(BATCH, HIDDEN)) if kind == "lstm" else h


def _over_time(kind: str, x: Any, state: Any, *weights: Any, **options: Any) -> Any:
    return getattr(functional, kind)(x, *weights, state=state, **options)


def _masked(kind: str, x: Any, state: Any, lengths: Any, *weights: Any, **options: Any) -> Any:
    return getattr(functional, kind)(x, *weights, state=state, lengths=lengths, **options)


def _functions(kind: str) -> list[Case]:
    cell, run = getattr(functional, f"{kind}_cell"), functools.partial(_over_time, kind)
    padded, without_bias = functools.partial(_masked, kind, reverse=True), functools.partial(_over_time, kind)
    wide = ("float32", "float64", "bfloat16")
    count = len(_weights(kind, Data(kind)))
    return [
        Case(
            f"nn.functional.{kind}_cell",
            cell,
            lambda d: (d.array(BATCH, IN), _state(kind, d), *_weights(kind, d)),
            dtypes=wide,
            wrt=tuple(range(2 + count)),
            bound=_STEP,
            gradient_bound=_SLOPES,
            vmap=False,
        ),
        Case(
            f"nn.functional.{kind}",
            run,
            lambda d: (d.array(BATCH, TIME, IN), _state(kind, d), *_weights(kind, d)),
            dtypes=wide,
            wrt=tuple(range(2 + count)),
            bound=_STEPS,
            gradient_bound=_SLOPES,
        ),
        Case(
            f"nn.functional.{kind}[lengths]",
            padded,
            lambda d: (d.array(BATCH, TIME, IN), _state(kind, d), d.ints(1, TIME, BATCH), *_weights(kind, d)),
            wrt=(0, 1, *range(3, 3 + count)),
            bound=_STEPS,
            gradient_bound=_SLOPES,
        ),
        Case(
            f"nn.functional.{kind}[without bias]",
            without_bias,
            lambda d: (d.array(BATCH, TIME, IN), _state(kind, d), *_weights(kind, d, bias=False)),
            wrt=(0, 1, 2, 3),
            bound=_STEPS,
            gradient_bound=_SLOPES,
            vmap=False,
        ),
    ]


CASES = (
    *(_layer(name, *row) for name, row in _LAYERS.items()),
    *(case for kind in GATES for case in _functions(kind)),
)
