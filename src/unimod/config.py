"""Which engine does the work: the data's own, else the chosen one.

Precedence: the engine of the data > ``backend=`` > ``with use_backend(...)`` > ``set_backend(...)`` >
``UNIMOD_BACKEND`` > the first that is installed of jax, torch, numpy.

The context manager is thread-local (a ``ContextVar`` cannot be read under ``torch.compile(fullgraph=True)``); the
setter holds for the process, new threads included.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
from collections.abc import Iterator
from typing import Any

from unimod.backends import _registry
from unimod.backends._protocol import Engine
from unimod.dtypes import DType, describe
from unimod.errors import MixedBackendError, UnknownBackendError

VARIABLE = "UNIMOD_BACKEND"
HOST = "numpy"


class _Choice(threading.local):
    stack: tuple[str, ...] = ()


_choice = _Choice()
_process_wide: list[str] = []


@dataclasses.dataclass(frozen=True)
class BackendInfo:
    """Which backend is used for data created from nothing, and why.

    Attributes:
        name: the backend's name.
        rule: what decided: ``argument``, ``use_backend``, ``set_backend``, ``UNIMOD_BACKEND`` or ``installed``.
        version: the version of its framework.
        devices: the device names that it accepts, the default first.
        capabilities: what it can do.
        installed: all backends that could be loaded.
        x64: whether it makes arrays of 64 bits now (JAX after :func:`unimod.enable_x64`, the others always).
    """

    name: str
    rule: str
    version: str
    devices: tuple[str, ...]
    capabilities: tuple[str, ...]
    installed: tuple[str, ...]
    x64: bool


def set_backend(name: str) -> None:
    """Choose the backend for the whole process, threads that start later included.

    Raises:
        UnknownBackendError: no backend has that name.
        BackendNotInstalledError: its framework cannot be imported.

    Example:
        >>> import unimod as um
        >>> um.set_backend("numpy")
        >>> um.backend_info().rule
        'set_backend'
        >>> um.reset_backend()
    """
    _registry.load(name)
    _process_wide[:] = [name]


def reset_backend() -> None:
    """Undo :func:`set_backend`."""
    _process_wide.clear()


@contextlib.contextmanager
def use_backend(name: str) -> Iterator[Engine]:
    """Choose the backend inside a ``with`` block of this thread.

    Example:
        >>> import unimod as um
        >>> with um.use_backend("numpy"):
        ...     type(um.numpy.zeros((2,))).__name__
        'ndarray'
    """
    engine = _registry.load(name)
    before = _choice.stack
    _choice.stack = (*before, name)
    try:
        yield engine
    finally:
        _choice.stack = before


def _decide(backend: str | None) -> tuple[str, str]:
    if backend is not None:
        return backend, "argument"
    if _choice.stack:
        return _choice.stack[-1], "use_backend"
    if _process_wide:
        return _process_wide[0], "set_backend"
    from_environment = os.environ.get(VARIABLE)
    if from_environment:
        return from_environment, VARIABLE
    for name in _registry.BUILTIN:
        if _registry.is_installed(name):
            return name, "installed"
    raise UnknownBackendError("No backend is installed.", fix='pip install "unimod[jax]" or "unimod[torch]"')


def default_engine(backend: str | None = None) -> Engine:
    """The engine for data that is created from nothing."""
    return _registry.load(_decide(backend)[0])


def backend_info(backend: str | None = None) -> BackendInfo:
    """Say which backend would be used now, and which rule decided."""
    name, rule = _decide(backend)
    engine = _registry.load(name)
    return BackendInfo(
        name=name,
        rule=rule,
        version=engine.facts.version(),
        devices=engine.facts.device_kinds(),
        capabilities=tuple(sorted(engine.facts.CAPABILITIES)),
        installed=tuple(other for other in _registry.names() if _registry.is_installed(other)),
        x64=engine.facts.has_x64(),
    )


def is_array(x: Any) -> bool:
    """Whether ``x`` is a native array of some engine."""
    return _registry.of_type(type(x)) is not None


def engine_of(*values: Any, backend: str | None = None) -> Engine:
    """The engine that works on ``values``: that of the arrays among them, else the chosen one.

    numpy arrays are data of the host: beside arrays of another engine they follow it.

    Raises:
        MixedBackendError: arrays of two engines (other than numpy) are among the values.
    """
    found: Engine | None = None
    for value in values:
        engine = _registry.of_type(type(value))
        if engine is None or engine is found:
            continue
        if found is None or found.name == HOST:
            found = engine
        elif engine.name != HOST:
            raise mixed(values)
    return found if found is not None else default_engine(backend)


def mixed(values: tuple[Any, ...]) -> MixedBackendError:
    """The error for arrays of two engines in one call."""
    first: dict[str, Any] = {}
    for value in values:
        engine = _registry.of_type(type(value))
        if engine is not None:
            first.setdefault(engine.name, value)
    return MixedBackendError(
        "Arrays of two engines meet in one call.",
        got=", ".join(map(describe_value, first.values())),
        expected="arrays of one engine",
        fix='move one of them first: um.to_backend(x, "torch") or um.to_backend(x, "jax")',
    )


def describe_value(value: Any) -> str:
    """The text that errors and reprs use for a value: ``f32[2, 3] on jax``, else its repr."""
    engine = _registry.of_type(type(value))
    if engine is None:
        return repr(value)
    return f"{short(value)} on {engine.name}"


def short(array: Any) -> str:
    """The text ``f32[2, 3]`` of an array."""
    engine = _registry.of_type(type(array))
    if engine is None:
        return type(array).__name__
    return describe(tuple(array.shape), engine.arrays.dtype_name(array))


def dtype_of(array: Any) -> DType:
    """The dtype of an array, as the engine-neutral name.

    Example:
        >>> import numpy as np, unimod as um
        >>> um.dtype_of(np.zeros(3, np.int32))
        int32
    """
    engine = _registry.of_type(type(array))
    if engine is None:
        engine = default_engine()
        array = engine.arrays.asarray(array)
    return DType(engine.arrays.dtype_name(array))
