"""PyTorch: recurrent layers over time.

On CPUs the loop is an operator of our own, one node of a traced graph, with the gradients of the kernels taken after
the loop; for the LSTM in float32, and for the GRU without derivatives, torch's fused kernel is faster still, and on
CUDA devices all of its kernels are.
Mapped examples are more rows of its batch. For second derivatives, and under ``torch.func.jvp``, it is a loop of plain
operations, which torch differentiates.

Arrays are (time, batch, features), states (batch, hidden), in float32 or float64; a mask is (time, batch).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch import _private
from unimod.backends.torch import _recurrent_ops as ops
from unimod.backends.torch._opaque import Made, derived

Array = Any
Step = Callable[..., tuple[Tensor, ...]]


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
    """``h = activation(x @ kernel + h @ recurrent_kernel + bias)``: the outputs and the last state."""
    relu = activation == "relu"
    if _is_fused(x, h, mask):
        fused = _private.fused_recurrent(f"rnn_{activation}")
        return _fused(fused, x, (h,), (kernel, recurrent_kernel), (bias, None), reverse)  # type: ignore[return-value]
    gates = _gates(x, kernel, bias)
    if _private.is_in_jvp():
        hs, last = _rnn_loop(gates, h, recurrent_kernel, mask, relu, reverse)
        return _outputs(hs, last, mask)
    (hs,) = _rnn(1, gates, h, recurrent_kernel, mask, relu, reverse)
    return _outputs(hs, _last(hs, h, reverse), mask)


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
    """The gated recurrent unit with the reset after the product: the outputs and the last state."""
    # On CPUs that kernel is quicker forward, and slower with its derivative.
    weights = (x, h, kernel, recurrent_kernel, bias, candidate_bias)
    is_alone = not _private.is_transforming() and not _private.any_requires_grad(weights)
    if _is_fused(x, h, mask, has_cpu=is_alone):
        inner = None if candidate_bias is None else torch.nn.functional.pad(candidate_bias, (2 * h.shape[-1], 0))
        fused, kernels = _private.fused_recurrent("gru"), (kernel, recurrent_kernel)
        return _fused(fused, x, (h,), kernels, (bias, inner), reverse)  # type: ignore[return-value]
    gates = _gates(x, kernel, bias)
    inside = recurrent_kernel.new_zeros(h.shape[-1]) if candidate_bias is None else candidate_bias
    if _private.is_in_jvp():
        hs, last = _gru_loop(gates, h, recurrent_kernel, inside, mask, reverse)
        return _outputs(hs, last, mask)
    (hs,) = _gru(1, gates, h, recurrent_kernel, inside, mask, reverse)
    return _outputs(hs, _last(hs, h, reverse), mask)


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
    """The long short-term memory: the outputs and the two parts of the last state."""
    if _is_fused(x, h, mask, has_cpu=x.dtype == torch.float32):
        fused, kernels = _private.fused_recurrent("lstm"), (kernel, recurrent_kernel)
        return _fused(fused, x, (h, c), kernels, (bias, None), reverse)  # type: ignore[return-value]
    gates = _gates(x, kernel, bias)
    if _private.is_in_jvp():
        hs, *last = _lstm_loop(gates, h, c, recurrent_kernel, mask, reverse)
        return _outputs(hs, last[0], mask)[0], last[0], last[1]
    hs, last_c = _lstm(2, gates, h, c, recurrent_kernel, mask, reverse)
    return *_outputs(hs, _last(hs, h, reverse), mask), last_c


# torch's fused kernels


def _is_fused(x: Tensor, h: Tensor, mask: Tensor | None, *, has_cpu: bool = False) -> bool:
    if mask is not None or not (x.numel() and h.numel()) or _private.in_functorch():
        return False
    return (has_cpu and _private.has_mkldnn()) if x.device.type == "cpu" else x.device.type == "cuda"


def _fused(
    fn: Callable[..., Any],
    x: Tensor,
    state: tuple[Tensor, ...],
    kernels: tuple[Tensor, Tensor],
    biases: tuple[Tensor | None, Tensor | None],
    reverse: bool,
) -> tuple[Tensor, ...]:
    """One layer; torch has two biases, of which the second is zero where there is one of ours."""
    weights = [kernel.t().contiguous() for kernel in kernels]
    if any(bias is not None for bias in biases):
        width = weights[0].shape[0]
        weights += [x.new_zeros(width) if bias is None else bias for bias in biases]
    first = [part.unsqueeze(0) for part in state]
    hx = first if len(first) == 2 else first[0]
    is_followed = torch.is_grad_enabled()
    ys, *last = fn(x.flip(0) if reverse else x, hx, weights, len(weights) == 4, 1, 0.0, is_followed, False, False)
    return ys.flip(0) if reverse else ys, *(part.squeeze(0) for part in last)


# What is common


def _gates(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """The product of the inputs of all steps with their kernel."""
    rows = x.reshape(x.shape[0] * x.shape[1], x.shape[2])
    product = rows @ kernel if bias is None else torch.addmm(bias, rows, kernel)
    return product.view(*x.shape[:2], kernel.shape[1])


def _last(hs: Tensor, h: Tensor, reverse: bool) -> Tensor:
    if not hs.shape[0]:
        return h
    return hs[0] if reverse else hs[-1]


def _outputs(hs: Tensor, last: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    return (hs if mask is None else hs.masked_fill(~mask.unsqueeze(-1), 0)), last


def _before(hs: Tensor, h: Tensor, reverse: bool) -> Tensor:
    """The state before each step, as rows."""
    first = h.unsqueeze(0)
    return torch.cat([hs[1:], first] if reverse else [first, hs[:-1]])[: hs.shape[0]].flatten(0, 1)


def _product(before: Tensor, d_gates: Tensor) -> Tensor:
    """The gradient of the recurrent kernel, of all steps at once."""
    return before.t() @ d_gates.flatten(0, 1)


# Loops of plain operations


def _loop(step: Step, gates: Tensor, state: tuple[Tensor, ...], mask: Tensor | None, reverse: bool) -> Any:
    rows, hs = list(range(gates.shape[0])), []
    for t in reversed(rows) if reverse else rows:
        new = step(gates[t], *state)
        if mask is not None:
            keep = mask[t].unsqueeze(-1)
            new = tuple(torch.where(keep, one, old) for one, old in zip(new, state, strict=True))
        state = new
        hs.append(state[0])
    stacked = torch.stack(hs[::-1] if reverse else hs) if hs else gates.new_zeros(0, *state[0].shape)
    return stacked, *state


def _rnn_loop(gates: Tensor, h: Tensor, kernel: Tensor, mask: Tensor | None, relu: bool, reverse: bool) -> Any:
    activate = torch.relu if relu else torch.tanh
    return _loop(lambda gate, h: (activate(gate + h @ kernel),), gates, (h,), mask, reverse)


def _gru_loop(gates: Tensor, h: Tensor, kernel: Tensor, bias: Tensor, mask: Tensor | None, reverse: bool) -> Any:
    def step(gate: Tensor, h: Tensor) -> tuple[Tensor]:
        (gate_r, gate_z, gate_n), (r, z, n) = gate.chunk(3, -1), (h @ kernel).chunk(3, -1)
        candidate = torch.tanh(gate_n + torch.sigmoid(gate_r + r) * (n + bias))
        return (torch.lerp(candidate, h, torch.sigmoid(gate_z + z)),)

    return _loop(step, gates, (h,), mask, reverse)


def _lstm_loop(gates: Tensor, h: Tensor, c: Tensor, kernel: Tensor, mask: Tensor | None, reverse: bool) -> Any:
    def step(gate: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g, o = (gate + h @ kernel).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    return _loop(step, gates, (h, c), mask, reverse)


# The operators with their derivatives


def _rnn_run(*inputs: Any) -> Made:
    return (ops.rnn(*inputs),)


def _rnn_slopes(cotangents: Any, inputs: Any, outputs: Any) -> Made:
    _gates, h, kernel, mask, _relu, reverse = inputs
    d_gates, d_h = ops.rnn_backward(*cotangents, *outputs, h, kernel, mask, *inputs[4:])
    return d_gates, d_h, _product(_before(outputs[0], h, reverse), d_gates)


def _gru_slopes(cotangents: Any, inputs: Any, outputs: Any) -> Made:
    _gates, h, kernel, _bias, mask, reverse = inputs
    d_inner, d_n, d_h = ops.gru_backward(*cotangents, *outputs, h, kernel, mask, reverse)
    size = h.shape[-1]
    d_kernel = _product(_before(outputs[0], h, reverse), d_inner)
    d_gates = torch.cat([d_inner[..., : 2 * size], d_n], -1)
    return d_gates, d_h, d_kernel, d_inner[..., 2 * size :].sum((0, 1))


def _lstm_run(gates: Tensor, h: Tensor, c: Tensor, kernel: Tensor, mask: Any, reverse: bool) -> Made:
    hs, cs, acts = ops.lstm(gates, h, c, kernel, mask, reverse)
    return hs, _last(cs, c, reverse).clone(), cs, acts


def _lstm_slopes(cotangents: Any, inputs: Any, outputs: Any) -> Made:
    _gates, h, c, kernel, mask, reverse = inputs
    hs, _, cs, acts = outputs
    d_gates, d_h, d_c = ops.lstm_backward(*cotangents, cs, acts, h, c, kernel, mask, reverse)
    return d_gates, d_h, d_c, _product(_before(hs, h, reverse), d_gates)


def _lstm_plain(*inputs: Any) -> Made:
    hs, _, c = _lstm_loop(*inputs)
    return hs, c


_rnn = derived(_rnn_run, _rnn_slopes, lambda *inputs: _rnn_loop(*inputs)[:1], wrt=(0, 1, 2))
_gru = derived(ops.gru, _gru_slopes, lambda *inputs: _gru_loop(*inputs)[:1], wrt=(0, 1, 2, 3))
_lstm = derived(_lstm_run, _lstm_slopes, _lstm_plain, wrt=(0, 1, 2, 3))
