"""Arrays of other data, on other devices, and back on the host."""

from __future__ import annotations

from typing import Any

import numpy as np

from unimod.backends import _registry
from unimod.backends._protocol import Array, Engine
from unimod.config import HOST, default_engine, describe_value, is_array
from unimod.dtypes import DType
from unimod.errors import DTypeError, OptionError
from unimod.numpy._dispatch import engine_for_creation, unary
from unimod.numpy._options import device_on, optional_dtype


def asarray(
    obj: Any,
    /,
    *,
    dtype: object = None,
    device: object = None,
    copy: bool | None = None,
    backend: str | None = None,
) -> Array:
    """An array of Python numbers, nested lists, host arrays, or another array.

    Data of the host (Python's and numpy's) go to the chosen engine, and become float32, int32 or complex64 where
    they would have 64 bits; an array of an engine stays there and keeps its dtype, unless the options say otherwise.

    Args:
        obj: the data.
        dtype: of the result; None: that of the data.
        device: of the result; None: that of the data, else the engine's default one.
        copy: True: always new memory; False: never, an error where the memory cannot be shared; None: where needed.
        backend: the engine; None: that of the data, else the chosen one.

    Raises:
        ShapeError: the rows of a nested list are not of one length.
        DTypeError: the data are no numbers, do not fit the dtype (nor, without one, int32), or the engine does not
            make the dtype.
        OptionError: ``copy=False``, and the memory cannot be shared.

    Example:
        >>> import unimod.numpy as unp
        >>> x = unp.asarray([[1.0, 2.0], [3.0, 4.0]])
        >>> tuple(x.shape), unp.dtype_of(x)
        ((2, 2), float32)

    Source: https://data-apis.org/array-api/2024.12/API_specification/generated/array_api.asarray.html
    """
    engine = engine_for_creation(obj, backend)
    where, name = device_on(engine, device), optional_dtype(dtype)
    owner = _registry.of_type(type(obj))
    given = obj
    if owner is not None and owner is not engine and owner.name != HOST:
        obj = given = _imported(engine, obj, copy)
    found = engine.arrays.asarray(obj, name, where)
    if copy is False and found is not given:
        raise _needs_copy("asarray", obj)
    return engine.arrays.copy(found) if copy and is_array(obj) and (found is given or engine.name == HOST) else found


def from_dlpack(x: Any, /, *, device: object = None, copy: bool | None = None, backend: str | None = None) -> Array:
    """An array of the chosen engine in the memory of any array that speaks DLPack, the dtype kept.

    Args:
        x: an array with a method ``__dlpack__``.
        device: of the result; None: that of ``x``.
        copy: True: always new memory; False: never, an error where the memory cannot be shared; None: where needed.
        backend: the engine; None: the chosen one.

    Raises:
        DTypeError: ``x`` does not speak DLPack, or the engine does not make its dtype.
        OptionError: ``copy=False``, and the memory cannot be shared.

    Example:
        >>> import numpy as np, unimod.numpy as unp
        >>> unp.from_dlpack(np.arange(3, dtype="int32")).tolist()
        [0, 1, 2]

    Source: https://data-apis.org/array-api/2024.12/API_specification/generated/array_api.from_dlpack.html
    """
    if not hasattr(x, "__dlpack__"):
        raise DTypeError("from_dlpack needs an array that speaks DLPack.", got=f"{type(x).__name__}: {x!r:.80}")
    engine = default_engine(backend)
    found = _imported(engine, x, copy)
    if device is None:
        return found
    moved = to_device(found, device)
    if copy is False and moved is not found:
        raise _needs_copy("from_dlpack", x)
    return moved


def _imported(engine: Engine, x: Any, copy: bool | None) -> Array:
    """Another framework's array as one of ``engine``."""
    try:
        found = engine.arrays.from_foreign(x, None, copy is False)
    except DTypeError:
        raise
    except Exception as error:
        raise _needs_copy("from_dlpack", x) if copy is False else error from error
    return engine.arrays.copy(found) if copy else found


def _needs_copy(name: str, x: Any) -> OptionError:
    return OptionError(
        f"{name} would have to copy.",
        got=f"copy=False for {describe_value(x):.80}",
        expected="an array of this engine, of the dtype and on the device that are asked for",
        fix="leave copy=False out",
    )


def to_device(x: Array, device: object, /) -> Array:
    """``x`` on another device of its engine: ``x`` itself where it is there already.

    Args:
        x: an array.
        device: a name such as ``"cpu"`` or ``"gpu:1"``, or a device of the engine's framework.

    Raises:
        CapabilityError: the engine has no such device; the text lists those that it has.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.to_device(unp.ones(2), "cpu").tolist()
        [1.0, 1.0]
    """
    engine, x = unary(x)
    return engine.arrays.asarray(x, engine.arrays.dtype_name(x), device_on(engine, device))


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
