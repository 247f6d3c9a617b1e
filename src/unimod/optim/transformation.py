"""Gradient transformations as modules: what they are called, their options, and their state.

One specification, a name with options, is carried out by each engine in its own way; the state has the same names and
shapes everywhere, so that it can move from one engine to another between two steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from unimod import config
from unimod.backends._protocol import Engine
from unimod.core import edit, tree, walk
from unimod.core.filters import NOT_FROZEN
from unimod.core.kinds import OptState, Parameter, static
from unimod.core.module import Module
from unimod.core.skeleton import Child
from unimod.errors import CapabilityError, DTypeError, NotInitializedError, OptionError
from unimod.optim import _lists
from unimod.optim._formulas import FORMULAS
from unimod.transforms import _lift

T = TypeVar("T", bound="Transformation")
Hyper = dict[str, Any]
Options = tuple[tuple[str, Any], ...]


class Transformation(Module):
    """Base of everything that turns gradients into updates. ``init`` returns a copy with state."""

    def init(self: T, params: Any, *inputs: Any, **options: Any) -> T:  # type: ignore[override]
        """A copy whose state fits ``params`` (a module, whose trainable parameters count, or a tree of arrays)."""
        leaves, structure = walk.flatten(trainable(params))
        return self.init_flat(config.engine_of(*leaves), leaves, structure)

    def update(self: T, grads: Any, params: Any = None, **hyper: Any) -> tuple[Any, T]:  # type: ignore[override]
        """``(updates, self)`` after one step: what is to be added to the parameters, and the transformation's new self.

        Args:
            grads: gradients, with the structure that ``init`` saw.
            params: the parameters; some transformations need them.
            hyper: values of options for this step alone, such as ``learning_rate=0.1``; arrays are differentiable.
                Also what a transformation asks for beside the gradients, such as ``value=loss``.

        Raises:
            TreeError: the structures differ; the message names the first path that does.
            NotInitializedError: ``init`` has not been called.
            OptionError: a transformation needs the parameters, or another value, that was not passed.
        """
        known = set(self.hyperparameters())
        unknown = [name for name in hyper if name not in known]
        if unknown:
            raise DTypeError(
                f"{type(self).__name__} has no hyperparameter {unknown[0]!r}.",
                expected=", ".join(sorted(known)) or "none",
            )
        if "grad" in known:
            hyper.setdefault("grad", grads)
        leaves, structure = walk.flatten(grads)
        numbers = None
        if params is not None:
            numbers, shape = walk.flatten(trainable(params))
            leaves, structure = tree._matching(grads, shape), shape
        own, shape_of_self = walk.flatten_node(self)
        engine, found = _lift.settle([*leaves, *(numbers or ()), *own])
        leaves, numbers = found[: len(leaves)], None if numbers is None else found[len(leaves) : 2 * len(leaves)]
        new = walk.unflatten(shape_of_self, own)
        updates = new.update_flat(engine, leaves, numbers, structure, hyper)
        return walk.unflatten(structure, updates), new

    def step(self: T, params: Any, grads: Any, **hyper: Any) -> tuple[Any, T]:
        """``(params, self)`` after one step.

        Example:
            >>> import unimod as um
            >>> x = {"x": um.numpy.asarray([1.0, 2.0])}
            >>> opt = um.optim.sgd(0.5).init(x)
            >>> x, opt = opt.step(x, x)
            >>> [float(v) for v in x["x"]]
            [0.5, 1.0]
        """
        chosen = trainable(params)
        for name in _FUNCTIONS & hyper.keys() if chosen is not params else ():
            hyper[name] = _of_whole(hyper[name], params)
        updates, new = self.update(grads, chosen, **hyper)
        leaves, structure = walk.flatten(chosen)
        engine, found = _lift.settle([*leaves, *tree._matching(updates, structure)])
        changed = engine.optim.apply_updates(found[: len(leaves)], found[len(leaves) :])
        result = walk.unflatten(structure, changed)
        return (result if params is chosen else edit.merge(params, result)), new

    def hyperparameters(self) -> Iterator[str]:
        """The names of the options that ``update`` and ``step`` take for one step."""
        return iter(())

    def init_flat(self: T, engine: Engine, leaves: list[Any], structure: Child) -> T:
        """``init`` on flat lists; a transformation without state need not have it."""
        return self

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """``update`` on flat lists; changes the state of ``self``."""
        raise CapabilityError(f"{type(self).__name__} does not say how it updates.", fix="define update_flat")


def trainable(params: Any) -> Any:
    """What of ``params`` is optimized: of a module its trainable parameters, else the tree itself."""
    # Not by the method: asking a lazy module for an attribute builds it.
    return edit.choose(params, (Parameter, NOT_FROZEN)) if isinstance(params, Module) else params


_FUNCTIONS = frozenset({"value_fn", "obj_fn"})
"""What a transformation may ask for that is a function of the parameters."""


def _of_whole(fn: Callable[[Any], Any], whole: Any) -> Callable[[Any], Any]:
    """A function of a module as one of its trainable parameters alone."""
    return lambda chosen: fn(edit.merge(whole, chosen))


class Primitive(Transformation):
    """A transformation that the engine carries out by its name.

    Its state can be read by name: ``opt[0].mu`` is a tree like the parameters, ``opt[0].count`` an array.
    """

    name: str = static()
    options: tuple[tuple[str, Any], ...] = static()
    structure: Any = static()
    state: dict[str, Any] = OptState.node()

    def __init__(self, name: str, **options: Any) -> None:
        self.name = name
        self.options = tuple(options.items())
        self.structure = None
        self.state = {}

    def __getattr__(self, name: str) -> Any:
        state = vars(self).get("state") or {}
        if name.startswith("_") or name not in state:
            options = dict(vars(self).get("options", ()))
            if name in options:
                return options[name]
            raise AttributeError(f"{type(self).__name__} {vars(self).get('name')} has no {name!r}")
        value = state[name]
        return walk.unflatten(self.structure, value) if isinstance(value, list) else value

    def hyperparameters(self) -> Iterator[str]:
        """The names of the numeric options, and of what else an update needs."""
        numeric = (name for name, value in self.options if not isinstance(value, bool))
        return itertools.chain(numeric, _extras(self.name))

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Any:
        """``init`` on flat lists."""
        new = Primitive(self.name, **dict(self.options))
        new.structure = structure
        new.state = _init(engine, self.name, self.options, leaves)
        return new

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """One step, by the engine."""
        if self.structure is None:
            raise NotInitializedError(
                f"{self.name} has no state yet.", fix="call opt = opt.init(model.parameters()) before the first step"
            )
        if structure is not self.structure:
            tree._matching(walk.unflatten(structure, grads), self.structure)
        options = tuple((name, hyper.get(name, value)) for name, value in self.options)
        extras = {name: _flat(engine, name, _needed(self.name, name, hyper), structure) for name in _extras(self.name)}
        updates, self.state = _update(engine, self.name, options, grads, self.state, params, extras)
        return updates


def _init(engine: Engine, name: str, options: Options, params: list[Any]) -> dict[str, Any]:
    if _carries_out(engine, name):
        return engine.optim.init(name, options, params)  # type: ignore[attr-defined, no-any-return]
    return FORMULAS[name].init(_lists.of(engine), params, **dict(options))


def _update(
    engine: Engine,
    name: str,
    options: Options,
    updates: list[Any],
    state: dict[str, Any],
    params: list[Any] | None,
    extras: Hyper | None = None,
) -> tuple[list[Any], dict[str, Any]]:
    """One step, by the engine's own transformation of that name, else by the formula."""
    if params is None and name in FORMULAS and FORMULAS[name].needs_params:
        raise OptionError(f"{name} needs the parameters.", fix="opt.update(grads, params), or opt.step(params, grads)")
    if _carries_out(engine, name):
        return engine.optim.update(name, options, updates, state, params, extras or {})  # type: ignore[attr-defined, no-any-return]
    return FORMULAS[name].update(_lists.of(engine), updates, state, params, **dict(options), **(extras or {}))


