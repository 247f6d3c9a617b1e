"""PyTorch: recurrent layers over time as operators of their own, forward and backward.

An operator is one node of a traced graph, however many steps it takes. What need not be done step by step is not done
here: the product of the inputs with their kernel before, and the gradients of the kernels after all steps.

Gates are (time, batch, gates * hidden), with the product of the inputs and the bias in them; a mask is (time, batch),
and where it is False the state is held. What a forward operator returns beside the states is for its backward one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch._opaque import Made, folded
from unimod.backends.torch._private import define_op


def _order(steps: int, reverse: bool) -> range:
    return range(steps - 1, -1, -1) if reverse else range(steps)


def _masks(mask: Tensor | None) -> Any:
    """For each step a column of the mask, or None."""
    return mask.unsqueeze(-1).unbind(0) if mask is not None else None


def _before(states: Tensor, first: Tensor, reverse: bool) -> list[Tensor]:
    """For each step the state before it."""
    rows = list(states.unbind(0))
    return [*rows[1:], first] if reverse else [first, *rows[:-1]]


def _rnn(gates: Tensor, h: Tensor, kernel: Tensor, mask: Tensor | None, relu: bool, reverse: bool) -> Tensor:
    hs = torch.empty_like(gates)
    masks, activate = _masks(mask), torch.relu_ if relu else torch.tanh_
    rows, outs = gates.unbind(0), hs.unbind(0)
    for t in _order(len(rows), reverse):
        new = activate(torch.addmm(rows[t], h, kernel, out=outs[t]))
        h = new if masks is None else new.copy_(torch.where(masks[t], new, h))
    return hs


def _rnn_backward(
    d_hs: Tensor, hs: Tensor, h: Tensor, kernel: Tensor, mask: Tensor | None, relu: bool, reverse: bool
) -> Made:
    masks, back = _masks(mask), kernel.t()
    # A held state has another derivative, which the mask takes out again.
    d_gates = (hs > 0).to(hs.dtype) if relu else torch.addcmul(torch.ones((), dtype=hs.dtype), hs, hs, value=-1)
    rows, d_rows, d_h = d_gates.unbind(0), d_hs.unbind(0), torch.zeros_like(h)
    for t in _order(len(rows), not reverse):
        d_h = d_h + d_rows[t]
        d_gate = rows[t].mul_(d_h)
        if masks is None:
            d_h = torch.mm(d_gate, back)
        else:
            d_gate.masked_fill_(~masks[t], 0)
            d_h = torch.addmm(d_h.masked_fill(masks[t], 0), d_gate, back)
    return d_gates, d_h


def _gru(gates: Tensor, h: Tensor, kernel: Tensor, bias: Tensor, mask: Tensor | None, reverse: bool) -> Made:
    steps, batch, width = gates.shape
    size = width // 3
    hs, acts = gates.new_empty(steps, batch, size), gates.new_empty(steps, batch, 4 * size)
    outer, own = kernel[:, : 2 * size], kernel[:, 2 * size :]
    masks, rows, outs = _masks(mask), gates.unbind(0), hs.unbind(0)
    (kept, reset, update, inner, candidate) = (
        acts[..., : 2 * size].unbind(0),
        *(part.unbind(0) for part in acts.chunk(4, -1)),
    )
    for t in _order(steps, reverse):
        torch.addmm(rows[t][:, : 2 * size], h, outer, out=kept[t]).sigmoid_()
        torch.addmm(bias, h, own, out=inner[t])
        n = torch.tanh_(torch.addcmul(rows[t][:, 2 * size :], reset[t], inner[t], out=candidate[t]))
        new = torch.lerp(n, h, update[t], out=outs[t])
        h = new if masks is None else new.copy_(torch.where(masks[t], new, h))
    return hs, acts


def _gru_backward(
    d_hs: Tensor, hs: Tensor, acts: Tensor, h: Tensor, kernel: Tensor, mask: Tensor | None, reverse: bool
) -> Made:
    masks, back = _masks(mask), kernel.t()
    reset, update, inner, candidate = acts.chunk(4, -1)
    before = torch.stack(_before(hs, h, reverse)) if hs.shape[0] else hs
    # The factors that do not depend on what comes back, for all steps at once.
    to_n = (1 - update) * (1 - candidate * candidate)
    to_z = (before - candidate) * (update * (1 - update))
    to_r = inner * (reset * (1 - reset))
    d_recurrent = torch.cat([to_r, to_z, reset], -1)
    d_n = to_n
    rows, parts, keeps = d_recurrent.unbind(0), d_n.unbind(0), update.unbind(0)
    d_rows, d_h = d_hs.unbind(0), torch.zeros_like(h)
    for t in _order(len(rows), not reverse):
        d_h = d_h + d_rows[t]
        passed = d_h if masks is None else d_h.masked_fill(~masks[t], 0)
        n = parts[t].mul_(passed)
        r, z, q = rows[t].chunk(3, -1)
        r.mul_(n)
        q.mul_(n)
        z.mul_(passed)
        d_next = torch.addmm(passed * keeps[t], rows[t], back)
        d_h = d_next if masks is None else d_next.add_(d_h.masked_fill(masks[t], 0))
    return d_recurrent, d_n, d_h


def _lstm(gates: Tensor, h: Tensor, c: Tensor, kernel: Tensor, mask: Tensor | None, reverse: bool) -> Made:
    steps, batch, width = gates.shape
    size = width // 4
    acts, hs, cs = torch.empty_like(gates), gates.new_empty(steps, batch, size), gates.new_empty(steps, batch, size)
    masks, rows, outs, cells, alls = _masks(mask), gates.unbind(0), hs.unbind(0), cs.unbind(0), acts.unbind(0)
    for t in _order(steps, reverse):
        gate = torch.addmm(rows[t], h, kernel, out=alls[t])
        gate[:, : 2 * size].sigmoid_()
        gate[:, 2 * size : 3 * size].tanh_()
        gate[:, 3 * size :].sigmoid_()
        i, f, g, o = gate.chunk(4, -1)
        new_c = torch.mul(f, c, out=cells[t]).addcmul_(i, g)
        new_h = torch.tanh(new_c, out=outs[t]).mul_(o)
        if masks is not None:
            new_c.copy_(torch.where(masks[t], new_c, c))
            new_h.copy_(torch.where(masks[t], new_h, h))
        h, c = new_h, new_c
    return hs, cs, acts


def _lstm_backward(
    d_hs: Tensor,
    d_c: Tensor,
    cs: Tensor,
    acts: Tensor,
    h: Tensor,
    c: Tensor,
    kernel: Tensor,
    mask: Tensor | None,
    reverse: bool,
) -> Made:
    masks, back = _masks(mask), kernel.t()
    i, f, g, o = acts.chunk(4, -1)
    before = torch.stack(_before(cs, c, reverse)) if cs.shape[0] else cs
    # The factors that do not depend on what comes back, for all steps at once.
    squashed = torch.tanh(cs)
    to_c = o * (1 - squashed * squashed)
    d_gates = torch.cat([g * i * (1 - i), before * f * (1 - f), i * (1 - g * g), squashed * o * (1 - o)], -1)
    rows, to_cs, keeps = d_gates.unbind(0), to_c.unbind(0), f.unbind(0)
    d_rows, d_h, size = d_hs.unbind(0), torch.zeros_like(h), h.shape[-1]
    for t in _order(len(rows), not reverse):
        d_h = d_h + d_rows[t]
        passed = d_h if masks is None else d_h.masked_fill(~masks[t], 0)
        d_new = d_c if masks is None else d_c.masked_fill(~masks[t], 0)
        d_new = torch.addcmul(d_new, passed, to_cs[t])
        rows[t][:, 3 * size :].mul_(passed)
        rows[t][:, : 3 * size].view(-1, 3, size).mul_(d_new.unsqueeze(1))
        d_last, d_before = torch.mm(rows[t], back), d_new * keeps[t]
        d_c = d_before if masks is None else d_before + d_c.masked_fill(masks[t], 0)
        d_h = d_last if masks is None else d_last + d_h.masked_fill(masks[t], 0)
    return d_gates, d_h, d_c


def _like(x: Tensor, *shape: int) -> Tensor:
    return x.new_empty(shape)


def _rnn_fake(gates: Tensor, *_: Any) -> Tensor:
    return _like(gates, *gates.shape)


def _rnn_backward_fake(d_hs: Tensor, hs: Tensor, h: Tensor, *_: Any) -> Made:
    return _like(hs, *hs.shape), _like(h, *h.shape)


def _gru_fake(gates: Tensor, h: Tensor, *_: Any) -> Made:
    steps, (batch, size) = gates.shape[0], h.shape
    return _like(gates, steps, batch, size), _like(gates, steps, batch, 4 * size)


def _gru_backward_fake(d_hs: Tensor, hs: Tensor, acts: Tensor, h: Tensor, *_: Any) -> Made:
    steps, (batch, size) = hs.shape[0], h.shape
    return _like(hs, steps, batch, 3 * size), _like(hs, steps, batch, size), _like(h, batch, size)


def _lstm_fake(gates: Tensor, h: Tensor, *_: Any) -> Made:
    steps, (batch, size) = gates.shape[0], h.shape
    return _like(gates, steps, batch, size), _like(gates, steps, batch, size), _like(gates, steps, batch, 4 * size)


def _lstm_backward_fake(d_hs: Tensor, d_c: Tensor, cs: Tensor, acts: Tensor, h: Tensor, *_: Any) -> Made:
    return _like(acts, *acts.shape), _like(h, *h.shape), _like(h, *h.shape)


def _define(
    signature: str,
    fn: Callable[..., Any],
    fake: Callable[..., Any],
    axes: tuple[int | None, ...],
    made: tuple[int, ...],
) -> Any:
    """An operator, with the axes of the batch in its tensor arguments (None: a weight) and in its results."""
    found: list[Any] = []
    found += [define_op(signature, fn, fake, vmap=folded(lambda: found[0], axes, made))]
    return found[0]


rnn = _define(
    "rnn(Tensor gates, Tensor h, Tensor kernel, Tensor? mask, bool relu, bool reverse) -> Tensor",
    _rnn,
    _rnn_fake,
    (1, 0, None, 1),
    (1,),
)
rnn_backward = _define(
    "rnn_backward(Tensor d_hs, Tensor hs, Tensor h, Tensor kernel, Tensor? mask, bool relu, bool reverse)"
    " -> (Tensor, Tensor)",
    _rnn_backward,
    _rnn_backward_fake,
    (1, 1, 0, None, 1),
    (1, 0),
)
gru = _define(
    "gru(Tensor gates, Tensor h, Tensor kernel, Tensor bias, Tensor? mask, bool reverse) -> (Tensor, Tensor)",
    _gru,
    _gru_fake,
    (1, 0, None, None, 1),
    (1, 1),
)
gru_backward = _define(
    "gru_backward(Tensor d_hs, Tensor hs, Tensor acts, Tensor h, Tensor kernel, Tensor? mask, bool reverse)"
    " -> (Tensor, Tensor, Tensor)",
    _gru_backward,
    _gru_backward_fake,
    (1, 1, 1, 0, None, 1),
    (1, 1, 0),
)
lstm = _define(
    "lstm(Tensor gates, Tensor h, Tensor c, Tensor kernel, Tensor? mask, bool reverse) -> (Tensor, Tensor, Tensor)",
    _lstm,
    _lstm_fake,
    (1, 0, 0, None, 1),
    (1, 1, 1),
)
lstm_backward = _define(
    "lstm_backward(Tensor d_hs, Tensor d_c, Tensor cs, Tensor acts, Tensor h, Tensor c, Tensor kernel, Tensor? mask, "
    "bool reverse) -> (Tensor, Tensor, Tensor)",
    _lstm_backward,
    _lstm_backward_fake,
    (1, 0, 1, 1, 0, 0, None, 1),
    (1, 0, 0),
)
