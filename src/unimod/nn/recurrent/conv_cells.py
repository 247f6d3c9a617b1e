"""Convolutional long short-term memories: a cell, and the layer that runs it over sequences of images."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import unimod.numpy as unp
from unimod.config import describe_value
from unimod.core.initializer import Initializer
from unimod.core.module import Module
from unimod.errors import ShapeError
from unimod.nn import _conv_lstm, _layouts, _leaves, _recurrent, _recurrent_checks, initializers
from unimod.nn._shapes import Padding
from unimod.nn.conv import Sizes, hashable, inferred, kernel_sizes
from unimod.nn.recurrent.cells import Cell, remembering, side_by_side
from unimod.nn.recurrent.wrappers import turned
from unimod.numpy._dispatch import many

Array = Any


class ConvLSTMCell(Cell):
    """A long short-term memory whose products are convolutions; its state is ``(h, c)``, and its output ``h``.

    ``i, f, o = sigmoid(...)`` and ``g = tanh(...)`` of ``conv(x, kernel) + conv(h, recurrent_kernel) + bias``,
    ``c' = f * c + i * g``, ``h' = o * tanh(c')``. Channels are last.

    Args:
        in_features: number of input channels; None: taken from the example input at ``init``.
        hidden_features: number of channels of the state.
        kernel_size: of both convolutions; one int means two spatial axes.
        stride: of the convolution of the input, an int or one for each axis; that of the state has the stride 1.
        padding: likewise, as in ``Conv``; the convolution of the state keeps its size.
        dilation: likewise.
        use_bias: whether to add a bias.
        forget_bias: is added to the bias of the gate f at ``init``.
        kernel_init: ``init(key, shape, dtype)`` of the kernel of each gate, ``(*kernel_size, in, hidden)``.
        recurrent_init: likewise of the recurrent kernel of each gate, ``(*kernel_size, hidden, hidden)``.
        bias_init: likewise of the bias, ``(4 * hidden,)``.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: the input or the state has another shape.
        DTypeError: the input has another dtype.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> cell = um.nn.ConvLSTMCell(3, 4, (3, 3)).init(0)
        >>> (h, c), output = cell(None, um.numpy.ones((2, 5, 5, 3)))
        >>> tuple(h.shape), tuple(c.shape), tuple(output.shape)
        ((2, 5, 5, 4), (2, 5, 5, 4), (2, 5, 5, 4))

    Source: Shi et al. (2015), arXiv:1506.04214, without the peepholes; the initializers and the bias are Flax's.
    Differences: Flax gives stride and padding to the convolution of the state too, so that only 1 and "SAME" fit there.
    """

    gates = 4
    _axes: ClassVar[int] = 2
    _of_any_rank: ClassVar[bool] = True

    def __init__(
        self,
        in_features: int | None,
        hidden_features: int,
        kernel_size: Sizes,
        *,
        stride: Sizes = 1,
        padding: Padding = "SAME",
        dilation: Sizes = 1,
        use_bias: bool = True,
        forget_bias: float = 1.0,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        recurrent_init: _leaves.Fill = initializers.lecun_normal(),
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.kernel_size, self.forget_bias = kernel_sizes(self, kernel_size), forget_bias
        self.stride, self.padding, self.dilation = hashable(stride), hashable(padding), hashable(dilation)
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
        size = self.hidden_features
        drawn, width = functools.partial(side_by_side, self.gates), self.gates * size
        shape = (*self.kernel_size, self.in_features, width)
        self.kernel = self._leaf(functools.partial(drawn, self._kernel_init), *shape)
        own = (*self.kernel_size, size, width)
        self.recurrent_kernel = self._leaf(functools.partial(drawn, self._recurrent_init), *own)
        bias = functools.partial(remembering, self._bias_init, self.forget_bias, size, 1)
        self.bias = self._leaf(bias, width) if self.use_bias else None

    def infer_sizes(self, state: Any, x: Any) -> None:
        """Take the missing size from an example input."""
        self.in_features = inferred(x, len(self.kernel_size), None)
        self._declare()

    def initial_state(self, batch_size: int, *spatial: int) -> Any:
        """The state before the first step, all zeros, for outputs of the sizes ``spatial``."""
        if len(spatial) != len(self.kernel_size):
            raise ShapeError(
                f"{type(self).__name__} needs the sizes of its output for a state.",
                got=f"{len(spatial)} sizes",
                expected=f"{len(self.kernel_size)}, after the size of the batch",
                fix="pass None as the state instead of zeros",
            )
        kernel = unp.reshape(self.recurrent_kernel, (-1, self.recurrent_kernel.shape[-1]))
        zeros = _recurrent.zeros(kernel, (batch_size, *spatial, self.hidden_features))
        return zeros, zeros

    def __call__(self, state: Any, x: Any) -> tuple[Any, Any]:
        """One step: ``(state, output)`` for a state ``(h, c)``, each ``(batch..., *spatial, hidden)`` (None: zeros)."""
        state = self._checked(state, x)
        if state is None:
            ys, state = self.over_time(unp.expand_dims(x, 0), None, None, False, 1)
            return state, ys[0]
        h, c = _conv_lstm.conv_lstm_cell(
            x, state[0], state[1], self.kernel, self.recurrent_kernel, self.bias, **self._window()
        )
        return (h, c), h

    def over_time(self, xs: Any, state: Any, mask: Any, reverse: bool, unroll: int) -> tuple[Any, Any]:
        """All outputs and the last state for inputs ``(time, batch, *spatial, in)``."""
        state = self._checked(state, xs)
        weights = self.kernel, self.recurrent_kernel, self.bias
        return _conv_lstm.over_time(xs, state, *weights, mask, reverse=reverse, unroll=unroll, **self._window())

    def _checked(self, state: Any, x: Array) -> Any:
        _layouts.check_input(self, x, self.kernel, self.in_features, len(self.kernel_size), None)
        return None if state is None else _recurrent.pair(type(self).__name__, state)

    def _window(self) -> dict[str, Any]:
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}


class ConvLSTM(Module):
    """A :class:`ConvLSTMCell` over all steps of a batch of sequences of images, or of series or volumes.

    Args:
        in_features: number of input channels; None: taken from the example input at ``init``.
        hidden_features: number of channels of the state.
        kernel_size: as in :class:`ConvLSTMCell`, like all arguments that are not named here.
        stride: of the convolution of the input.
        padding: likewise.
        dilation: likewise.
        reverse: go from the last step to the first; outputs stay at their steps.
        time_major: inputs and outputs are ``(time, batch, ...)`` instead of ``(batch, time, ...)``.
        return_sequences: whether to return the outputs of all steps, else the last one.
        return_state: whether to return ``(outputs, (h, c))``.
        use_bias: whether to add a bias.
        forget_bias: is added to the bias of the gate f at ``init``.
        kernel_init: of the kernel.
        recurrent_init: of the recurrent kernel.
        bias_init: of the bias.
        unroll: how many steps a compiler writes out in a loop of its own, where the engine has one.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: the input or the state has another shape, or a length is larger than the number of steps.
        DTypeError: the input has another dtype.
        OptionError: an option has a wrong value, or there are both lengths and a mask.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.ConvLSTM(3, 4, (3, 3), return_state=True).init(0)
        >>> ys, (h, c) = layer(um.numpy.ones((2, 6, 5, 5, 3)))
        >>> tuple(ys.shape), tuple(h.shape), tuple(c.shape)
        ((2, 6, 5, 5, 4), (2, 5, 5, 4), (2, 5, 5, 4))

    Source: Shi et al. (2015), arXiv:1506.04214.
    """

    def __init__(
        self,
        in_features: int | None,
        hidden_features: int,
        kernel_size: Sizes,
        *,
        stride: Sizes = 1,
        padding: Padding = "SAME",
        dilation: Sizes = 1,
        reverse: bool = False,
        time_major: bool = False,
        return_sequences: bool = True,
        return_state: bool = False,
        use_bias: bool = True,
        forget_bias: float = 1.0,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        recurrent_init: _leaves.Fill = initializers.lecun_normal(),
        bias_init: _leaves.Fill = initializers.zeros(),
        unroll: int = 1,
        dtype: str = "float32",
    ) -> None:
        self.reverse, self.time_major, self.unroll = reverse, time_major, unroll
        self.return_sequences, self.return_state = return_sequences, return_state
        self.cell = ConvLSTMCell(
            in_features,
            hidden_features,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            use_bias=use_bias,
            forget_bias=forget_bias,
            kernel_init=kernel_init,
            recurrent_init=recurrent_init,
            bias_init=bias_init,
            dtype=dtype,
        )

    def __call__(self, x: Any, state: Any = None, *, lengths: Any = None, mask: Any = None) -> Any:
        """Run the layer over ``x``, from ``state`` on (None: zeros).

        Args:
            x: ``(batch, time, *spatial, in_features)``, or ``(time, batch, ...)`` with ``time_major``.
            state: ``(h, c)``, each ``(batch, *spatial', hidden_features)``.
            lengths: integers, ``(batch,)``: after so many steps the state is held, and outputs are 0.
            mask: instead of lengths bools, in the order of the first two axes of ``x``.
        """
        engine, x, lengths, mask = many(x, lengths, mask)
        self._check_axes(x)
        xs = turned(x, self.time_major)
        mask = _recurrent_checks.mask_of("ConvLSTM", engine, lengths, mask, xs.shape[0], xs.shape[1], self.time_major)
        if isinstance(self.cell.kernel, Initializer):
            self.cell(None, xs[0])  # while sizes are found: it takes its own from a call
        ys, state = self.cell.over_time(xs, state, mask, self.reverse, self.unroll)
        result = turned(ys, self.time_major) if self.return_sequences else state[0]
        return (result, state) if self.return_state else result

    def _check_axes(self, x: Array) -> None:
        axes = len(self.cell.kernel_size)
        if len(x.shape) != axes + 3:
            order = "time, batch" if self.time_major else "batch, time"
            raise ShapeError(
                f"ConvLSTM takes a batch of sequences with {axes} spatial axes.",
                got=f"x = {describe_value(x)}",
                expected=f"({order}, {', '.join(['size'] * axes)}, channels)",
                fix="add or merge axes with um.numpy.reshape, or pass a kernel_size for each spatial axis",
            )
