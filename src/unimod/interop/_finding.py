"""Which engine knows a module of another library."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from unimod import config
from unimod.backends import _registry
from unimod.backends._protocol import Engine
from unimod.core import walk
from unimod.errors import CapabilityError, DTypeError
from unimod.transforms import _lift

KINDS_OF = {
    "": "a module of torch, flax.linen or flax.nnx, or a transformed function of haiku",
    "torch.nn": "a torch.nn.Module, or a class of them with its arguments",
    "flax": "a flax.linen.Module, or a class of them with its arguments",
    "nnx": "a flax.nnx.Module, or a class of them with its arguments",
    "haiku": "a class of haiku.Module with its arguments, or a transformed function",
}


def found(library: str, target: Any, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Engine, Any]:
    """The engine that knows a module of a library (of any, for ""), and what it makes of it.

    Raises:
        DTypeError: no engine knows it.
    """
    for engine in _engines():
        foreign = engine.nn.foreign_module(library, target, args, options)
        if foreign is not None:
            return engine, foreign
    name = target.__name__ if isinstance(target, type) else config.short(target)
    raise DTypeError("This is no module of the library.", got=name, expected=KINDS_OF[library])


def _engines() -> Iterator[Engine]:
    """The engines whose framework has been imported: who has a module of it did so."""
    for name, entry in _registry.BUILTIN.items():
        if sys.modules.get(entry.framework) is not None:
            engine = _registry.load(name)
            if hasattr(engine.nn, "foreign_module"):
                yield engine


def settled(engine: Engine, name: str, tree: Any, beside: Iterable[Any] = ()) -> Any:
    """A tree with arrays of the host brought to the engine.

    Raises:
        CapabilityError: it has arrays of another engine, or ``beside`` has.
    """
    leaves, structure = walk.flatten(tree)
    for leaf in (*leaves, *beside):
        if not config.is_array(leaf):
            continue
        other = config.engine_of(leaf)
        if other is not engine and other.name != config.HOST:
            raise CapabilityError(
                f"{name} is a module of another library, and works on arrays of {engine.name} alone.",
                got=config.short(leaf),
                expected=f"arrays of {engine.name}",
                fix=f'move them: um.to_backend(x, "{engine.name}"), or build the model of the layers of um.nn, which '
                "run on every engine (um.interop takes over its weights)",
            )
    return walk.unflatten(structure, _lift.to_engine(engine, leaves))


def brought(engine: Engine, array: Any) -> Any:
    """An array on the engine, wherever it was."""
    return array if config.engine_of(array) is engine else engine.arrays.from_foreign(array)
