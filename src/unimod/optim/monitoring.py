"""Transformations that look: they keep what they measure of the updates, and pass these as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Engine
from unimod.core import tree, walk
from unimod.core.kinds import OptState, static
from unimod.core.module import Module
from unimod.core.skeleton import Child
from unimod.errors import DTypeError
from unimod.optim.averaging import ema
from unimod.optim.base import Hyper, Stateful, Transformation, own_values

Measure = Callable[[Any], Any]
"""A function of a tree of updates that gives any tree of arrays."""


class Snapshot(Stateful):
    """See :func:`snapshot`.

    Attributes:
        measurement: what was measured last, by its name.
    """

    measure_name: str = static()
    measure: Measure = static()
    measurement: dict[str, Any] = OptState.node()

    def __init__(self, measure_name: str, measure: Measure) -> None:
        super().__init__()
        self.measure_name, self.measure, self.measurement = measure_name, _callable("snapshot", measure), {}

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Any:
        """What would be measured of the parameters."""
        new = walk.rebuilt(self)
        new.structure = structure
        new.measurement = {self.measure_name: self.measure(walk.unflatten(structure, leaves))}
        return new

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """Measure."""
        self.check_structure(grads, structure)
        self.measurement = {self.measure_name: self.measure(walk.unflatten(structure, grads))}
        return grads


def snapshot(measure_name: str, measure: Measure) -> Snapshot:
    """The updates as they are, of which something is measured and kept: ``opt[1].measurement["norm"]``.

    Args:
        measure_name: what it is called.
        measure: a function of the tree of updates that gives any tree of arrays.

    State: ``measurement``, a dict of one name; before the first step, what would be measured of the parameters.

    Example:
        >>> import unimod as um
        >>> look = um.optim.snapshot("norm", um.optim.global_norm)
        >>> opt = um.optim.chain(um.optim.scale(2.0), look, um.optim.scale(-1.0))
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> updates, opt = opt.init(x).update(x)
        >>> float(opt[1].measurement["norm"])
        10.0
    """
    return Snapshot(measure_name, measure)


class MeanMeasure(Module):
    """See :func:`measure_with_ema`."""

    measure: Measure = static()
    mean: Any

    def __init__(self, measure: Measure, mean: Transformation) -> None:
        self.measure, self.mean = measure, mean

    def begun(self, params: Any) -> MeanMeasure:
        """With a mean of nothing."""
        return MeanMeasure(self.measure, self.mean.init(_floating(self.measure(params))))

    def taken(self, updates: Any) -> tuple[Any, MeanMeasure]:
        """The mean with the next measurement in it, and what the measure becomes."""
        found, mean = self.mean.update(_floating(self.measure(updates)))
        return found, MeanMeasure(self.measure, mean)


def measure_with_ema(
    measure: Measure, decay: float, debias: bool = True, accumulator_dtype: str | None = None
) -> MeanMeasure:
    """The running mean of a measurement, for :func:`monitor`.

    Args:
        measure: a function of the tree of updates that gives any tree of arrays; bools become 0 and 1.
        decay: of the mean.
        debias: whether the mean is divided by ``1 - decay**t``.
        accumulator_dtype: of the mean; None: that of the measurement.

    Example:
        >>> import unimod as um
        >>> opt = um.optim.monitor({"mean": um.optim.measure_with_ema(um.numpy.sum, 0.5, debias=False)})
        >>> x = um.numpy.asarray([1.0, 3.0])
        >>> _, opt = opt.init(x).update(x)
        >>> float(opt.measurements["mean"])
        2.0
    """
    return MeanMeasure(_callable("measure_with_ema", measure), ema(decay, debias, accumulator_dtype))


_PARTS = (Transformation, MeanMeasure)
"""The measures that have a state."""


class Monitor(Stateful):
    """See :func:`monitor`.

    Attributes:
        measurements: what was measured last, by its name.
        measures: what measures, with its state.
    """

    functions: Any = static()
    measures: dict[str, Any]
    measurements: dict[str, Any] = OptState.node()

    def __init__(self, measures: Mapping[str, Any]) -> None:
        super().__init__()
        self.functions = tuple(item for item in measures.items() if not isinstance(item[1], _PARTS))
        for _, measure in self.functions:
            _callable("monitor", measure)
        self.measures = {name: measure for name, measure in measures.items() if isinstance(measure, _PARTS)}
        self.measurements = {}

    def hyperparameters(self) -> Iterator[str]:
        """Those of the transformations among the measures."""
        parts = (part for part in self.measures.values() if isinstance(part, Transformation))
        return (name for part in parts for name in part.hyperparameters())

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Any:
        """Zeros in the shapes of what will be measured."""
        new, params = walk.rebuilt(self), walk.unflatten(structure, leaves)
        new.structure = structure
        for name, part in self.measures.items():
            is_mean = isinstance(part, MeanMeasure)
            new.measures[name] = part.begun(params) if is_mean else part.init_flat(engine, leaves, structure)
        found = walk.rebuilt(new)._measured(engine, leaves, leaves, structure, {}, is_first=True)
        new.measurements = tree.map(unp.zeros_like, found)
        return new

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """Measure."""
        self.check_structure(grads, structure)
        self.measurements = self._measured(engine, grads, params, structure, hyper)
        return grads

    def _measured(
        self,
        engine: Engine,
        grads: list[Any],
        params: list[Any] | None,
        structure: Child,
        hyper: Hyper,
        is_first: bool = False,
    ) -> dict[str, Any]:
        updates = walk.unflatten(structure, grads)
        found = {name: measure(updates) for name, measure in self.functions}
        for name, part in self.measures.items():
            if isinstance(part, MeanMeasure):
                found[name], self.measures[name] = part.taken(updates)
            elif is_first:
                found[name] = updates
            else:
                found[name] = walk.unflatten(
                    structure, part.update_flat(engine, grads, params, structure, own_values(part, hyper))
                )
        return found


def monitor(measures: Mapping[str, Any]) -> Monitor:
    """The updates as they are, of which some things are measured and kept: ``opt[1].measurements["norm"]``.

    Args:
        measures: by name a function of the tree of updates that gives any tree of arrays, or such a function with
            :func:`measure_with_ema` around it, or a transformation, of which the updates count.

    State: ``measurements``, a dict, 0 before the first step; and that of the measures in ``measures``.

    Raises:
        DTypeError: a measure is something else.

    Example:
        >>> import unimod as um
        >>> measures = {"norm": um.optim.global_norm, "doubled": um.optim.scale(2.0)}
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> updates, opt = um.optim.monitor(measures).init(x).update(x)
        >>> float(opt.measurements["norm"]), opt.measurements["doubled"].tolist(), updates.tolist()
        (5.0, [6.0, 8.0], [3.0, 4.0])
    """
    return Monitor(measures)


def _floating(found: Any) -> Any:
    return tree.map(lambda x: x if config.dtype_of(x).kind in ("float", "complex") else unp.astype(x, "float32"), found)


def _callable(name: str, measure: Any) -> Any:
    if not callable(measure):
        raise DTypeError(
            f"{name} takes functions of the updates.", got=repr(measure)[:80], expected="such as um.optim.global_norm"
        )
    return measure
