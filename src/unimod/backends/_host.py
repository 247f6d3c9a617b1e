"""Data of the host: Python scalars, nested lists and numpy arrays, before they become an engine's arrays."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from unimod.backends import _registry
from unimod.errors import DTypeError

_NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32", "complex128": "complex64"}


def dtype(name: str) -> np.dtype[Any]:
    """The numpy dtype called ``name``; the small floats come from ``ml_dtypes``."""
    if name.startswith(("bfloat", "float8")):
        name = getattr(ml_dtypes, name)
    return np.dtype(name)


def array(obj: Any, name: str | None = None) -> np.ndarray[Any, Any]:
    """``obj`` as a numpy array; without a dtype, 64-bit numbers become 32-bit ones on every engine."""
    if name is not None:
        return np.asarray(obj, dtype(name)) if is_plain(obj) else np.asarray(obj).astype(dtype(name), copy=False)
    found = np.asarray(obj)
    if found.dtype.kind in "OSUMmV" and found.dtype.name not in ("bfloat16",) and not found.dtype.name.startswith("fl"):
        raise DTypeError("This cannot become an array of numbers.", got=f"{type(obj).__name__}: {obj!r:.80}")
    narrow = _NARROW.get(found.dtype.name)
    if narrow is None:
        return found
    if is_plain(obj) and found.dtype.kind in "iu":
        _check_range(found)
    return found.astype(narrow)


def is_plain(obj: Any) -> bool:
    """Whether ``obj`` is a Python scalar, list or tuple, and not an array."""
    return isinstance(obj, (bool, int, float, complex, list, tuple)) and not isinstance(obj, np.generic)


def _check_range(found: np.ndarray[Any, Any]) -> None:
    limits = np.iinfo(np.int32)
    if found.size and (found.max() > limits.max or found.min() < limits.min):
        raise DTypeError(
            "An integer does not fit the default dtype int32.",
            got=f"values from {found.min()} to {found.max()}",
            expected=f"values from {limits.min} to {limits.max}",
            fix='say dtype="int64"',
        )


def from_any(x: Any) -> Any:
    """The numpy array of another engine's array ``x``."""
    engine = _registry.of_type(type(x))
    return np.asarray(x) if engine is None else engine.arrays.to_numpy(x)


def arange(start: Any, stop: Any, step: Any, name: str) -> np.ndarray[Any, Any]:
    """``start + step * [0, 1, ...]``, computed in float64, so that every engine gets the same numbers."""
    count = max(0, int(np.ceil((stop - start) / step)))
    return np.asarray(start + step * np.arange(count)).astype(dtype(name))
