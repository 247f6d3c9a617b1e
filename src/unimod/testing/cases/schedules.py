"""Schedules: their values at many steps, by an array of counters, and their derivatives by an option.

The rows take the values to the dtype of that option, as an optimizer takes them to that of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod import optim
from unimod.config import dtype_of
from unimod.testing.bounds import Bound
from unimod.testing.case import WIDE, Case, Data
from unimod.testing.cases.optimizers import quadratic

Make = Callable[[Any], Callable[[Any], Any]]

_CYCLE = {"init_value": 0.1, "warmup_steps": 2, "decay_steps": 7}

SCHEDULES: dict[str, Make] = {
    "constant_schedule": optim.constant_schedule,
    "polynomial_schedule": lambda v: optim.polynomial_schedule(v, 0.1, 3.0, 9, 2),
    "polynomial_schedule[power]": lambda v: optim.polynomial_schedule(1.0, 0.1, v, 9),
    "linear_schedule": lambda v: optim.linear_schedule(0.1, v, 9, 2),
    "exponential_decay": lambda v: optim.exponential_decay(v, 4, 0.5, 2, end_value=0.2),
    "exponential_decay[rate]": lambda v: optim.exponential_decay(1.0, 4, v, end_value=0.4),
    "exponential_decay[staircase]": lambda v: optim.exponential_decay(v, 3, 1.2, staircase=True, end_value=2.0),
    "inverse_time_decay": lambda v: optim.inverse_time_decay(1.0, 4, v, 2),
    "inverse_time_decay[staircase]": lambda v: optim.inverse_time_decay(v, 3, 0.5, staircase=True),
    "reciprocal_sqrt_schedule": lambda v: optim.reciprocal_sqrt_schedule(v, 4, 1),
    "noam_schedule": lambda v: optim.noam_schedule(16, 5, v),
    "cosine_decay_schedule": lambda v: optim.cosine_decay_schedule(v, 11, 0.1),
    "cosine_decay_schedule[exponent]": lambda v: optim.cosine_decay_schedule(1.0, 11, 0.1, v),
    "cosine_annealing_schedule": lambda v: optim.cosine_annealing_schedule(v, 5, 0.1),
    "cosine_restarts_schedule": lambda v: optim.cosine_restarts_schedule(v, 5, end_value=0.1),
    "cosine_restarts_schedule[factor]": lambda v: optim.cosine_restarts_schedule(v, 2, 3),
    "piecewise_constant_schedule": lambda v: optim.piecewise_constant_schedule(v, {3: 0.5, 9: 3.0}),
    "step_schedule": lambda v: optim.step_schedule(v, 3, 0.5),
    "multistep_schedule": lambda v: optim.multistep_schedule(1.0, [2, 5, 5], v),
    "piecewise_interpolate_schedule": lambda v: optim.piecewise_interpolate_schedule("linear", v, {3: 0.5, 9: 3.0}),
    "piecewise_interpolate_schedule[cosine]": lambda v: optim.piecewise_interpolate_schedule("cosine", 1.0, {8: v}),
    "linear_onecycle_schedule": lambda v: optim.linear_onecycle_schedule(13, v),
    "cosine_onecycle_schedule": lambda v: optim.cosine_onecycle_schedule(13, v),
    "onecycle_schedule": lambda v: optim.onecycle_schedule(13, v),
    "onecycle_schedule[three_phase]": lambda v: optim.onecycle_schedule(
        13, v, interpolate_type="linear", three_phase=True
    ),
    "cyclic_schedule": lambda v: optim.cyclic_schedule(0.1, v, 3, 5),
    "cyclic_schedule[triangular2]": lambda v: optim.cyclic_schedule(v, 2.0, 3, mode="triangular2"),
    "cyclic_schedule[exp_range]": lambda v: optim.cyclic_schedule(0.1, 1.0, 3, mode="exp_range", decay_rate=v),
    "join_schedules": lambda v: optim.join_schedules([lambda step: 0.1 * step, optim.step_schedule(v, 3)], [5]),
    "warmup_constant_schedule": lambda v: optim.warmup_constant_schedule(0.1, v, 5),
    "warmup_cosine_decay_schedule": lambda v: optim.warmup_cosine_decay_schedule(0.1, v, 5, 11, 0.2),
    "warmup_exponential_decay_schedule": lambda v: optim.warmup_exponential_decay_schedule(0.1, v, 5, 3, 0.5),
    "sgdr_schedule": lambda v: optim.sgdr_schedule([{**_CYCLE, "peak_value": v}, {**_CYCLE, "peak_value": 0.5}]),
}


def _values(make: Make) -> Callable[..., Any]:
    return lambda count, value: unp.astype(make(value)(count), dtype_of(value))


def _steps(d: Data) -> tuple[Any, ...]:
    return np.arange(16, dtype=np.int32), d.array(low=0.6, high=0.9)


def _adam() -> optim.Transformation:
    b1: Any = optim.linear_schedule(0.95, 0.85, 4)
    return optim.adam(optim.linear_schedule(0.1, 0.01, 4), b1=b1)


def _start(d: Data) -> tuple[Any, ...]:
    return {"a": d.array(3), "b": [d.array(2, 2)]}, d.array(3, low=0.5, high=1.5)


_BOUND = Bound(eps=32, why="five steps, each of which rounds the parameters, a quotient, a square root and the options")

CASES = (
    *(
        Case(f"optim.{name}", _values(make), _steps, wrt=(1,), dtypes=("float32",) if "[" in name else WIDE)
        for name, make in SCHEDULES.items()
    ),
    Case("optim.adam[schedules]", quadratic(_adam, 5), _start, wrt=(0, 1), bound=_BOUND),
)
