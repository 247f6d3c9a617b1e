"""Modules of flax.linen: a collection of variables is an attribute, ``params`` are parameters."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import flax
import jax
from flax import linen

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

KINDS = {"params": "Parameter", "batch_stats": "BatchStat", "cache": "Cache"}
_UNSAVED = ("intermediates", "perturbations")


class FlaxModule(ForeignModule):
    """A module of linen."""

    library = "flax"

    def __init__(self, module: linen.Module) -> None:
        super().__init__()
        self.module, self.name = module, type(module).__name__
        known = inspect.signature(type(module).__call__).parameters if callable(module) else {}
        self.known = tuple(known)
        # linen takes such an option as an attribute or in the call, and refuses both.
        self.taken = tuple(name for name in known if getattr(module, name, None) is not None)

    def __getstate__(self) -> dict[str, Any]:
        # linen's defaults, such as initializers, are functions that cannot be pickled.
        given = {
            field.name: getattr(self.module, field.name)
            for field in dataclasses.fields(self.module)
            if field.init and field.name != "parent" and getattr(self.module, field.name) is not field.default
        }
        return {**vars(self), "module": (type(self.module), given)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        cls, given = state["module"]
        vars(self).update(state, module=cls(**given))

    def init(self, words: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Values:
        """All collections, as the first call makes them."""
        named = moded(self.known, options, True, self.taken)
        variables = self.module.init(_keys(words), *args, **named)
        self.is_random = self._is_random(variables, args, named)
        return values_of(variables)

    def given_variables(self, variables: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Values:
        """Values that somebody else made; example inputs, where there are any, say whether the module draws."""
        if args or options:
            self.is_random = self._is_random(variables, args, moded(self.known, options, True, self.taken))
        return values_of(variables)

    def call(
        self,
        entries: tuple[Entry, ...],
        leaves: list[Any],
        words: Any,
        is_training: bool,
        args: tuple[Any, ...],
        options: dict[str, Any],
    ) -> tuple[Any, list[Any]]:
        """``module.apply`` with all collections but the parameters mutable."""
        variables = nested([(path, leaf) for (path, _), leaf in zip(entries, leaves, strict=True)])
        variables.setdefault("params", {})
        out, changed = self.module.apply(
            variables,
            *args,
            rngs=None if words is None else _keys(words),
            mutable=[name for name in variables if name != "params"],
            **moded(self.known, options, is_training, self.taken),
        )
        return out, updated(entries, leaves, changed)

    def _is_random(self, variables: Any, args: tuple[Any, ...], named: dict[str, Any]) -> bool:
        def run(variables: Any, args: tuple[Any, ...]) -> Any:
            return self.module.apply(variables, *args, mutable=True, **named)[0]

        try:
            jax.eval_shape(run, variables, args)
        except flax.errors.InvalidRngError:
            return True
        return False


def foreign_module(target: Any, args: tuple[Any, ...], options: dict[str, Any]) -> FlaxModule | None:
    """A module of linen, or a class of them with its arguments; None for everything else."""
    if isinstance(target, type) and issubclass(target, linen.Module):
        return FlaxModule(target(*args, **options))
    return FlaxModule(target) if isinstance(target, linen.Module) else None


def values_of(variables: Any) -> Values:
    """The leaves of variables, parameters first."""
    plain = linen.meta.unbox(flax.core.unfreeze(variables))
    names = sorted((name for name in plain if name not in _UNSAVED), key=lambda name: (name != "params", name))
    found = [pair for name in names for pair in leaves_with_paths(plain[name], (name,))]
    return tuple((path, KINDS.get(path[0], "State")) for path, _ in found), [leaf for _, leaf in found]


def _keys(words: Any) -> dict[str, Any]:
    # A stream that has no key of its own takes that of the parameters.
    key = key_of(words)
    return {"params": key, "dropout": jax.random.fold_in(key, 1)}
