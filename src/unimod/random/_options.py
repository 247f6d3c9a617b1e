"""What the callers of distributions may write for shapes, dtypes and parameters, and the errors for the rest."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from unimod import config
from unimod.backends import _registry
from unimod.backends._protocol import Engine
from unimod.dtypes import DType
from unimod.errors import DTypeError, ShapeError
from unimod.numpy._dispatch import adopt
from unimod.numpy._options import dtype_name

Shape = tuple[int, ...]


def normalized_shape(name: str, shape: int | Sequence[int]) -> Shape:
    """A shape as a tuple of sizes; one number is a shape of one axis.

    Raises:
        ShapeError: it is not a shape.
    """
    if type(shape) is tuple and all(type(size) is int and size >= 0 for size in shape):
        return shape
    try:
        sizes = (shape,) if hasattr(shape, "__index__") else tuple(shape)
        sizes = tuple(_size(size) for size in sizes)
    except TypeError:
        raise _not_a_shape(name, shape) from None
    if any(size < 0 for size in sizes):
        raise _not_a_shape(name, shape)
    return sizes


def _size(size: Any) -> Any:
    if not hasattr(size, "__index__") or isinstance(size, bool):
        raise TypeError
    # The symbolic sizes of a trace stay as they are.
    return operator.index(size) if isinstance(size, np.generic) or config.is_array(size) else size


def _not_a_shape(name: str, shape: Any) -> ShapeError:
    return ShapeError(
        f"`{name}` needs a shape.", got=f"shape = {shape!r}", expected="a non-negative integer, or a tuple of them"
    )


def float_dtype(name: str, dtype: Any) -> str:
    """The name of a real floating point dtype.

    Raises:
        DTypeError: it is none, or of 8 bits.
    """
    found = dtype_name(dtype)
    if found in ("float32", "float64", "float16", "bfloat16"):
        return found
    raise DTypeError(
        f"`{name}` draws floating point numbers.",
        got=f"dtype = {found}",
        expected="dtype = float16, bfloat16, float32 or float64",
    )


def integer_dtype(name: str, dtype: Any) -> str:
    """The name of an integer dtype.

    Raises:
        DTypeError: it is none.
    """
    found = dtype_name(dtype)
    if DType(found).kind in ("int", "uint"):
        return found
    raise DTypeError(f"`{name}` draws integers.", got=f"dtype = {found}", expected="an integer dtype")


def engine_beside(data: Any, *values: Any) -> Engine:
    """The engine of a key, which the arrays beside it must belong to as well; host arrays follow it.

    Raises:
        MixedBackendError: one of them belongs to another engine.
    """
    engine = config.engine_of(data, *values)
    if engine is not _registry.of_type(type(data)):
        raise config.mixed((data, *values))
    return engine


def parameters(name: str, data: Any, shape: Shape | None, **values: Any) -> tuple[Any, ...]:
    """Parameters of a distribution as Python numbers or arrays of the key's engine.

    Raises:
        MixedBackendError: an array belongs to another engine.
        ShapeError: an array does not broadcast to ``shape``.
    """
    engine = engine_beside(data, *values.values())
    found = tuple(_parameter(engine, value) for value in values.values())
    shapes = [tuple(value.shape) for value in found if config.is_array(value)]
    if shape is not None and any(shapes) and not _broadcast(shapes, shape):
        got = ", ".join(f"{key} = {config.describe_value(value)}" for key, value in zip(values, found, strict=True))
        raise ShapeError(
            f"The parameters of `{name}` do not broadcast to the shape that was asked for.",
            got=f"{got}, shape = {shape}",
            expected=f"parameters that broadcast to {shape}",
        )
    return found


def _parameter(engine: Engine, value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item() if value.dtype.kind in "biuf" else adopt(engine, value)
    return value if isinstance(value, int | float) else adopt(engine, value)


def _broadcast(shapes: list[Shape], shape: Shape) -> bool:
    try:
        return np.broadcast_shapes(*shapes, shape) == shape
    except ValueError:
        return False
