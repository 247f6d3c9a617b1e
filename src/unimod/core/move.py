"""Moving arrays and whole trees from one engine to another."""

from __future__ import annotations

from typing import Any

from unimod import config
from unimod.backends import _registry
from unimod.core import walk


def to_backend(tree: Any, backend: str, *, device: str | None = None) -> Any:
    """The same tree with every array on another engine (through DLPack, without a copy where that is possible).

    Modules, optimizer state and random keys move in mid-training; what is not an array stays as it is.

    Args:
        tree: an array, a module, or any container of these.
        backend: the name of the engine.
        device: a device of that engine (default: its own default; arrays that are there already stay where they are).

    Raises:
        UnknownBackendError, BackendNotInstalledError: the engine cannot be had.

    Example:
        >>> import unimod as um
        >>> x = um.to_backend({"a": um.numpy.ones((2,))}, "numpy")
        >>> type(x["a"]).__name__, um.dtype_of(x["a"])
        ('ndarray', float32)
    """
    engine = _registry.load(backend)
    leaves, structure = walk.flatten(tree)
    return walk.unflatten(structure, [_moved(leaf, engine, device) for leaf in leaves])


def _moved(leaf: Any, engine: Any, device: str | None) -> Any:
    if not config.is_array(leaf):
        return leaf
    if config.engine_of(leaf) is engine and device is None:
        return leaf
    return engine.arrays.from_foreign(leaf, device)
