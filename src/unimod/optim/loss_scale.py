"""Scales for the loss, so that small gradients in half precision do not become 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.core import walk
from unimod.core.kinds import State, node, static
from unimod.core.module import Module
from unimod.errors import DTypeError
from unimod.optim.base import at_least
from unimod.optim.finite import check_condition
from unimod.transforms import _lift

S = TypeVar("S", bound="LossScale")


class LossScale(Module):
    """Base of the loss scales: the loss is multiplied, its gradients are divided by the same number.

    Attributes:
        loss_scale: the number.
    """

    loss_scale: Any

    def scale(self, tree: Any) -> Any:
        """``tree * loss_scale``, leaf by leaf; in float32 at least, where the leaves have a narrower dtype."""
        return _each(unp.multiply, tree, self.loss_scale)

    def unscale(self, tree: Any) -> Any:
        """``tree / loss_scale``, leaf by leaf; in float32 at least, where the leaves have a narrower dtype."""
        return _each(unp.divide, tree, self.loss_scale)

    def adjust(self: S, grads_finite: Any) -> S:
        """The scale for the next step, knowing whether the gradients of this one were finite (a bool scalar)."""
        return self


class NoOpLossScale(LossScale):
    """No scale at all.

    Example:
        >>> import unimod as um
        >>> um.NoOpLossScale().scale(2.0)
        2.0
    """

    def __init__(self) -> None:
        self.loss_scale = 1

    def scale(self, tree: Any) -> Any:
        """The tree itself."""
        return tree

    def unscale(self, tree: Any) -> Any:
        """The tree itself."""
        return tree


class StaticLossScale(LossScale):
    """A scale that stays.

    Args:
        loss_scale: a positive number, or a float array without axes.

    Example:
        >>> import unimod as um
        >>> scale = um.StaticLossScale(2.0**10)
        >>> loss = um.numpy.asarray(3.0)
        >>> float(scale.scale(loss)), float(scale.unscale(scale.scale(loss)))
        (3072.0, 3.0)
    """

    def __init__(self, loss_scale: Any) -> None:
        checked = _number("StaticLossScale", "loss_scale", loss_scale)
        self.loss_scale = checked if config.is_array(loss_scale) else loss_scale


class DynamicLossScale(LossScale):
    """A scale that grows while the gradients are finite, and shrinks when they are not.

    After ``period`` steps in a row with finite gradients it is multiplied by ``factor`` (unless that were infinite);
    after a step without, it is divided by it, but is at least ``min_loss_scale``, and counting begins anew.

    Args:
        loss_scale: where to begin: a positive number, or a float array without axes.
        counter: the number of steps in a row with finite gradients so far.
        period: after how many of them the scale grows.
        factor: by which it grows and shrinks.
        min_loss_scale: what it is at least.

    State: ``loss_scale`` (float32, if a number was given) and ``counter`` (int32).

    Example:
        >>> import unimod as um
        >>> scale = um.DynamicLossScale(8.0, period=2)
        >>> seen = []
        >>> for is_finite in (True, True, False):
        ...     scale = scale.adjust(um.numpy.asarray(is_finite))
        ...     seen.append((float(scale.loss_scale), int(scale.counter)))
        >>> seen
        [(8.0, 1), (16.0, 0), (8.0, 0)]

    Source: Micikevicius et al., "Mixed Precision Training", 2018, section 3.2.

    Differences: that of jmp forgets a ``min_loss_scale`` of one's own under jit; this one keeps it.
    """

    loss_scale: Any = State.node()
    counter: Any = State.node()
    min_loss_scale: Any = node()
    period: int = static()
    factor: float = static()

    def __init__(
        self, loss_scale: Any, counter: Any = 0, period: int = 2000, factor: float = 2, min_loss_scale: Any = 1.0
    ) -> None:
        at_least("DynamicLossScale", "period", period, 1)
        at_least("DynamicLossScale", "factor", factor, 1)
        self.loss_scale = _number("DynamicLossScale", "loss_scale", loss_scale)
        self.counter = counter if config.is_array(counter) else unp.asarray(counter, dtype="int32", backend=config.HOST)
        self.min_loss_scale = _number("DynamicLossScale", "min_loss_scale", min_loss_scale)
        self.period, self.factor = period, factor

    def adjust(self, grads_finite: Any) -> DynamicLossScale:
        """The scale for the next step.

        Raises:
            ShapeError, DTypeError: ``grads_finite`` is not one bool.
        """
        check_condition("adjust", grads_finite)
        found = [self.loss_scale, self.counter, self.min_loss_scale]
        scale, counter, least = _lift.settle([*found, *([grads_finite] if config.is_array(grads_finite) else [])])[1][
            :3
        ]
        larger = unp.multiply(scale, self.factor)
        is_time = unp.logical_and(unp.equal(counter, self.period - 1), unp.isfinite(larger))
        smaller = unp.maximum(unp.divide(scale, self.factor), unp.astype(least, config.dtype_of(scale)))
        new: DynamicLossScale = walk.rebuilt(self)
        new.loss_scale = unp.where(grads_finite, unp.where(is_time, larger, scale), smaller)
        counted = unp.remainder(unp.add(counter, 1), self.period)
        new.counter = unp.where(grads_finite, counted, unp.zeros_like(counted))
        new.min_loss_scale = least
        return new


def _number(name: str, option: str, value: Any) -> Array:
    """A float array without axes; what is made of a number is on the host, and follows whatever it is multiplied by."""
    if config.is_array(value):
        if config.dtype_of(value).kind != "float" or len(value.shape) != 0:
            raise DTypeError(f"{option} of {name} is one float.", got=config.describe_value(value), expected="f32[]")
        return value
    at_least(name, option, value, 0)
    return unp.asarray(value, dtype="float32", backend=config.HOST)


def _each(fn: Callable[..., Array], tree: Any, factor: Any) -> Any:
    leaves, structure = walk.flatten(tree)
    other = factor if config.is_array(factor) else unp.asarray(factor, dtype="float32", backend=config.HOST)
    return walk.unflatten(structure, [fn(leaf, other) for leaf in leaves])
