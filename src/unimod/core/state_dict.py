"""The leaves of a module as a flat dict, and back with every entry checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unimod import config
from unimod.core import paths, walk
from unimod.core.initializer import Initializer
from unimod.errors import StateDictError, TreeError


def to_dict(module: Any) -> dict[str, Any]:
    """Dotted path -> leaf, in leaf order."""
    leaves, structure = walk.flatten_node(module)
    names = [paths.dotted(slot.path) for slot in structure.slots]
    if len(set(names)) != len(names):
        raise TreeError(
            "Two leaves have the same dotted path.", got=str(sorted({n for n in names if names.count(n) > 1}))
        )
    return dict(zip(names, leaves, strict=True))


def from_dict(module: Any, values: Mapping[str, Any], is_strict: bool) -> Any:
    """A copy of ``module`` with the leaves of ``values``; nothing is changed where an entry does not fit.

    Raises:
        StateDictError: entries are missing or extra (if strict), or of another shape or dtype. All are named at once.
    """
    old = to_dict(module)
    faults = _faults(old, values, is_strict)
    if faults:
        raise StateDictError(
            "The state dict does not fit the module.",
            got="; ".join(faults),
            expected=f"{len(old)} entries with the shapes and dtypes of the module",
            fix="build the module as it was when saved, or pass strict=False to allow missing and extra entries",
        )
    _, structure = walk.flatten_node(module)
    return walk.unflatten(
        structure, [_converted(values[name], leaf) if name in values else leaf for name, leaf in old.items()]
    )


def _faults(old: Mapping[str, Any], new: Mapping[str, Any], is_strict: bool) -> list[str]:
    faults = []
    if is_strict:
        faults += [f"missing: {name}" for name in old if name not in new]
        faults += [f"extra: {name}" for name in new if name not in old]
    for name, leaf in old.items():
        if name in new and (want := _signature(leaf)) is not None and (have := _signature(new[name])) != want:
            faults.append(f"{name}: {have} instead of {want}")
    return faults


def _signature(value: Any) -> str | None:
    if config.is_array(value):
        return config.short(value)
    if isinstance(value, Initializer):
        return None if value.shape is None else repr(value)[len("Initializer(") : -1]
    return type(value).__name__


def _converted(value: Any, leaf: Any) -> Any:
    """The value on the engine of the leaf that it replaces."""
    if not config.is_array(leaf) or not config.is_array(value):
        return value
    engine = config.engine_of(leaf)
    return value if config.engine_of(value) is engine else engine.arrays.from_foreign(value)
