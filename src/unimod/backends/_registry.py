"""The list of backends. A backend is loaded by its name, when an array or a name first asks for it.

Third parties register an ``Engine`` under the entry-point group ``unimod.backends``.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import threading
from collections.abc import Callable
from typing import Any

from unimod.backends import _facts
from unimod.backends._protocol import Engine
from unimod.errors import BackendNotInstalledError, UnknownBackendError

GROUP = "unimod.backends"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A backend that can be loaded: where it lives, what it needs, and how to get that."""

    name: str
    module: str
    framework: str
    roots: tuple[str, ...]
    hint: str


BUILTIN = {
    entry.name: entry
    for entry in (
        Entry("jax", "unimod.backends.jax", "jax", ("jax", "jaxlib"), 'pip install "unimod[jax]"'),
        Entry("torch", "unimod.backends.torch", "torch", ("torch",), 'pip install "unimod[torch]"'),
        Entry("numpy", "unimod.backends.numpy", "numpy", ("numpy",), "pip install numpy"),
    )
}

_loaded: dict[str, Engine] = {}
_by_type: dict[type, Engine | None] = {}
_on_load: list[Callable[[Engine], None]] = []
_lock = threading.RLock()


def names() -> tuple[str, ...]:
    """The names of all backends: the three of unimod, in the order of preference, then those of third parties."""
    return (*BUILTIN, *(point.name for point in _third_parties() if point.name not in BUILTIN))


def is_installed(name: str) -> bool:
    """Whether the framework behind ``name`` can be found, without importing it."""
    if name not in BUILTIN:
        return name in names()
    return importlib.util.find_spec(BUILTIN[name].framework) is not None


def load(name: str) -> Engine:
    """The engine called ``name``, imported at the first call.

    Raises:
        UnknownBackendError: no backend has that name.
        BackendNotInstalledError: its framework cannot be imported.
    """
    engine = _loaded.get(name)
    return engine if engine is not None else _load(name)


def loaded() -> tuple[Engine, ...]:
    """The engines that have been loaded so far."""
    return tuple(_loaded.values())


def of_type(cls: type) -> Engine | None:
    """The engine whose arrays are instances of ``cls``, or None where no engine knows the type."""
    try:
        return _by_type[cls]
    except KeyError:
        engine = _by_type[cls] = _find(cls)
        return engine


def on_load(callback: Callable[[Engine], None]) -> None:
    """Call ``callback(engine)`` for every engine: those loaded now, and those loaded later."""
    with _lock:
        _on_load.append(callback)
        for engine in loaded():
            callback(engine)


def forget_types() -> None:
    """Drop the cache from types to engines (for tests that add or remove an engine)."""
    _by_type.clear()


def _load(name: str) -> Engine:
    with _lock:
        if name in _loaded:
            return _loaded[name]
        engine = _import(name)
        _facts.complete(engine)
        _loaded[name] = engine
        _by_type.clear()
        for callback in _on_load:
            callback(engine)
        return engine


def _import(name: str) -> Engine:
    if name in BUILTIN:
        entry = BUILTIN[name]
        try:
            return _engine(importlib.import_module(entry.module))
        except ImportError as error:
            if (error.name or "").split(".")[0] not in entry.roots:
                raise
            raise BackendNotInstalledError(
                f"The {name} backend needs {entry.framework}, which cannot be imported.",
                got=str(error),
                fix=entry.hint,
            ) from error
    for point in _third_parties():
        if point.name == name:
            return _engine(point.load())
    raise UnknownBackendError(
        f"There is no backend called {name!r}.",
        got=repr(name),
        expected=f"one of {', '.join(names())}",
        fix="choose one of these names, in the code or in UNIMOD_BACKEND",
    )


def _engine(found: Any) -> Engine:
    return found if isinstance(found, Engine) else found.ENGINE


def _third_parties() -> tuple[Any, ...]:
    # Imported here, because that takes as long as a fifth of the package.
    from importlib.metadata import entry_points

    return tuple(entry_points(group=GROUP))


def _find(cls: type) -> Engine | None:
    for engine in loaded():
        if engine.facts.owns(cls):
            return engine
    roots = {base.__module__.split(".")[0] for base in cls.__mro__}
    for entry in BUILTIN.values():
        if entry.name not in _loaded and roots.intersection(entry.roots):
            engine = load(entry.name)
            if engine.facts.owns(cls):
                return engine
    return None
