"""Several losses and metrics together, and what layers have recorded."""

from __future__ import annotations

import functools
import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import unimod.numpy as unp
from unimod.config import describe_value, is_array
from unimod.core import kinds, tree
from unimod.core.filters import FieldInfo
from unimod.core.module import Module, filter
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.losses._base import Loss
from unimod.metrics._base import Metric
from unimod.metrics._means import Mean
from unimod.regularizers._base import Regularizer

Array = Any
Logs = dict[str, Array]
C = TypeVar("C", bound="Metrics")

TOTAL = "loss"
"""What logs call the sum of all losses."""


class Metrics(Module):
    """Metrics by name, of one pair of predictions and targets.

    Args:
        metrics: one, several, or a dict of them. Those without a key go by their ``log_name``; the second of a name
            gets ``_1`` behind it, the third ``_2``.

    Example:
        >>> import unimod as um
        >>> metrics = um.metrics.Metrics([um.metrics.MeanAbsoluteError(), um.metrics.MeanSquaredError()])
        >>> logs = metrics(um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0]))
        >>> {name: float(value) for name, value in logs.items()}
        {'mean_absolute_error': 1.0, 'mean_squared_error': 2.0}
    """

    def __init__(self, metrics: Metric | Iterable[Metric] | Mapping[str, Metric] = ()) -> None:
        self.parts: dict[str, Any] = named(metrics, Metric)

    def update(self: C, preds: Any, target: Any = None, *, sample_weight: Array | None = None) -> C:  # type: ignore[override]
        """Add a batch to all of them; returns this object."""
        for metric in self.parts.values():
            metric.update(preds, target, sample_weight=sample_weight)
        return self

    def __call__(self, preds: Any, target: Any = None, *, sample_weight: Array | None = None) -> Logs:
        """Add a batch to all of them; returns the values of this batch alone."""
        return {name: part(preds, target, sample_weight=sample_weight) for name, part in self.parts.items()}

    def compute(self) -> Logs:
        """The values of everything that was added."""
        return {name: part.compute() for name, part in self.parts.items()}

    def reset(self: C) -> C:
        """Forget what was added; returns this object."""
        for metric in self.parts.values():
            metric.reset()
        return self

    def merge(self: C, *others: C) -> C:
        """A collection of what this one and the others were given."""
        return self.replace(parts=_merged(self.parts, [other.parts for other in others]))


class Losses(Module):
    """Losses and regularizers by name: their sum for a batch, and the mean of each over batches.

    In the means each batch counts as often as it has examples.

    Args:
        losses: one, several, or a dict of them, named as in :class:`Metrics`.

    Example:
        >>> import unimod as um
        >>> losses = um.metrics.Losses([um.losses.MeanSquaredError(), um.losses.MeanAbsoluteError(weight=0.5)])
        >>> loss, logs = losses(um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0]))
        >>> float(loss), {name: float(value) for name, value in logs.items()}
        (2.5, {'loss': 2.5, 'mean_squared_error': 2.0, 'mean_absolute_error': 0.5})
    """

    def __init__(self, losses: Any = ()) -> None:
        self.parts: dict[str, Any] = named(losses, Loss, Regularizer, taken=(TOTAL,))
        self.means: dict[str, Any] = OrderedDict((name, Mean()) for name in (TOTAL, *self.parts))

    def __call__(
        self, preds: Any, target: Any, *, sample_weight: Array | None = None, model: Any = None
    ) -> tuple[Array, Logs]:
        """Add a batch; returns the sum of the losses of this batch, which has derivatives, and each of them by name.

        Args:
            preds: an array, or a tree for losses with ``on``.
            target: the same.
            sample_weight: as in the losses.
            model: what the regularizers are of, and whose recorded losses (leaves of the kind ``um.Loss``) are added.
        """
        values = {name: self._one(part, preds, target, sample_weight, model) for name, part in self.parts.items()}
        for name, value in recorded(model, kinds.Loss).items():
            values[unique(name, values)] = value
        for name, value in values.items():
            _check_scalar(name, value)
        logs = {TOTAL: functools.reduce(unp.add, values.values()) if values else 0.0, **values}
        self._add(logs, _examples(preds))
        return logs[TOTAL], logs

    def compute(self) -> Logs:
        """The means over what was added."""
        return {name: mean.compute() for name, mean in self.means.items()}

    def reset(self) -> Losses:
        """Forget what was added; returns this object."""
        for mean in self.means.values():
            mean.reset()
        return self

    def merge(self, *others: Losses) -> Losses:
        """A collection of what this one and the others were given."""
        return self.replace(means=_merged(self.means, [other.means for other in others]))

    @staticmethod
    def _one(part: Any, preds: Any, target: Any, sample_weight: Array | None, model: Any) -> Array:
        if not isinstance(part, Regularizer):
            return part(preds, target, sample_weight=sample_weight)
        if model is None:
            raise OptionError(
                "A regularizer among the losses needs the model.",
                got="model = None",
                expected="the module, or its parameters",
                fix="pass model=model",
            )
        return part(model)

    def _add(self, logs: Logs, count: int) -> None:
        new = [(name, Mean()) for name in logs if name not in self.means]
        if new:
            self.means = OrderedDict([*self.means.items(), *new])
        for name, value in logs.items():
            self.means[name].update(value, sample_weight=count)


