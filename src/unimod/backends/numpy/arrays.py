"""NumPy: creation, inspection and movement of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unimod.backends import _host
from unimod.backends._promotion import drops_imaginary, imaginary
from unimod.backends._protocol import Axis, Shape
from unimod.backends.numpy.dtypes import cast, common, own
from unimod.backends.numpy.indexing import one_hot, scatter, set_slices, take, take_along_axis
from unimod.backends.numpy.ordering import argsort, flatnonzero, searchsorted, sort

__all__ = [
    "arange", "argsort", "asarray", "astype", "broadcast_to", "concat", "copy", "device_name", "devices",
    "dtype_name", "expand_dims", "flatnonzero", "flip", "from_foreign", "full", "full_like", "is_concrete",
    "moveaxis", "one_hot", "ones", "ones_like", "pad", "permute_dims", "reshape", "scatter", "searchsorted",
    "set_slices", "sort", "squeeze", "stack", "take", "take_along_axis", "to_numpy", "tril", "triu", "view", "where",
    "zeros", "zeros_like",
]  # fmt: skip


def asarray(obj: Any, dtype: str | None = None, device: str | None = None) -> Any:
    """An array of ``obj``, of at most 32 bits unless ``dtype`` says otherwise: float64 is kept only by arithmetic."""
    if isinstance(obj, (list, tuple)) and _holds_arrays(obj):
        x = stack([asarray(one, dtype) for one in obj], 0)
        return x if dtype is None else astype(x, dtype)
    return _host.array(obj, dtype)


def _holds_arrays(values: Any) -> bool:
    return any(_holds_arrays(v) if isinstance(v, (list, tuple)) else isinstance(v, np.ndarray) for v in values)


def to_numpy(x: Any) -> Any:
    """``x`` itself."""
    return x


def devices() -> list[tuple[str, Any]]:
    """The one device; its name is what numpy has for it."""
    return [("cpu", "cpu")]


def from_foreign(x: Any, device: str | None = None, must_share: bool = False) -> Any:
    """Another framework's array on the host; the dtype is kept."""
    return np.from_dlpack(x, copy=False) if must_share else _host.from_any(x)


def dtype_name(x: Any) -> str:
    """The name of the dtype."""
    return str(x.dtype.name)


def device_name(x: Any) -> str:
    """The one device."""
    return "cpu"


def is_concrete(x: Any) -> bool:
    """Arrays of numpy always hold values."""
    return True


def copy(x: Any) -> Any:
    """An array with the same values in memory of its own."""
    return np.array(x, copy=True)


def zeros(shape: Shape, dtype: str, device: str | None = None) -> Any:
    """All zeros."""
    return np.zeros(shape, _host.dtype(dtype))


def ones(shape: Shape, dtype: str, device: str | None = None) -> Any:
    """All ones."""
    return np.ones(shape, _host.dtype(dtype))


def full(shape: Shape, value: Any, dtype: str, device: str | None = None) -> Any:
    """One value everywhere."""
    return np.full(shape, value, _host.dtype(dtype))


def arange(start: Any, stop: Any, step: Any, dtype: str, device: str | None = None) -> Any:
    """``start, start + step, ...`` below ``stop``."""
    return _host.arange(start, stop, step, dtype)


def zeros_like(x: Any, dtype: str | None = None) -> Any:
    """Zeros of the shape of ``x``."""
    return zeros(x.shape, x.dtype.name if dtype is None else dtype)


def ones_like(x: Any, dtype: str | None = None) -> Any:
    """Ones of the shape of ``x``."""
    return ones(x.shape, x.dtype.name if dtype is None else dtype)


def full_like(x: Any, value: Any, dtype: str | None = None) -> Any:
    """One value in the shape of ``x``."""
    return full(x.shape, value, x.dtype.name if dtype is None else dtype)


def astype(x: Any, dtype: str) -> Any:
    """``x`` in another dtype; ``x`` itself when it has that one."""
    if x.dtype.kind == "c" and drops_imaginary(x.dtype.name, dtype):
        raise imaginary(dtype)
    with np.errstate(all="ignore"):
        return x.astype(_host.dtype(dtype), copy=False)


def view(x: Any, shape: Shape) -> Any:
    """The same memory in another shape; what numpy raises says that it cannot be."""
    return np.reshape(x, shape, copy=False)


reshape = np.reshape
permute_dims = np.permute_dims
moveaxis = np.moveaxis
expand_dims = np.expand_dims
squeeze = np.squeeze
broadcast_to = np.broadcast_to
tril = np.tril
triu = np.triu


def concat(xs: Sequence[Any], axis: int) -> Any:
    """Joined along an axis that exists."""
    name = common(*own(xs))
    return np.concatenate([cast(x, name) for x in xs], axis)


def stack(xs: Sequence[Any], axis: int) -> Any:
    """Joined along a new axis."""
    name = common(*own(xs))
    return np.stack([cast(x, name) for x in xs], axis)


def flip(x: Any, axis: Axis) -> Any:
    """The order along the axes reversed; None is all axes."""
    return np.flip(x, axis)


def pad(x: Any, widths: tuple[tuple[int, int], ...], value: float = 0.0) -> Any:
    """``value`` put before and after each axis."""
    return np.pad(x, widths, constant_values=np.asarray(value).astype(x.dtype))


def where(condition: Any, x: Any, y: Any) -> Any:
    """``x`` where the condition holds, else ``y``."""
    name = common(x, y)
    return np.where(condition, cast(x, name), cast(y, name))
