"""How a row of the table of optimizers makes a transformation, by our functions or by those of optax; schedules."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable
from typing import Any

import unimod as um


@dataclasses.dataclass(frozen=True)
class Row:
    """How an optimizer is made.

    Attributes:
        make: by a library (ours, or :class:`Optax`) and a learning rate, a number or a schedule.
        rate: the learning rate; None for what has none.
        is_scheduled: whether a schedule may take its place.
        in_optax: whether optax has it.
        has_axes: whether optax has it only for parameters with axes.
        is_stable: whether roundings do not grow by more than some thousand times in fifty steps.
        is_random: whether it draws numbers, which are others in another dtype.
    """

    make: Callable[[Any, Any], Any]
    rate: float | None = 1e-2
    is_scheduled: bool = True
    in_optax: bool = True
    has_axes: bool = False
    is_stable: bool = True
    is_random: bool = False

    def ours(self, rate: Any = None) -> Any:
        """Our transformation."""
        return self.make(um.optim, self.rate if rate is None else rate)


class Optax:
    """The functions of optax and its contributions, and under our names what has another in it."""

    def __getattr__(self, name: str) -> Any:
        import optax

        places = (optax, optax.contrib, optax.contrib._dog, optax.contrib._muon)  # the parts of two are not exported
        return next(getattr(place, name) for place in places if hasattr(place, name))

    def adafactor(self, *args: Any, **options: Any) -> Any:
        """That of optax, whose decay of second moments is computed in float32 unless it is told how."""
        from unittest import mock

        import optax

        wide = functools.partial(optax.scale_by_factored_rms, decay_rate_fn=decay_in_float64)
        with mock.patch("optax._src.alias.factorized.scale_by_factored_rms", wide):
            return optax.adafactor(*args, **options)

    def scale_by_factored_rms(self, **options: Any) -> Any:
        """As above."""
        import optax

        return optax.scale_by_factored_rms(decay_rate_fn=decay_in_float64, **options)

    def MultiSteps(self, inner: Any, k: Any, **options: Any) -> Any:
        """With the dtype of the parameters for the sum, and without its second interface."""
        import optax

        return optax.MultiSteps(inner, k, accumulator_dtype=None, **options).gradient_transformation()

    def schedule_free_sgd(self, rate: Any, *, warmup_steps: int | None = None, **options: Any) -> Any:
        """That of optax, whose own line of rates is rounded to float32."""
        import optax

        line = lambda count: rate * (count.astype("float64") / warmup_steps).clip(0, 1)  # noqa: E731
        return optax.contrib.schedule_free_sgd(rate if warmup_steps is None else line, **options)

    def scale_by_muon(self, **options: Any) -> Any:
        """That of optax, which takes trees only if it is told their axes."""
        import optax

        return optax.contrib.scale_by_muon(weight_dimension_numbers=both_axes, **options)

    def scale_by_shape(self, **options: Any) -> Any:
        """As above."""
        import optax

        return optax.contrib._muon.scale_by_shape(weight_dimension_numbers=both_axes, **options)

    def optimistic_adam(self, rate: Any, **options: Any) -> Any:
        """That of optax, without its warning that another is newer."""
        import optax

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return optax.optimistic_adam(rate, **options)

    def madgrad(self, rate: Any, *, weight_decay: float = 0.0, **options: Any) -> Any:
        """Of its parts, as below."""
        return self.chain(self.add_decayed_weights(weight_decay), self.scale_by_madgrad(rate, **options))

    def scale_by_madgrad(self, rate: Any, **options: Any) -> Any:
        """That of optax, whose root of the number of the step is rounded to float32."""
        import jax.numpy as jnp
        import optax

        def exact(count: Any, eps: float = 1e-6) -> Any:
            wanted, rounded = jnp.sqrt((count + 1).astype("float64")), jnp.sqrt(count + 1)
            return ((rate(count) if callable(rate) else rate) + eps) * wanted / rounded - eps

        return optax.contrib._madgrad.scale_by_madgrad(exact, **options)

    def momentum(self, rate: Any, momentum: float = 0.9, **options: Any) -> Any:
        """SGD."""
        return self.sgd(rate, momentum, **options)


def both_axes(params: Any) -> Any:
    """Of each parameter what the matrices are."""
    import optax

    return {name: optax.contrib.MuonDimensionNumbers() for name in params}


def decay_in_float64(step: Any, exponent: Any) -> Any:
    """What optax computes in float32 for the decay of Adafactor."""
    return 1.0 - (step + 1).astype("float64") ** -exponent


SCHEDULES: dict[str, Callable[[Any, float], Any]] = {
    "constant_schedule": lambda o, v: o.constant_schedule(v),
    "polynomial_schedule": lambda o, v: o.polynomial_schedule(v, 0.1 * v, 2.5, 40, 5),
    "linear_schedule": lambda o, v: o.linear_schedule(0.1 * v, v, 30, 10),
    "exponential_decay": lambda o, v: o.exponential_decay(v, 10, 0.5, 5, end_value=0.2 * v),
    "exponential_decay[staircase]": lambda o, v: o.exponential_decay(v, 7, 0.5, staircase=True),
    "cosine_decay_schedule": lambda o, v: o.cosine_decay_schedule(v, 45, 0.1, 1.5),
    "piecewise_constant_schedule": lambda o, v: o.piecewise_constant_schedule(v, {10: 0.5, 30: 0.25}),
    "piecewise_interpolate_schedule": lambda o, v: o.piecewise_interpolate_schedule("cosine", v, {10: 0.5, 30: 0.25}),
    "warmup_constant_schedule": lambda o, v: o.warmup_constant_schedule(0.1 * v, v, 10),
    "warmup_cosine_decay_schedule": lambda o, v: o.warmup_cosine_decay_schedule(0.1 * v, v, 10, 45),
    "warmup_exponential_decay_schedule": lambda o, v: o.warmup_exponential_decay_schedule(0.1 * v, v, 10, 5, 0.9),
    "linear_onecycle_schedule": lambda o, v: o.linear_onecycle_schedule(50, v),
    "cosine_onecycle_schedule": lambda o, v: o.cosine_onecycle_schedule(50, v),
    "sgdr_schedule": lambda o, v: o.sgdr_schedule(
        [{"init_value": 0.1 * v, "peak_value": v, "warmup_steps": 5, "decay_steps": 20}] * 2
    ),
    "join_schedules": lambda o, v: o.join_schedules([o.constant_schedule(v), o.constant_schedule(0.5 * v)], [20]),
    "inverse_time_decay": lambda o, v: o.inverse_time_decay(v, 10, 0.5),
    "reciprocal_sqrt_schedule": lambda o, v: o.reciprocal_sqrt_schedule(v, 10, 2),
    "noam_schedule": lambda o, v: o.noam_schedule(4, 10, v),
    "cosine_annealing_schedule": lambda o, v: o.cosine_annealing_schedule(v, 20, 0.1 * v),
    "cosine_restarts_schedule": lambda o, v: o.cosine_restarts_schedule(v, 8, 2, 0.1 * v),
    "step_schedule": lambda o, v: o.step_schedule(v, 13, 0.5),
    "multistep_schedule": lambda o, v: o.multistep_schedule(v, [10, 30], 0.5),
    "onecycle_schedule": lambda o, v: o.onecycle_schedule(50, v, three_phase=True),
    "cyclic_schedule": lambda o, v: o.cyclic_schedule(0.1 * v, v, 7, 9),
}
