"""Arrays of one value, in a shape or in the likeness of other arrays.

The engine is ``backend=``, else that of the arrays among the arguments, else the chosen one
(``um.use_backend``, ``um.set_backend``); what is made is float32, int32 or bool unless ``dtype=`` says otherwise.
``device=`` is a name such as ``"cpu"`` or ``"gpu:1"``, or a device of the engine's framework.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unimod.backends import _host
from unimod.backends._protocol import Array, Engine
from unimod.config import default_engine
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import adopt, engine_for_creation, many, unary
from unimod.numpy._options import device_on, dtype_name, dtype_of_scalar, optional_dtype, shape_of
from unimod.numpy.conversion import asarray, dtype_of

Shape = int | Sequence[int]
_HUGE = 2**62


def _target(dtype: object, device: object, backend: str | None) -> tuple[Engine, str, Any]:
    engine = default_engine(backend)
    return engine, "float32" if dtype is None else dtype_name(dtype), device_on(engine, device)


def zeros(shape: Shape, *, dtype: object = None, device: object = None, backend: str | None = None) -> Array:
    """All zeros, float32 unless ``dtype`` says otherwise.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.zeros((2, 1)).tolist()
        [[0.0], [0.0]]
    """
    engine, name, where = _target(dtype, device, backend)
    return engine.arrays.zeros(shape_of(shape), name, where)


def ones(shape: Shape, *, dtype: object = None, device: object = None, backend: str | None = None) -> Array:
    """All ones, float32 unless ``dtype`` says otherwise.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.ones(2, dtype="int32").tolist()
        [1, 1]
    """
    engine, name, where = _target(dtype, device, backend)
    return engine.arrays.ones(shape_of(shape), name, where)


def empty(shape: Shape, *, dtype: object = None, device: object = None, backend: str | None = None) -> Array:
    """An array whose values do not matter; they are zeros.

    Example:
        >>> import unimod.numpy as unp
        >>> tuple(unp.empty((2, 3)).shape)
        (2, 3)
    """
    return zeros(shape, dtype=dtype, device=device, backend=backend)


def full(
    shape: Shape, fill_value: Any, *, dtype: object = None, device: object = None, backend: str | None = None
) -> Array:
    """``fill_value`` everywhere; without a dtype, in that of the value. It may be an array that broadcasts.

    Raises:
        DTypeError: the dtype cannot hold the value.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.full((2,), 7).tolist()
        [7, 7]
    """
    engine = engine_for_creation(fill_value, backend)
    where = device_on(engine, device)
    if _is_number(fill_value):
        name = dtype_of_scalar(fill_value) if dtype is None else dtype_name(dtype)
        return engine.arrays.full(shape_of(shape), _fitting(fill_value, name, dtype), name, where)
    value = adopt(engine, fill_value)
    value = asarray(value, dtype=dtype_of(value) if dtype is None else dtype, device=where)
    return _spread(engine, value, shape_of(shape))


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float, complex)) and not isinstance(value, np.generic)


def _fitting(value: Any, name: str, dtype: object) -> Any:
    """The number for ``full``; where nobody chose the dtype, the error says how to choose one."""
    if dtype is None:
        _host.array(value)
        return value
    return _host.number(value, name)


def _spread(engine: Engine, value: Array, shape: tuple[int, ...]) -> Array:
    try:
        return engine.arrays.copy(engine.arrays.broadcast_to(value, shape))
    except Exception as error:
        raise explain.broadcast(error, value, shape)  # noqa: B904 (it carries its cause)


def _like(x: Array, value: Any, dtype: object, device: object) -> Array:
    engine, x = unary(x)
    name = engine.arrays.dtype_name(x) if dtype is None else dtype_name(dtype)
    value = _host.number(value, name)
    if device is None:
        return engine.arrays.full_like(x, value, name)
    return engine.arrays.full(tuple(x.shape), value, name, device_on(engine, device))


def zeros_like(x: Array, /, *, dtype: object = None, device: object = None) -> Array:
    """Zeros in the shape and on the device of ``x``; also in its dtype, unless the options say otherwise.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.zeros_like([1, 2]).tolist()
        [0, 0]
    """
    if device is None:
        engine, x = unary(x)
        return engine.arrays.zeros_like(x, optional_dtype(dtype))
    return _like(x, 0, dtype, device)


def ones_like(x: Array, /, *, dtype: object = None, device: object = None) -> Array:
    """Ones in the shape and on the device of ``x``; also in its dtype, unless the options say otherwise.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.ones_like([1, 2], dtype="float32").tolist()
        [1.0, 1.0]
    """
    if device is None:
        engine, x = unary(x)
        return engine.arrays.ones_like(x, optional_dtype(dtype))
    return _like(x, 1, dtype, device)


def empty_like(x: Array, /, *, dtype: object = None, device: object = None) -> Array:
    """An array like ``x`` whose values do not matter; they are zeros.

    Example:
        >>> import unimod.numpy as unp
        >>> tuple(unp.empty_like([1, 2]).shape)
        (2,)
    """
    return zeros_like(x, dtype=dtype, device=device)


def full_like(x: Array, /, fill_value: Any, *, dtype: object = None, device: object = None) -> Array:
    """``fill_value`` in the shape and on the device of ``x``; also in its dtype, unless the options say otherwise.

    Raises:
        DTypeError: the dtype cannot hold the value.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.full_like([1, 2], 7).tolist()
        [7, 7]
    """
    if _is_number(fill_value):
        return _like(x, fill_value, dtype, device)
    engine, x, value = many(x, fill_value)
    x = adopt(engine, x)
    value = asarray(value, dtype=dtype_of(x) if dtype is None else dtype, device=device)
    return _spread(engine, value, tuple(x.shape))


def eye(
    n_rows: int,
    n_cols: int | None = None,
    /,
    *,
    k: int = 0,
    dtype: object = None,
    device: object = None,
    backend: str | None = None,
) -> Array:
    """1 on the ``k``-th diagonal, else 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.eye(2, 3, k=1).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    values = np.eye(n_rows, n_cols, _near(k), dtype=np.bool_)
    return _of_bools(values, dtype, device, backend)


def identity(n: int, /, *, dtype: object = None, device: object = None, backend: str | None = None) -> Array:
    """The square matrix with 1 on the diagonal, else 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.identity(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype, device=device, backend=backend)


def tri(
    n_rows: int,
    n_cols: int | None = None,
    /,
    *,
    k: int = 0,
    dtype: object = None,
    device: object = None,
    backend: str | None = None,
) -> Array:
    """1 on the ``k``-th diagonal and below it, else 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.tri(2, 3).tolist()
        [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    """
    values = np.tri(n_rows, n_cols, _near(k), dtype=np.bool_)
    return _of_bools(values, dtype, device, backend)


def _near(k: int) -> int:
    return max(-_HUGE, min(_HUGE, k))


def _of_bools(values: Any, dtype: object, device: object, backend: str | None) -> Array:
    made = "float32" if dtype is None else dtype
    return asarray(values, dtype=made, device=device, backend=default_engine(backend).name)
