"""Hyperparameters that are part of the state, where they can be read, changed, saved and moved."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array, Engine
from unimod.core import walk
from unimod.core.kinds import OptState, static
from unimod.core.skeleton import Child, Skeleton
from unimod.dtypes import DType
from unimod.errors import OptionError
from unimod.optim import _lists
from unimod.optim._formulas import _sizes as sizes
from unimod.optim.base import Hyper, Stateful, Transformation, own_values, transformation_only

Factory = Callable[..., Transformation]


class Injected(Stateful):
    """See :func:`inject_hyperparams`.

    Attributes:
        hyperparams: the values that the last step used and, but for those of schedules, the next one will use.
        inner: what the factory made, with its state.
    """

    factory: Factory = static()
    others: Any = static()
    dtype: Any = static()
    schedules: dict[str, Any]
    hyperparams: dict[str, Any] = OptState.node()

    def __init__(self, factory: Factory, given: dict[str, Any], statics: frozenset[str], dtype: str | None) -> None:
        super().__init__()
        self.factory, self.dtype = factory, dtype
        self.schedules = {name: x for name, x in given.items() if _is_schedule(x) and name not in statics}
        self.hyperparams = {name: x for name, x in given.items() if _is_number(x) and name not in statics}
        rest = given.keys() - self.schedules.keys() - self.hyperparams.keys()
        self.others = {name: given[name] for name in given if name in rest}
        self.inner = self._made({**self.hyperparams, **dict.fromkeys(self.schedules, 0.0)})
        transformation_only("inject_hyperparams", self.inner)

    def _made(self, values: dict[str, Any]) -> Transformation:
        return self.factory(**values, **self.others)

    def hyperparameters(self) -> Iterator[str]:
        """Those that are kept here, and those of what the factory made."""
        return itertools.chain(self.hyperparams, self.inner.hyperparameters())

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Any:
        """Arrays of the values, and what the factory makes of these."""
        new, lists = walk.rebuilt(self), _lists.of(engine)
        new.structure, new.state = structure, {"count": lists.count(leaves)}
        dtype = self.dtype or sizes.wide_dtype(leaves)
        scheduled = {name: schedule(new.state["count"]) for name, schedule in self.schedules.items()}
        values = {**self.hyperparams, **scheduled}
        new.hyperparams = {name: _array(engine, leaves, x, dtype) for name, x in values.items()}
        new.inner = self._made(new.hyperparams).init_flat(engine, leaves, structure)
        return new

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """A step of what the factory makes of the values for this step, with the state of before."""
        self.check_structure(grads, structure)
        kept, count = self.hyperparams, self.state["count"]
        for name, schedule in self.schedules.items():
            kept[name] = _array(engine, grads, schedule(count), str(config.dtype_of(kept[name])))
        now = {name: hyper.get(name, x) for name, x in kept.items()}
        fresh = self._made(now).init_flat(engine, grads if params is None else params, structure)
        self.inner = _continued(fresh, self.inner)
        rest = {name: x for name, x in own_values(self.inner, hyper).items() if name not in kept}
        self.state = {"count": count + 1}
        return self.inner.update_flat(engine, grads, params, structure, rest)


def _is_schedule(value: Any) -> bool:
    return callable(value) and not isinstance(value, (type, Transformation))


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or config.is_array(value)


def _array(engine: Engine, leaves: list[Any], value: Any, dtype: str) -> Array:
    if config.is_array(value):
        return unp.astype(value, dtype) if config.dtype_of(value).kind == "float" else value
    return sizes.number(_lists.of(engine), leaves, value, dtype)


def _continued(fresh: Transformation, old: Transformation) -> Transformation:
    """A transformation with the state of another one of its kind."""
    leaves, structure = walk.flatten(fresh)
    before, _ = walk.flatten(old)
    slots = structure.slots if isinstance(structure, Skeleton) else ()
    merged = [
        o if issubclass(slot.kind or object, OptState) else x for slot, x, o in zip(slots, leaves, before, strict=True)
    ]
    result: Transformation = walk.unflatten(structure, merged)
    return result


def inject_hyperparams(
    inner_factory: Factory, static_args: str | Iterable[str] = (), hyperparam_dtype: Any = None
) -> Callable[..., Injected]:
    """A function like ``inner_factory`` whose numbers are kept in the state: ``opt.hyperparams["learning_rate"]``.

    They can be read there after a step, and changed between two steps without a new trace. That is all it adds: any
    hyperparameter can be a schedule, or be given for one step, without it.

    Args:
        inner_factory: a function of numbers that makes a transformation, such as ``um.optim.adam``.
        static_args: names of arguments that are not to be kept, such as a function that is no schedule.
        hyperparam_dtype: of what is kept; None: float64 where a parameter has that, else float32.

    Returns: a function with the same arguments. Those that are passed to it as floats, arrays or schedules are kept;
    ints, bools and everything else stay what they are, as do defaults.

    State: ``count`` (int32 scalar), ``hyperparams`` (a dict of scalars), and that of what the factory makes in
    ``inner``.

    Raises:
        OptionError: the factory has no argument that ``static_args`` names.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0])
        >>> opt = um.optim.inject_hyperparams(um.optim.sgd)(learning_rate=0.5).init(x)
        >>> opt.hyperparams["learning_rate"] = um.numpy.asarray(0.25)
        >>> x, opt = opt.step(x, x)
        >>> float(x[0]), float(opt.hyperparams["learning_rate"])
        (0.75, 0.25)

    Differences: optax keeps the defaults of arguments too, and ints.
    """
    names = frozenset([static_args] if isinstance(static_args, str) else static_args)
    signature = inspect.signature(inner_factory)
    unknown = sorted(names - signature.parameters.keys())
    if unknown:
        raise OptionError(
            "inject_hyperparams knows no such argument of the factory.",
            got=f"static_args = {', '.join(unknown)}",
            expected=", ".join(signature.parameters),
        )
    dtype = None if hyperparam_dtype is None else str(DType(hyperparam_dtype))

    @functools.wraps(inner_factory)
    def make(*args: Any, **options: Any) -> Injected:
        return Injected(inner_factory, dict(signature.bind(*args, **options).arguments), names, dtype)

    return make
