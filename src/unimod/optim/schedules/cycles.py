"""One cycle up and down, and many of them."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.errors import OptionError
from unimod.optim.schedules._checks import one_of, positive
from unimod.optim.schedules._schedule import Number, Schedule
from unimod.optim.schedules.piecewise import between, piecewise_interpolate_schedule

Array = Any


def linear_onecycle_schedule(
    transition_steps: int,
    peak_value: Number,
    pct_start: float = 0.3,
    pct_final: float = 0.85,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Up, down to where it began, and further down, each in equal steps.

    From ``peak_value / div_factor`` at step 0 to ``peak_value`` at ``int(pct_start * transition_steps)``, back at
    ``int(pct_final * transition_steps)``, and down to ``peak_value / div_factor / final_div_factor`` at the end.

    Raises:
        OptionError: ``transition_steps`` or a divisor is not positive, or a share is not in [0, 1].

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.linear_onecycle_schedule(10, 1.0, 0.2, 0.6, div_factor=2.0, final_div_factor=5.0)
        >>> [round(schedule(step), 3) for step in (0, 1, 2, 4, 6, 8, 10, 11)]
        [0.5, 0.75, 1.0, 0.75, 0.5, 0.3, 0.1, 0.1]

    Source: Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates"
    """
    _check_cycle(transition_steps, pct_start, div_factor, final_div_factor)
    _check_share(pct_final=pct_final)
    knots = {int(pct_start * transition_steps): div_factor, int(pct_final * transition_steps): 1 / div_factor}
    return piecewise_interpolate_schedule(
        "linear", peak_value / div_factor, knots | {transition_steps: 1 / final_div_factor}
    )


