"""Connectionist temporal classification: the likelihood of a label sequence, whatever its alignment."""

from __future__ import annotations

from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.config import describe_value
from unimod.errors import OptionError, ShapeError
from unimod.losses._reduce import Call
from unimod.nn import _checks
from unimod.nn.activations import log_softmax

Array = Any

_IMPOSSIBLE = -1e30
"""In place of -inf, whose differences have no derivative."""


def ctc(
    logits: Array,
    labels: Array,
    *,
    logit_lengths: Array | None = None,
    label_lengths: Array | None = None,
    logit_paddings: Array | None = None,
    label_paddings: Array | None = None,
    blank: int = 0,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``-log`` of the probability that the frames say the labels, summed over all alignments.

    An alignment gives each frame a class; equal neighbours are one, then blanks are left out. What is padding is said
    by lengths, or by paddings (1 or True where an entry is padding, at the end); without either nothing is.

    Args:
        logits: floating, ``(batch, frames, classes)``.
        labels: integers, ``(batch, max labels)``, none of them ``blank``.
        logit_lengths: integers, ``(batch,)``: the frames of each example.
        label_lengths: integers, ``(batch,)``: the labels of each example.
        logit_paddings: ``(batch, frames)``, in place of ``logit_lengths``.
        label_paddings: ``(batch, max labels)``, in place of ``label_lengths``.
        blank: the class that says nothing.
        reduction: over the examples: ``"mean"``, ``"sum"``, ``"none"`` or ``"weighted mean"``.
        sample_weight: factors of the examples, ``(batch,)``.

    Returns:
        A scalar, or ``(batch,)`` for ``"none"``; computed in float32 for half precision. An example with too few
        frames for its labels has the loss inf and the derivative 0.

    Raises:
        ShapeError: the shapes do not fit.
        DTypeError: ``logits`` is not floating, or ``labels`` are no integers.
        OptionError: ``blank`` is no class, or lengths and paddings are both given.

    Example:
        >>> import unimod as um
        >>> logits = um.numpy.zeros((1, 2, 2))  # the label 1 in two frames: 1 of 4 ways says nothing
        >>> round(float(um.losses.ctc(logits, um.numpy.asarray([[1]]))), 4)
        0.2877

    Differences: torch's mean divides each loss by its number of labels first; optax gives about 1e5 for inf.

    Source: Graves et al. (2006), "Connectionist temporal classification", equations 6 to 8.
    """
    sizes = (logit_lengths, label_lengths, logit_paddings, label_paddings)
    call = Call("ctc", reduction, sample_weight, logits, labels, *sizes)
    _check(call, blank)
    labels = call.others[0]
    frames = _lengths(call, "logit", call.others[1], call.others[3], call.preds.shape[1])
    counts = _lengths(call, "label", call.others[2], call.others[4], labels.shape[1])
    # A padding may be any number; what is read there ends in no result.
    labels = unp.clip(labels, 0, call.preds.shape[-1] - 1)
    losses = getattr(call.engine.nn, "ctc_loss", _ctc_loss)(call.preds, labels, frames, counts, blank=blank)
    needed = unp.add(counts, _repeats(labels, counts))
    return call.reduce(unp.where(unp.less_equal(needed, frames), losses, unp.inf))


def _ctc_loss(logits: Array, labels: Array, frames: Array, counts: Array, *, blank: int) -> Array:
    """What an engine without a function of its own does: as many operations as there are frames."""
    final = _forward(_emissions(log_softmax(logits), labels, blank), _jumps(labels), frames)
    return unp.negative(_ends(final, counts))


def _forward(emissions: Array, jumps: Array, frames: Array) -> Array:
    """The log-probability of each place of the lattice after the last frame of each example.

    The lattice has a blank before, between and after the labels. All its places, of all examples, take a step at once.
    """
    _, steps, places = emissions.shape
    # Before the first frame nothing is said but the first blank, which costs nothing yet.
    first = unp.astype(unp.zeros_like(jumps), emissions.dtype)
    state = unp.where(np.arange(places) == 0, first, _IMPOSSIBLE)
    edge = unp.full_like(state[:, :2], _IMPOSSIBLE)
    for step in range(steps):
        stay, move = state, unp.concat([edge[:, :1], state[:, :-1]], axis=1)
        jump = unp.where(jumps, unp.concat([edge, state[:, :-2]], axis=1)[:, :places], _IMPOSSIBLE)
        moved = unp.add(unp.logsumexp(unp.stack([stay, move, jump]), axis=0), emissions[:, step])
        state = unp.where(unp.less(step, unp.expand_dims(frames, axis=-1)), moved, state)
    return state


def _emissions(log_probs: Array, labels: Array, blank: int) -> Array:
    """The log-probability of the class of each place in each frame, ``(batch, frames, 2 labels + 1)``."""
    batch, steps, _ = log_probs.shape
    count = labels.shape[1]
    index = unp.broadcast_to(unp.expand_dims(labels, axis=1), (batch, steps, count))
    said = unp.take_along_axis(log_probs, index, axis=-1)
    silent = log_probs[:, :, blank : blank + 1]
    pairs = unp.stack([unp.broadcast_to(silent, (batch, steps, count)), said], axis=-1)
    return unp.concat([unp.reshape(pairs, (batch, steps, 2 * count)), silent], axis=-1)


def _jumps(labels: Array) -> Array:
    """Where a place can be reached from the last but one: at a label that differs from the one before it."""
    differs = unp.not_equal(labels[:, 1:], labels[:, :-1])
    never = unp.less(labels, labels)
    differs = unp.concat([never[:, :1], differs], axis=1)
    pairs = unp.reshape(unp.stack([never, differs], axis=-1), (labels.shape[0], 2 * labels.shape[1]))
    return unp.concat([pairs, never[:, :1]], axis=1)


def _ends(state: Array, counts: Array) -> Array:
    """The log-probability of ending in the last blank or the last label."""
    last = unp.expand_dims(unp.multiply(counts, 2), axis=-1)
    at = unp.take_along_axis(state, unp.concat([last, unp.maximum(unp.subtract(last, 1), 0)], axis=-1), axis=-1)
    label = unp.where(unp.greater(counts, 0), at[:, 1], _IMPOSSIBLE)
    return unp.logsumexp(unp.stack([at[:, 0], label]), axis=0)


def _repeats(labels: Array, counts: Array) -> Array:
    """How many labels equal the one before: between those two there has to be a blank."""
    is_same = unp.equal(labels[:, 1:], labels[:, :-1])
    is_real = unp.less(np.arange(1, labels.shape[1]), unp.expand_dims(counts, axis=-1))
    return unp.sum(unp.logical_and(is_same, is_real), axis=-1)


def _lengths(call: Call, what: str, lengths: Array | None, paddings: Array | None, size: int) -> Array:
    if lengths is not None and paddings is not None:
        raise OptionError(
            f"ctc got both lengths and paddings of the {what}s.",
            got=f"{what}_lengths and {what}_paddings",
            expected="one of them",
            fix="leave one away",
        )
    if lengths is None and paddings is None:
        return unp.full_like(call.others[0][:, 0], size, dtype="int32")
    batch = call.preds.shape[0]
    given: Any = lengths if paddings is None else paddings
    shape = (batch,) if paddings is None else (batch, size)
    if tuple(given.shape) != shape:
        raise ShapeError(
            f"ctc got {what} {'lengths' if paddings is None else 'paddings'} of another shape.",
            got=describe_value(given),
            expected=f"shape {shape}",
            fix="pass lengths of the shape (batch,), or paddings of the shape (batch, entries)",
        )
    if paddings is None:
        return unp.astype(given, "int32")
    return unp.sum(unp.astype(unp.equal(given, 0), "int32"), axis=-1)


def _check(call: Call, blank: int) -> None:
    logits, labels = call.preds, call.others[0]
    _checks.integers("ctc", "labels", call.engine, labels)
    if len(logits.shape) != 3 or len(labels.shape) != 2 or logits.shape[0] != labels.shape[0] or not labels.shape[1]:
        raise ShapeError(
            "ctc got labels that do not fit the logits.",
            got=f"logits = {describe_value(logits)}, labels = {describe_value(labels)}",
            expected="logits (batch, frames, classes), labels (batch, max labels)",
            fix="put the batch first; an example without labels has the label length 0",
        )
    if not 0 <= blank < logits.shape[-1]:
        raise OptionError(
            "`blank` of ctc is no class.",
            got=f"blank = {blank}",
            expected=f"0 <= blank < {logits.shape[-1]}",
            fix="0 is the usual blank",
        )
