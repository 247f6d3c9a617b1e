"""Data of the host: Python scalars, nested lists and numpy arrays, before they become an engine's arrays."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np

from unimod.backends import _registry
from unimod.backends._promotion import drops_imaginary, imaginary
from unimod.dtypes import DType
from unimod.errors import DTypeError, ShapeError

_NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32", "complex128": "complex64"}
_WHOLE = frozenset({"int", "uint"})


def dtype(name: str) -> np.dtype[Any]:
    """The numpy dtype called ``name``; the small floats come from ``ml_dtypes``."""
    if name.startswith(("bfloat", "float8")):
        name = getattr(ml_dtypes, name)
    return np.dtype(name)


def array(obj: Any, name: str | None = None) -> np.ndarray[Any, Any]:
    """``obj`` as a numpy array; without a dtype, 64-bit numbers become 32-bit ones on every engine.

    Raises:
        ShapeError: the rows of a nested list are not of one length.
        DTypeError: these are no numbers, or a number does not fit the dtype.
    """
    if name is not None:
        return _read(obj, name) if is_plain(obj) else _cast(_numbers(np.asarray(obj)), name)
    found = _numbers(_read(obj, None))
    narrow = _NARROW.get(found.dtype.name)
    if narrow is None:
        return found
    if found.dtype.kind in "iu":
        _check_range(found, "int32" if is_plain(obj) else narrow)
    return found.astype(narrow)


def _cast(found: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    if found.dtype.kind == "c" and drops_imaginary(found.dtype.name, name):
        raise imaginary(name)
    return found.astype(dtype(name), copy=False)


def _read(obj: Any, name: str | None) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(obj, None if name is None else dtype(name))
    except (TypeError, ValueError, OverflowError) as error:
        if "inhomogeneous" in str(error):
            raise ShapeError("The rows of a nested list are not of one length.", got=f"{obj!r:.80}") from error
        if name is None:
            raise
        raise unfit(obj, name) from error


def _numbers(found: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    name = found.dtype.name
    if found.dtype.kind in "OSUMmV" and name != "bfloat16" and not name.startswith("fl"):
        raise DTypeError("This cannot become an array of numbers.", got=f"{name}: {found.tolist()!r:.80}")
    return found


def is_plain(obj: Any) -> bool:
    """Whether ``obj`` is a Python scalar, list or tuple, and not an array."""
    return isinstance(obj, (bool, int, float, complex, list, tuple)) and not isinstance(obj, np.generic)


def _check_range(found: np.ndarray[Any, Any], name: str) -> None:
    low, high = limits(name)
    if found.size and (found.max() > high or found.min() < low):
        raise DTypeError(
            f"An integer does not fit the default dtype {name}.",
            got=f"values from {found.min()} to {found.max()}",
            expected=f"values from {low} to {high}",
            fix=f'say dtype="{name.replace("32", "64")}"',
        )


def number(value: Any, name: str) -> Any:
    """A Python number as the dtype holds it: fractions are cut off by integers.

    Raises:
        DTypeError: the dtype cannot hold it.

    Example:
        >>> from unimod.backends import _host
        >>> _host.number(2.7, "int8"), _host.number(3, "bool"), _host.number(1, "float32")
        (2, True, 1)
    """
    kind = DType(name).kind
    try:
        if kind in _WHOLE:
            return _within(int(value), name)
        if kind == "float":
            float(value)
        return bool(value) if kind == "bool" else value
    except (TypeError, ValueError, OverflowError) as error:
        raise unfit(value, name) from error


def _within(value: int, name: str) -> int:
    low, high = limits(name)
    if low <= value <= high:
        return value
    raise OverflowError(value)


def limits(name: str) -> tuple[int, int]:
    """The least and the greatest integer of an integer dtype."""
    bits = DType(name).bits
    return (0, 2**bits - 1) if DType(name).kind == "uint" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def unfit(value: Any, name: str) -> DTypeError:
    """The error for Python data that a dtype cannot hold."""
    expected = "real numbers" if DType(name).kind == "float" else "numbers"
    if DType(name).kind in _WHOLE:
        expected = "integers from {} to {}".format(*limits(name))
    return DTypeError(f"This does not fit the dtype {name}.", got=f"{value!r:.80}", expected=expected)


def from_any(x: Any) -> Any:
    """The numpy array of another engine's array ``x``."""
    engine = _registry.of_type(type(x))
    return np.asarray(x) if engine is None else engine.arrays.to_numpy(x)


def count(start: Any, stop: Any, step: Any) -> int:
    """How many values ``start, start + step, ...`` lie before ``stop``; exact for integers."""
    if all(isinstance(one, (int, np.integer)) for one in (start, stop, step)):
        return max(0, -((int(start) - int(stop)) // int(step)))
    found: int = math.ceil((stop - start) / step)
    return max(0, found)


def arange(start: Any, stop: Any, step: Any, name: str) -> np.ndarray[Any, Any]:
    """``start + step * [0, 1, ...]``, computed in float64, so that every engine gets the same numbers."""
    places = np.arange(count(start, stop, step))
    if name != "uint64":
        return np.asarray(start + step * places).astype(dtype(name))
    # Modulo 2**64, so that what comes between may leave the range.
    return np.uint64(int(start) % 2**64) + np.uint64(int(step) % 2**64) * places.astype(np.uint64)
