"""optax's own transformations and schedules as functions of trees."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from unimod.errors import CapabilityError, OptionError

Arrays = list[Any]
Rebuild = Callable[[Arrays], Any]
Evaluate = Callable[[Arrays], tuple[Any, Arrays]] | None
Hyper = dict[str, Any]


class ForeignOptimizer:
    """A transformation, or a function with its options that makes one."""

    is_traceable = True

    def __init__(self, target: Any, options: dict[str, Any]) -> None:
        self.target, self.options = target, options
        self.is_made = isinstance(target, optax.GradientTransformation)

    def init(self, leaves: Arrays, rebuild: Rebuild) -> Any:
        """The first state, optax's own."""
        return self._made({}).init(rebuild(leaves))

    def update(
        self, leaves: Arrays, grads: Arrays, state: Any, rebuild: Rebuild, hyper: Hyper, evaluate: Evaluate
    ) -> tuple[Arrays, Any]:
        """What is to be added to the parameters, and the state."""
        transformation = optax.with_extra_args_support(self._made({} if self.is_made else hyper))
        held = state
        if self.is_made and hyper:
            state = self._injected(state, hyper)
        extras = {} if evaluate is None else _extras(leaves, rebuild, evaluate)
        updates, new = transformation.update(rebuild(grads), state, rebuild(leaves), **extras)
        if self.is_made and hyper:
            new = new._replace(hyperparams={**new.hyperparams, **{name: held.hyperparams[name] for name in hyper}})
        return jax.tree.leaves(updates), new

    def step(self, leaves: Arrays, *rest: Any) -> tuple[Arrays, Any]:
        """Parameters and state after one step."""
        updates, state = self.update(leaves, *rest)
        return list(optax.apply_updates(leaves, updates)), state

    def _made(self, hyper: Hyper) -> Any:
        if self.is_made:
            return self.target
        known = inspect.signature(self.target).parameters
        options = _named(known, {**_named(known, self.options), **_named(known, hyper)})
        for name in hyper:
            if _named(known, {name: 0}).keys() - known.keys():
                raise OptionError(f"{self.target.__name__} has no option {name!r}.", expected=", ".join(known))
        return self.target(**options)

    def _injected(self, state: Any, hyper: Hyper) -> Any:
        known = getattr(state, "hyperparams", {})
        if not hyper.keys() <= known.keys():
            raise CapabilityError(
                "A transformation that has been made already keeps its options.",
                got=", ".join(f"{name}=..." for name in hyper),
                fix="pass the function with its options: um.functional_optimizer(optax.adam, learning_rate=0.1), or "
                "make it by optax.inject_hyperparams",
            )
        values = {name: jnp.asarray(value, known[name].dtype) for name, value in hyper.items()}
        return state._replace(hyperparams={**known, **values})


class ForeignSchedule:
    """A schedule: a function of a number or an array."""

    is_traceable = True

    def __init__(self, schedule: Callable[[Any], Any]) -> None:
        self.schedule = schedule

    def __call__(self, step: Any) -> Any:
        """Its value."""
        return self.schedule(step)


def foreign(target: Any, options: dict[str, Any]) -> ForeignOptimizer | None:
    """A transformation of optax, or what makes one; None for everything else."""
    if isinstance(target, optax.GradientTransformation):
        if options:
            raise OptionError(
                "The transformation has been made already.", got=", ".join(options), expected="no options"
            )
        return ForeignOptimizer(target, options)
    if isinstance(target, type) or not callable(target) or _is_own(target):
        return None
    found = ForeignOptimizer(target, options)
    return found if isinstance(found._made({}), optax.GradientTransformation) else None


def foreign_schedule(target: Any, options: dict[str, Any], initial_lr: float) -> ForeignSchedule | None:
    """A schedule of optax, or what makes one; None for everything else."""
    if not str(getattr(target, "__module__", "")).startswith("optax"):
        return None
    return ForeignSchedule(target(**options) if options else target)


def _is_own(target: Any) -> bool:
    return str(getattr(target, "__module__", "")).startswith("unimod.")


def _extras(leaves: Arrays, rebuild: Rebuild, evaluate: Any) -> dict[str, Any]:
    """What transformations that look at several points ask for."""
    value, grads = evaluate(leaves)
    return {
        "value": value,
        "grad": rebuild(grads),
        "value_fn": lambda params: evaluate(jax.tree.leaves(params))[0],
    }


def _named(known: Any, options: dict[str, Any]) -> dict[str, Any]:
    rate = "learning_rate" if "learning_rate" in known and "lr" not in known else "lr"
    return {rate if name == "lr" else name: value for name, value in options.items()}