def _extras(name: str) -> tuple[str, ...]:
    return FORMULAS[name].extras if name in FORMULAS else ()


def _needed(name: str, extra: str, hyper: Hyper) -> Any:
    if extra not in hyper:
        raise OptionError(
            f"{name} needs `{extra}` beside the gradients.", fix=f"opt.step(params, grads, {extra}=...) in each step"
        )
    return hyper[extra]


def _flat(engine: Engine, name: str, value: Any, structure: Child) -> Any:
    """What an update needs beside the gradients, in terms of flat lists."""
    if name in _FUNCTIONS:
        return lambda leaves: value(walk.unflatten(structure, leaves))
    return _lift.to_engine(engine, tree._matching(value, structure)) if name == "grad" else value


def _carries_out(engine: Engine, name: str) -> bool:
    carries_out = getattr(engine.optim, "carries_out", None)
    return carries_out is not None and carries_out(name)


class ScaleByLearningRate(Transformation):
    """``-learning_rate * updates``; the rate is a number or a schedule, a function of the step (0-based).

    Attributes:
        learning_rate: the rate, or what the schedule gave for the last step.
    """

    schedule: Any = static()
    state: dict[str, Any] = OptState.node()

    def __init__(self, learning_rate: Any) -> None:
        self.schedule = learning_rate
        self.state = {}

    @property
    def learning_rate(self) -> Any:
        """The rate that the next step will use."""
        return self.schedule(self.state["count"]) if callable(self.schedule) else self.schedule

    def hyperparameters(self) -> Iterator[str]:
        """The rate itself."""
        return iter(("learning_rate",))

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Any:
        """A schedule needs a counter; a number needs no state."""
        new = ScaleByLearningRate(self.schedule)
        new.state = {"count": engine.arrays.zeros((), "int32")} if callable(self.schedule) else {}
        return new

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """Multiply, and count."""
        if callable(self.schedule) and not self.state:
            raise NotInitializedError("The schedule has no counter yet.", fix="call opt = opt.init(params) first")
        rate = hyper.get("learning_rate", self.learning_rate)
        if callable(self.schedule):
            self.state = {"count": self.state["count"] + 1}
        return _update(engine, "scale", (("step_size", -rate),), grads, {}, None)[0]


