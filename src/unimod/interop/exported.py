"""Modules of unimod as modules of torch and Flax, and as a pair of functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from unimod import random
from unimod.backends import _registry
from unimod.core import init, paths, walk
from unimod.core import skeleton as sk
from unimod.core.initializer import Initializer
from unimod.core.kinds import Parameter
from unimod.core.module import Module
from unimod.core.move import to_backend
from unimod.core.skeleton import Skeleton, Slot
from unimod.errors import BackendNotInstalledError, NotInitializedError, StateDictError
from unimod.transforms import _lift

Leaves = dict[str, Any]


class InitApply(NamedTuple):
    """A module as two functions of dicts; :func:`as_init_apply`."""

    init: Callable[..., tuple[Leaves, Leaves]]
    apply: Callable[..., tuple[Any, Leaves]]


def as_init_apply(module: Module) -> InitApply:
    """A module as a pair of pure functions of flat dicts ``path -> array``, for code that knows no modules.

    ``params, state = init(seed, *inputs)`` makes the values: what is trained, and all else.
    ``out, state = apply(params, state, *args, is_training=True)`` is a call; it changes nothing.

    Raises:
        StateDictError: ``apply`` gets other entries than those of the module.

    Example:
        >>> import unimod as um
        >>> init, apply = um.as_init_apply(um.nn.Sequential([um.nn.Linear(None, 3), um.nn.BatchNorm(3)]))
        >>> x = um.numpy.ones((4, 2))
        >>> params, state = init(0, x)
        >>> list(params)
        ['layers.0.kernel', 'layers.0.bias', 'layers.1.scale', 'layers.1.bias']
        >>> out, state = apply(params, state, x, is_training=False)
        >>> list(state), out.shape == (4, 3)
        (['layers.1.mean', 'layers.1.var'], True)
    """
    known: dict[tuple[str, ...], Skeleton] = {}

    def initialize(seed: Any, *inputs: Any, **options: Any) -> tuple[Leaves, Leaves]:
        leaves, structure = walk.flatten_node(module.init(seed, *inputs, **options))
        names = _names(structure)
        known[tuple(sorted(names))] = structure
        pairs = list(zip(names, structure.slots, leaves, strict=True))
        params = {name: leaf for name, slot, leaf in pairs if _is_trained(slot)}
        return params, {name: leaf for name, slot, leaf in pairs if not _is_trained(slot)}

    def apply(
        params: Mapping[str, Any], state: Mapping[str, Any], *args: Any, is_training: bool = True, **options: Any
    ) -> tuple[Any, Leaves]:
        values = {**params, **state}
        structure = known.get(tuple(sorted(values))) or _fitting(module, values)
        names = _names(structure)
        out, new = _run(structure, [values[name] for name in names], is_training, args, options)
        found = dict(zip(names, new, strict=True))
        return out, {name: found[name] for name in state}

    return InitApply(initialize, apply)


def as_torch_module(module: Module) -> Any:
    """A ``torch.nn.Module`` over a module: for torch's optimizers, hooks, ``.to(device)`` and training loops.

    Its parameters and buffers are copies of the leaves and have their paths as names. ``train()`` and ``eval()`` set
    the mode of all parts; states, such as running statistics and random keys, are buffers that each call changes in
    place.

    Args:
        module: with values, on any engine.

    Raises:
        NotInitializedError: the module has no values yet.
        BackendNotInstalledError: torch cannot be imported.
    """
    engine = _registry.load("torch")
    leaves, structure = walk.flatten_node(to_backend(module, "torch"))
    _check_values(leaves, "as_torch_module")
    entries = tuple((tuple(map(str, slot.path)), _is_trained(slot)) for slot in structure.slots)
    run = functools.partial(_run, structure)
    return engine.nn.native_module(entries, leaves, run)


def as_flax_module(module: Module) -> Any:
    """A ``flax.linen.Module`` over a module: ``m.init(key, x)``, ``m.apply(variables, x, is_training=False)``.

    What is trained is in the collection ``params``, all else in ``state``, which is changed where it is mutable. Values
    that the module has are the first ones; else they are made of the key and the inputs.

    Args:
        module: with or without values.

    Raises:
        BackendNotInstalledError: Flax cannot be imported.
    """
    engine = _registry.load("jax")
    template = to_backend(module, "jax")
    cell: dict[tuple[str, ...], Skeleton] = {}

    def first(words: Any, args: tuple[Any, ...], options: dict[str, Any]) -> list[tuple[tuple[str, ...], bool, Any]]:
        made = template.init(random.wrap_key_data(words), *args, **options)
        leaves, structure = walk.flatten_node(made)
        cell[tuple(sorted(_names(structure)))] = structure
        return [(tuple(map(str, s.path)), _is_trained(s), x) for s, x in zip(structure.slots, leaves, strict=True)]

    def run(
        values: dict[tuple[str, ...], Any], is_training: bool, args: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[Any, dict[tuple[str, ...], Any]]:
        named = {paths.dotted(path): leaf for path, leaf in values.items()}
        structure = cell.get(tuple(sorted(named))) or _fitting(template, named)
        places = [tuple(map(str, slot.path)) for slot in structure.slots]
        out, new = _run(structure, [values[place] for place in places], is_training, args, options)
        return out, dict(zip(places, new, strict=True))

    try:
        return engine.nn.native_module(first, run)
    except ImportError as error:
        raise BackendNotInstalledError(
            "as_flax_module needs flax, which cannot be imported.", got=str(error), fix="pip install flax"
        ) from error


def _run(
    structure: Skeleton, leaves: list[Any], is_training: bool, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[Any, list[Any]]:
    """The result of a call of a module of these leaves, and its leaves after it."""
    (args, options), leaves = _brought((args, options), leaves)
    module = walk.unflatten(sk.with_modes(structure, is_training), list(leaves))
    out = module(*args, **options)
    new, _ = walk.flatten_node(module)
    return out, new


def _brought(tree: Any, leaves: list[Any]) -> tuple[Any, list[Any]]:
    inputs, structure = walk.flatten(tree)
    engine = _lift.engine_for([*leaves, *inputs])
    return walk.unflatten(structure, _lift.to_engine(engine, inputs)), _lift.to_engine(engine, leaves)


def _fitting(module: Module, values: Mapping[str, Any]) -> Skeleton:
    """The structure of a module that has values or at least all sizes, where the names are those of the values."""
    waiting = [type(part).__name__ for _, part in init.modules(module) if init.is_waiting(part)]
    if waiting:
        raise NotInitializedError(
            f"{waiting[0]} was built without the size of its input.", fix="call init of the pair first, or give sizes"
        )
    _, structure = walk.flatten_node(module)
    names = set(_names(structure))
    if names != set(values):
        faults = [f"missing: {name}" for name in sorted(names - set(values))]
        faults += [f"extra: {name}" for name in sorted(set(values) - names)]
        raise StateDictError("The entries do not fit the module.", got="; ".join(faults))
    return structure


def _names(structure: Skeleton) -> list[str]:
    return [paths.dotted(slot.path) for slot in structure.slots]


def _is_trained(slot: Slot) -> bool:
    return slot.kind is not None and issubclass(slot.kind, Parameter) and not slot.is_frozen


def _check_values(leaves: list[Any], name: str) -> None:
    if any(isinstance(leaf, Initializer) for leaf in leaves):
        raise NotInitializedError(f"A module that was passed to {name} has no values yet.", fix="call init(seed) first")
