"""What callers may write for a dtype, a shape and an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.dtypes import ALL
from unimod.errors import DTypeError

_PYTHON = {bool: "bool", int: "int32", float: "float32", complex: "complex64"}
_KNOWN = {str(name): str(name) for name in ALL}


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
    if isinstance(dtype, str):
        text = str(dtype)
    elif isinstance(dtype, type) and dtype in _PYTHON:
        text = _PYTHON[dtype]
    else:
        text = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    text = text.removeprefix("torch.").removesuffix("_")
    if text in _KNOWN or text.startswith("float8"):
        return text
    raise DTypeError(f"There is no dtype called {text!r}.", got=repr(dtype), expected=f"one of {', '.join(_KNOWN)}")


def optional_dtype(dtype: Any) -> str | None:
    """The name behind a dtype that may be left out."""
    return None if dtype is None else dtype_name(dtype)


def dtype_of_scalar(value: Any) -> str:
    """The default dtype of a Python scalar."""
    return _PYTHON[next(kind for kind in _PYTHON if isinstance(value, kind))]


def shape_of(shape: int | Sequence[int]) -> tuple[int, ...]:
    """A shape as a tuple; one number is a shape of one axis."""
    return tuple(shape) if isinstance(shape, (tuple, list)) or not hasattr(shape, "__index__") else (shape,)  # type: ignore[return-value]


def axes_of(axis: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Axes as a tuple of non-negative numbers; None is all of them."""
    if axis is None:
        return tuple(range(rank))
    listed = (axis,) if isinstance(axis, int) else tuple(axis)
    return tuple(one + rank if one < 0 else one for one in listed)
