"""Arrays from nothing, from Python data, and in the likeness of other arrays.

The engine is ``backend=``, else that of the arrays among the arguments, else the chosen one
(``um.use_backend``, ``um.set_backend``); what is made is float32, int32 or bool unless ``dtype=`` says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unimod.backends._protocol import Array, Engine
from unimod.config import HOST, default_engine, is_array
from unimod.dtypes import DType
from unimod.errors import CapabilityError, ShapeError
from unimod.numpy._dispatch import adopt, engine_for_creation, engine_inside, many, unary
from unimod.numpy._options import dtype_name, dtype_of_scalar, optional_dtype, shape_of

Shape = int | Sequence[int]
_SAME = {"gpu": "cuda", "cuda": "gpu"}


def _on(engine: Engine, device: str | None) -> str | None:
    if device is None:
        return None
    kinds, kind = engine.facts.device_kinds(), device.partition(":")[0]
    if kind in kinds or _SAME.get(kind) in kinds:
        return device
    raise CapabilityError(
        f"The {engine.name} engine has no device {device!r}.", got=repr(device), expected=f"one of {', '.join(kinds)}"
    )


def asarray(obj: Any, /, *, dtype: object = None, device: str | None = None, backend: str | None = None) -> Array:
    """An array of Python numbers, nested lists, host arrays, or another array.

    Data of the host (Python's and numpy's) go to the chosen engine, and become float32, int32 or complex64 where
    they would have 64 bits; an array of an engine stays there and keeps its dtype, unless the options say otherwise.

    Raises:
        ShapeError: the rows of a nested list are not of one length.
        DTypeError: the data are no numbers, do not fit, or the engine does not make the dtype.

    Example:
        >>> import unimod.numpy as unp
        >>> x = unp.asarray([[1.0, 2.0], [3.0, 4.0]])
        >>> tuple(x.shape), unp.dtype_of(x)
        ((2, 2), float32)
    """
    engine = engine_for_creation(obj, backend)
    where, name = _on(engine, device), optional_dtype(dtype)
    if is_array(obj) and engine_inside(obj) is not engine and engine_inside(obj).name != HOST:
        obj = engine.arrays.from_foreign(obj, where)
    try:
        return engine.arrays.asarray(obj, name, where)
    except ValueError as error:
        if "inhomogeneous" in str(error):
            raise ShapeError("The rows of a nested list are not of one length.", got=f"{obj!r:.80}") from error
        raise


def zeros(shape: Shape, *, dtype: object = "float32", device: str | None = None, backend: str | None = None) -> Array:
    """All zeros.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.zeros((2, 1)).tolist()
        [[0.0], [0.0]]
    """
    engine = default_engine(backend)
    return engine.arrays.zeros(shape_of(shape), dtype_name(dtype), _on(engine, device))


def ones(shape: Shape, *, dtype: object = "float32", device: str | None = None, backend: str | None = None) -> Array:
    """All ones.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.ones(2, dtype="int32").tolist()
        [1, 1]
    """
    engine = default_engine(backend)
    return engine.arrays.ones(shape_of(shape), dtype_name(dtype), _on(engine, device))


def empty(shape: Shape, *, dtype: object = "float32", device: str | None = None, backend: str | None = None) -> Array:
    """An array whose values do not matter; they are zeros.

    Example:
        >>> import unimod.numpy as unp
        >>> tuple(unp.empty((2, 3)).shape)
        (2, 3)
    """
    return zeros(shape, dtype=dtype, device=device, backend=backend)


def full(
    shape: Shape, value: Any, *, dtype: object = None, device: str | None = None, backend: str | None = None
) -> Array:
    """``value`` everywhere; without a dtype, that of the value.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.full((2,), 7).tolist()
        [7, 7]
    """
    engine = engine_for_creation(value, backend)
    value = adopt(engine, value) if is_array(value) else value
    if dtype is not None:
        name = dtype_name(dtype)
    else:
        name = str(dtype_of(value)) if is_array(value) else dtype_of_scalar(value)
    return engine.arrays.full(shape_of(shape), value, name, _on(engine, device))


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: object = None,
    device: str | None = None,
    backend: str | None = None,
) -> Array:
    """``start, start + step, ...`` below ``stop``; of one argument, ``0, 1, ...`` below it.

    The values of fractional steps are computed in float64, so that they are the same on every engine.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.arange(3).tolist(), unp.arange(0.0, 1.0, 0.25).tolist()
        ([0, 1, 2], [0.0, 0.25, 0.5, 0.75])
    """
    engine = default_engine(backend)
    if stop is None:
        start, stop = 0, start
    is_whole = all(isinstance(one, (int, np.integer)) for one in (start, stop, step))
    name = ("int32" if is_whole else "float32") if dtype is None else dtype_name(dtype)
    return engine.arrays.arange(start, stop, step, name, _on(engine, device))


def linspace(
    start: float,
    stop: float,
    num: int,
    *,
    endpoint: bool = True,
    dtype: object = "float32",
    device: str | None = None,
    backend: str | None = None,
) -> Array:
    """``num`` evenly spaced values from ``start`` to ``stop``, computed in float64.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linspace(0, 1, 5).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    engine = default_engine(backend)
    values = np.linspace(start, stop, num, endpoint=endpoint)
    return engine.arrays.asarray(values, dtype_name(dtype), _on(engine, device))


