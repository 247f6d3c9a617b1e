"""Recurrent layers as pure functions of arrays: one step of a cell, and a layer over all steps.

Gates stand side by side in the kernels and biases: r, z, n in a GRU, and i, f, g, o in an LSTM, each ``hidden`` wide.
Under half precision everything is computed in float32, over all steps, and cast back.
"""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.config import describe_value, is_array
from unimod.errors import OptionError
from unimod.nn import _checks, _recurrent_steps
from unimod.nn import _recurrent_checks as checks
from unimod.nn._affine import linear
from unimod.numpy._dispatch import many

Array = Any
_HALF = ("float16", "bfloat16")


def rnn_cell(
    x: Array, h: Array, kernel: Array, recurrent_kernel: Array, bias: Array | None = None, *, activation: str = "tanh"
) -> Array:
    """One step of a simple recurrent layer: ``activation(x @ kernel + h @ recurrent_kernel + bias)``.

    Args:
        x: floating, ``(batch..., in)``.
        h: the state, ``(batch..., hidden)``, of the same dtype, as all arguments.
        kernel: ``(in, hidden)``.
        recurrent_kernel: ``(hidden, hidden)``.
        bias: ``(hidden,)``; None for 0.
        activation: ``"tanh"`` or ``"relu"``.

    Returns:
        The new state, which is also the output.

    Raises:
        ShapeError: shapes do not fit.
        DTypeError: the dtypes differ, or are not floating.
        OptionError: the activation is another.

    Example:
        >>> import unimod as um
        >>> one = um.numpy.ones((1, 1))
        >>> um.nn.functional.rnn_cell(one, one, one, 2.0 * one, activation="relu").tolist()
        [[3.0]]

    Source: Elman, "Finding Structure in Time", 1990.
    """
    engine, x, h, kernel, recurrent_kernel, bias = many(x, h, kernel, recurrent_kernel, bias)
    known(activation)
    size = checks.weights("rnn_cell", engine, x, kernel, recurrent_kernel, bias, 1)
    checks.state("rnn_cell", engine, x, (*x.shape[:-1], size), h=h)
    wide = _widened(engine, x, h, kernel, recurrent_kernel, bias)
    new = _recurrent_steps.rnn_step(linear(wide[0], wide[2], wide[4]), wide[1], wide[3], activation)
    return unp.astype(new, engine.arrays.dtype_name(x))


def gru_cell(
    x: Array,
    h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    candidate_bias: Array | None = None,
) -> Array:
    """One step of a gated recurrent unit, with the reset after the product.

    ``r, z = sigmoid(x @ W_rz + h @ U_rz + b_rz)``, ``n = tanh(x @ W_n + b_n + r * (h @ U_n + candidate_bias))``,
    ``h' = (1 - z) * n + z * h``

    Args:
        x: floating, ``(batch..., in)``.
        h: the state, ``(batch..., hidden)``, of the same dtype, as all arguments.
        kernel: ``W``, ``(in, 3 * hidden)``.
        recurrent_kernel: ``U``, ``(hidden, 3 * hidden)``.
        bias: ``b``, ``(3 * hidden,)``; None for 0.
        candidate_bias: the second bias of n, ``(hidden,)``; None for 0.

    Returns:
        The new state, which is also the output.

    Raises:
        ShapeError: shapes do not fit.
        DTypeError: the dtypes differ, or are not floating.

    Example:
        >>> import unimod as um
        >>> x, h = um.numpy.ones((2, 3)), um.numpy.zeros((2, 4))
        >>> tuple(um.nn.functional.gru_cell(x, h, um.numpy.ones((3, 12)), um.numpy.ones((4, 12))).shape)
        (2, 4)

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014, in the form of cuDNN.
    Differences: the bias of r and z is one, where PyTorch adds two.
    """
    arrays = many(x, h, kernel, recurrent_kernel, bias, candidate_bias)
    engine, x, h, kernel, recurrent_kernel, bias, candidate_bias = arrays
    size = _gru_weights("gru_cell", engine, x, kernel, recurrent_kernel, bias, candidate_bias)
    checks.state("gru_cell", engine, x, (*x.shape[:-1], size), h=h)
    wide = _widened(engine, *arrays[1:])
    new = _recurrent_steps.gru_step(linear(wide[0], wide[2], wide[4]), wide[1], wide[3], wide[5])
    return unp.astype(new, engine.arrays.dtype_name(x))


