"""The cell of the minimal gated unit."""

from __future__ import annotations

import functools
from typing import Any

import unimod.numpy as unp
from unimod.nn import _leaves, _minimal, _recurrent, _recurrent_steps, initializers
from unimod.nn import _recurrent_checks as checks
from unimod.nn._affine import linear
from unimod.nn.recurrent.cells import ORTHOGONAL, Cell, remembering
from unimod.numpy._dispatch import unary


class MGUCell(Cell):
    """A minimal gated unit: a GRU of which one gate both resets and updates; the output is the state.

    ``f = sigmoid(x @ W_f + h @ U_f + b_f)``, ``n = tanh(x @ W_n + b_n + f * (h @ U_n + c))``,
    ``h' = (1 - f) * n + f * h``; W is ``kernel``, U ``recurrent_kernel``, b ``bias``, and c ``candidate_bias``.

    Args:
        in_features: length of the last axis of the input; None: taken from the example input at ``init``.
        hidden_features: length of the last axis of the state.
        reset_gate: whether f stands in n too; without it there is no c, and ``n = tanh(x @ W_n + b_n + h @ U_n)``.
        use_bias: whether to add biases.
        forget_bias: is added to the bias of f at ``init``: at first the state is rather kept.
        kernel_init: ``init(key, shape, dtype)`` of the kernel of each gate, ``(in_features, hidden_features)``.
        recurrent_init: likewise of the recurrent kernel of each gate, ``(hidden_features, hidden_features)``.
        bias_init: likewise of the biases.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: the input or the state has another shape.
        DTypeError: the input has another dtype.

    Example:
        >>> import unimod as um
        >>> cell = um.nn.MGUCell(3, 4).init(0)
        >>> {name: tuple(leaf.shape) for name, leaf in cell.state_dict().items()}
        {'kernel': (3, 8), 'recurrent_kernel': (4, 8), 'bias': (8,), 'candidate_bias': (4,)}
        >>> tuple(um.nn.RNN(cell)(um.numpy.ones((2, 5, 3))).shape)
        (2, 5, 4)

    Source: Zhou et al. (2016), arXiv:1603.09420, in the form and with the initializers of Flax.
    """

    gates = 2

    def __init__(
        self,
        in_features: int | None,
        hidden_features: int,
        *,
        reset_gate: bool = True,
        use_bias: bool = True,
        forget_bias: float = 1.0,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        recurrent_init: _leaves.Fill = ORTHOGONAL,
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.reset_gate, self.forget_bias = reset_gate, forget_bias
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
        size = self.hidden_features
        drawn = functools.partial(remembering, self._bias_init, self.forget_bias, size, 0)
        self.bias = self._leaf(drawn, self.gates * size) if self.use_bias else None
        self.candidate_bias: Any = self._leaf(self._bias_init, size) if self.use_bias and self.reset_gate else None

    def __call__(self, state: Any, x: Any) -> tuple[Any, Any]:
        """One step: ``(state, output)`` for a state ``(batch..., hidden_features)`` (None: zeros)."""
        state = self._started(state, x)
        weights = self.kernel, self.recurrent_kernel, self.bias, self.candidate_bias
        h = _minimal.mgu_cell(x, state, *weights, reset_gate=self.reset_gate)
        return h, h

    def over_time(self, xs: Any, state: Any, mask: Any, reverse: bool, unroll: int) -> tuple[Any, Any]:
        """All outputs and the last state for inputs (time, batch, features)."""
        _leaves.check_input(self, xs, self.kernel, self.in_features, "in_features")
        engine, xs = unary(xs)
        shape, dtype = (int(xs.shape[1]), self.hidden_features), engine.arrays.dtype_name(xs)
        checks.state("MGUCell", engine, xs, shape, h=state)
        first = _recurrent.zeros(self.recurrent_kernel, shape) if state is None else state
        x, h, *weights = _minimal.widened(xs, first, self.kernel, self.recurrent_kernel, self.bias, self.candidate_bias)
        step = lambda gates, h: (_minimal.step(gates, h, weights[1], weights[3], self.reset_gate),)  # noqa: E731
        gates = linear(x, weights[0], weights[2])
        ys, (last,) = _recurrent_steps.run(engine, step, gates, (h,), mask, reverse=reverse, unroll=unroll)
        return unp.astype(ys, dtype), unp.astype(last, dtype)