def cosine_onecycle_schedule(
    transition_steps: int,
    peak_value: Number,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Half a cosine up, and half a cosine down.

    From ``peak_value / div_factor`` at step 0 to ``peak_value`` at ``int(pct_start * transition_steps)``, and down to
    ``peak_value / div_factor / final_div_factor`` at the end.

    Raises:
        OptionError: ``transition_steps`` or a divisor is not positive, or ``pct_start`` is not in [0, 1].

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.cosine_onecycle_schedule(8, 1.0, 0.5, div_factor=2.0, final_div_factor=5.0)
        >>> [round(schedule(step), 3) for step in (0, 2, 4, 6, 8, 9)]
        [0.5, 0.75, 1.0, 0.55, 0.1, 0.1]

    Source: Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates"
    Differences: the cycle with torch's knots is :func:`onecycle_schedule`.
    """
    _check_cycle(transition_steps, pct_start, div_factor, final_div_factor)
    knots = {int(pct_start * transition_steps): div_factor, transition_steps: 1 / (div_factor * final_div_factor)}
    return piecewise_interpolate_schedule("cosine", peak_value / div_factor, knots)


def onecycle_schedule(
    transition_steps: int,
    peak_value: Number,
    pct_start: float = 0.3,
    *,
    interpolate_type: str = "cosine",
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
) -> Schedule:
    """One cycle whose last step is ``transition_steps - 1``: up to a peak, and down, in one phase or in two.

    It begins at ``peak_value / div_factor`` and ends at ``peak_value / div_factor / final_div_factor``. The peak is at
    ``pct_start * transition_steps - 1``, which need not be a whole number; with ``three_phase`` the first value is met
    again at ``2 * pct_start * transition_steps - 2``.

    The momentum that goes with it, from 0.95 down to 0.85 and up again, is
    ``onecycle_schedule(n, 0.85, div_factor=0.85 / 0.95, final_div_factor=1.0)``.

    Args:
        transition_steps: the number of steps of the cycle, more than 0.
        peak_value: the value at the peak.
        pct_start: the share of the steps before the peak.
        interpolate_type: ``cosine`` or ``linear``.
        div_factor: the peak by the first value.
        final_div_factor: the first value by the last.
        three_phase: whether it comes down to the first value before it goes on to the last.

    Raises:
        OptionError: ``transition_steps`` or a divisor is not positive, ``pct_start`` is not in [0, 1], or the type is
            another.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.onecycle_schedule(9, 1.0, 1 / 3, interpolate_type="linear", div_factor=2.0)
        >>> [round(schedule(step), 3) for step in range(10)]
        [0.5, 0.75, 1.0, 0.833, 0.667, 0.5, 0.333, 0.167, 0.0, 0.0]

    Source: Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates"
    Differences: the knots are torch's; those of optax are in :func:`cosine_onecycle_schedule`. Past its end the value
    stays, where torch raises.
    """
    _check_cycle(transition_steps, pct_start, div_factor, final_div_factor)
    one_of(("cosine", "linear"), interpolate_type=interpolate_type)
    return Schedule(
        "onecycle_schedule",
        _onecycle,
        transition_steps=transition_steps,
        peak_value=peak_value,
        pct_start=pct_start,
        interpolate_type=interpolate_type,
        div_factor=div_factor,
        final_div_factor=final_div_factor,
        three_phase=three_phase,
    )


def _onecycle(
    count: Array,
    *,
    transition_steps: int,
    peak_value: Number,
    pct_start: float,
    interpolate_type: str,
    div_factor: float,
    final_div_factor: float,
    three_phase: bool,
) -> Array:
    first = peak_value / div_factor
    knots, values = [0.0, pct_start * transition_steps - 1], [first, peak_value]
    if three_phase:
        knots, values = [*knots, 2 * pct_start * transition_steps - 2], [*values, first]
    return between(count, [*knots, transition_steps - 1], [*values, first / final_div_factor], interpolate_type)


def _check_cycle(transition_steps: int, pct_start: float, div_factor: float, final_div_factor: float) -> None:
    positive(transition_steps=transition_steps, div_factor=div_factor, final_div_factor=final_div_factor)
    _check_share(pct_start=pct_start)


def _check_share(**options: float) -> None:
    for name, value in options.items():
        if not 0 <= value <= 1:
            raise OptionError(f"{name} is not a share.", got=f"{name}={value!r}", expected="a number in [0, 1]")


def cyclic_schedule(
    min_value: Number,
    max_value: Number,
    step_size_up: int,
    step_size_down: int | None = None,
    *,
    mode: str = "triangular",
    decay_rate: Number = 1.0,
) -> Schedule:
    """Up and down in equal steps, again and again.

    Args:
        min_value: the value at the ends of a cycle.
        max_value: the value in between, in the first cycle.
        step_size_up: how many steps it goes up, more than 0.
        step_size_down: how many steps it goes down (default: as many).
        mode: ``triangular``: all cycles are alike; ``triangular2``: each is half as high as the one before;
            ``exp_range``: the height is multiplied by ``decay_rate`` in each step.
        decay_rate: of ``exp_range``.

    Raises:
        OptionError: a number of steps or the rate is not positive, or the mode is another.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.cyclic_schedule(0.0, 1.0, 2, mode="triangular2")
        >>> [schedule(step) for step in range(8)]
        [0.0, 0.5, 1.0, 0.5, 0.0, 0.25, 0.5, 0.25]

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", 2017.
    """
    down = step_size_up if step_size_down is None else step_size_down
    positive(step_size_up=step_size_up, step_size_down=down, decay_rate=decay_rate)
    one_of(("triangular", "triangular2", "exp_range"), mode=mode)
    return Schedule(
        "cyclic_schedule",
        _cyclic,
        min_value=min_value,
        max_value=max_value,
        step_size_up=step_size_up,
        step_size_down=down,
        mode=mode,
        decay_rate=decay_rate,
    )


def _cyclic(
    count: Array,
    *,
    min_value: Number,
    max_value: Number,
    step_size_up: int,
    step_size_down: int,
    mode: str,
    decay_rate: Number,
) -> Array:
    total = step_size_up + step_size_down
    place = unp.remainder(count, total)
    share = unp.minimum(place / step_size_up, (total - place) / step_size_down)
    if mode == "triangular2":
        share = share * unp.pow(0.5, unp.floor_divide(count, total))
    if mode == "exp_range":
        share = share * unp.pow(decay_rate, count)
    return min_value + (max_value - min_value) * share