def eye(
    num_rows: int,
    num_columns: int | None = None,
    *,
    k: int = 0,
    dtype: object = "float32",
    device: str | None = None,
    backend: str | None = None,
) -> Array:
    """1 on the ``k``-th diagonal, else 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.eye(2, 3, k=1).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    engine = default_engine(backend)
    values = np.eye(num_rows, num_columns, k, dtype=np.bool_)
    return engine.arrays.asarray(values, dtype_name(dtype), _on(engine, device))


def zeros_like(x: Array, /, *, dtype: object = None) -> Array:
    """Zeros in the shape and on the device of ``x``; also in its dtype, unless ``dtype`` says otherwise.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.zeros_like([1, 2]).tolist()
        [0, 0]
    """
    engine, x = unary(x)
    return engine.arrays.zeros_like(x, optional_dtype(dtype))


def ones_like(x: Array, /, *, dtype: object = None) -> Array:
    """Ones in the shape and on the device of ``x``; also in its dtype, unless ``dtype`` says otherwise.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.ones_like([1, 2], dtype="float32").tolist()
        [1.0, 1.0]
    """
    engine, x = unary(x)
    return engine.arrays.ones_like(x, optional_dtype(dtype))


def empty_like(x: Array, /, *, dtype: object = None) -> Array:
    """An array like ``x`` whose values do not matter; they are zeros.

    Example:
        >>> import unimod.numpy as unp
        >>> tuple(unp.empty_like([1, 2]).shape)
        (2,)
    """
    return zeros_like(x, dtype=dtype)


def full_like(x: Array, value: Any, /, *, dtype: object = None) -> Array:
    """``value`` in the shape and on the device of ``x``; also in its dtype, unless ``dtype`` says otherwise.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.full_like([1, 2], 7).tolist()
        [7, 7]
    """
    engine, x, value = many(unary(x)[1], value)
    return engine.arrays.full_like(x, value, optional_dtype(dtype))


def copy(x: Array, /) -> Array:
    """A new array with the values of ``x``, in memory of its own.

    Example:
        >>> import unimod.numpy as unp
        >>> x = unp.zeros(2)
        >>> unp.copy(x) is x
        False
    """
    engine, x = unary(x)
    return engine.arrays.copy(x)


def to_numpy(x: Array, /) -> np.ndarray[Any, Any]:
    """The values of ``x`` on the host, without a copy where the memory is there already; not to be written to.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.to_numpy(unp.ones(2)).dtype.name
        'float32'
    """
    engine, x = unary(x)
    return np.asarray(engine.arrays.to_numpy(x))


def dtype_of(x: Array, /) -> DType:
    """The engine-neutral name of the dtype of ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.dtype_of([1, 2])
        int32
    """
    engine, x = unary(x)
    return DType(engine.arrays.dtype_name(x))
