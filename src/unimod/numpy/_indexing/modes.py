"""What an index outside its axis does, and negative indices made positive."""

from __future__ import annotations

from typing import Any

from unimod.backends._protocol import Array, Engine
from unimod.core import checking
from unimod.dtypes import DType, is_inexact
from unimod.errors import DTypeError, OptionError
from unimod.numpy._dispatch import by_type
from unimod.numpy._options import device_of

READING = (None, "promise", "fill", "clip", "wrap")
UPDATING = (None, "promise", "drop", "clip", "wrap")
_NARROW = ("int8", "int16", "uint8", "uint16")


def check(name: str, mode: str | None, known: tuple[str | None, ...]) -> None:
    """Refuse a mode that is not known.

    Raises:
        OptionError: it is not.
    """
    if mode not in known:
        raise OptionError(f"{name} does not know the mode {mode!r}.", got=repr(mode), expected=f"one of {known}")


def integers(engine: Engine, name: str, indices: Array) -> Array:
    """Indices as they are, of at least 32 bits, so that they can be compared with every size.

    Raises:
        DTypeError: they are no integers.
    """
    dtype = engine.arrays.dtype_name(indices)
    if is_inexact(dtype) or dtype == "bool":
        raise DTypeError(f"{name} needs integers as indices.", got=dtype, expected="an integer dtype")
    return engine.arrays.astype(indices, "int32") if dtype in _NARROW else indices


def inside(engine: Engine, indices: Array, size: int, mode: str | None) -> tuple[Array, Array | None]:
    """Indices in ``[0, size)``, and a mask of those that were not; None where the mode needs none.

    Negative indices count from the end, but for ``clip``, to which 0 is the nearest.
    """
    indices = _signed(engine, integers(engine, "indexing", indices), size)
    math, where = engine.math, engine.arrays.where
    if mode == "wrap":
        return math.remainder(indices, max(size, 1)), None
    if mode == "clip":
        return math.clip(indices, 0, max(size - 1, 0)), None
    positive = where(math.less(indices, 0), math.add(indices, size), indices)
    if mode in (None, "promise"):
        return _reported(engine, positive, size), None
    is_outside = outside(engine, positive, size)
    return where(is_outside, 0, positive), is_outside


def promised(engine: Engine, indices: Array, size: int) -> Array:
    """Indices of which nobody asks whether they are inside, but for a surrounding ``checkify``."""
    return indices if "index" not in (checking.kinds() or ()) else inside(engine, indices, size, None)[0]


def _reported(engine: Engine, positive: Array, size: int) -> Array:
    """Where a surrounding ``checkify`` asks: a failure for indices that mean nothing, and 0 in their place."""
    if "index" not in (checking.kinds() or ()):
        return positive
    is_outside = outside(engine, positive, size)
    engine.inspect.check(engine.math.logical_not(engine.math.any(is_outside)), checking.INDEX_TEXT, [])
    return engine.arrays.where(is_outside, 0, positive)


def outside(engine: Engine, indices: Array, size: int) -> Array:
    """Which indices are not in ``[0, size)``."""
    return engine.math.logical_or(engine.math.less(indices, 0), engine.math.greater_equal(indices, size))


def _signed(engine: Engine, indices: Array, size: int) -> Array:
    """Unsigned indices, those above the axis kept there, as int32."""
    if DType(engine.arrays.dtype_name(indices)).kind != "uint":
        return indices
    return engine.arrays.astype(engine.math.minimum(indices, size), "int32")


def filled(engine: Engine, name: str, found: Array, is_outside: Array, place: int, value: Any) -> Array:
    """``found`` with ``value`` where an index lies outside; the mask stands at the axes from ``place`` on."""
    dtype = engine.arrays.dtype_name(found)
    if value is None:
        value = float("nan") if is_inexact(dtype) else (False if dtype == "bool" else 0)
    behind = len(found.shape) - place - len(is_outside.shape)
    mask = engine.arrays.reshape(is_outside, (*is_outside.shape, *(1,) * behind))
    return engine.arrays.where(mask, fitting(engine, name, value, found), found)


_RANK = {"bool": 0, "uint": 1, "int": 1, "float": 2, "complex": 3}


def fitting(engine: Engine, name: str, value: Any, like: Array) -> Array:
    """A value in the dtype and on the device of the array that it goes into.

    Raises:
        DTypeError: that would lose its fraction, its imaginary part, or all but whether it is 0.
    """
    dtype = engine.arrays.dtype_name(like)
    found = engine.arrays.asarray(value)
    own = engine.arrays.dtype_name(found)
    is_native = found is value
    if own == dtype and is_native:
        return found
    if _RANK[DType(own).kind] > _RANK[DType(dtype).kind] and 0 not in found.shape:
        raise DTypeError(
            f"{name} keeps the dtype of the array, which cannot hold the value.",
            got=f"{own} for an array of {dtype}",
            expected=f"values of {dtype}",
            fix="cast the array or the value with astype first",
        )
    return engine.arrays.asarray(value, dtype, None if is_native else device_of(engine, like))


def beside(engine: Engine, indices: Array, x: Array) -> Array:
    """Indices as an array of the engine, those of the host on the device of ``x``."""
    if by_type.get(type(indices)) is engine:
        return indices
    return engine.arrays.asarray(indices, None, device_of(engine, x))


def segments(engine: Engine, ids: Array, count: int, mode: str | None) -> tuple[Array, Array | None]:
    """As :func:`inside`, for numbers that do not count from the end."""
    ids = _signed(engine, ids, count)
    if mode in ("wrap", "clip"):
        return inside(engine, ids, count, mode)
    return ids, outside(engine, ids, count) if mode == "drop" else None
