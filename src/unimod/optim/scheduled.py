"""Multiplication by a number, or by what a schedule gives for the step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from unimod import config
from unimod.backends._protocol import Engine
from unimod.core.kinds import OptState, node
from unimod.core.skeleton import Child
from unimod.errors import NotInitializedError
from unimod.optim import _lists
from unimod.optim.base import Hyper, Schedule, Transformation
from unimod.optim.primitive import carry_out


class Scheduled(Transformation):
    """A transformation with one factor: a number, or a schedule, a function of the step (0-based)."""

    option: ClassVar[str]
    schedule: Any  # not declared static: a schedule may be a module whose options are arrays
    number: Any = node()
    state: dict[str, Any] = OptState.node()

    def __init__(self, factor: Any) -> None:
        is_array = config.is_array(factor)
        self.schedule = None if is_array else factor
        self.number = factor if is_array else None
        self.state = {}

    @property
    def factor(self) -> Any:
        """What the next step will multiply with."""
        if callable(self.schedule):
            return self.schedule(self.state["count"] if self.state else 0)
        return self.schedule if self.number is None else self.number

    def hyperparameters(self) -> Iterator[str]:
        """The factor itself."""
        return iter((self.option,))

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Any:
        """A schedule needs a counter; a number needs no state."""
        new = type(self)(self.schedule if self.number is None else self.number)
        new.state = {"count": _lists.of(engine).count(leaves)} if callable(self.schedule) else {}
        return new

    def next_factor(self, hyper: Hyper) -> Any:
        """What this step multiplies with; counts."""
        if callable(self.schedule) and not self.state:
            raise NotInitializedError("The schedule has no counter yet.", fix="call opt = opt.init(params) first")
        factor = hyper.get(self.option, self.factor)
        if callable(self.schedule):
            self.state = {"count": self.state["count"] + 1}
        return factor


class Scaling(Scheduled):
    """``sign * factor * updates``."""

    sign: ClassVar[int] = 1

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """Multiply, and count."""
        return _scaled(engine, grads, self.sign * self.next_factor(hyper))

    def scaled_flat(
        self, engine: Engine, grads: list[Any], params: list[Any], structure: Child, hyper: Hyper
    ) -> tuple[list[Any], float]:
        """A number is left to be multiplied with."""
        factor = self.sign * self.next_factor(hyper)
        if isinstance(factor, (int, float)):
            return grads, factor
        return _scaled(engine, grads, factor), 1.0

    def spend(self, structure: Child) -> bool:
        """A number is sure; a schedule is somebody's function."""
        return not callable(self.schedule)


def _scaled(engine: Engine, updates: list[Any], factor: Any) -> list[Any]:
    return carry_out(engine, "scale", (("step_size", factor),), updates, {}, None)[0]


class ScaleByLearningRate(Scaling):
    """``-learning_rate * updates``; the rate is a number or a schedule, a function of the step (0-based).

    Attributes:
        learning_rate: the rate that the next step will use.
    """

    sign = -1
    option = "learning_rate"

    @property
    def learning_rate(self) -> Any:
        """The rate that the next step will use."""
        return self.factor


class ScaleBySchedule(Scaling):
    """``schedule(count) * updates``.

    Attributes:
        step_size: the factor that the next step will use.
    """

    option = "step_size"

    @property
    def step_size(self) -> Any:
        """The factor that the next step will use."""
        return self.factor

    @property
    def learning_rate(self) -> Any:
        """The same, under the name that it has where the schedule is that of a learning rate."""
        return self.factor


def scale_by_schedule(step_size_fn: Schedule) -> ScaleBySchedule:
    """``step_size_fn(count) * updates``, with a count from 0; for a learning rate the schedule is negative.

    State: ``count`` (int32 scalar). For one step, ``step_size=`` takes the place of the schedule.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray(1.0)
        >>> opt = um.optim.scale_by_schedule(lambda count: -0.25 * (count + 1)).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, um.numpy.asarray(1.0))
        >>> float(x), float(opt.step_size)
        (0.25, -0.75)
    """
    return ScaleBySchedule(step_size_fn)
