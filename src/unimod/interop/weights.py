"""Weights of models of ``um.nn`` from torch and Flax, and for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from unimod import config
from unimod.backends import _registry
from unimod.core import init, paths, state_dict, walk
from unimod.core.initializer import Initializer
from unimod.core.kinds import Rng
from unimod.core.module import Module
from unimod.errors import StateDictError
from unimod.interop import _flax_layers, _torch_layers
from unimod.interop._rules import Layer, Rule, joined

M = TypeVar("M", bound=Module)
Names = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class _Library:
    name: str
    layers: Mapping[type, Callable[[Any], Layer]]
    renamed: Mapping[type, Mapping[str, str]]
    collection: str = ""
    index: str = "."


_TORCH = _Library("torch", _torch_layers.LAYERS, _torch_layers.RENAMED)
_FLAX = _Library("flax", _flax_layers.LAYERS, _flax_layers.RENAMED, "params/", "_")


def from_torch_state_dict(model: M, values: Mapping[str, Any], *, names: Names | None = None) -> M:
    """The model with the weights of a ``state_dict`` of torch, in the layouts of ``um.nn``.

    A layer of the model takes the entries below the name that it has in torch: its own path, in which the parts of a
    ``Sequential`` have their numbers alone. ``names`` gives other names. Images are channels-last here, and
    channels-first there; results agree after a permutation.

    Args:
        model: of layers of ``um.nn`` that have a counterpart; it need not have values, but sizes.
        values: name -> array, of any engine.
        names: path of a part of the model -> its name in torch, such as ``{"encoder": "bert.encoder"}``.

    Returns:
        A copy of the model; random keys stay as they are.

    Raises:
        StateDictError: entries are missing, extra, or of another shape. All are named at once.

    Example:
        >>> import numpy as np, unimod as um
        >>> values = {"0.weight": np.ones((3, 2), np.float32), "0.bias": np.zeros(3, np.float32)}
        >>> model = um.nn.Sequential([um.nn.Linear(2, 3), um.nn.relu])
        >>> model = um.interop.from_torch_state_dict(model, values).init(0)
        >>> model(um.numpy.ones((1, 2))).tolist()
        [[2.0, 2.0, 2.0]]
    """
    return _load(_TORCH, model, dict(values), names)


def to_torch_state_dict(model: Module, *, names: Names | None = None) -> dict[str, Any]:
    """The weights of a model as a ``state_dict`` of torch: the opposite of :func:`from_torch_state_dict`.

    Counters of batches are 0. Where torch has two biases and ``um.nn`` one, the second is 0.

    Args:
        model: of layers of ``um.nn`` that have a counterpart, with values.
        names: as for :func:`from_torch_state_dict`.

    Returns:
        Name -> tensor.
    """
    return {name: _native("torch", array) for name, array in _dump(_TORCH, model, names).items()}


def from_flax_variables(model: M, variables: Mapping[str, Any], *, names: Names | None = None) -> M:
    """The model with the weights of variables of flax.linen (``{"params": ..., "batch_stats": ...}``).

    A layer of the model takes the entries below the name that it has in Flax: its own path, in which ``layers.0`` is
    ``layers_0``. ``names`` gives other names, such as ``{"hidden": "Dense_0"}``.

    Args:
        model: of layers of ``um.nn`` that have a counterpart; it need not have values, but sizes.
        variables: collections of arrays, of any engine.
        names: path of a part of the model -> its name in Flax, with dots.

    Returns:
        A copy of the model; random keys stay as they are.

    Raises:
        StateDictError: entries are missing, extra, or of another shape. All are named at once.
        CapabilityError: a layer has no counterpart in Flax.
    """
    flat = {f"{name}/{path}": leaf for name, tree in variables.items() for path, leaf in _flat(tree)}
    return _load(_FLAX, model, flat, names)


def to_flax_variables(model: Module, *, names: Names | None = None) -> dict[str, Any]:
    """The weights of a model as variables of flax.linen: the opposite of :func:`from_flax_variables`.

    Returns:
        ``{"params": ..., "batch_stats": ...}``, dicts in dicts of arrays of JAX.

    Raises:
        CapabilityError: a layer has no counterpart in Flax.
    """
    variables: dict[str, Any] = {"params": {}}
    for name, array in _dump(_FLAX, model, names).items():
        collection, _, path = name.partition("/")
        place = variables.setdefault(collection, {})
        *around, last = path.split(".")
        for part in around:
            place = place.setdefault(part, {})
        place[last] = _native("jax", array)
    return variables


# Both ways ------------------------------------------------------------------------------------------------------------


def _load(library: _Library, model: M, values: dict[str, Any], names: Names | None) -> M:
    old, new, faults, used = state_dict.to_dict(model), dict[str, Any](), list[str](), set[str]()
    for rule, own, foreign in _matched(library, model, names):
        missing = [f"missing: {name}" for name in foreign if name not in values]
        used.update(foreign)
        if missing:
            faults += missing
            continue
        for path, array in zip(own, rule.load(*(_host(values[name]) for name in foreign)), strict=True):
            new[path] = array
            want = getattr(old[path], "shape", None)
            if want is not None and tuple(array.shape) != tuple(want):
                faults.append(f"{', '.join(foreign)}: gives {path} the shape {tuple(array.shape)}, not {tuple(want)}")
    used.update(name for name, _ in _ignored(library, model, names))
    faults += [f"extra: {name}" for name in values if name not in used]
    faults += [f"no counterpart: {path}" for path in _unmatched(model, old, new, faults)]
    if faults:
        raise StateDictError(
            f"The entries of {library.name} do not fit the model.",
            got="; ".join(faults),
            expected="one entry of the right shape for each leaf of the model, and no others",
            fix="names={'path in the model': 'name there'} renames parts; a model of other layers needs other entries",
        )
    _, structure = walk.flatten_node(model)
    leaves = [_settled(new[path], leaf) if path in new else leaf for path, leaf in old.items()]
    return walk.unflatten(structure, leaves)  # type: ignore[no-any-return]


def _dump(library: _Library, model: Module, names: Names | None) -> dict[str, Any]:
    old, found = state_dict.to_dict(model), dict[str, Any]()
    for rule, own, foreign in _matched(library, model, names):
        found.update(zip(foreign, rule.dump(*(_host(old[path]) for path in own)), strict=True))
        for path in own:
            del old[path]
    lost = _unmatched(model, old, {}, [])
    if lost:
        raise StateDictError(
            f"Layers of the model have no counterpart in {library.name}.",
            got=", ".join(lost),
            expected=", ".join(sorted(cls.__name__ for cls in library.layers)),
        )
    return {**found, **dict(_ignored(library, model, names))}


def _matched(
    library: _Library, model: Module, names: Names | None
) -> Iterator[tuple[Rule, tuple[str, ...], tuple[str, ...]]]:
    """Each rule with the whole names on both sides; a leaf that is shared comes once."""
    known, seen = state_dict.to_dict(model), set[str]()
    for path, prefix, layer in _layers(library, model, names or {}):
        for rule in layer.rules:
            own = tuple(f"{path}.{name}" if path else name for name in rule.own)
            if seen.isdisjoint(own) and all(name in known for name in own):
                seen.update(own)
                yield rule, own, tuple(_whole(library, prefix, name) for name in rule.foreign)


def _ignored(library: _Library, model: Module, names: Names | None) -> Iterator[tuple[str, Any]]:
    for _, prefix, layer in _layers(library, model, names or {}):
        yield from ((_whole(library, prefix, name), value) for name, value in layer.ignored)


def _layers(library: _Library, model: Module, names: Names) -> Iterator[tuple[str, str, Layer]]:
    """Each layer that is known: its path, its name there, and its rules."""
    inside: list[tuple[Any, ...]] = []
    modules = list(init.modules(model))
    owners = dict(modules)
    for path, module in modules:
        if any(path[: len(outer)] == outer for outer in inside):
            continue
        make = next((library.layers[cls] for cls in type(module).__mro__ if cls in library.layers), None)
        if make is not None:
            inside.append(path)
            yield paths.dotted(path), _name(library, path, owners, names), make(module)


def _name(library: _Library, path: tuple[Any, ...], owners: Mapping[Any, Any], names: Names) -> str:
    """The name of a part there: that of the nearest part around it that has one, and the rest of the path."""
    for stop in range(len(path), 0, -1):
        given = names.get(paths.dotted(path[:stop]))
        if given is not None:
            return ".".join(filter(None, (given, _rest(library, path, stop, owners))))
    return _rest(library, path, 0, owners)


def _rest(library: _Library, path: tuple[Any, ...], start: int, owners: Mapping[Any, Any]) -> str:
    parts: list[str] = []
    while start < len(path):
        owner = owners.get(path[:start])
        renamed = next((library.renamed[c] for c in type(owner).__mro__ if c in library.renamed), {})
        stop = next((s for s in range(len(path), start, -1) if paths.dotted(path[start:s]) in renamed), None)
        if stop is not None:
            parts.append(renamed[paths.dotted(path[start:stop])])
            start = stop
        elif isinstance(path[start], int) and parts and library.index != ".":
            parts[-1] += f"{library.index}{path[start]}"
            start += 1
        else:
            parts.append(str(path[start]))
            start += 1
    return ".".join(filter(None, parts))


def _whole(library: _Library, prefix: str, name: str) -> str:
    whole = joined(prefix, name)
    return whole if "/" in whole else library.collection + whole


def _unmatched(model: Module, old: Mapping[str, Any], new: Mapping[str, Any], faults: list[str]) -> list[str]:
    """Leaves without a counterpart; keys of random parts need none."""
    _, structure = walk.flatten_node(model)
    keys = {paths.dotted(slot.path) for slot in structure.slots if slot.kind is not None and issubclass(slot.kind, Rng)}
    return [] if faults else [path for path in old if path not in new and path not in keys]


def _flat(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(tree, Mapping):
        yield path, tree
        return
    for name, item in tree.items():
        yield from _flat(item, f"{path}.{name}" if path else str(name))


def _host(array: Any) -> Any:
    return config.engine_of(array).arrays.to_numpy(array)


def _native(backend: str, array: Any) -> Any:
    return _registry.load(backend).arrays.asarray(array.copy())


def _settled(array: Any, leaf: Any) -> Any:
    """The array on the engine of the leaf that it replaces, with its dtype."""
    engine = config.default_engine() if isinstance(leaf, Initializer) else config.engine_of(leaf)
    dtype = leaf.dtype if isinstance(leaf, Initializer) else engine.arrays.dtype_name(leaf)
    return engine.arrays.asarray(array.copy(), dtype)
