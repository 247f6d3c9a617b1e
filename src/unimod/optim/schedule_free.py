"""Schedule-free optimization: an average of the parameters in place of a decaying learning rate."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array, Engine
from unimod.core import tree
from unimod.core.kinds import static
from unimod.core.skeleton import Child
from unimod.errors import DTypeError, OptionError
from unimod.optim import _lists
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas.free import rate_at
from unimod.optim.base import Hyper, Rate, Transformation, trainable
from unimod.optim.chain import chain
from unimod.optim.decay import add_decayed_weights
from unimod.optim.optimizers import scale_by_learning_rate, sgd
from unimod.optim.primitive import Primitive
from unimod.optim.schedules import warmup_constant_schedule
from unimod.optim.wrappers import Wrapper


class ScheduleFree(Wrapper):
    """See :func:`schedule_free`; ``opt.inner`` is the base optimizer, ``opt.z`` the sequence that it moves."""

    called = "schedule_free"
    rate: Any  # not declared static: a schedule may be a module whose options are arrays
    mixture: Any
    options: Any = static()

    def __init__(
        self, inner: Transformation, learning_rate: Rate, b1: Rate, weight_lr_power: float, state_dtype: str | None
    ) -> None:
        super().__init__(inner)
        self.rate, self.mixture, self.options = learning_rate, b1, (weight_lr_power, state_dtype)

    @property
    def last_b1(self) -> Any:
        """The weight of the average in the parameters as they are."""
        return self.state["b1"] if callable(self.mixture) else self.mixture

    def hyperparameters(self) -> Iterator[str]:
        """Those of the base optimizer, and the learning rate."""
        return itertools.chain(("learning_rate",), self.inner.hyperparameters())

    def first_state(self, engine: Engine, leaves: list[Any]) -> dict[str, Any]:
        """The sequence ``z``, and how much its average weighs."""
        lists, dtype = _lists.of(engine), sizes.lowest_dtype(leaves)
        _, state_dtype = self.options
        return {
            "b1": sizes.number(lists, leaves, rate_at(self.mixture, lists.count(leaves)), dtype),
            "weight_sum": sizes.number(lists, leaves, 0.0, dtype),
            "step_count": lists.count(leaves) + 1,
            "max_lr": sizes.number(lists, leaves, 0.0, dtype),
            "z": [unp.astype(x, state_dtype) if state_dtype else unp.copy(x) for x in leaves],
        }

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """A step of the base optimizer for ``z``, and the point between it and the average."""
        self.check_structure(grads, structure)
        if params is None:
            raise OptionError("schedule_free needs the parameters.", fix="opt.update(grads, params), or opt.step")
        before, lists, old = self.last_b1, _lists.of(engine), self.state["z"]
        b1 = rate_at(self.mixture, self.state["step_count"] - 1)
        if callable(self.mixture):
            self.state["b1"] = sizes.number(lists, params, b1, str(config.dtype_of(self.state["b1"])))
        share = self._weigh(hyper)
        changes, self.inner = self.attempt(engine, grads, params, structure, hyper)
        z = [unp.astype(x, config.dtype_of(o)) for x, o in zip(lists.add(old, changes), old, strict=True)]
        average = lists.div(lists.sub(params, lists.mul(old, 1.0 - before)), before)
        average = lists.add(lists.mul(average, unp.subtract(1.0, share)), lists.mul(z, share))
        self.state["z"] = z
        between = lists.add(lists.mul(average, b1), lists.mul(z, 1.0 - b1))
        moved: list[Any] = lists.sub(between, params)
        return moved

    def _weigh(self, hyper: Hyper) -> Array:
        """The weight of the newest point in the average; counts."""
        power = self.options[0]
        given = hyper.get("learning_rate", self.rate)
        rate = rate_at(given, self.state["step_count"])
        largest = unp.maximum(self.state["max_lr"], _like(rate, self.state["max_lr"]))
        weight = unp.pow(largest, power)
        summed = unp.add(self.state["weight_sum"], weight)
        self.state |= {"weight_sum": summed, "max_lr": largest, "step_count": self.state["step_count"] + 1}
        is_zero = unp.equal(summed, 0)
        share = unp.divide(weight, unp.where(is_zero, unp.ones_like(summed), summed))
        return unp.where(is_zero, unp.zeros_like(share), share)


def _like(number: Any, x: Array) -> Any:
    return unp.astype(number, config.dtype_of(x)) if config.is_array(number) else number


def schedule_free(
    base_optimizer: Transformation,
    learning_rate: Rate,
    b1: Rate = 0.9,
    *,
    weight_lr_power: float = 2.0,
    state_dtype: str | None = None,
) -> ScheduleFree:
    r"""An optimizer without momentum as one whose learning rate needs no schedule.

    .. math:: z_{t+1} = z_t + \mathrm{base}(\nabla f(y_t)), \quad x_{t+1} = (1 - c_t) x_t + c_t z_{t+1}, \quad
        y_{t+1} = b_1 x_{t+1} + (1 - b_1) z_{t+1}

    with :math:`c_t` in proportion to a power of the largest learning rate so far. The parameters are :math:`y`; for
    evaluation take :math:`x`, which :func:`schedule_free_eval_params` computes.

    State: ``b1``, ``weight_sum``, ``max_lr`` (scalars), ``step_count`` (int32 scalar, from 1), ``z`` (like the
    parameters), and that of the base optimizer in ``inner``.

    Args:
        base_optimizer: what moves z; without momentum, which the averages take the place of.
        learning_rate: that of the base optimizer, a number or a schedule.
        b1: the weight of the average where gradients are taken, a number or a schedule.
        weight_lr_power: the power of the learning rate in the weights.
        state_dtype: the dtype of z; None: that of the parameters.

    Source: Defazio et al., "The Road Less Scheduled", 2024.

    Example:
        >>> import unimod as um
        >>> y = um.numpy.asarray([1.0])
        >>> opt = um.optim.schedule_free(um.optim.sgd(0.5), learning_rate=0.5).init(y)
        >>> for _ in range(2):
        ...     y, opt = opt.step(y, y)
        >>> round(float(y[0]), 4), round(float(um.optim.schedule_free_eval_params(opt, y)[0]), 4)
        (0.3625, 0.375)
    """
    return ScheduleFree(base_optimizer, learning_rate, b1, weight_lr_power, state_dtype)


def schedule_free_eval_params(state: Any, params: Any) -> Any:
    """The averaged parameters, for evaluation, of an optimizer that is schedule-free, ``(y - (1 - b1) z) / b1``.

    Args:
        state: the optimizer, as :func:`schedule_free` makes it.
        params: the parameters, a tree or a module.

    Raises:
        DTypeError: the optimizer is not schedule-free.

    Example:
        >>> import unimod as um
        >>> y = um.numpy.asarray([1.0])
        >>> opt = um.optim.schedule_free_sgd(0.5).init(y)
        >>> [float(v) for v in um.optim.schedule_free_eval_params(opt, y)]
        [1.0]
    """
    if not isinstance(state, ScheduleFree):
        raise DTypeError(
            "schedule_free_eval_params takes a schedule-free optimizer.",
            got=type(state).__name__,
            expected="what um.optim.schedule_free makes, after init",
        )
    b1 = state.last_b1
    average = tree.map(lambda y, z: (y - (1.0 - b1) * z) / b1, trainable(params), state.z)
    return average if trainable(params) is params else params.update(average)


def schedule_free_sgd(
    learning_rate: float = 1.0,
    *,
    warmup_steps: int | None = None,
    b1: Rate = 0.9,
    weight_decay: float | None = None,
    weight_lr_power: float = 2.0,
    state_dtype: str | None = None,
) -> ScheduleFree:
    """Schedule-free gradient descent.

    Args:
        learning_rate: a number.
        warmup_steps: in how many steps the rate rises from 0; None: it is there at once.
        b1: the weight of the average where gradients are taken, a number or a schedule.
        weight_decay: what part of the parameters is added to the gradients.
        weight_lr_power: the power of the learning rate in the weights.
        state_dtype: the dtype of z.

    State and source: :func:`schedule_free`.

    Example:
        >>> import unimod as um
        >>> y = um.numpy.asarray([1.0])
        >>> opt = um.optim.schedule_free_sgd(0.5).init(y)
        >>> y, opt = opt.step(y, y)
        >>> float(y[0])
        0.5
    """
    rate = _warmed(learning_rate, warmup_steps)
    decay = [] if weight_decay is None else [add_decayed_weights(weight_decay)]
    base = chain(*decay, sgd(rate)) if decay else sgd(rate)
    return schedule_free(base, rate, b1, weight_lr_power=weight_lr_power, state_dtype=state_dtype)


def schedule_free_adamw(
    learning_rate: float = 0.0025,
    *,
    warmup_steps: int | None = None,
    b1: Rate = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    weight_lr_power: float = 2.0,
    state_dtype: str | None = None,
) -> ScheduleFree:
    """Schedule-free AdamW: the averages take the place of the first moment.

    The base optimizer: ``scale_by_rms``, ``add_decayed_weights``, ``scale_by_learning_rate``.

    Args:
        learning_rate: a number.
        warmup_steps: in how many steps the rate rises from 0; None: it is there at once.
        b1: the weight of the average where gradients are taken, a number or a schedule.
        b2: decay of the second moment.
        eps: added to the root of the second moment.
        weight_decay: what part of the parameters is added to the direction.
        weight_lr_power: the power of the learning rate in the weights.
        state_dtype: the dtype of z.

    State and source: :func:`schedule_free`.

    Example:
        >>> import unimod as um
        >>> y = um.numpy.asarray([1.0])
        >>> opt = um.optim.schedule_free_adamw(0.5).init(y)
        >>> y, opt = opt.step(y, y)
        >>> round(float(y[0]), 4)
        0.5
    """
    rate = _warmed(learning_rate, warmup_steps)
    scaled = Primitive("scale_by_rms", decay=b2, eps=eps, initial_scale=0.0, eps_in_sqrt=False, bias_correction=True)
    base = chain(scaled, add_decayed_weights(weight_decay), scale_by_learning_rate(rate))
    return schedule_free(base, rate, b1, weight_lr_power=weight_lr_power, state_dtype=state_dtype)


def _warmed(learning_rate: float, steps: int | None) -> Rate:
    """The rate, or a line from 0 to it."""
    return learning_rate if steps is None else warmup_constant_schedule(0.0, learning_rate, steps)