def lstm_cell(
    x: Array, state: tuple[Array, Array], kernel: Array, recurrent_kernel: Array, bias: Array | None = None
) -> tuple[Array, Array]:
    """One step of a long short-term memory.

    ``i, f, o = sigmoid(...)`` and ``g = tanh(...)`` of ``x @ W + h @ U + b``; ``c' = f * c + i * g``,
    ``h' = o * tanh(c')``

    Args:
        x: floating, ``(batch..., in)``.
        state: ``(h, c)``, each ``(batch..., hidden)``, of the same dtype, as all arguments.
        kernel: ``W``, ``(in, 4 * hidden)``.
        recurrent_kernel: ``U``, ``(hidden, 4 * hidden)``.
        bias: ``b``, ``(4 * hidden,)``; None for 0.

    Returns:
        The new state ``(h, c)``; ``h`` is also the output.

    Raises:
        ShapeError: shapes do not fit.
        DTypeError: the dtypes differ, or are not floating.

    Example:
        >>> import unimod as um
        >>> x, state = um.numpy.ones((2, 3)), (um.numpy.zeros((2, 4)), um.numpy.zeros((2, 4)))
        >>> h, c = um.nn.functional.lstm_cell(x, state, um.numpy.ones((3, 16)), um.numpy.ones((4, 16)))
        >>> tuple(h.shape), tuple(c.shape)
        ((2, 4), (2, 4))

    Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; Gers et al., "Learning to Forget", 2000.
    Differences: one bias, where PyTorch adds two.
    """
    h, c = pair("lstm_cell", state)
    arrays = many(x, h, c, kernel, recurrent_kernel, bias)
    engine, x, h, c, kernel, recurrent_kernel, bias = arrays
    size = checks.weights("lstm_cell", engine, x, kernel, recurrent_kernel, bias, 4)
    checks.state("lstm_cell", engine, x, (*x.shape[:-1], size), h=h, c=c)
    wide = _widened(engine, *arrays[1:])
    new = _recurrent_steps.lstm_step(linear(wide[0], wide[3], wide[5]), wide[1], wide[2], wide[4])
    h, c = (unp.astype(part, engine.arrays.dtype_name(x)) for part in new)
    return h, c


def rnn(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    *,
    state: Array | None = None,
    lengths: Array | None = None,
    mask: Array | None = None,
    activation: str = "tanh",
    reverse: bool = False,
    time_major: bool = False,
    unroll: int = 1,
) -> tuple[Array, Array]:
    """:func:`rnn_cell` over all steps of a batch of sequences.

    Args:
        x: floating, ``(batch, time, in)``, or ``(time, batch, in)`` with ``time_major``.
        kernel: ``(in, hidden)``.
        recurrent_kernel: ``(hidden, hidden)``.
        bias: ``(hidden,)``; None for 0.
        state: before the first step, ``(batch, hidden)``; None for 0.
        lengths: integers, ``(batch,)``: after so many steps the state of a sequence is held, and its outputs are 0.
        mask: instead of lengths bools, ``(batch, time)`` (or as ``x`` has it): where False, the state is held.
        activation: ``"tanh"`` or ``"relu"``.
        reverse: go from the last step to the first; outputs stay at their steps.
        time_major: whether time is the first axis of ``x`` and of the outputs.
        unroll: how many steps a compiler writes out in a loop of its own, where the engine has one.

    Returns:
        The outputs, ``(batch, time, hidden)`` (or as ``x`` has it), and the last state, ``(batch, hidden)``.

    Raises:
        ShapeError: shapes do not fit, or a length is larger than the number of steps.
        DTypeError: the dtypes differ, or are not floating.
        OptionError: an option has another value, or there are both lengths and a mask.

    Example:
        >>> import unimod as um
        >>> one = um.numpy.ones((1, 1))
        >>> ys, h = um.nn.functional.rnn(um.numpy.ones((1, 3, 1)), one, one, activation="relu")
        >>> ys[0, :, 0].tolist(), h.tolist()
        ([1.0, 2.0, 3.0], [[3.0]])
    """
    arrays = many(x, state, kernel, recurrent_kernel, bias, mask, lengths)
    engine, x, state, kernel, recurrent_kernel, bias, mask, lengths = arrays
    known(activation)
    checks.sequence("rnn", x, time_major)
    size = checks.weights("rnn", engine, x, kernel, recurrent_kernel, bias, 1)
    mask = _mask("rnn", engine, x, lengths, mask, time_major)
    state = _state("rnn", engine, x, (state,), recurrent_kernel, size, time_major)
    wide = _widened(engine, _turned(x, time_major), *state, kernel, recurrent_kernel, bias)
    run: Any = getattr(engine.nn, "rnn", _recurrent_steps.rnn)
    ys, last = run(*wide, mask, activation=activation, reverse=reverse, unroll=unroll)
    dtype = engine.arrays.dtype_name(x)
    return _turned(unp.astype(ys, dtype), time_major), unp.astype(last, dtype)


