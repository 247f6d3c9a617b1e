"""The base of the metrics: what is measured of a batch, how two measurements are joined, and the value of one."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.config import describe_value, dtype_of
from unimod.core import kinds
from unimod.core.module import Module
from unimod.dtypes import is_inexact
from unimod.errors import DTypeError, ShapeError, TreeError
from unimod.losses._base import On, log_name, part, part_of_weight, path_of
from unimod.metrics import _sums
from unimod.numpy._dispatch import adopt, many
from unimod.transforms.grad import stop_gradient

Array = Any
State = dict[str, Array]
M = TypeVar("M", bound="Metric")

_HALF = ("float16", "bfloat16")


class Metric(Module):
    """A number that is accumulated over batches. Its leaves have the kind ``um.Metric``.

    ``metric(preds, target)`` adds a batch and gives the value of that batch alone, ``update`` adds it and gives the
    metric, ``compute`` gives the value of all batches, ``reset`` starts again. As everywhere, eager calls change the
    object, and a jitted function returns it::

        step = um.jit(lambda metric, preds, target: metric.update(preds, target))
        metric = step(metric, preds, target)

    Args:
        on: where to look in predictions and targets that are trees: a name, an index, or a path of them.
        name: what logs call it; None: the class in snake case, with ``on`` before it.
        dtype: of the accumulated sums and of the value. Sums keep their rounding errors beside them, so that counts are
            exact up to 2^48 in float32; half precision is computed in float32.

    A metric has no derivative: what it is given is held constant. Training, evaluation and freezing do not change what
    it does. Where the values of a Module are to be merged, as with other modules, use ``um.update(metric, other)``.

    A class of your own names its ``state_names`` (see :meth:`measure`) and defines ``measure`` and ``value``.

    Example:
        >>> import unimod as um
        >>> metric = um.metrics.MeanAbsoluteError()
        >>> batches = [([1.0, 2.0], [1.0, 4.0]), ([5.0], [1.0])]
        >>> [float(metric(um.numpy.asarray(preds), um.numpy.asarray(target))) for preds, target in batches]
        [1.0, 4.0]
        >>> float(metric.compute())
        2.0
    """

    state_names: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, shape: tuple[int, ...] = (), *, on: On = None, name: str | None = None, dtype: str = "float32"
    ) -> None:
        self.on, self.name = path_of(on), name
        for state in self.state_names:
            setattr(self, state, kinds.Metric(_sums.empty(shape, str(dtype))))

    # What a metric is

    def measure(self, preds: Array, target: Array, sample_weight: Array | None) -> State:
        """What one batch adds: for each name in ``state_names`` an array, or integers where it is a count."""
        raise NotImplementedError

    def value(self, state: State) -> Array:
        """The value of a measurement, of the total of each of its sums."""
        raise NotImplementedError

    def combine(self, one: State, other: State) -> State:
        """Two measurements as one. The default adds."""
        return {name: _sums.add(one[name], other[name]) for name in one}

    def computed(self, state: State) -> Array:
        """The value of a state: :meth:`value` of the totals."""
        return self.value({name: _sums.total(pair) for name, pair in state.items()})

    def measured(self, preds: Any, target: Any, sample_weight: Any) -> State:
        """The state after one batch alone."""
        preds, target = part(preds, self.on), None if target is None else part(target, self.on)
        weight = part_of_weight(sample_weight, self.on)
        found = self.measure(*arrays(stop_gradient(preds), stop_gradient(target), stop_gradient(weight)))
        return {name: _sums.of(found[name], getattr(self, name)) for name in self.state_names}

    # What a user calls

    def update(self: M, preds: Any, target: Any = None, *, sample_weight: Array | None = None) -> M:  # type: ignore[override]
        """Add a batch; the metric itself is changed, and returned."""
        return self._joined(self.measured(preds, target, sample_weight))

    def __call__(self, preds: Any, target: Any = None, *, sample_weight: Array | None = None) -> Array:
        """Add a batch; returns the value of this batch alone."""
        batch = self.measured(preds, target, sample_weight)
        self._joined(batch)
        return self.computed(batch)

    def compute(self) -> Array:
        """The value of everything that was added; where that is nothing, what a sum of nothing gives (often 0)."""
        return self.computed(self._state())

    def reset(self: M) -> M:
        """Forget what was added; the metric itself is changed, and returned."""
        for name in self.state_names:
            setattr(self, name, unp.zeros_like(getattr(self, name)))
        return self

    def merge(self: M, *others: M) -> M:
        """A metric of what this one and the others were given, such as those of other devices.

        Raises:
            TreeError: one of them is of another class or size.
        """
        state = self._state()
        for other in others:
            self._check(other)
            state = self.combine(state, other._state())
        return self.replace(**state)

    @property
    def log_name(self) -> str:
        """What logs call it."""
        return log_name(self)

    def _state(self) -> State:
        return {name: getattr(self, name) for name in self.state_names}

    def _joined(self: M, batch: State) -> M:
        for name, value in self.combine(self._state(), batch).items():
            setattr(self, name, value)
        return self

    def _check(self, other: Any) -> None:
        mine = [tuple(value.shape) for value in self._state().values()]
        if type(other) is not type(self) or [tuple(value.shape) for value in other._state().values()] != mine:
            raise TreeError(
                "Two metrics that do not measure the same cannot be merged.",
                got=f"{type(other).__name__} and {type(self).__name__}",
                expected="metrics of one class and size",
                fix="build both with the same options",
            )


def arrays(preds: Any, target: Any, weight: Any) -> tuple[Array, Array, Array]:
    """Arrays of one engine; half precision as float32."""
    engine, *found = many(preds, target, weight)
    preds, target, weight = (x if x is None else _wide(engine, adopt(engine, x)) for x in found)
    return preds, target, weight


def _wide(engine: Engine, x: Array) -> Array:
    return engine.arrays.astype(x, "float32") if engine.arrays.dtype_name(x) in _HALF else x


def weights(metric: Any, sample_weight: Array | None, shape: tuple[int, ...]) -> Array | None:
    """Weights that broadcast against values of ``shape``, of whose leading axes they have the lengths."""
    if sample_weight is None:
        return None
    own = tuple(sample_weight.shape)
    if own != shape[: len(own)]:
        raise ShapeError(
            f"{type(metric).__name__} got a `sample_weight` that does not fit its values.",
            got=f"sample_weight = {describe_value(sample_weight)}, for values of the shape {shape}",
            expected="the shape of the values, or that of their leading axes",
            fix="pass one weight for each example",
        )
    return unp.reshape(sample_weight, own + (1,) * (len(shape) - len(own)))


def same_shape(metric: Any, preds: Array, target: Array | None) -> None:
    """Predictions and targets have one shape."""
    if target is None or tuple(preds.shape) != tuple(target.shape):
        raise ShapeError(
            f"{type(metric).__name__} got predictions and targets of different shapes.",
            got=f"{describe_value(preds)} and {describe_value(target)}",
            expected=f"targets of the shape {tuple(preds.shape)}",
            fix="reshape one of them; nothing is broadcast here",
        )


def floating(metric: Any, x: Array) -> None:
    """``x`` is floating-point."""
    if not is_inexact(str(dtype_of(x))):
        raise DTypeError(
            f"{type(metric).__name__} works on floating-point predictions.",
            got=describe_value(x),
            expected="float32, or another floating dtype",
            fix="pass what the model computed before rounding or argmax",
        )
