"""Decays by the reciprocal square root of the step."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.optim.schedules._checks import at_least, positive
from unimod.optim.schedules._schedule import Number, Schedule

Array = Any


def reciprocal_sqrt_schedule(init_value: Number, transition_steps: int, transition_begin: int = 0) -> Schedule:
    r"""Constant for some steps, then falling with the root of the steps.

    .. math:: v_0 \sqrt{\frac{T}{\max(t - b, T)}}

    Args:
        init_value: :math:`v_0`.
        transition_steps: :math:`T`, more than 0.
        transition_begin: :math:`b`.

    Raises:
        OptionError: ``transition_steps`` is not positive, or ``transition_begin`` is negative.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.reciprocal_sqrt_schedule(1.0, 4)
        >>> [schedule(step) for step in (0, 4, 16)]
        [1.0, 1.0, 0.5]

    Source: Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", 2020,
    where :math:`v_0 = 1 / \sqrt{T}`.
    """
    positive(transition_steps=transition_steps)
    at_least(0, transition_begin=transition_begin)
    return Schedule(
        "reciprocal_sqrt_schedule",
        _reciprocal_sqrt,
        init_value=init_value,
        transition_steps=transition_steps,
        transition_begin=transition_begin,
    )


def _reciprocal_sqrt(count: Array, *, init_value: Number, transition_steps: int, transition_begin: int) -> Array:
    return init_value * unp.sqrt(transition_steps / unp.maximum(count - transition_begin, transition_steps))


def noam_schedule(size: int, warmup_steps: int, scale: Number = 1.0) -> Schedule:
    r"""A linear rise, then a fall with the root of the steps.

    .. math:: s \, d^{-1/2} \min\left((t + 1)^{-1/2},\ (t + 1) \, w^{-3/2}\right)

    Args:
        size: :math:`d`, the number of features of the model.
        warmup_steps: :math:`w`, more than 0; at step ``w - 1`` the value is largest.
        scale: :math:`s`.

    Raises:
        OptionError: ``size`` or ``warmup_steps`` is not positive.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.noam_schedule(size=4, warmup_steps=4)
        >>> [round(schedule(step), 4) for step in (0, 1, 3, 15)]
        [0.0625, 0.125, 0.25, 0.125]

    Source: Vaswani et al., "Attention Is All You Need", 2017, equation 3, where the first step is 1.
    """
    positive(size=size, warmup_steps=warmup_steps)
    return Schedule("noam_schedule", _noam, size=size, warmup_steps=warmup_steps, scale=scale)


def _noam(count: Array, *, size: int, warmup_steps: int, scale: Number) -> Array:
    # The largest value, times one of two shares of it, which are 1 in the same place.
    number = count + 1
    share = unp.minimum(unp.sqrt(warmup_steps / number), number / warmup_steps)
    return scale * (size * warmup_steps) ** -0.5 * share
