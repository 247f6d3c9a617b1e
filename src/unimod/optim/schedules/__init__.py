"""Schedules: values as functions of the 0-based step, for any hyperparameter.

Those of optax have its names and options. What torch's schedulers do to a learning rate ``v``:

======================================  ================================================================
``StepLR(n, gamma)``                    ``step_schedule(v, n, gamma)``
``MultiStepLR(milestones, gamma)``      ``multistep_schedule(v, milestones, gamma)``
``ConstantLR(factor, n)``               ``join_schedules([constant_schedule(factor * v), constant_schedule(v)], [n])``
``LinearLR(start, end, n)``             ``linear_schedule(start * v, end * v, n)``
``ExponentialLR(gamma)``                ``exponential_decay(v, 1, gamma)``
``PolynomialLR(n, power)``              ``polynomial_schedule(v, 0.0, power, n)``
``CosineAnnealingLR(n, eta_min)``       ``cosine_annealing_schedule(v, n, eta_min)``
``CosineAnnealingWarmRestarts(n, f)``   ``cosine_restarts_schedule(v, n, f)``
``OneCycleLR(v, n)``                    ``onecycle_schedule(n, v)``
``CyclicLR(low, high, up, down)``       ``cyclic_schedule(low, high, up, down)``
``SequentialLR``                        ``join_schedules``
``LambdaLR(f)``                         ``lambda step: v * f(step)``
======================================  ================================================================
"""

from unimod.optim.schedules._schedule import Schedule
from unimod.optim.schedules.cosine import cosine_annealing_schedule, cosine_decay_schedule, cosine_restarts_schedule
from unimod.optim.schedules.cycles import (
    cosine_onecycle_schedule,
    cyclic_schedule,
    linear_onecycle_schedule,
    onecycle_schedule,
)
from unimod.optim.schedules.decays import (
    constant_schedule,
    exponential_decay,
    inverse_time_decay,
    linear_schedule,
    polynomial_schedule,
)
from unimod.optim.schedules.joining import (
    join_schedules,
    sgdr_schedule,
    warmup_constant_schedule,
    warmup_cosine_decay_schedule,
    warmup_exponential_decay_schedule,
)
from unimod.optim.schedules.piecewise import (
    multistep_schedule,
    piecewise_constant_schedule,
    piecewise_interpolate_schedule,
    step_schedule,
)
from unimod.optim.schedules.roots import noam_schedule, reciprocal_sqrt_schedule

__all__ = [
    "Schedule",
    "constant_schedule",
    "cosine_annealing_schedule",
    "cosine_decay_schedule",
    "cosine_onecycle_schedule",
    "cosine_restarts_schedule",
    "cyclic_schedule",
    "exponential_decay",
    "inverse_time_decay",
    "join_schedules",
    "linear_onecycle_schedule",
    "linear_schedule",
    "multistep_schedule",
    "noam_schedule",
    "onecycle_schedule",
    "piecewise_constant_schedule",
    "piecewise_interpolate_schedule",
    "polynomial_schedule",
    "reciprocal_sqrt_schedule",
    "sgdr_schedule",
    "step_schedule",
    "warmup_constant_schedule",
    "warmup_cosine_decay_schedule",
    "warmup_exponential_decay_schedule",
]
