"""What callers may write for a dtype, a shape, an axis and a device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.backends._protocol import Engine
from unimod.dtypes import ALL
from unimod.errors import CapabilityError, DTypeError

_PYTHON = {bool: "bool", int: "int32", float: "float32", complex: "complex64"}
_KNOWN = {str(name): str(name) for name in ALL}
_met: dict[Any, str] = {**_KNOWN, **_PYTHON}
"""The names of the dtypes that have been met; dtypes of the engines are added as they come."""
_SAME = {"gpu": "cuda", "cuda": "gpu"}


def dtype_name(dtype: Any) -> str:
    """The name behind a dtype: a name, a dtype of any engine, or a Python type.

    Raises:
        DTypeError: nothing is known by that name.

    Example:
        >>> import numpy as np
        >>> from unimod.numpy._options import dtype_name
        >>> dtype_name("bfloat16"), dtype_name(np.int8), dtype_name(np.dtype("bool")), dtype_name(float)
        ('bfloat16', 'int8', 'bool', 'float32')
    """
    try:
        return _met[dtype]
    except (KeyError, TypeError):  # not met yet, or nothing that could be
        return _named(dtype)


def _named(dtype: Any) -> str:
    text = str(dtype) if isinstance(dtype, str) else _called(dtype)
    text = text.removeprefix("torch.").removesuffix("_")
    if text not in _KNOWN and not text.startswith("float8"):
        raise DTypeError(f"There is no dtype called {text!r}.", got=repr(dtype), expected=f"one of {', '.join(_KNOWN)}")
    if isinstance(dtype, str) or hasattr(dtype, "itemsize") or isinstance(dtype, type):
        _met[dtype] = text
    return text


def _called(dtype: Any) -> str:
    return str(getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or dtype)


def optional_dtype(dtype: Any) -> str | None:
    """The name behind a dtype that may be left out."""
    return None if dtype is None else dtype_name(dtype)


def dtype_of_scalar(value: Any) -> str:
    """The default dtype of a Python scalar."""
    for kind, name in _PYTHON.items():
        if isinstance(value, kind):
            return name
    raise DTypeError("This is no number.", got=f"{type(value).__name__}: {value!r:.80}", expected="a number")


def shape_of(shape: int | Sequence[int]) -> tuple[int, ...]:
    """A shape as a tuple; one number is a shape of one axis."""
    return tuple(shape) if isinstance(shape, (tuple, list)) or not hasattr(shape, "__index__") else (shape,)  # type: ignore[return-value]


def axes_of(axis: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Axes as a tuple of non-negative numbers; None is all of them."""
    if axis is None:
        return tuple(range(rank))
    listed = (axis,) if isinstance(axis, int) else tuple(axis)
    return tuple(one + rank if one < 0 else one for one in listed)


def device_on(engine: Engine, device: Any) -> Any:
    """The engine's own device behind a name such as ``"cpu"`` or ``"gpu:1"``, or behind a device of its framework.

    Raises:
        CapabilityError: the engine has no such device.
    """
    if device is None:
        return None
    known = engine.arrays.devices()
    for name, found in known:
        if device is found or _full(str(device)) & _full(name) or (not isinstance(device, str) and device == found):
            return found
    raise CapabilityError(
        f"The {engine.name} engine has no device {str(device)!r}.",
        got=repr(device),
        expected=f"one of {', '.join(name for name, _ in known)}",
    )


def device_of(engine: Engine, x: Any) -> str | None:
    """The device on which something has to be made to meet ``x``; None where the default one will do."""
    name = engine.arrays.device_name(x)
    return name if any(name == known for known, _ in engine.arrays.devices()) else None


def _full(device: str) -> set[str]:
    """A device's name in full, under all of its names: ``"gpu"`` is ``"gpu:0"``, which is ``"cuda:0"``."""
    kind, _, number = device.partition(":")
    return {f"{one}:{number or 0}" for one in (kind, _SAME.get(kind, kind))}
