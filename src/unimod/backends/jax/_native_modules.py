"""A flax.linen.Module over a function of leaves: ``params`` and ``state`` with the names of their paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from flax import linen

from unimod.backends.jax._foreign_modules import nested

Path = tuple[str, ...]
First = Callable[[Any, tuple[Any, ...], dict[str, Any]], list[tuple[Path, bool, Any]]]
Run = Callable[[dict[Path, Any], bool, tuple[Any, ...], dict[str, Any]], tuple[Any, dict[Path, Any]]]


class NativeModule(linen.Module):
    """A module of unimod as one of linen.

    Attributes:
        first: of the words of a key and example inputs, each leaf with its path, and whether it is trained.
        run: of the leaves by path, the mode and the arguments, the result and the leaves that have changed.
    """

    first: First
    run: Run

    @linen.compact
    def __call__(self, *args: Any, is_training: bool = True, **options: Any) -> Any:
        """Call the module; state is written back where the collection ``state`` is mutable."""
        if self.is_initializing():
            self._create(args, options)
        leaves = {path: leaf for name in ("params", "state") for path, leaf in self._read(name)}
        out, changed = self.run(leaves, is_training, args, options)
        if self.is_mutable_collection("state") and not self.is_initializing():
            new = nested([(path, changed.get(path, leaf)) for path, leaf in self._read("state")])
            for name, value in new.items():
                self.put_variable("state", name, value)
        return out

    def _create(self, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        found = self.first(jax.random.key_data(self.make_rng("params")), args, options)
        trained = nested([(path, leaf) for path, is_trained, leaf in found if is_trained])
        others = nested([(path, leaf) for path, is_trained, leaf in found if not is_trained])
        for name, value in trained.items():
            self.param(name, lambda key, value=value: value)
        for name, value in others.items():
            self.variable("state", name, lambda value=value: value)

    def _read(self, collection: str) -> list[tuple[Path, Any]]:
        return _below(self.variables.get(collection, {}), ())


def native_module(first: First, run: Run) -> NativeModule:
    """The module."""
    return NativeModule(first=first, run=run)


def _below(tree: Any, path: Path) -> list[tuple[Path, Any]]:
    if not hasattr(tree, "items"):
        return [(path, tree)]
    return [pair for name, item in tree.items() for pair in _below(item, (*path, name))]
