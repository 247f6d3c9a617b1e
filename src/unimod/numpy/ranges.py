"""Evenly spaced numbers. They are computed on the host in float64, so that every engine gets the same ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from unimod.backends import _host
from unimod.backends._promotion import is_int
from unimod.backends._protocol import Array
from unimod.config import default_engine, is_array
from unimod.dtypes import DType
from unimod.errors import OptionError
from unimod.numpy._dispatch import many
from unimod.numpy._options import device_of, device_on, dtype_name
from unimod.numpy.arithmetic import add, multiply, subtract
from unimod.numpy.conversion import asarray
from unimod.numpy.data_types import result_type
from unimod.numpy.manipulation import astype, broadcast_arrays


def arange(
    start: float,
    /,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: object = None,
    device: object = None,
    backend: str | None = None,
) -> Array:
    """``start, start + step, ...`` before ``stop``; of one argument, ``0, 1, ...`` before it.

    Of integers int32, else float32, unless ``dtype`` says otherwise.

    Raises:
        OptionError: the step is 0.
        DTypeError: the dtype cannot hold the values.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.arange(3).tolist(), unp.arange(0.0, 1.0, 0.25).tolist()
        ([0, 1, 2], [0.0, 0.25, 0.5, 0.75])
    """
    engine = default_engine(backend)
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise OptionError("arange needs a step other than 0.", got=f"arange({start}, {stop}, {step})")
    is_whole = all(isinstance(one, (int, np.integer)) or is_int(one) for one in (start, stop, step))
    name = ("int32" if is_whole else "float32") if dtype is None else dtype_name(dtype)
    _check_ends(start, stop, step, name)
    return engine.arrays.arange(start, stop, step, name, device_on(engine, device))


def _check_ends(start: Any, stop: Any, step: Any, name: str) -> None:
    is_open = any(is_int(one) and not isinstance(one, int) for one in (start, stop, step))  # a size, which fits
    count = _host.count(start, stop, step) if DType(name).kind in ("int", "uint") and not is_open else 0
    for place in {0, count - 1} if count else ():
        _host.number(start + place * step, name)


def linspace(
    start: Any,
    stop: Any,
    /,
    num: int,
    *,
    dtype: object = None,
    device: object = None,
    endpoint: bool = True,
    backend: str | None = None,
) -> Array:
    """``num`` evenly spaced values from ``start`` to ``stop``, along a new first axis where these are arrays.

    ``start + (stop - start) * i / (num - 1)`` for ``i`` from 0 to ``num - 1``; ``/ num`` without the end point.
    float32 (complex64 of complex numbers) unless ``dtype`` says otherwise; integers are rounded down.

    Raises:
        OptionError: ``num`` is negative.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linspace(0, 1, 5).tolist(), unp.linspace(0, 1, 4, endpoint=False).tolist()
        ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 0.25, 0.5, 0.75])
    """
    if num < 0:
        raise OptionError("linspace makes no negative number of values.", got=f"num={num}")
    if is_array(start) or is_array(stop):
        return _between(start, stop, num, dtype, endpoint)
    return _on_host(np.linspace(start, stop, num, endpoint=endpoint), dtype, device, backend)


def _on_host(values: Any, dtype: object, device: object, backend: str | None) -> Array:
    name = ("complex64" if values.dtype.kind == "c" else "float32") if dtype is None else dtype_name(dtype)
    values = np.floor(values) if DType(name).kind in ("int", "uint") else values
    return asarray(values, dtype=name, device=device, backend=default_engine(backend).name)


def _between(start: Any, stop: Any, num: int, dtype: object, endpoint: bool) -> Array:
    name = result_type(start, stop, 1.0)
    engine, start, stop = many(start, stop)
    start, stop = broadcast_arrays(start, stop)
    parts = np.linspace(0.0, 1.0, num, endpoint=endpoint).reshape(num, *(1,) * len(start.shape))
    weights = engine.arrays.asarray(parts, name, device_of(engine, start))
    found = add(multiply(start, subtract(1.0, weights)), multiply(stop, weights))
    return astype(found, name if dtype is None else dtype)


def logspace(
    start: float,
    stop: float,
    /,
    num: int,
    *,
    base: float = 10.0,
    dtype: object = None,
    device: object = None,
    endpoint: bool = True,
    backend: str | None = None,
) -> Array:
    """``base`` to the power of ``num`` evenly spaced exponents from ``start`` to ``stop``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.logspace(0, 2, 3).tolist()
        [1.0, 10.0, 100.0]
    """
    return _on_host(np.logspace(start, stop, num, endpoint=endpoint, base=base), dtype, device, backend)


def geomspace(
    start: float,
    stop: float,
    /,
    num: int,
    *,
    dtype: object = None,
    device: object = None,
    endpoint: bool = True,
    backend: str | None = None,
) -> Array:
    """``num`` values from ``start`` to ``stop``, each the same factor times the one before it.

    Raises:
        OptionError: one of the ends is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.geomspace(1, 8, 4).tolist()
        [1.0, 2.0, 4.0, 8.0]
    """
    if start == 0 or stop == 0:
        raise OptionError("geomspace has no factor from or to 0.", got=f"geomspace({start}, {stop}, {num})")
    return _on_host(np.geomspace(start, stop, num, endpoint=endpoint), dtype, device, backend)