def gru(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    candidate_bias: Array | None = None,
    *,
    state: Array | None = None,
    lengths: Array | None = None,
    mask: Array | None = None,
    reverse: bool = False,
    time_major: bool = False,
    unroll: int = 1,
) -> tuple[Array, Array]:
    """:func:`gru_cell` over all steps of a batch of sequences.

    Args:
        x: floating, ``(batch, time, in)``, or ``(time, batch, in)`` with ``time_major``.
        kernel: ``(in, 3 * hidden)``, for r, z and n.
        recurrent_kernel: ``(hidden, 3 * hidden)``.
        bias: ``(3 * hidden,)``; None for 0.
        candidate_bias: the second bias of n, ``(hidden,)``; None for 0.
        state: before the first step, ``(batch, hidden)``; None for 0.
        lengths: as in :func:`rnn`, like all further arguments.
        mask: instead of lengths.
        reverse: go from the last step to the first.
        time_major: whether time is the first axis.
        unroll: how many steps a compiler writes out.

    Returns:
        The outputs, ``(batch, time, hidden)`` (or as ``x`` has it), and the last state, ``(batch, hidden)``.

    Raises:
        ShapeError: shapes do not fit, or a length is larger than the number of steps.
        DTypeError: the dtypes differ, or are not floating.
        OptionError: there are both lengths and a mask.

    Example:
        >>> import unimod as um
        >>> x, kernels = um.numpy.ones((2, 5, 3)), (um.numpy.ones((3, 12)), um.numpy.ones((4, 12)))
        >>> ys, h = um.nn.functional.gru(x, *kernels, lengths=um.numpy.asarray([5, 2]))
        >>> tuple(ys.shape), tuple(h.shape), ys[1, 2:].tolist() == [[0.0] * 4] * 3
        ((2, 5, 4), (2, 4), True)
    """
    arrays = many(x, state, kernel, recurrent_kernel, bias, candidate_bias, mask, lengths)
    engine, x, state, kernel, recurrent_kernel, bias, candidate_bias, mask, lengths = arrays
    checks.sequence("gru", x, time_major)
    size = _gru_weights("gru", engine, x, kernel, recurrent_kernel, bias, candidate_bias)
    mask = _mask("gru", engine, x, lengths, mask, time_major)
    state = _state("gru", engine, x, (state,), recurrent_kernel, size, time_major)
    wide = _widened(engine, _turned(x, time_major), *state, kernel, recurrent_kernel, bias, candidate_bias)
    run: Any = getattr(engine.nn, "gru", _recurrent_steps.gru)
    ys, last = run(*wide, mask, reverse=reverse, unroll=unroll)
    dtype = engine.arrays.dtype_name(x)
    return _turned(unp.astype(ys, dtype), time_major), unp.astype(last, dtype)