class LossesAndMetrics(Module):
    """What a training loop logs: losses, regularizers, metrics, and what layers have recorded.

    A layer records by a leaf of the kind ``um.Loss`` (added to the loss) or ``um.Metric`` (only logged); the path of
    the leaf is its name. Names that meet get ``_1``, ``_2``, ... behind them.

    Args:
        losses: one, several, or a dict of losses and regularizers.
        metrics: one, several, or a dict of metrics.

    Example:
        >>> import unimod as um
        >>> class Model(um.Module):
        ...     def __init__(self):
        ...         self.linear, self.activity = um.nn.Linear(2, 1), um.Loss(0.0)
        ...     def __call__(self, x):
        ...         y = self.linear(x)
        ...         self.activity = um.numpy.sum(y * y) * 0.1
        ...         return y
        >>> def loss_fn(model, logs, x, y):
        ...     loss, _ = logs(model(x), y, model=model)
        ...     return loss, (model, logs)
        >>> logs = um.metrics.LossesAndMetrics(um.losses.MeanSquaredError(), um.metrics.MeanAbsoluteError())
        >>> model, x, y = Model().init(0), um.numpy.ones((4, 2)), um.numpy.zeros((4, 1))
        >>> grads, (model, logs) = um.grad(loss_fn, has_aux=True)(model, logs, x, y)
        >>> list(logs.compute())
        ['loss', 'mean_squared_error', 'activity', 'mean_absolute_error']
    """

    def __init__(self, losses: Any = (), metrics: Any = ()) -> None:
        self.of_losses = Losses(losses)
        taken = (TOTAL, *self.of_losses.parts)
        self.of_metrics: dict[str, Any] = named(metrics, Metric, taken=taken)
        self.recorded: dict[str, Any] = OrderedDict()

    def __call__(
        self, preds: Any, target: Any, *, sample_weight: Array | None = None, model: Any = None
    ) -> tuple[Array, Logs]:
        """Add a batch; returns the loss of this batch, which has derivatives, and all values of this batch by name."""
        loss, logs = self.of_losses(preds, target, sample_weight=sample_weight, model=model)
        for name, metric in self.of_metrics.items():
            logs[unique(name, logs)] = metric(preds, target, sample_weight=sample_weight)
        for name, value in recorded(model, kinds.Metric).items():
            if name not in self.recorded:
                self.recorded = OrderedDict([*self.recorded.items(), (name, Mean())])
            logs[unique(name, logs)] = self.recorded[name](value)
        return loss, logs

    def compute(self) -> Logs:
        """The values of everything that was added."""
        logs = self.of_losses.compute()
        for name, metric in (*self.of_metrics.items(), *self.recorded.items()):
            logs[unique(name, logs)] = metric.compute()
        return logs

    def reset(self) -> LossesAndMetrics:
        """Forget what was added; returns this object."""
        for part in (self.of_losses, *self.of_metrics.values(), *self.recorded.values()):
            part.reset()
        return self

    def merge(self, *others: LossesAndMetrics) -> LossesAndMetrics:
        """A collection of what this one and the others were given."""
        return self.replace(
            of_losses=self.of_losses.merge(*(other.of_losses for other in others)),
            of_metrics=_merged(self.of_metrics, [other.of_metrics for other in others]),
            recorded=_merged(self.recorded, [other.recorded for other in others]),
        )


