"""PyTorch: the loss of connectionist temporal classification, on the native kernel, forward and backward.

The kernel gets the lengths as numbers of the host and has no second derivative: it stands inside operators of our own,
and what is differentiated twice is a loop of plain operations.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch._opaque import Made, derived, folded
from unimod.backends.torch._private import define_op, is_in_jvp

__all__ = ["ctc_loss"]

Array = Any

_IMPOSSIBLE = -1e30
"""In place of -inf, whose differences have no derivative."""


def ctc_loss(logits: Array, labels: Array, frames: Array, counts: Array, *, blank: int) -> Array:
    """``-log`` of the probability of the labels for each example; see ``_optional``."""
    labels, frames, counts = (x.to(torch.int64) for x in (labels, frames, counts))
    log_probs = torch.log_softmax(logits, -1)
    if is_in_jvp() or not logits.numel():
        return _plain(log_probs, labels, frames, counts, blank)[0]
    return _ctc(1, log_probs, labels, frames, counts, blank)[0]


def _forward(log_probs: Tensor, labels: Tensor, frames: Tensor, counts: Tensor, blank: int) -> Made:
    losses, alphas = torch.ops.aten._ctc_loss.Tensor(log_probs.transpose(0, 1), labels, frames, counts, blank, True)
    missing = 2 * labels.shape[1] + 1 - alphas.shape[2]
    return losses, torch.nn.functional.pad(alphas, (0, missing)) if missing else alphas


def _backward(
    slopes: Tensor, log_probs: Tensor, labels: Tensor, frames: Tensor, counts: Tensor, losses: Tensor, alphas: Tensor,
    blank: int,
) -> Tensor:  # fmt: skip
    native, turned = torch.ops.aten._ctc_loss_backward.Tensor, log_probs.transpose(0, 1)
    found: Tensor = native(slopes, turned, labels, frames, counts, losses, alphas, blank, True)
    return found.transpose(0, 1).contiguous()


def _forward_fake(log_probs: Tensor, labels: Tensor, *_: Any) -> Made:
    batch, steps, _classes = log_probs.shape
    return log_probs.new_empty(batch), log_probs.new_empty(batch, steps, 2 * labels.shape[1] + 1)


def _backward_fake(slopes: Tensor, log_probs: Tensor, *_: Any) -> Tensor:
    return log_probs.new_empty(log_probs.shape)


_run: Any = define_op(
    "ctc(Tensor log_probs, Tensor labels, Tensor frames, Tensor counts, int blank) -> (Tensor, Tensor)",
    _forward,
    _forward_fake,
    vmap=folded(lambda: _run, (0,) * 4, (0, 0)),
)
_run_backward: Any = define_op(
    "ctc_backward(Tensor slopes, Tensor log_probs, Tensor labels, Tensor frames, Tensor counts, Tensor losses, "
    "Tensor alphas, int blank) -> Tensor",
    _backward,
    _backward_fake,
    vmap=folded(lambda: _run_backward, (0,) * 7, (0,)),
)


def _slopes(cotangents: Any, inputs: Any, outputs: Any) -> Made:
    *arrays, blank = inputs
    return (_run_backward(*cotangents, *arrays, *outputs, blank),)


def _plain(log_probs: Tensor, labels: Tensor, frames: Tensor, counts: Tensor, blank: int) -> Made:
    # This changes no value, but the kernel's derivative is that of a function which starts so.
    log_probs = torch.log_softmax(log_probs, -1)
    emissions, jumps = _emissions(log_probs, labels, blank), _jumps(labels)
    state = torch.full_like(emissions[:, 0] if emissions.shape[1] else emissions.sum(1), _IMPOSSIBLE)
    state = torch.where(torch.arange(state.shape[1], device=state.device) == 0, 0.0, state)
    edge = torch.full_like(state[:, :2], _IMPOSSIBLE)
    for step in range(emissions.shape[1]):
        move, jump = torch.cat([edge[:, :1], state[:, :-1]], 1), torch.cat([edge, state[:, :-2]], 1)
        ways = torch.stack([state, move, torch.where(jumps, jump, _IMPOSSIBLE)])
        moved = torch.logsumexp(ways, 0) + emissions[:, step]
        state = torch.where((step < frames).unsqueeze(-1), moved, state)
    return (-_ends(state, counts),)


def _emissions(log_probs: Tensor, labels: Tensor, blank: int) -> Tensor:
    """The log-probability of the class of each place in each frame, (batch, frames, 2 labels + 1)."""
    index = torch.nn.functional.pad(labels.unsqueeze(-1), (1, 0), value=blank).flatten(1)
    index = torch.nn.functional.pad(index, (0, 1), value=blank)
    return log_probs.gather(-1, index.unsqueeze(1).expand(-1, log_probs.shape[1], -1))


def _jumps(labels: Tensor) -> Tensor:
    """Where a place can be reached from the last but one: at a label that differs from the one before it."""
    differs = torch.nn.functional.pad(labels[:, 1:] != labels[:, :-1], (1, 0))
    return torch.nn.functional.pad(torch.stack([torch.zeros_like(differs), differs], -1).flatten(1), (0, 1))


def _ends(state: Tensor, counts: Tensor) -> Tensor:
    """The log-probability of ending in the last blank or the last label."""
    last = 2 * counts.unsqueeze(-1)
    at = state.gather(-1, torch.cat([last, (last - 1).clamp(min=0)], -1))
    label = torch.where(counts > 0, at[:, 1], _IMPOSSIBLE)
    return torch.logsumexp(torch.stack([at[:, 0], label]), 0)


_ctc = derived(_run, _slopes, _plain, wrt=(0,))
