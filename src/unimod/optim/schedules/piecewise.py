"""Values that jump, or are interpolated, between given steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import unimod.numpy as unp
from unimod.optim.schedules._checks import at_least, increasing, one_of, positive, steps_and_scales
from unimod.optim.schedules._schedule import Number, Schedule
from unimod.optim.schedules.cosine import falling

Array = Any


def piecewise_constant_schedule(
    init_value: Number, boundaries_and_scales: Mapping[int, Number] | None = None
) -> Schedule:
    """A value that is multiplied by a factor at each boundary.

    Args:
        init_value: the value before the first boundary.
        boundaries_and_scales: factors by the step from which on they count.

    Raises:
        OptionError: a boundary or a factor is negative.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.piecewise_constant_schedule(1.0, {2: 0.5, 4: 0.5})
        >>> [schedule(step) for step in range(6)]
        [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """
    boundaries, scales = steps_and_scales(boundaries_and_scales)
    return Schedule(
        "piecewise_constant_schedule", _piecewise, init_value=init_value, boundaries=boundaries, scales=scales
    )


def _piecewise(count: Array, *, init_value: Number, boundaries: list[float], scales: list[Number]) -> Array:
    value = unp.zeros_like(count) + init_value
    for boundary, scale in zip(boundaries, scales, strict=True):
        value = unp.where(count < boundary, value, scale * value)
    return value


def step_schedule(init_value: Number, step_size: int, decay_rate: Number = 0.1) -> Schedule:
    r"""A value that is multiplied by a factor every ``step_size`` steps: :math:`v_0 \, r^{\lfloor t / n \rfloor}`.

    Args:
        init_value: :math:`v_0`.
        step_size: :math:`n`, more than 0.
        decay_rate: :math:`r`.

    Raises:
        OptionError: ``step_size`` is not positive, or the rate is negative.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.step_schedule(1.0, 2, decay_rate=0.5)
        >>> [schedule(step) for step in range(6)]
        [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """
    positive(step_size=step_size)
    at_least(0, decay_rate=decay_rate)
    return Schedule("step_schedule", _steps, init_value=init_value, step_size=step_size, decay_rate=decay_rate)


def _steps(count: Array, *, init_value: Number, step_size: int, decay_rate: Number) -> Array:
    return init_value * unp.pow(decay_rate, unp.floor_divide(count, step_size))


def multistep_schedule(init_value: Number, milestones: list[int], decay_rate: Number = 0.1) -> Schedule:
    r"""A value that is multiplied by one factor at each milestone; one that is given twice counts twice.

    Args:
        init_value: the value before the first milestone.
        milestones: steps, increasing.
        decay_rate: the factor.

    Raises:
        OptionError: the milestones do not increase from 0 or more, or the rate is negative.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.multistep_schedule(1.0, [1, 3], decay_rate=0.5)
        >>> [schedule(step) for step in range(5)]
        [1.0, 0.5, 0.5, 0.25, 0.25]
    """
    increasing("milestones", list(milestones))
    at_least(0, decay_rate=decay_rate)
    return Schedule(
        "multistep_schedule", _multistep, init_value=init_value, milestones=list(milestones), decay_rate=decay_rate
    )


def _multistep(count: Array, *, init_value: Number, milestones: list[int], decay_rate: Number) -> Array:
    scales = [decay_rate] * len(milestones)
    return _piecewise(count, init_value=init_value, boundaries=list(milestones), scales=scales)


def piecewise_interpolate_schedule(
    interpolate_type: str, init_value: Number, boundaries_and_scales: Mapping[int, Number] | None = None
) -> Schedule:
    """Interpolated between the values of :func:`piecewise_constant_schedule` at 0 and at the boundaries.

    Args:
        interpolate_type: ``linear`` or ``cosine`` (half a cosine between two boundaries).
        init_value: the value at step 0.
        boundaries_and_scales: factors by the step at which they have been multiplied into the value.

    Raises:
        OptionError: the type is another, or a boundary or a factor is negative.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.piecewise_interpolate_schedule("linear", 1.0, {2: 0.5, 4: 0.0})
        >>> [schedule(step) for step in range(6)]
        [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """
    one_of(("linear", "cosine"), interpolate_type=interpolate_type)
    boundaries, scales = steps_and_scales(boundaries_and_scales)
    return Schedule(
        "piecewise_interpolate_schedule",
        _interpolated,
        interpolate_type=interpolate_type,
        init_value=init_value,
        boundaries=boundaries,
        scales=scales,
    )


def _interpolated(
    count: Array, *, interpolate_type: str, init_value: Number, boundaries: list[float], scales: list[Number]
) -> Array:
    values = [init_value]
    for scale in scales:
        values.append(values[-1] * scale)
    return between(count, [0, *boundaries], values, interpolate_type)


def between(count: Array, knots: list[float], values: list[Any], interpolate_type: str) -> Array:
    """The values at the knots, interpolated; constant before the first and after the last."""
    found = unp.zeros_like(count) + values[0]
    for low, high, start, end in zip(knots, knots[1:], values, values[1:], strict=False):
        if high > low:
            found = unp.where(count < low, found, _mixed(count, low, high, start, end, interpolate_type))
    return unp.where(count < knots[-1], found, values[-1])


def _mixed(count: Array, low: float, high: float, start: Any, end: Any, interpolate_type: str) -> Array:
    """Two shares, each of them exact where it is small, so that the smaller of two values is met exactly too."""
    left, passed = (unp.clip(x / (high - low), 0, 1) for x in (high - count, count - low))
    if interpolate_type == "cosine":
        left, passed = falling(left), falling(passed)
    return start * left + end * passed