class Chain(Transformation):
    """Transformations one after the other; ``opt[i]`` is the i-th."""

    def __init__(self, *parts: Transformation) -> None:
        self.parts = list(parts)

    def __getitem__(self, index: int) -> Transformation:
        return self.parts[index]

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Transformation]:
        return iter(self.parts)

    def hyperparameters(self) -> Iterator[str]:
        """Those of the parts."""
        return (name for part in self.parts for name in part.hyperparameters())

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Any:
        """Each part."""
        return Chain(*(part.init_flat(engine, leaves, structure) for part in self.parts))

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """Each part on what the one before gave."""
        for part in self.parts:
            own = {name: hyper[name] for name in part.hyperparameters() if name in hyper}
            grads = part.update_flat(engine, grads, params, structure, own)
        return grads


def chain(*parts: Transformation) -> Chain:
    """Transformations one after the other.

    Example:
        >>> import unimod as um
        >>> opt = um.optim.chain(um.optim.scale_by_adam(), um.optim.scale(-1e-3))
        >>> len(opt)
        2
    """
    wrong = [part for part in parts if not isinstance(part, Transformation)]
    if wrong:
        raise DTypeError("chain takes transformations.", got=repr(wrong[0])[:80])
    return Chain(*parts)


Schedule = Callable[[Any], Any]
Rate = float | Schedule
