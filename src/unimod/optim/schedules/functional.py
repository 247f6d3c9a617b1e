"""Schedules of the frameworks as functions of the step: classes of torch, functions of optax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod import config
from unimod.backends._protocol import Engine
from unimod.errors import CapabilityError, DTypeError
from unimod.optim._foreign import engines, name_of
from unimod.optim.schedules._schedule import checked


class FunctionalSchedule:
    """A schedule of a framework as a function of the 0-based step; :func:`functional_schedule`.

    Attributes:
        num_steps: how many values are kept in a table for counters that are traced.
    """

    def __init__(self, target: Any, home: Engine, foreign: Any, num_steps: int | None) -> None:
        self.target, self.home, self.foreign, self.num_steps = target, home, foreign, num_steps

    def __repr__(self) -> str:
        return f"functional_schedule({name_of(self.target)})"

    def __call__(self, step: Any) -> Any:
        """The value at a step, a number of 0 or more or an array without axes.

        Raises:
            OptionError: a number is negative.
            CapabilityError: the step is traced, and the schedule works on Python numbers alone.
        """
        engine = config.engine_of(checked(step))
        if not config.is_array(step):
            return float(self.foreign(step))
        if engine is self.home and self.foreign.is_traceable:
            return self.foreign(step)
        if engine.arrays.is_concrete(step):
            return float(self.foreign(int(step)))
        return self._looked_up(engine, step)

    def _looked_up(self, engine: Engine, step: Any) -> Any:
        if self.num_steps is None:
            raise CapabilityError(
                f"{name_of(self.target)} is computed step by step, and cannot follow a traced counter.",
                fix="num_steps=... keeps that many values in a table, or use the same schedule of um.optim.schedules",
            )
        table = engine.arrays.asarray([float(self.foreign(step)) for step in range(self.num_steps)], "float32")
        last = engine.math.minimum(step, self.num_steps - 1)
        return engine.arrays.take(table, engine.arrays.reshape(last, (1,)), 0)[0]


def functional_schedule(
    target: Any, *, initial_lr: float = 1.0, num_steps: int | None = None, **options: Any
) -> Callable[[Any], Any]:
    """A schedule as a function of the 0-based step, which gives a Python float of a Python number.

    Args:
        target: a class of ``torch.optim.lr_scheduler``, or a schedule of optax or ``um.optim`` or a function that makes
            one.
        initial_lr: the learning rate that a class of torch begins with.
        num_steps: how many values are kept for traced counters of classes of torch; the last stays.
        options: of the class or function.

    Raises:
        CapabilityError: the class needs more than the step, such as a loss.
        DTypeError: ``target`` is none of these.

    Example:
        >>> import unimod as um
        >>> schedule = um.functional_schedule(um.optim.step_schedule, init_value=1.0, step_size=2, decay_rate=0.5)
        >>> schedule(3)
        0.5
    """
    for engine in engines():
        foreign = engine.optim.foreign_schedule(target, options, initial_lr)  # type: ignore[attr-defined]
        if foreign is not None:
            return FunctionalSchedule(target, engine, foreign, num_steps)
    made = target(**options) if options else target
    if not callable(made) or isinstance(made, type):
        raise DTypeError("functional_schedule takes a schedule, or what makes one.", got=repr(target)[:80])
    return made  # type: ignore[no-any-return]