LossAndLogs = LossesAndMetrics
"""Another name of :class:`LossesAndMetrics`."""


def recorded(model: Any, kind: type = kinds.Metric) -> Logs:
    """What the layers of a model have recorded: path -> value of the leaves of a kind, in leaf order.

    Args:
        model: a module, or any tree of them; None has nothing.
        kind: ``um.Loss``, ``um.Metric``, or a kind below them. The sums that metrics keep for themselves are left out.

    Example:
        >>> import unimod as um
        >>> class Layer(um.Module):
        ...     def __init__(self):
        ...         self.size = um.Metric(um.numpy.asarray(3.0))
        >>> {name: float(value) for name, value in um.metrics.recorded([Layer(), Layer()]).items()}
        {'0.size': 3.0, '1.size': 3.0}
    """
    if model is None:
        return {}
    chosen = filter(model, kind, _is_recorded)
    return dict(zip(tree.paths_of(chosen), tree.leaves(chosen), strict=True))


def _is_recorded(info: FieldInfo) -> bool:
    return not isinstance(info.module, Metric)


def named(parts: Any, *classes: type, taken: tuple[str, ...] = ()) -> dict[str, Any]:
    """The parts by unique names."""
    pairs: Any = parts.items() if isinstance(parts, Mapping) else [(None, p) for p in _several(parts, classes)]
    found: dict[str, Any] = OrderedDict()  # whose order a copy keeps
    for name, part in pairs:
        if not isinstance(part, classes):
            raise DTypeError(
                "A collection was given what it cannot hold.",
                got=type(part).__name__,
                expected=" or ".join(cls.__name__ for cls in classes),
                fix="make an object of it: um.losses.Huber(), not um.losses.huber",
            )
        own: Any = part
        found[unique(own.log_name if name is None else str(name), (*taken, *found))] = own
    return found


def _several(parts: Any, classes: tuple[type, ...]) -> Iterable[Any]:
    return [parts] if isinstance(parts, classes) or not isinstance(parts, Iterable) else parts


def unique(name: str, taken: Iterable[str]) -> str:
    """The name, or the first of ``name_1``, ``name_2``, ... that is not taken."""
    taken, found, count = set(taken), name, 0
    while found in taken:
        count += 1
        found = f"{name}_{count}"
    return found


def _merged(mine: dict[str, Any], others: list[dict[str, Any]]) -> dict[str, Any]:
    return OrderedDict((name, metric.merge(*(other[name] for other in others))) for name, metric in mine.items())


def _examples(preds: Any) -> int:
    """The length of the first axis of the first array."""
    shapes = [tuple(leaf.shape) for leaf in tree.leaves(preds) if is_array(leaf)]
    return max(1, shapes[0][0] if shapes and shapes[0] else 1)


def _check_scalar(name: str, value: Any) -> None:
    if is_array(value) and math.prod(value.shape) != 1:
        raise ShapeError(
            f"The loss {name!r} of a collection is not a scalar.",
            got=f"{name} = {describe_value(value)}",
            expected="a scalar",
            fix='build it with reduction="mean" or "sum"',
        )
