"""Transformations that have a name: each engine carries them out in its own way.

The state has the same names and shapes everywhere, so that it can move from one engine to another between two steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from unimod import config
from unimod.backends._protocol import Engine
from unimod.core import tree, walk
from unimod.core.kinds import OptState, node, static
from unimod.core.skeleton import Child
from unimod.errors import DTypeError, OptionError
from unimod.optim import _lists
from unimod.optim._formulas import FORMULAS
from unimod.optim._masks import place
from unimod.optim.base import FUNCTIONS, Hyper, Stateful, check_shapes
from unimod.transforms import _lift

Options = tuple[tuple[str, Any], ...]


class Primitive(Stateful):
    """A transformation that the engine carries out by its name.

    Its options and its state can be read by name: ``opt[0].b1``, ``opt[0].mu``. An option may be a schedule, a function
    of the step (0-based); then its name gives the value that the next step will use.

    Attributes:
        clock: the number of steps, where an option is a schedule.
    """

    name: str = static()
    options: tuple[tuple[str, Any], ...] = static()
    arrays: dict[str, Any] = node()
    schedules: dict[str, Any]
    clock: Any = OptState.node()

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        self.name = name
        self.arrays = {option: value for option, value in options.items() if config.is_array(value)}
        self.schedules = {option: value for option, value in options.items() if _is_schedule(value)}
        self.options = tuple(item for item in options.items() if item[0] not in {**self.arrays, **self.schedules})
        self.clock = None

    def __getattr__(self, name: str) -> Any:
        own = vars(self)
        known = {**dict(own.get("options", ())), **own.get("arrays", {})}
        if name in own.get("schedules", {}):
            return self.scheduled()[name]
        if name in known and name not in own.get("state", {}):
            return known[name]
        try:
            return super().__getattr__(name)
        except AttributeError:
            raise AttributeError(f"{type(self).__name__} {own.get('name')} has no {name!r}") from None

    def hyperparameters(self) -> Iterator[str]:
        """The names of the numeric options, and of what else an update needs."""
        numeric = (name for name, value in self.options if isinstance(value, (int, float, complex)))
        numbers = (name for name in numeric if not isinstance(dict(self.options)[name], bool))
        return itertools.chain(numbers, self.arrays, self.schedules, _extras(self.name))

    def scheduled(self) -> dict[str, Any]:
        """The options that are schedules, with their values for the next step."""
        step = 0 if self.clock is None else self.clock
        return {option: schedule(step) for option, schedule in self.schedules.items()}

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Any:
        """``init`` on flat lists."""
        _check_real(self.name, leaves, structure)
        new = type(self)(self.name, **dict(self.options), **self.arrays, **self.schedules)
        new.structure = structure
        new.clock = _lists.of(engine).count(leaves) if self.schedules else None
        new.state = _init(engine, self.name, new.given({}), leaves)
        return new

    def given(self, hyper: Hyper) -> Options:
        """The options of the next step, of which some are given for it alone."""
        values = {**dict(self.options), **self.arrays, **self.scheduled()}
        return tuple((name, hyper.get(name, value)) for name, value in values.items())

    def spend(self, structure: Child) -> bool:
        """What the formula needs of its state only to make the next one."""
        formula = FORMULAS.get(self.name)
        if self.structure is not structure or self.schedules or formula is None:
            return False
        spent = formula.spends
        self.state = {name: _lists.Spent(value) if name in spent else value for name, value in self.state.items()}
        return not _extras(self.name)

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """One step, by the engine."""
        self.check_structure(grads, structure)
        _check_real(self.name, grads, structure)
        if params is not None and self.state:
            # A state would take another shape, or hide it, where one array fits the other by broadcasting.
            check_shapes(params, grads, structure)
        options = self.given(hyper)
        self.clock = None if self.clock is None else self.clock + 1
        extras = {name: _flat(engine, name, _needed(self.name, name, hyper), structure) for name in _extras(self.name)}
        updates, self.state = carry_out(engine, self.name, options, grads, self.state, params, extras)
        return updates


def _is_schedule(value: Any) -> bool:
    return callable(value) and not isinstance(value, type)


def _check_real(name: str, params: list[Any], structure: Child) -> None:
    if name not in FORMULAS or not FORMULAS[name].is_real or "complex" not in _lists.kinds(params):
        return
    index = next(i for i, x in enumerate(params) if "complex" in _lists.kinds([x]))
    raise DTypeError(
        f"{name} takes real parameters only.",
        where=place(structure, index),
        got=config.describe_value(params[index]),
        expected="an array of real numbers",
        fix="take complex parameters for two real ones: um.optim.split_real_and_imaginary(...)",
    )


def _init(engine: Engine, name: str, options: Options, params: list[Any]) -> dict[str, Any]:
    if _carries_out(engine, name, options, params):
        return engine.optim.init(name, options, params)  # type: ignore[attr-defined, no-any-return]
    return FORMULAS[name].init(_lists.of(engine), params, **dict(options))


def carry_out(
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
        raise OptionError(
            f"{name} needs the parameters.",
            got="params = None",
            expected="the parameters that the gradients belong to",
            fix="opt.update(grads, params), or opt.step(params, grads)",
        )
    given = extras or {}
    if _carries_out(engine, name, options, updates) and not _is_eager_search(engine, name, updates, params, given):
        return engine.optim.update(name, options, updates, state, params, given)  # type: ignore[attr-defined, no-any-return]
    return FORMULAS[name].update(_lists.of(engine), updates, state, params, **dict(options), **given)


def _carries_out(engine: Engine, name: str, options: Options, xs: list[Any]) -> bool:
    # A framework's own would let an array among the options change the dtypes of updates and state, and may look for
    # the first of no arrays.
    if name in FORMULAS and (not xs or any(config.is_array(value) for _, value in options)):
        return False
    carries_out = getattr(engine.optim, "carries_out", None)
    return carries_out is not None and carries_out(name)


def _is_eager_search(engine: Engine, name: str, updates: list[Any], params: list[Any] | None, extras: Hyper) -> bool:
    """Whether it tries out a function with arrays that have values.

    A loop around the function is compiled anew for each function, and each step may bring another; a formula tries one
    place after the other.
    """
    if not FUNCTIONS & extras.keys() or name not in FORMULAS:
        return False
    known = filter(config.is_array, (*updates, *(params or ()), *extras.values()))
    return all(map(engine.arrays.is_concrete, known))


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
    if name in FUNCTIONS:
        return lambda leaves: value(walk.unflatten(structure, leaves))
    return _lift.to_engine(engine, tree._matching(value, structure)) if name == "grad" else value
