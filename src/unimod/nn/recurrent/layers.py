"""Ready recurrent layers: several cells, one above the other, in one or both directions."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.config import describe_value
from unimod.core.module import Module
from unimod.errors import OptionError, ShapeError
from unimod.nn import _leaves, _recurrent, initializers
from unimod.nn.recurrent.cells import ORTHOGONAL, Cell, GRUCell, LSTMCell, VanillaRNNCell
from unimod.nn.recurrent.wrappers import over_time, prepared, turned
from unimod.nn.stochastic import Dropout

Array = Any


class Stack(Module):
    """What the ready layers have in common: they run their cells, from the lowest up."""

    cells: list[Any]

    def _configure(
        self,
        *,
        num_layers: int,
        bidirectional: bool,
        reverse: bool,
        dropout: float,
        time_major: bool,
        return_sequences: bool,
        return_state: bool,
        unroll: int,
    ) -> None:
        if num_layers < 1 or (bidirectional and reverse):
            raise OptionError(
                f"{type(self).__name__} cannot be built with these options.",
                got=f"num_layers = {num_layers}, bidirectional = {bidirectional}, reverse = {reverse}",
                expected="num_layers >= 1, and one of bidirectional and reverse at most",
                fix="a bidirectional layer goes in both directions anyway",
            )
        self.num_layers, self.bidirectional, self.reverse = num_layers, bidirectional, reverse
        self.time_major, self.unroll = time_major, unroll
        self.return_sequences, self.return_state = return_sequences, return_state
        self.dropout = Dropout(dropout) if dropout and num_layers > 1 else None

    def _sizes(self, in_features: int | None, hidden_features: int) -> list[int | None]:
        """The number of features that each cell gets."""
        directions = 2 if self.bidirectional else 1
        lowest: list[int | None] = [in_features] * directions
        return lowest + [directions * hidden_features] * (directions * (self.num_layers - 1))

    def initial_state(self, batch_size: int) -> Any:
        """The state before the first step, all zeros."""
        return self._joined([cell.initial_state(batch_size) for cell in self.cells])

    def __call__(self, x: Any, state: Any = None, *, lengths: Any = None, mask: Any = None) -> Any:
        """Run the layer over ``x``, from ``state`` on (None: zeros).

        Args:
            x: ``(batch, time, in_features)``, or ``(time, batch, in_features)`` with ``time_major``.
            state: as it is returned with ``return_state``.
            lengths: integers, ``(batch,)``: after so many steps the state is held, and outputs are 0.
            mask: instead of lengths bools, in the order of the first two axes of ``x``.
        """
        lowest = self.cells[0]
        _leaves.check_input(self, x, lowest.kernel, lowest.in_features, "in_features")
        xs, mask = prepared(type(self).__name__, x, lengths, mask, self.time_major)
        ys, last, states = self._run(xs, self._parted(state, xs.shape[1]), mask)
        result = turned(ys, self.time_major) if self.return_sequences else last
        return (result, self._joined(states)) if self.return_state else result

    def _run(self, xs: Array, states: list[Any], mask: Array | None) -> tuple[Array, Array, list[Any]]:
        directions, found = 2 if self.bidirectional else 1, []
        for layer in range(self.num_layers):
            xs = self.dropout(xs) if layer and self.dropout is not None else xs
            places = range(layer * directions, (layer + 1) * directions)
            parts = [self._one(place, xs, states[place], mask) for place in places]
            xs, last = (_beside([part[i] for part in parts]) for i in range(2))
            found += [part[2] for part in parts]
        return xs, last, found

    def _one(self, place: int, xs: Array, state: Any, mask: Array | None) -> tuple[Array, Array, Any]:
        reverse = place % 2 == 1 if self.bidirectional else self.reverse
        return over_time(self.cells[place], xs, state, mask, reverse, self.unroll)

    def _parted(self, state: Any, batch: int) -> list[Any]:
        """The state of each cell."""
        if state is None:
            return [None] * len(self.cells)
        self._check_state(state, batch)
        return [state[i] for i in range(len(self.cells))]

    def _joined(self, states: list[Any]) -> Any:
        """The states of the cells as that of the layer."""
        return unp.stack(states)

    def _check_state(self, part: Any, batch: int, name: str = "state") -> None:
        expected = (len(self.cells), batch, self.cells[0].hidden_features)
        if tuple(getattr(part, "shape", ())) != expected:
            raise ShapeError(
                f"{type(self).__name__} got a state of the wrong shape.",
                got=f"{name} = {describe_value(part)}",
                expected=f"shape {expected}: (cells, batch, hidden_features)",
                fix="pass what the layer returns with return_state=True, or its initial_state(batch_size)",
            )


def _beside(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else unp.concat(parts, axis=-1)


class VanillaRNN(Stack):
    """Simple recurrent layers, each ``h' = activation(x @ kernel + h @ recurrent_kernel + bias)`` at every step.

    Args:
        in_features: length of the last axis of the input; None: taken from the example input at ``init``.
        hidden_features: length of the last axis of the state of each layer.
        num_layers: how many layers stand one above the other.
        bidirectional: whether each layer has a second cell that goes backward, whose outputs stand beside the first's.
        reverse: go from the last step to the first; outputs stay at their steps.
        dropout: the rate of dropping between layers, in training.
        activation: ``"tanh"`` or ``"relu"``.
        time_major: inputs and outputs are ``(time, batch, features)`` instead of ``(batch, time, features)``.
        return_sequences: whether to return the outputs of all steps, else the last one of the highest layer.
        return_state: whether to return ``(outputs, state)``, with the state as below.
        use_bias: whether to add biases.
        kernel_init: as in :class:`VanillaRNNCell`, like all further arguments.
        recurrent_init: of the recurrent kernels.
        bias_init: of the biases.
        unroll: how many steps a compiler writes out in a loop of its own, where the engine has one.
        dtype: of the leaves; inputs must have it too.

    The state is ``(num_layers * directions, batch, hidden_features)``: layer by layer, forward before backward.

    Raises:
        ShapeError: the input or the state has another shape, or a length is larger than the number of steps.
        DTypeError: the input has another dtype.
        OptionError: an option has another value.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.VanillaRNN(3, 4, num_layers=2, return_state=True).init(0)
        >>> ys, state = layer(um.numpy.ones((2, 5, 3)))
        >>> tuple(ys.shape), tuple(state.shape)
        ((2, 5, 4), (2, 2, 4))
    """

    def __init__(
        self,
        in_features: int | None,
        hidden_features: int,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        reverse: bool = False,
        dropout: float = 0.0,
        activation: str = "tanh",
        time_major: bool = False,
        return_sequences: bool = True,
        return_state: bool = False,
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        recurrent_init: _leaves.Fill = ORTHOGONAL,
        bias_init: _leaves.Fill = initializers.zeros(),
        unroll: int = 1,
        dtype: str = "float32",
    ) -> None:
        self._configure(
            num_layers=num_layers,
            bidirectional=bidirectional,
            reverse=reverse,
            dropout=dropout,
            time_major=time_major,
            return_sequences=return_sequences,
            return_state=return_state,
            unroll=unroll,
        )
        self.cells: list[Cell] = [
            VanillaRNNCell(
                size,
                hidden_features,
                activation=activation,
                use_bias=use_bias,
                kernel_init=kernel_init,
                recurrent_init=recurrent_init,
                bias_init=bias_init,
                dtype=dtype,
            )
            for size in self._sizes(in_features, hidden_features)
        ]


class GRU(Stack):
    """Layers of gated recurrent units; see :class:`GRUCell` for the formulas.

    Args:
        in_features: length of the last axis of the input; None: taken from the example input at ``init``.
        hidden_features: length of the last axis of the state of each layer.
        num_layers: how many layers stand one above the other.
        bidirectional: whether each layer has a second cell that goes backward, whose outputs stand beside the first's.
        reverse: go from the last step to the first; outputs stay at their steps.
        dropout: the rate of dropping between layers, in training.
        time_major: inputs and outputs are ``(time, batch, features)`` instead of ``(batch, time, features)``.
        return_sequences: whether to return the outputs of all steps, else the last one of the highest layer.
        return_state: whether to return ``(outputs, state)``, with the state as below.
        use_bias: whether to add biases.
        kernel_init: as in :class:`GRUCell`, like all further arguments.
        recurrent_init: of the recurrent kernels.
        bias_init: of the biases.
        unroll: how many steps a compiler writes out in a loop of its own, where the engine has one.
        dtype: of the leaves; inputs must have it too.

    The state is ``(num_layers * directions, batch, hidden_features)``: layer by layer, forward before backward.

    Raises:
        ShapeError: the input or the state has another shape, or a length is larger than the number of steps.
        DTypeError: the input has another dtype.
        OptionError: an option has another value.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.GRU(3, 4, bidirectional=True, return_state=True).init(0)
        >>> ys, state = layer(um.numpy.ones((2, 5, 3)), lengths=um.numpy.asarray([5, 2]))
        >>> tuple(ys.shape), tuple(state.shape)
        ((2, 5, 8), (2, 2, 4))
    """

    def __init__(
        self,
        in_features: int | None,
        hidden_features: int,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        reverse: bool = False,
        dropout: float = 0.0,
        time_major: bool = False,
        return_sequences: bool = True,
        return_state: bool = False,
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        recurrent_init: _leaves.Fill = ORTHOGONAL,
        bias_init: _leaves.Fill = initializers.zeros(),
        unroll: int = 1,
        dtype: str = "float32",
    ) -> None:
        self._configure(
            num_layers=num_layers,
            bidirectional=bidirectional,
            reverse=reverse,
            dropout=dropout,
            time_major=time_major,
            return_sequences=return_sequences,
            return_state=return_state,
            unroll=unroll,
        )
        self.cells: list[Cell] = [
            GRUCell(
                size,
                hidden_features,
                use_bias=use_bias,
                kernel_init=kernel_init,
                recurrent_init=recurrent_init,
                bias_init=bias_init,
                dtype=dtype,
            )
            for size in self._sizes(in_features, hidden_features)
        ]


class LSTM(Stack):
    """Layers of long short-term memories; see :class:`LSTMCell` for the formulas.

    Args:
        in_features: length of the last axis of the input; None: taken from the example input at ``init``.
        hidden_features: length of the last axis of the state of each layer.
        num_layers: how many layers stand one above the other.
        bidirectional: whether each layer has a second cell that goes backward, whose outputs stand beside the first's.
        reverse: go from the last step to the first; outputs stay at their steps.
        dropout: the rate of dropping between layers, in training.
        time_major: inputs and outputs are ``(time, batch, features)`` instead of ``(batch, time, features)``.
        return_sequences: whether to return the outputs of all steps, else the last one of the highest layer.
        return_state: whether to return ``(outputs, state)``, with the state as below.
        use_bias: whether to add biases.
        forget_bias: is added to the biases of the gates f at ``init``.
        kernel_init: as in :class:`LSTMCell`, like all further arguments.
        recurrent_init: of the recurrent kernels.
        bias_init: of the biases.
        unroll: how many steps a compiler writes out in a loop of its own, where the engine has one.
        dtype: of the leaves; inputs must have it too.

    The state is ``(h, c)``, each ``(num_layers * directions, batch, hidden_features)``: layer by layer, forward before
    backward.

    Raises:
        ShapeError: the input or the state has another shape, or a length is larger than the number of steps.
        DTypeError: the input has another dtype.
        OptionError: an option has another value.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.LSTM(3, 4, num_layers=2, return_state=True).init(0)
        >>> ys, (h, c) = layer(um.numpy.ones((2, 5, 3)))
        >>> tuple(ys.shape), tuple(h.shape), tuple(c.shape)
        ((2, 5, 4), (2, 2, 4), (2, 2, 4))
    """

    def __init__(
        self,
        in_features: int | None,
        hidden_features: int,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        reverse: bool = False,
        dropout: float = 0.0,
        time_major: bool = False,
        return_sequences: bool = True,
        return_state: bool = False,
        use_bias: bool = True,
        forget_bias: float = 0.0,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        recurrent_init: _leaves.Fill = ORTHOGONAL,
        bias_init: _leaves.Fill = initializers.zeros(),
        unroll: int = 1,
        dtype: str = "float32",
    ) -> None:
        self._configure(
            num_layers=num_layers,
            bidirectional=bidirectional,
            reverse=reverse,
            dropout=dropout,
            time_major=time_major,
            return_sequences=return_sequences,
            return_state=return_state,
            unroll=unroll,
        )
        self.cells: list[Cell] = [
            LSTMCell(
                size,
                hidden_features,
                use_bias=use_bias,
                forget_bias=forget_bias,
                kernel_init=kernel_init,
                recurrent_init=recurrent_init,
                bias_init=bias_init,
                dtype=dtype,
            )
            for size in self._sizes(in_features, hidden_features)
        ]

    def _parted(self, state: Any, batch: int) -> list[Any]:
        if state is None:
            return [None] * len(self.cells)
        h, c = _recurrent.pair(type(self).__name__, state)
        self._check_state(h, batch, "h")
        self._check_state(c, batch, "c")
        return [(h[i], c[i]) for i in range(len(self.cells))]

    def _joined(self, states: list[Any]) -> Any:
        return unp.stack([h for h, _ in states]), unp.stack([c for _, c in states])
