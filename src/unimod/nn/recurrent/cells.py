"""Cells: one step of a recurrent layer, ``state, output = cell(state, x)``."""

from __future__ import annotations

import functools
from typing import Any

import unimod.numpy as unp
from unimod import random
from unimod.core.module import Module
from unimod.nn import _leaves, _recurrent, functional, initializers

Array = Any

ORTHOGONAL = initializers.orthogonal()


class Cell(Module):
    """What the cells have in common: their leaves, and gates that stand side by side in them."""

    gates = 1

    def __init__(
        self,
        in_features: int | None,
        hidden_features: int,
        *,
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        recurrent_init: _leaves.Fill = ORTHOGONAL,
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.in_features, self.hidden_features, self.use_bias = in_features, hidden_features, use_bias
        self._kernel_init, self._recurrent_init, self._bias_init = kernel_init, recurrent_init, bias_init
        self._dtype = str(dtype)
        self._declare()

    def _declare(self) -> None:
        size, width = self.hidden_features, self.gates * self.hidden_features
        drawn = functools.partial(side_by_side, self.gates)
        self.kernel: Any = self._leaf(functools.partial(drawn, self._kernel_init), self.in_features, width)
        self.recurrent_kernel: Any = self._leaf(functools.partial(drawn, self._recurrent_init), size, width)
        self.bias: Any = self._leaf(self._bias_init, width) if self.use_bias else None

    def _leaf(self, init: _leaves.Fill, *shape: int | None) -> Any:
        return _leaves.parameter(init, shape, self._dtype)

    def infer_sizes(self, state: Any, x: Any) -> None:
        """Take the missing size from an example input."""
        self.in_features = int(x.shape[-1])
        self._declare()

    def initial_state(self, batch_size: int) -> Any:
        """The state before the first step, all zeros."""
        return _recurrent.zeros(self.recurrent_kernel, (batch_size, self.hidden_features))

    def _started(self, state: Any, x: Any) -> Any:
        """The state before a step, once the input is known to fit."""
        _leaves.check_input(self, x, self.kernel, self.in_features, "in_features")
        if state is not None:
            return state
        zeros = _recurrent.zeros(self.recurrent_kernel, (*x.shape[:-1], self.hidden_features))
        return self._state_of(zeros)

    def _state_of(self, zeros: Array) -> Any:
        return zeros


def side_by_side(gates: int, init: _leaves.Fill, key: Any, shape: tuple[int, ...], dtype: str) -> Array:
    """Each gate drawn for itself."""
    keys = [key] if gates == 1 else random.split(key, gates)
    return unp.concat([init(one, (*shape[:-1], shape[-1] // gates), dtype) for one in keys], axis=-1)


class VanillaRNNCell(Cell):
    """``h' = activation(x @ kernel + h @ recurrent_kernel + bias)``; the output is the state.

    Args:
        in_features: length of the last axis of the input; None: taken from the example input at ``init``.
        hidden_features: length of the last axis of the state.
        activation: ``"tanh"`` or ``"relu"``.
        use_bias: whether to add a bias.
        kernel_init: ``init(key, shape, dtype)`` of the kernel, ``(in_features, hidden_features)``.
        recurrent_init: likewise of the recurrent kernel, ``(hidden_features, hidden_features)``.
        bias_init: likewise of the bias, ``(hidden_features,)``.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: the input or the state has another shape.
        DTypeError: the input has another dtype.
        OptionError: the activation is another.

    Example:
        >>> import unimod as um
        >>> cell = um.nn.VanillaRNNCell(3, 4).init(0)
        >>> state, output = cell(cell.initial_state(2), um.numpy.ones((2, 3)))
        >>> tuple(state.shape), tuple(output.shape)
        ((2, 4), (2, 4))

    Source: Elman, "Finding Structure in Time", 1990; the default initializers are those of Flax.
    """

    def __init__(
        self,
        in_features: int | None,
        hidden_features: int,
        *,
        activation: str = "tanh",
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        recurrent_init: _leaves.Fill = ORTHOGONAL,
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        _recurrent.known(activation)
        self.activation = activation
        super().__init__(
            in_features,
            hidden_features,
            use_bias=use_bias,
            kernel_init=kernel_init,
            recurrent_init=recurrent_init,
            bias_init=bias_init,
            dtype=dtype,
        )

    def __call__(self, state: Any, x: Any) -> tuple[Any, Any]:
        """One step: ``(state, output)`` for a state ``(batch..., hidden_features)`` (None: zeros)."""
        h = functional.rnn_cell(
            x, self._started(state, x), self.kernel, self.recurrent_kernel, self.bias, activation=self.activation
        )
        return h, h

    def over_time(self, xs: Any, state: Any, mask: Any, reverse: bool, unroll: int) -> tuple[Any, Any]:
        """All outputs and the last state for inputs (time, batch, features)."""
        return functional.rnn(
            xs,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            state=state,
            mask=mask,
            activation=self.activation,
            reverse=reverse,
            time_major=True,
            unroll=unroll,
        )


class GRUCell(Cell):
    """A gated recurrent unit, with the reset after the product; the output is the state.

    ``r, z = sigmoid(x @ W_rz + h @ U_rz + b_rz)``, ``n = tanh(x @ W_n + b_n + r * (h @ U_n + c))``,
    ``h' = (1 - z) * n + z * h``; W is ``kernel``, U ``recurrent_kernel``, b ``bias``, and c ``candidate_bias``.

    Args:
        in_features: length of the last axis of the input; None: taken from the example input at ``init``.
        hidden_features: length of the last axis of the state.
        use_bias: whether to add biases.
        kernel_init: ``init(key, shape, dtype)`` of the kernel of each gate, ``(in_features, hidden_features)``.
        recurrent_init: likewise of the recurrent kernel of each gate, ``(hidden_features, hidden_features)``.
        bias_init: likewise of the biases.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: the input or the state has another shape.
        DTypeError: the input has another dtype.

    Example:
        >>> import unimod as um
        >>> cell = um.nn.GRUCell(3, 4).init(0)
        >>> {name: tuple(leaf.shape) for name, leaf in cell.state_dict().items()}
        {'kernel': (3, 12), 'recurrent_kernel': (4, 12), 'bias': (12,), 'candidate_bias': (4,)}
        >>> state, output = cell(cell.initial_state(2), um.numpy.ones((2, 3)))
        >>> tuple(state.shape), tuple(output.shape)
        ((2, 4), (2, 4))

    Source: Cho et al., arXiv:1406.1078, in the form of cuDNN, Flax and PyTorch; the default initializers are Flax's.
    """

    gates = 3

    def _declare(self) -> None:
        super()._declare()
        self.candidate_bias: Any = self._leaf(self._bias_init, self.hidden_features) if self.use_bias else None

    def __call__(self, state: Any, x: Any) -> tuple[Any, Any]:
        """One step: ``(state, output)`` for a state ``(batch..., hidden_features)`` (None: zeros)."""
        state = self._started(state, x)
        h = functional.gru_cell(x, state, self.kernel, self.recurrent_kernel, self.bias, self.candidate_bias)
        return h, h

    def over_time(self, xs: Any, state: Any, mask: Any, reverse: bool, unroll: int) -> tuple[Any, Any]:
        """All outputs and the last state for inputs (time, batch, features)."""
        return functional.gru(
            xs,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            self.candidate_bias,
            state=state,
            mask=mask,
            reverse=reverse,
            time_major=True,
            unroll=unroll,
        )


class LSTMCell(Cell):
    """A long short-term memory; its state is ``(h, c)``, and its output ``h``.

    ``i, f, o = sigmoid(...)`` and ``g = tanh(...)`` of ``x @ kernel + h @ recurrent_kernel + bias``,
    ``c' = f * c + i * g``, ``h' = o * tanh(c')``

    Args:
        in_features: length of the last axis of the input; None: taken from the example input at ``init``.
        hidden_features: length of the last axes of the state.
        use_bias: whether to add a bias.
        forget_bias: is added to the bias of the gate f at ``init`` (Keras and Haiku: 1; Flax and PyTorch: 0).
        kernel_init: ``init(key, shape, dtype)`` of the kernel of each gate, ``(in_features, hidden_features)``.
        recurrent_init: likewise of the recurrent kernel of each gate, ``(hidden_features, hidden_features)``.
        bias_init: likewise of the bias, ``(4 * hidden_features,)``.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: the input or the state has another shape.
        DTypeError: the input has another dtype.

    Example:
        >>> import unimod as um
        >>> cell = um.nn.LSTMCell(3, 4, forget_bias=1.0).init(0)
        >>> (h, c), output = cell(cell.initial_state(2), um.numpy.ones((2, 3)))
        >>> tuple(h.shape), tuple(c.shape), tuple(output.shape)
        ((2, 4), (2, 4), (2, 4))
        >>> cell.bias[3:6].tolist()
        [0.0, 1.0, 1.0]

    Source: Hochreiter and Schmidhuber, 1997; Gers et al., 2000. The default initializers are those of Flax.
    """

    gates = 4

    def __init__(
        self,
        in_features: int | None,
        hidden_features: int,
        *,
        use_bias: bool = True,
        forget_bias: float = 0.0,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        recurrent_init: _leaves.Fill = ORTHOGONAL,
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.forget_bias = forget_bias
        super().__init__(
            in_features,
            hidden_features,
            use_bias=use_bias,
            kernel_init=kernel_init,
            recurrent_init=recurrent_init,
            bias_init=bias_init,
            dtype=dtype,
        )

    def _declare(self) -> None:
        super()._declare()
        if self.use_bias and self.forget_bias:
            drawn = functools.partial(remembering, self._bias_init, self.forget_bias, self.hidden_features, 1)
            self.bias = self._leaf(drawn, self.gates * self.hidden_features)

    def initial_state(self, batch_size: int) -> Any:
        """The state before the first step, all zeros."""
        return self._state_of(super().initial_state(batch_size))

    def _state_of(self, zeros: Array) -> Any:
        return zeros, zeros

    def __call__(self, state: Any, x: Any) -> tuple[Any, Any]:
        """One step: ``(state, output)`` for a state ``(h, c)`` (None: zeros)."""
        state = self._started(state, x)
        state = functional.lstm_cell(x, state, self.kernel, self.recurrent_kernel, self.bias)
        return state, state[0]

    def over_time(self, xs: Any, state: Any, mask: Any, reverse: bool, unroll: int) -> tuple[Any, Any]:
        """All outputs and the last state for inputs (time, batch, features)."""
        return functional.lstm(
            xs,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            state=state,
            mask=mask,
            reverse=reverse,
            time_major=True,
            unroll=unroll,
        )


def remembering(
    init: _leaves.Fill, forget_bias: float, size: int, place: int, key: Any, shape: tuple[int], dtype: str
) -> Array:
    """A bias of gates of ``size`` each, to which ``forget_bias`` is added in the gate at ``place``."""
    bias, start = init(key, shape, dtype), size * place
    raised = bias[start : start + size] + forget_bias
    return unp.concat([bias[:start], raised, bias[start + size :]])


def is_ready(cell: Any) -> bool:
    """Whether a cell makes its steps as its ``over_time`` does: one of ours, whose call was not replaced."""
    owner = next(vars(base) for base in type(cell).__mro__ if "__call__" in vars(base))
    return isinstance(cell, Cell) and "over_time" in owner
