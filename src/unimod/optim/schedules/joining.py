"""One schedule after the other, and those that begin with a warm-up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.errors import OptionError
from unimod.optim.schedules._checks import at_least, increasing
from unimod.optim.schedules._schedule import Number, Schedule, checked, widest
from unimod.optim.schedules.cosine import cosine_decay_schedule
from unimod.optim.schedules.decays import exponential_decay, linear_schedule


class Joined(Schedule):
    """Schedules one after the other; :func:`join_schedules` makes it."""

    def __init__(self, schedules: list[Callable[[Any], Any]], boundaries: list[int]) -> None:
        super().__init__("join_schedules", _joined, schedules=schedules, boundaries=boundaries)

    def __call__(self, step: Any) -> Any:
        """The value of that schedule in whose time the step is."""
        return _joined(checked(step), **self.options)


def _joined(step: Any, *, schedules: list[Callable[[Any], Any]], boundaries: list[int]) -> Any:
    if not config.is_array(step):
        number = sum(step >= boundary for boundary in boundaries)
        return schedules[number](step - boundaries[number - 1] if number else step)
    count = _wide(step)
    found = _wide(schedules[0](count), count)
    for boundary, schedule in zip(boundaries, schedules[1:], strict=True):
        # No schedule sees a step before its own time, where it need not be defined.
        own = unp.maximum(count - boundary, 0)
        found = unp.where(count < boundary, found, _wide(schedule(own), count))
    return found


def _wide(value: Any, like: Any = None) -> Any:
    """In the widest float of its engine, that of ``like`` where it is a number."""
    engine = config.engine_of(value, like)
    return engine.arrays.astype(value, widest(engine)) if config.is_array(value) else unp.full_like(like, value)


def join_schedules(schedules: Sequence[Callable[[Any], Any]], boundaries: Sequence[int]) -> Schedule:
    """Schedules one after the other.

    Args:
        schedules: functions of the step; each counts from 0 at its own boundary.
        boundaries: the steps at which the second, third, ... schedule begins.

    Raises:
        OptionError: there is not one boundary less than schedules, or the boundaries do not increase.

    Example:
        >>> import unimod as um
        >>> warmup, rest = um.optim.linear_schedule(0.0, 1.0, 2), um.optim.exponential_decay(1.0, 1, 0.5)
        >>> schedule = um.optim.join_schedules([warmup, rest], [2])
        >>> [schedule(step) for step in range(5)]
        [0.0, 0.5, 1.0, 0.5, 0.25]
    """
    if len(schedules) != len(boundaries) + 1:
        raise OptionError(
            "join_schedules takes one boundary less than schedules.",
            got=f"{len(schedules)} schedules and {len(boundaries)} boundaries",
            expected=f"{max(len(schedules) - 1, 0)} boundaries",
        )
    increasing("boundaries", list(boundaries))
    return Joined(list(schedules), list(boundaries))


def warmup_constant_schedule(init_value: Number, peak_value: Number, warmup_steps: int) -> Schedule:
    """Up in equal steps, then constant.

    Raises:
        OptionError: ``warmup_steps`` is negative.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.warmup_constant_schedule(0.0, 1.0, 2)
        >>> [schedule(step) for step in range(4)]
        [0.0, 0.5, 1.0, 1.0]
    """
    return linear_schedule(init_value, peak_value, warmup_steps)


def warmup_cosine_decay_schedule(
    init_value: Number,
    peak_value: Number,
    warmup_steps: int,
    decay_steps: int,
    end_value: Number = 0.0,
    exponent: Number = 1.0,
) -> Schedule:
    """Up in equal steps, then down along half a cosine.

    Args:
        init_value: the value at step 0.
        peak_value: the value at step ``warmup_steps``.
        warmup_steps: how many steps it goes up.
        decay_steps: the step at which ``end_value`` is reached, the warm-up included.
        end_value: the last value.
        exponent: of the cosine, see :func:`cosine_decay_schedule`.

    Raises:
        OptionError: ``warmup_steps`` is negative, or ``decay_steps`` not larger.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.warmup_cosine_decay_schedule(0.0, 1.0, 2, 6, end_value=0.5)
        >>> [round(schedule(step), 4) for step in range(8)]
        [0.0, 0.5, 1.0, 0.9268, 0.75, 0.5732, 0.5, 0.5]
    """
    alpha = 0.0 if isinstance(peak_value, (int, float)) and peak_value == 0 else end_value / peak_value
    warmup = linear_schedule(init_value, peak_value, warmup_steps)
    decay = cosine_decay_schedule(peak_value, decay_steps - warmup_steps, alpha, exponent)
    return join_schedules([warmup, decay], [warmup_steps])


def warmup_exponential_decay_schedule(
    init_value: Number,
    peak_value: Number,
    warmup_steps: int,
    transition_steps: int,
    decay_rate: Number,
    transition_begin: int = 0,
    *,
    staircase: bool = False,
    end_value: Number | None = None,
) -> Schedule:
    """Up in equal steps, then :func:`exponential_decay`, whose steps count from the end of the warm-up.

    Raises:
        OptionError: a number of steps is negative, or the rate is not positive.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.warmup_exponential_decay_schedule(0.0, 1.0, 2, 1, 0.5)
        >>> [schedule(step) for step in range(5)]
        [0.0, 0.5, 1.0, 0.5, 0.25]
    """
    at_least(0, warmup_steps=warmup_steps)
    decay = exponential_decay(
        peak_value, transition_steps, decay_rate, transition_begin, staircase=staircase, end_value=end_value
    )
    return join_schedules([linear_schedule(init_value, peak_value, warmup_steps), decay], [warmup_steps])


def sgdr_schedule(cosine_kwargs: Iterable[dict[str, Any]]) -> Schedule:
    """Warm-ups and cosine decays, again and again.

    Args:
        cosine_kwargs: the arguments of :func:`warmup_cosine_decay_schedule` for each cycle, by name; a cycle lasts for
            its ``decay_steps``.

    Raises:
        OptionError: there is no cycle, or one has wrong options.

    Example:
        >>> import unimod as um
        >>> cycle = {"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 1, "decay_steps": 3}
        >>> schedule = um.optim.sgdr_schedule([cycle, {**cycle, "peak_value": 0.5}])
        >>> [round(schedule(step), 4) for step in range(7)]
        [0.0, 1.0, 0.5, 0.0, 0.5, 0.25, 0.0]

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.
    """
    cycles = list(cosine_kwargs)
    boundaries = [sum(cycle["decay_steps"] for cycle in cycles[: number + 1]) for number in range(len(cycles))]
    return join_schedules([warmup_cosine_decay_schedule(**cycle) for cycle in cycles], boundaries[:-1])
