"""A convolutional long short-term memory as pure functions of arrays: one step, and all steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.nn import _checks, _recurrent_steps
from unimod.nn import _recurrent_checks as checks
from unimod.nn._convolution import conv
from unimod.nn._minimal import widened
from unimod.nn._shapes import Padding
from unimod.numpy._dispatch import many

Array = Any
Sizes = int | Sequence[int]


def conv_lstm_cell(
    x: Array,
    h: Array,
    c: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    *,
    stride: Sizes = 1,
    padding: Padding = "SAME",
    dilation: Sizes = 1,
) -> tuple[Array, Array]:
    """One step of a long short-term memory whose products are convolutions.

    ``i, f, o = sigmoid(...)`` and ``g = tanh(...)`` of ``conv(x, kernel) + conv(h, recurrent_kernel) + bias``,
    ``c' = f * c + i * g``, ``h' = o * tanh(c')``. The convolution of the state has the stride 1 and keeps its size.

    Args:
        x: floating, ``(batch..., spatial..., in)``.
        h: the first part of the state, ``(batch..., spatial'..., hidden)``, of the same dtype, as all arguments.
        c: the second part, likewise.
        kernel: ``(window..., in, 4 * hidden)``, for i, f, g and o.
        recurrent_kernel: ``(window..., hidden, 4 * hidden)``.
        bias: ``(4 * hidden,)``; None for 0.
        stride: of the convolution of the input, as in :func:`conv`.
        padding: likewise.
        dilation: likewise.

    Returns:
        The new ``(h, c)``; ``h`` is also the output.

    Raises:
        ShapeError: shapes do not fit.
        DTypeError: the dtypes differ, or are not floating.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> x, state = um.numpy.ones((2, 5, 3)), um.numpy.zeros((2, 5, 4))
        >>> kernels = um.numpy.ones((3, 3, 16)), um.numpy.ones((3, 4, 16))
        >>> h, c = um.nn.functional.conv_lstm_cell(x, state, state, *kernels)
        >>> tuple(h.shape), tuple(c.shape)
        ((2, 5, 4), (2, 5, 4))

    Source: Shi et al. (2015), arXiv:1506.04214, without the peepholes, as in Flax and Keras.
    """
    engine, x, h, c, kernel, recurrent_kernel, bias = many(x, h, c, kernel, recurrent_kernel, bias)
    size = _weights(engine, x, kernel, recurrent_kernel)
    wide = widened(x, h, c, kernel, recurrent_kernel, bias)
    gates = conv(wide[0], wide[3], wide[5], stride=stride, padding=padding, dilation=dilation)
    checks.state("conv_lstm_cell", engine, x, (*gates.shape[:-1], size), h=h, c=c)
    dtype = engine.arrays.dtype_name(x)
    h, c = (unp.astype(part, dtype) for part in _step(gates, wide[1], wide[2], wide[4]))
    return h, c


def over_time(
    xs: Array,
    state: tuple[Array, Array] | None,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    mask: Array | None,
    *,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    reverse: bool,
    unroll: int = 1,
) -> tuple[Array, tuple[Array, Array]]:
    """All outputs and the last state for inputs ``(time, batch, spatial..., in)``; a mask is (time, batch)."""
    first = (None, None) if state is None else state
    engine, xs, h, c, kernel, recurrent_kernel, bias = many(xs, *first, kernel, recurrent_kernel, bias)
    size = _weights(engine, xs, kernel, recurrent_kernel)
    x, kernel, recurrent_kernel, bias = widened(xs, kernel, recurrent_kernel, bias)
    gates = conv(x, kernel, bias, stride=stride, padding=padding, dilation=dilation)
    checks.state("ConvLSTM", engine, xs, (*gates.shape[1:-1], size), h=h, c=c)
    both = tuple(zeros(gates[0], size) if part is None else widened(part)[0] for part in (h, c))
    step = lambda gates, h, c: _step(gates, h, c, recurrent_kernel)  # noqa: E731
    ys, last = _recurrent_steps.run(engine, step, gates, both, mask, reverse=reverse, unroll=unroll)
    dtype = engine.arrays.dtype_name(xs)
    return unp.astype(ys, dtype), (unp.astype(last[0], dtype), unp.astype(last[1], dtype))


def zeros(gates: Array, size: int) -> Array:
    """A state of zeros for gates ``(batch..., spatial..., 4 * size)``."""
    return unp.zeros_like(gates[..., :size])


def _step(gates: Array, h: Array, c: Array, recurrent_kernel: Array) -> tuple[Array, ...]:
    return _recurrent_steps.lstm_update(unp.add(gates, conv(h, recurrent_kernel)), c)


def _weights(engine: Engine, x: Array, kernel: Array, recurrent_kernel: Array) -> int:
    """The checks that the convolutions do not make; the number of hidden channels."""
    size = int(recurrent_kernel.shape[-2]) if len(recurrent_kernel.shape) > 1 else 0
    _checks.shapes("conv_lstm_cell", (*kernel.shape[:-2], size, 4 * size), recurrent_kernel=recurrent_kernel)
    _checks.shapes("conv_lstm_cell", (*kernel.shape[:-1], 4 * size), kernel=kernel)
    _checks.floating("conv_lstm_cell", engine, x)
    for argument, weight in {"kernel": kernel, "recurrent_kernel": recurrent_kernel}.items():
        _checks.same_dtype("conv_lstm_cell", engine, x, weight, argument)
    return size
