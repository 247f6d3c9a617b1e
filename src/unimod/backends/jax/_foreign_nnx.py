"""Modules of flax.nnx: an attribute for each kind of variables."""

from __future__ import annotations

import inspect
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from unimod.backends.jax._foreign_modules import (
    Entry,
    ForeignModule,
    Values,
    key_of,
    moded,
    nested,
    updated,
)

_NAMES = (
    (nnx.Param, "params", "Parameter"),
    (nnx.BatchStat, "batch_stats", "BatchStat"),
    (nnx.Cache, "cache", "Cache"),
    (nnx.RngState, "rngs", "Rng"),
    (nnx.Variable, "states", "State"),
)


class NNXModule(ForeignModule):
    """A module of NNX, or a class of them with its arguments; its own streams of keys are part of its values."""

    library = "nnx"
    needs_inputs = False

    def __init__(self, target: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        super().__init__()
        is_class = isinstance(target, type)
        cls = target if is_class else type(target)
        self.name, self.recipe = cls.__name__, (target, args, options) if is_class else None
        self.known = tuple(inspect.signature(cls.__call__).parameters)
        self.graph: Any = None
        self.places: dict[tuple[str, ...], tuple[Any, Any]] = {}
        self.given = None if is_class else self._taken(target)

    def __getstate__(self) -> dict[str, Any]:
        # The values are leaves of whatever holds the module, and no part of its structure.
        return {**vars(self), "given": None}

    def given_values(self) -> Values | None:
        """The values of the module itself, handed out once; None: a key is needed to make them."""
        given, self.given = self.given, None
        return given

    def init(self, words: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Values:
        """The values of a new module of the class."""
        assert self.recipe is not None
        cls, given, named = self.recipe
        if "rngs" in inspect.signature(cls.__init__).parameters and "rngs" not in named:
            named = {**named, "rngs": nnx.Rngs(key_of(words))}
        return self._taken(cls(*given, **named))

    def call(
        self,
        entries: tuple[Entry, ...],
        leaves: list[Any],
        words: Any,
        is_training: bool,
        args: tuple[Any, ...],
        options: dict[str, Any],
    ) -> tuple[Any, list[Any]]:
        """A call of a module that is made of the values, and thrown away."""
        pairs = [
            (self.places[path][0], self.places[path][1].replace(_filled(kind, path, leaf)))
            for (path, kind), leaf in zip(entries, leaves, strict=True)
        ]
        module = nnx.merge(self.graph, nnx.from_flat_state(pairs))
        module.train() if is_training else module.eval()
        out = module(*args, **moded(self.known, options, is_training))
        new = {_path(path, variable): _plain(variable.get_value()) for path, variable in _flat(nnx.state(module))}
        return out, updated(entries, leaves, nested(list(new.items())))

    def _taken(self, module: Any) -> Values:
        self.graph, state = nnx.split(module)
        found = sorted(_flat(state), key=lambda pair: _path(*pair)[0] != "params")
        # Without values; a number stands in each place.
        self.places = {_path(path, variable): (path, variable.replace(0)) for path, variable in found}
        entries = tuple((_path(path, variable), _name(variable)[1]) for path, variable in found)
        return entries, [_plain(variable.get_value()) for _, variable in found]


def _flat(state: Any) -> list[tuple[tuple[Any, ...], Any]]:
    return [(tuple(path), variable) for path, variable in nnx.to_flat_state(state)]


def _name(variable: Any) -> tuple[str, str]:
    return next((name, kind) for cls, name, kind in _NAMES if isinstance(variable, cls))


def _path(path: tuple[Any, ...], variable: Any) -> tuple[str, ...]:
    return (_name(variable)[0], *map(str, path))


def _plain(value: Any) -> Any:
    """A key as its words, everything else as an array."""
    is_key = jnp.issubdtype(getattr(value, "dtype", jnp.float32), jax.dtypes.prng_key)
    return jax.random.key_data(value) if is_key else jnp.asarray(value)


def _filled(kind: str, path: tuple[str, ...], leaf: Any) -> Any:
    return key_of(leaf) if kind == "Rng" and path[-1] == "key" else leaf


def foreign_module(target: Any, args: tuple[Any, ...], options: dict[str, Any]) -> NNXModule | None:
    """A module of NNX, or a class of them; None for everything else."""
    is_class = isinstance(target, type) and issubclass(target, nnx.Module)
    return NNXModule(target, args, options) if is_class or isinstance(target, nnx.Module) else None
