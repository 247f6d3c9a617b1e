"""Layers that other libraries have too: gated and convolutional recurrence, masks, statistics, changes of shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod import nn
from unimod.core.module import Module
from unimod.nn import functional
from unimod.testing.bounds import EXACT, Bound
from unimod.testing.case import Case, Data

Inputs = Callable[[Data], tuple[Any, ...]]

_WIDE = ("float32", "float64", "bfloat16")
_STEPS = Bound(eps=32, why="sums of products, then sigmoids and tanhs, through three steps")
_SLOPES = Bound(eps=128, why="derivatives of sums, added over batch and time")
_FEW = Bound(eps=8, why="a sum or two, a root and a quotient")
_SUMS = Bound(eps=32, why="sums of tanhs, a softmax, and a sum of products")


def _sequences(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 3, 3),)


def _images(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 4, 3, 2),)


def _two_states(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 2), (d.array(2, 2), d.array(2, 2))), d.array(2, 3)


def _mgu(d: Data) -> tuple[Any, ...]:
    return d.array(2, 3), d.array(2, 2), d.array(3, 4), d.array(2, 4), d.array(4), d.array(2)


def _conv_lstm(d: Data) -> tuple[Any, ...]:
    state = d.array(2, 3, 2), d.array(2, 3, 2)
    return d.array(2, 3, 2), *state, d.array(2, 2, 8), d.array(2, 2, 8), d.array(8)


def _movies(d: Data) -> tuple[Any, ...]:
    return d.array(2, 3, 4, 2), (d.array(2, 2, 2), d.array(2, 2, 2))


def _query_and_key(d: Data) -> tuple[Any, ...]:
    return d.array(2, 2, 3), d.array(2, 3, 3)


_LAYERS: dict[str, tuple[Callable[[], Module], Inputs, Bound]] = {
    "MGUCell": (lambda: nn.MGUCell(None, 2), lambda d: (d.array(2, 2), d.array(2, 3)), _STEPS),
    "MGUCell[over time]": (lambda: nn.RNN(nn.MGUCell(3, 2, reset_gate=False), reverse=True), _sequences, _STEPS),
    "StackedCells": (lambda: nn.StackedCells(nn.MGUCell(3, 2), nn.LSTMCell(2, 2)), _two_states, _STEPS),
    "ConvLSTM": (lambda: nn.ConvLSTM(None, 2, (2,), stride=2, return_state=True), _movies, _STEPS),
    "BatchApply": (lambda: nn.BatchApply(nn.Linear(3, 2)), _sequences, _FEW),
    "Permute": (lambda: nn.Permute((3, 1, 2)), _images, EXACT),
    "RepeatVector": (lambda: nn.RepeatVector(3), lambda d: (d.array(2, 3),), EXACT),
    "Crop": (lambda: nn.Crop(((1, 2), 1)), _images, EXACT),
    "UnitNorm": (lambda: nn.UnitNorm((1, -1)), _sequences, _FEW),
    "Rescaling": (lambda: nn.Rescaling((0.5, 2.0, 4.0), -1.0), _sequences, Bound(eps=4)),
    "Normalization": (
        lambda: nn.Normalization(axis=1, mean=(0.5, -1.0, 2.0), variance=(4.0, 0.25, 0.0), epsilon=0.5),
        _sequences,
        _FEW,
    ),
    "Normalization[invert]": (
        lambda: nn.Normalization(axis=None, mean=0.5, variance=4.0, invert=True),
        _sequences,
        _FEW,
    ),
    "ActivityRegularization": (lambda: nn.ActivityRegularization(l1=0.5, l2=2.0), _sequences, Bound(eps=16)),
}  # fmt: skip


def _layer(name: str, module: Callable[[], Module], inputs: Inputs, bound: Bound) -> Case:
    wrt = tuple(range(len(inputs(Data(name)))))
    return Case(f"nn.{name}", None, inputs, module=module, wrt=wrt, bound=bound, gradient_bound=_SLOPES)


def _bins(x: Any) -> Any:
    return nn.Discretization((-1.0, 0.5))(x)


def _weighed(ids: Any, weights: Any) -> Any:
    return nn.CategoryEncoding(4, output_mode="count")(ids, weights)


CASES = (
    *(_layer(name, *row) for name, row in _LAYERS.items()),
    Case(
        "nn.functional.mgu_cell",
        functional.mgu_cell,
        _mgu,
        dtypes=_WIDE,
        wrt=(0, 1, 2, 3, 4, 5),
        bound=_STEPS,
        gradient_bound=_SLOPES,
        vmap=False,
    ),
    Case(
        "nn.functional.conv_lstm_cell",
        functional.conv_lstm_cell,
        _conv_lstm,
        dtypes=_WIDE,
        wrt=(0, 1, 2, 3, 4, 5),
        bound=_STEPS,
        gradient_bound=_SLOPES,
        vmap=False,
    ),
    Case(
        "nn.ConvLSTMCell",
        None,
        lambda d: (None, d.array(2, 3, 2)),
        module=lambda: nn.ConvLSTMCell(2, 2, (2,)),
        wrt=(1,),
        bound=_STEPS,
        gradient_bound=_SLOPES,
        vmap=False,
    ),
    Case(
        "nn.AdditiveAttention",
        None,
        _query_and_key,
        module=lambda: nn.AdditiveAttention(dropout_rate=0.4),
        wrt=(0, 1),
        bound=_SUMS,
        gradient_bound=_SLOPES,
    ),
    Case("nn.Discretization", _bins, _sequences, dtypes=("float32", "bfloat16"), bound=EXACT),
    Case("nn.CategoryEncoding", _weighed, lambda d: (d.ints(-1, 6, 2, 3), d.array(2, 3)), wrt=(1,), bound=_FEW),
    Case(
        "nn.CategoryEncoding[multi_hot]",
        lambda ids: nn.CategoryEncoding(4)(ids),
        lambda d: (d.ints(0, 4, 2, 3),),
        bound=EXACT,
    ),
    Case("nn.step_mask", lambda x: nn.step_mask(x, value=1.0), lambda d: (d.ints(0, 2, 2, 3, 2),), bound=EXACT),
    Case("nn.attention_mask", nn.attention_mask, lambda d: (d.bools(2, 3), d.bools(2, 4)), bound=EXACT),
)
