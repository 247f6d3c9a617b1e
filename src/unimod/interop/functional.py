"""Modules of other libraries as functions of parameters and buffers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unimod import random
from unimod.interop import _finding
from unimod.interop._placing import Entries

Tree = dict[str, Any]


class FunctionalModule:
    """A module as a function of its values; :func:`functional_module`. No call changes what it is given."""

    def __init__(self, native: Any) -> None:
        self.engine, self.foreign = _finding.found("", native, (), {})
        self.foreign.given_values()

    @property
    def _um_engines(self) -> tuple[str, ...]:
        """The one engine that it runs on, for the conformance suite."""
        return (self.engine.name,)

    def __repr__(self) -> str:
        return f"functional_module({self.foreign.name})"

    def __call__(
        self,
        params: Mapping[str, Any],
        *args: Any,
        buffers: Mapping[str, Any] | None = None,
        is_training: bool = True,
        key: random.Key | None = None,
        **options: Any,
    ) -> tuple[Any, Tree]:
        """``(out, buffers)``: the result, and the buffers after the call.

        Args:
            params: as from :func:`get_params`.
            args: for the module.
            buffers: as from :func:`get_buffers`.
            is_training: the mode of all parts.
            key: for modules that draw random numbers.
            options: for the module.

        Raises:
            CapabilityError: the arrays are those of another engine; or the module draws, and there is no key.
        """
        name = self.foreign.name
        pairs = [*_pairs(params, self.foreign.is_flat, "params"), *_pairs(buffers or {}, self.foreign.is_flat, "")]
        split = len(_pairs(params, self.foreign.is_flat, "params"))
        entries = tuple((path, "Parameter" if i < split else "BatchStat") for i, (path, _) in enumerate(pairs))
        leaves = _finding.settled(self.engine, name, [leaf for _, leaf in pairs])
        args, options = _finding.settled(self.engine, name, (args, options))
        words = None if key is None else _finding.settled(self.engine, name, random.key_data(key))
        out, new = self.foreign.call(entries, leaves, words, is_training, args, options)
        return out, _tree(entries[split:], new[split:], self.foreign.is_flat)


def functional_module(native: Any) -> FunctionalModule:
    """A module of another library as a function ``forward(params, *args, buffers=..., is_training=True, key=None)``.

    It gives ``(out, buffers)``. Neither the module nor the arguments are changed, so that it can be differentiated,
    mapped and jitted like every function.

    Args:
        native: a ``torch.nn.Module``; a module of flax.linen or flax.nnx; what ``haiku.transform`` or
            ``haiku.transform_with_state`` made.

    Raises:
        DTypeError: it is none of these.
    """
    return FunctionalModule(native)


def get_params(native: Any, *inputs: Any, seed: Any = 0) -> Tree:
    """What is trained in a module of another library: copies.

    Of torch: a dict of the names with dots; parameters that require no gradient are among the buffers. Of Flax and
    Haiku: dicts in dicts, as they have them.

    Args:
        native: as for :func:`functional_module`.
        inputs: example inputs, for modules that have no values (linen, Haiku).
        seed: an int or a key, for the same.

    Raises:
        DTypeError: it is no module of a library that is known.
    """
    return _values(native, inputs, seed)[0]


def get_buffers(native: Any, *inputs: Any, seed: Any = 0) -> Tree:
    """All other values of a module of another library: copies. Arguments as for :func:`get_params`."""
    return _values(native, inputs, seed)[1]


def _values(native: Any, inputs: tuple[Any, ...], seed: Any) -> tuple[Tree, Tree]:
    engine, foreign = _finding.found("", native, (), {})
    values = foreign.given_values()
    if values is None:
        key = seed if isinstance(seed, random.Key) else random.key(seed, backend=engine.name)
        inputs = _finding.settled(engine, foreign.name, inputs)
        values = foreign.init(_finding.brought(engine, random.key_data(key)), inputs, {})
    pairs = list(zip(*values, strict=True))
    trained = [pair for pair in pairs if pair[0][1] == "Parameter"]
    others = [pair for pair in pairs if pair[0][1] != "Parameter"]
    params = _tree(tuple(entry for entry, _ in trained), [leaf for _, leaf in trained], foreign.is_flat)
    buffers = _tree(tuple(entry for entry, _ in others), [leaf for _, leaf in others], foreign.is_flat)
    return (params if foreign.is_flat else params.get("params", {})), buffers


def _tree(entries: Entries, leaves: list[Any], is_flat: bool) -> Tree:
    if is_flat:
        return {".".join(path): leaf for (path, _), leaf in zip(entries, leaves, strict=True)}
    tree: Tree = {}
    for (path, _), leaf in zip(entries, leaves, strict=True):
        place = tree
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = leaf
    return tree


def _pairs(tree: Any, is_flat: bool, root: str) -> list[tuple[tuple[str, ...], Any]]:
    if is_flat:
        return [(tuple(name.split(".")), leaf) for name, leaf in tree.items()]
    return _below(tree, (root,) if root else ())


def _below(tree: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    if not isinstance(tree, Mapping):
        return [(path, tree)]
    return [pair for name, item in tree.items() for pair in _below(item, (*path, name))]