def lstm(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    *,
    state: tuple[Array, Array] | None = None,
    lengths: Array | None = None,
    mask: Array | None = None,
    reverse: bool = False,
    time_major: bool = False,
    unroll: int = 1,
) -> tuple[Array, tuple[Array, Array]]:
    """:func:`lstm_cell` over all steps of a batch of sequences.

    Args:
        x: floating, ``(batch, time, in)``, or ``(time, batch, in)`` with ``time_major``.
        kernel: ``(in, 4 * hidden)``, for i, f, g and o.
        recurrent_kernel: ``(hidden, 4 * hidden)``.
        bias: ``(4 * hidden,)``; None for 0.
        state: before the first step, ``(h, c)``, each ``(batch, hidden)``; None for 0.
        lengths: as in :func:`rnn`, like all further arguments.
        mask: instead of lengths.
        reverse: go from the last step to the first.
        time_major: whether time is the first axis.
        unroll: how many steps a compiler writes out.

    Returns:
        The outputs, ``(batch, time, hidden)`` (or as ``x`` has it), and the last state ``(h, c)``.

    Raises:
        ShapeError: shapes do not fit, or a length is larger than the number of steps.
        DTypeError: the dtypes differ, or are not floating.
        OptionError: there are both lengths and a mask.

    Example:
        >>> import unimod as um
        >>> x, kernels = um.numpy.ones((2, 5, 3)), (um.numpy.ones((3, 16)), um.numpy.ones((4, 16)))
        >>> ys, (h, c) = um.nn.functional.lstm(x, *kernels)
        >>> tuple(ys.shape), tuple(h.shape), tuple(c.shape)
        ((2, 5, 4), (2, 4), (2, 4))
    """
    first = (None, None) if state is None else pair("lstm", state)
    arrays = many(x, *first, kernel, recurrent_kernel, bias, mask, lengths)
    engine, x, h, c, kernel, recurrent_kernel, bias, mask, lengths = arrays
    checks.sequence("lstm", x, time_major)
    size = checks.weights("lstm", engine, x, kernel, recurrent_kernel, bias, 4)
    mask = _mask("lstm", engine, x, lengths, mask, time_major)
    first = _state("lstm", engine, x, (h, c), recurrent_kernel, size, time_major)
    wide = _widened(engine, _turned(x, time_major), *first, kernel, recurrent_kernel, bias)
    run: Any = getattr(engine.nn, "lstm", _recurrent_steps.lstm)
    found = run(*wide, mask, reverse=reverse, unroll=unroll)
    ys, h, c = (unp.astype(part, engine.arrays.dtype_name(x)) for part in found)
    return _turned(ys, time_major), (h, c)


def known(activation: str) -> None:
    """The activation is one that the engines have loops for."""
    if activation not in _recurrent_steps.ACTIVATIONS:
        raise OptionError(
            "There is no recurrent layer with this activation.",
            got=f"activation = {activation!r}",
            expected='"tanh" or "relu"',
            fix="write a cell of your own: any module that is called with (state, x) can be run by RNN",
        )


def pair(name: str, state: Any) -> tuple[Array, Array]:
    """Both parts of the state of an LSTM."""
    if isinstance(state, (tuple, list)) and len(state) == 2:
        return state[0], state[1]
    raise OptionError(
        f"{name} has a state of two parts.",
        got=describe_value(state) if is_array(state) else f"{type(state).__name__} as the state",
        expected="a tuple (h, c)",
        fix="pass both parts",
    )


def _gru_weights(
    name: str, engine: Engine, x: Array, kernel: Array, recurrent_kernel: Array, bias: Array, candidate_bias: Array
) -> int:
    size = checks.weights(name, engine, x, kernel, recurrent_kernel, bias, 3)
    _checks.shapes(name, (size,), candidate_bias=candidate_bias)
    if candidate_bias is not None:
        _checks.same_dtype(name, engine, x, candidate_bias, "candidate_bias")
    return size


def _mask(name: str, engine: Engine, x: Array, lengths: Array, mask: Array, time_major: bool) -> Array | None:
    steps, batch = x.shape[:2] if time_major else (x.shape[1], x.shape[0])
    return checks.mask_of(name, engine, lengths, mask, steps, batch, time_major)


def _state(
    name: str, engine: Engine, x: Array, parts: tuple[Array | None, ...], kernel: Array, size: int, time_major: bool
) -> tuple[Array, ...]:
    shape = (x.shape[1 if time_major else 0], size)
    checks.state(name, engine, x, shape, **dict(zip("hc", parts, strict=False)))
    return tuple(zeros(kernel, shape) if part is None else part for part in parts)


def zeros(kernel: Array, shape: tuple[int, ...]) -> Array:
    """A state of zeros, of the engine, the dtype and the device of a recurrent kernel."""
    return unp.broadcast_to(unp.zeros_like(kernel[0, 0]), shape)


def _turned(x: Array, time_major: bool) -> Array:
    """Between (batch, time, features) and (time, batch, features)."""
    return x if time_major else unp.permute_dims(x, (1, 0, 2))


def _widened(engine: Engine, *arrays: Array | None) -> list[Array | None]:
    if engine.arrays.dtype_name(arrays[0]) not in _HALF:
        return list(arrays)
    return [None if x is None else unp.astype(x, "float32") for x in arrays]
