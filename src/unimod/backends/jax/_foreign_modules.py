"""Modules of the libraries on JAX as functions of their values: what Flax (linen, NNX) and Haiku have in common.

A library is imported when the first object of it comes along: who has such an object did so already.
"""

from __future__ import annotations

import abc
import importlib
import sys
import uuid
from typing import Any

import jax

Entry = tuple[tuple[str, ...], str]
Values = tuple[tuple[Entry, ...], list[Any]]

IN_TRAINING = ("train", "training", "is_training")
IN_EVALUATION = ("deterministic", "use_running_average")

_LIBRARIES = {"flax": "flax.linen", "nnx": "flax.nnx", "haiku": "haiku"}


class ForeignModule(abc.ABC):
    """A module of a library, or a class with its arguments; nothing that is called changes it.

    Attributes:
        library: whose module it is.
        is_flat: whether names of parameters are written with dots, in dicts without levels.
        is_random: whether it draws random numbers when it is called.
        needs_inputs: whether its first values depend on the shapes of its inputs.
        name: of its class.
    """

    library = ""
    is_flat = False
    is_random = False
    needs_inputs = True
    name = ""

    def __init__(self) -> None:
        self.token = uuid.uuid4().hex

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ForeignModule) and self.token == other.token

    def __hash__(self) -> int:
        return hash(self.token)

    def __repr__(self) -> str:
        return self.name

    def __deepcopy__(self, memo: Any) -> ForeignModule:
        return self

    def given_values(self) -> Values | None:
        """The values of the module itself; None: a key is needed to make them."""
        return None

    @abc.abstractmethod
    def init(self, words: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Values:
        """Values for a call with these arguments (of their shapes and dtypes)."""

    def given_variables(self, variables: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Values:
        """Values that somebody else made, in the form that the library has for them."""
        raise TypeError(f"{self.name} has values of its own")

    @abc.abstractmethod
    def call(
        self,
        entries: tuple[Entry, ...],
        leaves: list[Any],
        words: Any,
        is_training: bool,
        args: tuple[Any, ...],
        options: dict[str, Any],
    ) -> tuple[Any, list[Any]]:
        """The result, and the leaves: the same objects where nothing has been written."""


def foreign_module(library: str, target: Any, args: tuple[Any, ...], options: dict[str, Any]) -> ForeignModule | None:
    """A module of a library, or what makes one; None for everything else. The library "" is any."""
    for name, package in _LIBRARIES.items():
        if library in ("", name) and sys.modules.get(package) is not None:
            part = importlib.import_module(f"unimod.backends.jax._foreign_{name}")
            found: ForeignModule | None = part.foreign_module(target, args, options)
            if found is not None:
                return found
    return None


def native_module(first: Any, run: Any) -> Any:
    """A module of flax.linen over functions of leaves."""
    return importlib.import_module("unimod.backends.jax._native_modules").native_module(first, run)


def moded(known: Any, options: dict[str, Any], is_training: bool, taken: tuple[str, ...] = ()) -> dict[str, Any]:
    """The options of a call with the mode under the names that the function has for it."""
    modes = {**dict.fromkeys(IN_TRAINING, is_training), **dict.fromkeys(IN_EVALUATION, not is_training)}
    return {**{name: mode for name, mode in modes.items() if name in known and name not in taken}, **options}


def key_of(words: Any) -> Any:
    """A key of JAX of two words."""
    return jax.random.wrap_key_data(words, impl="threefry2x32")


def nested(pairs: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    """Dicts in dicts of values with their paths."""
    tree: dict[str, Any] = {}
    for path, value in pairs:
        place = tree
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = value
    return tree


def leaves_with_paths(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    """The opposite of :func:`nested`; what is no dict is a leaf."""
    if not hasattr(tree, "items"):
        return [(path, tree)]
    return [pair for name, item in tree.items() for pair in leaves_with_paths(item, (*path, name))]


def updated(entries: tuple[Entry, ...], leaves: list[Any], tree: Any) -> list[Any]:
    """The leaves with those of a tree in the place of the old ones; parameters, and what the tree lacks, stay."""
    new = dict(leaves_with_paths(tree))
    return [
        leaf if kind == "Parameter" else new.get(path, leaf) for (path, kind), leaf in zip(entries, leaves, strict=True)
    ]
