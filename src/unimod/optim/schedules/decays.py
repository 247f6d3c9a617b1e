"""Constant values, and decays by a power, an exponential, an inverse and a root."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.optim.schedules._checks import at_least, positive
from unimod.optim.schedules._schedule import Number, Schedule

Array = Any


def constant_schedule(value: Number) -> Schedule:
    """The same value at every step.

    Example:
        >>> import unimod as um
        >>> um.optim.constant_schedule(0.5)(100)
        0.5
    """
    return Schedule("constant_schedule", _constant, value=value)


def _constant(count: Array, *, value: Number) -> Array:
    return unp.zeros_like(count) + value


def polynomial_schedule(
    init_value: Number, end_value: Number, power: Number, transition_steps: int, transition_begin: int = 0
) -> Schedule:
    r"""From one value to another by a power of the steps that are left.

    .. math:: (v_0 - v_T) \left(1 - \frac{t - b}{T}\right)^p + v_T

    for the steps from :math:`b` to :math:`b + T`; constant before and after.

    Args:
        init_value: :math:`v_0`.
        end_value: :math:`v_T`.
        power: :math:`p`.
        transition_steps: :math:`T`; with 0 the value is always ``init_value``.
        transition_begin: :math:`b`.

    Raises:
        OptionError: a number of steps is negative.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.polynomial_schedule(1.0, 0.0, power=2, transition_steps=4)
        >>> [schedule(step) for step in range(6)]
        [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]

    Differences: optax takes negative numbers of steps for 0.
    """
    options = {"init_value": init_value, "end_value": end_value, "power": power}
    return _polynomial_of("polynomial_schedule", transition_steps, transition_begin, **options)


def linear_schedule(
    init_value: Number, end_value: Number, transition_steps: int, transition_begin: int = 0
) -> Schedule:
    """From one value to another in equal steps: :func:`polynomial_schedule` with a power of 1.

    Raises:
        OptionError: a number of steps is negative.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.linear_schedule(0.0, 1.0, transition_steps=4, transition_begin=1)
        >>> [schedule(step) for step in range(7)]
        [0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    return _polynomial_of(
        "linear_schedule", transition_steps, transition_begin, init_value=init_value, end_value=end_value
    )


def _polynomial_of(name: str, transition_steps: int, transition_begin: int, **options: Any) -> Schedule:
    at_least(0, transition_steps=transition_steps, transition_begin=transition_begin)
    return Schedule(name, _polynomial, **options, transition_steps=transition_steps, transition_begin=transition_begin)


def _polynomial(
    count: Array,
    *,
    init_value: Number,
    end_value: Number,
    transition_steps: int,
    transition_begin: int,
    power: Number = 1,
) -> Array:
    if transition_steps == 0:
        return _constant(count, value=init_value)
    # Two shares, each counted from its own end, so that both values are met exactly.
    left = unp.clip(transition_begin + transition_steps - count, 0, transition_steps) / transition_steps
    passed = unp.clip(count - transition_begin, 0, transition_steps) / transition_steps
    if _is_one(power):
        return init_value * left + end_value * passed
    share = left**power
    return init_value * share + end_value * (1 - share)


def _is_one(value: Any) -> bool:
    """Whether an option is the number 1, so that a power can be left out."""
    return isinstance(value, (int, float)) and value == 1


def exponential_decay(
    init_value: Number,
    transition_steps: int,
    decay_rate: Number,
    transition_begin: int = 0,
    *,
    staircase: bool = False,
    end_value: Number | None = None,
) -> Schedule:
    r"""A value that is multiplied by the same factor in equal times.

    .. math:: v_0 \, r^{\max(t - b, 0) / T}

    Args:
        init_value: :math:`v_0`.
        transition_steps: :math:`T`; with 0 the value is always ``init_value``.
        decay_rate: :math:`r`.
        transition_begin: :math:`b`.
        staircase: whether the exponent is rounded down to a whole number.
        end_value: where the value stops: a lower bound where the rate is below 1, else an upper bound.

    Raises:
        OptionError: a number of steps is negative, or the rate is not positive.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.exponential_decay(1.0, 2, 0.25, end_value=0.1)
        >>> [schedule(step) for step in range(5)]
        [1.0, 0.5, 0.25, 0.125, 0.1]
        >>> schedule = um.optim.exponential_decay(1.0, 2, 0.5, staircase=True)
        >>> [schedule(step) for step in range(5)]
        [1.0, 1.0, 0.5, 0.5, 0.25]

    Differences: optax takes negative numbers of steps for 0, and a rate of 0 for a constant.
    """
    at_least(0, transition_steps=transition_steps, transition_begin=transition_begin)
    positive(decay_rate=decay_rate)
    return Schedule(
        "exponential_decay",
        _exponential,
        init_value=init_value,
        transition_steps=transition_steps,
        decay_rate=decay_rate,
        transition_begin=transition_begin,
        staircase=staircase,
        end_value=end_value,
    )


def _exponential(
    count: Array,
    *,
    init_value: Number,
    transition_steps: int,
    decay_rate: Number,
    transition_begin: int,
    staircase: bool,
    end_value: Number | None,
) -> Array:
    value = init_value * unp.pow(decay_rate, _periods(count, transition_steps, transition_begin, staircase))
    if end_value is None:
        return value
    return unp.where(unp.less(decay_rate + 0 * count, 1), unp.maximum(value, end_value), unp.minimum(value, end_value))


def _periods(count: Array, steps: int, begin: int, staircase: bool) -> Array:
    """How many periods have passed, in full or not."""
    passed = unp.maximum(count - begin, 0)
    if steps == 0:
        return 0 * passed
    # Not the floor of a quotient: a compiler may multiply by the rounded inverse.
    return unp.floor_divide(passed, steps) if staircase else passed / steps


def inverse_time_decay(
    init_value: Number,
    transition_steps: int,
    decay_rate: Number,
    transition_begin: int = 0,
    *,
    staircase: bool = False,
) -> Schedule:
    r"""A value divided by a number that grows in equal steps.

    .. math:: \frac{v_0}{1 + r \max(t - b, 0) / T}

    Args:
        init_value: :math:`v_0`.
        transition_steps: :math:`T`; with 0 the value is always ``init_value``.
        decay_rate: :math:`r`.
        transition_begin: :math:`b`.
        staircase: whether the quotient is rounded down to a whole number.

    Raises:
        OptionError: a number of steps or the rate is negative.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.inverse_time_decay(1.0, 1, 1.0)
        >>> [schedule(step) for step in (0, 1, 3)]
        [1.0, 0.5, 0.25]
    """
    at_least(0, transition_steps=transition_steps, transition_begin=transition_begin, decay_rate=decay_rate)
    return Schedule(
        "inverse_time_decay",
        _inverse_time,
        init_value=init_value,
        transition_steps=transition_steps,
        decay_rate=decay_rate,
        transition_begin=transition_begin,
        staircase=staircase,
    )


def _inverse_time(
    count: Array,
    *,
    init_value: Number,
    transition_steps: int,
    decay_rate: Number,
    transition_begin: int,
    staircase: bool,
) -> Array:
    return init_value / (1 + decay_rate * _periods(count, transition_steps, transition_begin, staircase))
