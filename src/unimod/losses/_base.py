"""The base of the losses as objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

import unimod.numpy as unp
from unimod.core.module import Module
from unimod.errors import TreeError
from unimod.losses._reduce import check_reduction

Array = Any
On = str | int | tuple[str | int, ...] | list[str | int] | None


class Loss(Module):
    """A loss with its options: ``loss(preds, target)`` is ``weight`` times the function of that name.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"none"``, or ``"weighted mean"`` (divided by the sum of the weights).
        weight: a factor of the result, for sums of several losses.
        on: where to look in predictions and targets that are trees: a name, an index, or a path of them.
        name: what logs call it; None: the class in snake case, with ``on`` before it.

    Raises:
        OptionError: ``reduction`` is unknown.

    Example:
        >>> import unimod as um
        >>> loss = um.losses.Huber(delta=0.5, weight=2.0, on="height")
        >>> float(loss(preds={"height": um.numpy.ones((3,))}, target={"height": um.numpy.zeros((3,))}))
        0.75
        >>> loss.log_name
        'height/huber'

    A class of your own sets ``function``, and names in ``options`` the attributes that are passed on as keywords.
    """

    function: ClassVar[Callable[..., Array]]
    options: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, *, reduction: str = "mean", weight: float | None = None, on: On = None, name: str | None = None
    ) -> None:
        check_reduction(type(self).__name__, reduction)
        self.reduction, self.weight, self.name = reduction, weight, name
        self.on = path_of(on)

    def __call__(self, preds: Any, target: Any, *, sample_weight: Array | None = None) -> Array:
        """The loss of predictions and targets, by position or by name; see the function for shapes and errors."""
        return self._of(
            part(preds, self.on), part(target, self.on), sample_weight=part_of_weight(sample_weight, self.on)
        )

    def _of(self, *arrays: Any, **sizes: Any) -> Array:
        chosen = {name: getattr(self, name) for name in self.options}
        value = type(self).function(*arrays, reduction=self.reduction, **chosen, **sizes)
        return value if self.weight is None else unp.multiply(value, self.weight)

    @property
    def log_name(self) -> str:
        """What logs call it."""
        return log_name(self)


def log_name(named: Any) -> str:
    """The name of a loss or a metric: the given one, else its class in snake case with ``on`` before it."""
    if named.name is not None:
        return str(named.name)
    return "/".join([*map(str, named.on), snake_case(type(named).__name__)])


def snake_case(name: str) -> str:
    """``MeanSquaredError`` as ``mean_squared_error``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def path_of(on: On) -> tuple[str | int, ...]:
    """A path, of the ways to write one."""
    return () if on is None else (on,) if isinstance(on, (str, int)) else tuple(on)


def part(tree: Any, on: tuple[str | int, ...]) -> Any:
    """What lies at a path of a tree."""
    for step in on:
        try:
            tree = tree[step]
        except (KeyError, IndexError, TypeError) as error:
            there = f"the keys {sorted(map(repr, tree))}" if isinstance(tree, dict) else type(tree).__name__
            raise TreeError(
                f"There is nothing at {step!r}, where `on` says that a loss or a metric has to look.",
                got=there,
                expected=f"a tree with the path {'/'.join(map(str, on))}",
                fix="pass predictions and targets as trees of that form, or leave `on` away",
            ) from error
    return tree


def part_of_weight(sample_weight: Any, on: tuple[str | int, ...]) -> Any:
    """The weights at a path, where they are a tree; one array is for all."""
    return part(sample_weight, on) if isinstance(sample_weight, (dict, list, tuple)) else sample_weight
