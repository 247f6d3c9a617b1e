"""Decays along a cosine, once, back and forth, and with restarts."""

from __future__ import annotations

import math
from typing import Any

import unimod.numpy as unp
from unimod.optim.schedules._checks import positive
from unimod.optim.schedules._schedule import Number, Schedule

Array = Any


def falling(left: Array) -> Array:
    """``(1 + cos(pi * (1 - left))) / 2``: 1 where all is left, 0 where nothing is; exact to rounding near both."""
    return unp.square(unp.sin(math.pi / 2 * left))


def cosine_decay_schedule(
    init_value: Number, decay_steps: int, alpha: Number = 0.0, exponent: Number = 1.0
) -> Schedule:
    r"""Half a cosine down to a share of the first value, which is kept.

    .. math:: v_0 \left((1 - \alpha) \left[\tfrac{1}{2} (1 + \cos(\pi t / T))\right]^p + \alpha\right), \quad t \le T

    Args:
        init_value: :math:`v_0`.
        decay_steps: :math:`T`, more than 0.
        alpha: what is left at the end, as a share of ``init_value``.
        exponent: :math:`p`.

    Raises:
        OptionError: ``decay_steps`` is not positive.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.cosine_decay_schedule(1.0, 4, alpha=0.5)
        >>> [round(schedule(step), 4) for step in range(6)]
        [1.0, 0.9268, 0.75, 0.5732, 0.5, 0.5]

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.
    """
    positive(decay_steps=decay_steps)
    options = {"decay_steps": decay_steps, "alpha": alpha, "exponent": exponent}
    return Schedule("cosine_decay_schedule", _cosine_decay, init_value=init_value, **options)


def _cosine_decay(count: Array, *, init_value: Number, decay_steps: int, alpha: Number, exponent: Number) -> Array:
    left = unp.clip(decay_steps - count, 0, decay_steps) / decay_steps
    return init_value * ((1 - alpha) * falling(left) ** exponent + alpha)


def cosine_annealing_schedule(init_value: Number, decay_steps: int, end_value: Number = 0.0) -> Schedule:
    r"""A cosine that goes down, and up again.

    .. math:: v_T + \tfrac{1}{2} (v_0 - v_T) (1 + \cos(\pi t / T))

    Args:
        init_value: :math:`v_0`, at the steps 0, 2 T, 4 T, ...
        decay_steps: :math:`T`, more than 0.
        end_value: :math:`v_T`, at the steps T, 3 T, ...

    Raises:
        OptionError: ``decay_steps`` is not positive.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.cosine_annealing_schedule(1.0, 2, end_value=0.5)
        >>> [round(schedule(step), 4) for step in range(6)]
        [1.0, 0.75, 0.5, 0.75, 1.0, 0.75]

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, equation 5.
    """
    positive(decay_steps=decay_steps)
    return Schedule(
        "cosine_annealing_schedule", _annealing, init_value=init_value, decay_steps=decay_steps, end_value=end_value
    )


def _annealing(count: Array, *, init_value: Number, decay_steps: int, end_value: Number) -> Array:
    left = (decay_steps - unp.remainder(count, 2 * decay_steps)) / decay_steps
    return end_value + (init_value - end_value) * falling(left)


def cosine_restarts_schedule(
    init_value: Number, decay_steps: int, factor: int = 1, end_value: Number = 0.0
) -> Schedule:
    r"""Half a cosine down, again and again, each time ``factor`` times longer.

    .. math:: v_T + \tfrac{1}{2} (v_0 - v_T) (1 + \cos(\pi s / T_i))

    for the step :math:`s` since the last restart, and :math:`T_i = T f^i` until the next.

    Args:
        init_value: :math:`v_0`, at each restart.
        decay_steps: :math:`T`, the steps until the first restart, more than 0.
        factor: :math:`f`, a whole number of 1 or more.
        end_value: :math:`v_T`, just before the next restart.

    Raises:
        OptionError: ``decay_steps`` or ``factor`` is not positive.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.cosine_restarts_schedule(1.0, 2, factor=2)
        >>> [round(schedule(step), 4) for step in range(7)]
        [1.0, 0.5, 1.0, 0.8536, 0.5, 0.1464, 1.0]

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.
    """
    positive(decay_steps=decay_steps, factor=factor)
    options = {"decay_steps": decay_steps, "factor": factor, "end_value": end_value}
    return Schedule("cosine_restarts_schedule", _restarts, init_value=init_value, **options)


def _restarts(count: Array, *, init_value: Number, decay_steps: int, factor: int, end_value: Number) -> Array:
    begin, period = _cycle(count, decay_steps, factor)
    return end_value + (init_value - end_value) * falling((begin + period - count) / period)


def _cycle(count: Array, steps: int, factor: int) -> tuple[Array, Array]:
    """The step at which the present cycle began, and its length."""
    if factor == 1:
        return count - unp.remainder(count, steps), unp.zeros_like(count) + steps
    near = unp.floor(unp.log1p(count * ((factor - 1) / steps)) / math.log(factor))
    # Near a restart the logarithm may be rounded to the wrong side.
    near = unp.where(count < _begin(near, steps, factor), near - 1, near)
    number = unp.where(count >= _begin(near + 1, steps, factor), near + 1, near)
    return _begin(number, steps, factor), steps * _power(factor, number)


def _begin(number: Array, steps: int, factor: int) -> Array:
    """The step at which the cycle of that number begins."""
    return steps * (_power(factor, number) - 1) / (factor - 1)


def _power(factor: int, number: Array) -> Array:
    """A whole number, also where powers are rounded."""
    return unp.round(unp.pow(factor, number))
