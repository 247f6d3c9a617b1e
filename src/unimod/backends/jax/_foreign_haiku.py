"""Modules and transformed functions of Haiku: ``params`` are parameters, ``state`` is state."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import haiku
import jax

from unimod.backends.jax._foreign_modules import (
    Entry,
    ForeignModule,
    Values,
    key_of,
    leaves_with_paths,
    moded,
    nested,
    updated,
)


class HaikuModule(ForeignModule):
    """A class of modules with its arguments, or a transformed function."""

    library = "haiku"

    def __init__(self, run: Any, call: Any, name: str) -> None:
        super().__init__()
        self.run, self.name = run, name
        self.known = tuple(inspect.signature(call).parameters)

    def init(self, words: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Values:
        """Parameters and state, as the first call makes them."""
        named = moded(self.known, options, True)
        params, state = self.run.init(key_of(words), *args, **named)
        self.is_random = self._is_random(params, state, args, named)
        return self._values(params, state)

    def given_variables(self, variables: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Values:
        """Values that somebody else made: parameters, or parameters and state."""
        params, state = variables if isinstance(variables, tuple) else (variables, {})
        if args or options:
            self.is_random = self._is_random(params, state, args, moded(self.known, options, True))
        return self._values(params, state)

    def _values(self, params: Any, state: Any) -> Values:
        found = [*leaves_with_paths(params, ("params",)), *leaves_with_paths(state, ("state",))]
        kinds = {"params": "Parameter", "state": "BatchStat"}
        return tuple((path, kinds[path[0]]) for path, _ in found), [leaf for _, leaf in found]

    def call(
        self,
        entries: tuple[Entry, ...],
        leaves: list[Any],
        words: Any,
        is_training: bool,
        args: tuple[Any, ...],
        options: dict[str, Any],
    ) -> tuple[Any, list[Any]]:
        """``apply``."""
        tree = nested([(path, leaf) for (path, _), leaf in zip(entries, leaves, strict=True)])
        key = None if words is None else key_of(words)
        named = moded(self.known, options, is_training)
        out, state = self.run.apply(tree.get("params", {}), tree.get("state", {}), key, *args, **named)
        return out, updated(entries, leaves, {"state": state})

    def _is_random(self, params: Any, state: Any, args: tuple[Any, ...], named: dict[str, Any]) -> bool:
        try:
            jax.eval_shape(lambda params, state, args: self.run.apply(params, state, None, *args, **named)[0],
                           params, state, args)  # fmt: skip
        except ValueError as error:
            return "PRNGKey" in str(error) or "rng" in str(error).lower()
        return False


class _Build:
    """A function of Haiku that builds a module and calls it; picklable where the class is."""

    def __init__(self, cls: type, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.cls, self.args, self.options = cls, args, options

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.cls(*self.args, **self.options)(*args, **options)


class _Transformed:
    """``haiku.transform_with_state``, made again where it was pickled."""

    def __init__(self, build: Callable[..., Any]) -> None:
        self.build = build
        self.init, self.apply = haiku.transform_with_state(build)

    def __reduce__(self) -> Any:
        return (_Transformed, (self.build,))


class _WithState:
    """A function that was transformed without state."""

    def __init__(self, plain: Any) -> None:
        self.plain = plain

    def init(self, *args: Any, **options: Any) -> Any:
        """Parameters and no state."""
        return self.plain.init(*args, **options), {}

    def apply(self, params: Any, state: Any, *args: Any, **options: Any) -> Any:
        """The result and no state."""
        return self.plain.apply(params, *args, **options), {}


def foreign_module(target: Any, args: tuple[Any, ...], options: dict[str, Any]) -> HaikuModule | None:
    """A class of modules of Haiku, or a transformed function; None for everything else."""
    if isinstance(target, type) and issubclass(target, haiku.Module):
        return HaikuModule(_Transformed(_Build(target, args, options)), target.__call__, target.__name__)
    if isinstance(target, haiku.TransformedWithState):
        return HaikuModule(target, target.apply, "TransformedWithState")
    if isinstance(target, haiku.Transformed):
        return HaikuModule(_WithState(target), target.apply, "Transformed")
    return None
