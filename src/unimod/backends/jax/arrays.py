"""JAX: creation, inspection and movement of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from unimod.backends import _host
from unimod.backends._promotion import WEAK, drops_imaginary, imaginary, promote_scalar
from unimod.backends._protocol import Axis, Shape
from unimod.backends.jax.dtypes import native, settle
from unimod.backends.jax.indexing import (
    dynamic_slice,
    dynamic_update_slice,
    one_hot,
    scatter,
    set_slices,
    take,
    take_along_axis,
)
from unimod.backends.jax.ordering import argsort, flatnonzero, searchsorted, sort, top_k

__all__ = [
    "arange", "argsort", "asarray", "astype", "broadcast_to", "concat", "copy", "device_name", "devices",
    "dtype_name", "dynamic_slice", "dynamic_update_slice", "expand_dims", "flatnonzero", "flip", "from_foreign",
    "full", "full_like", "is_concrete", "moveaxis", "one_hot", "ones", "ones_like", "pad", "permute_dims", "reshape",
    "scatter", "searchsorted", "set_slices", "sort", "squeeze", "stack", "take", "take_along_axis", "to_numpy",
    "top_k", "tril", "triu", "where", "zeros", "zeros_like",
]  # fmt: skip


def asarray(obj: Any, dtype: str | None = None, device: str | None = None) -> Any:
    """An array of ``obj``; data of the host are copied, and are of 32 bits unless ``dtype`` says otherwise."""
    if dtype is not None:
        native(dtype)
    if isinstance(obj, (jax.Array, jax.core.Tracer)):
        x = obj if dtype is None else astype(obj, dtype)
    elif isinstance(obj, (list, tuple)) and _holds_arrays(obj):
        x = stack([asarray(one, dtype) for one in obj], 0)
    else:
        x = jnp.array(_host.array(obj, dtype))
    return _moved(x, device)


def _holds_arrays(values: Any) -> bool:
    kinds = (jax.Array, jax.core.Tracer)
    return any(_holds_arrays(v) if isinstance(v, (list, tuple)) else isinstance(v, kinds) for v in values)


def devices() -> list[tuple[str, Any]]:
    """The devices that can be used, the default first: their names, and what JAX has for them."""
    found = jax.local_devices()
    if found[0].platform != "cpu":
        found = [*found, *jax.local_devices(backend="cpu")]
    return [(_name_of(device), device) for device in found]


def _device(device: Any) -> Any:
    if not isinstance(device, str):
        return device
    platform, _, number = device.partition(":")
    return jax.devices(platform)[int(number or 0)]


def _moved(x: Any, device: Any) -> Any:
    target = _device(device)
    if target is None or (isinstance(x, jax.Array) and is_concrete(x) and x.devices() == {target}):
        return x
    return jax.device_put(x, target)


def to_numpy(x: Any) -> Any:
    """The values on the host, read-only and without a copy where the memory is there already."""
    return np.asarray(x)


def from_foreign(x: Any, device: str | None = None, must_share: bool = False) -> Any:
    """Another framework's array, over DLPack without a copy where that works; the dtype is kept.

    Raises:
        DTypeError: it has 64 bits, and JAX has not been told to allow them.
    """
    if isinstance(x, (jax.Array, jax.core.Tracer)):
        return _moved(x, device)
    native(str(x.dtype).removeprefix("torch."))
    if must_share:
        return _moved(_shared(x), device)
    if not isinstance(x, (np.ndarray, np.generic)):
        try:
            return _moved(_shared(x), device)
        except (TypeError, ValueError, RuntimeError, BufferError, NotImplementedError, AttributeError):
            x = _host.from_any(x)
    return _moved(jnp.array(x), device)


def _shared(x: Any) -> Any:
    """An array in the memory of another framework's array; what JAX raises says why it cannot be."""
    return jnp.from_dlpack(_detached(x), copy=False)


def _detached(x: Any) -> Any:
    detach = getattr(x, "detach", None)  # an array that records gradients refuses to be exported
    return x if detach is None else detach()


def dtype_name(x: Any) -> str:
    """The name of the dtype."""
    return str(x.dtype.name)


def device_name(x: Any) -> str:
    """The device, such as ``cpu`` or ``gpu:0``; that of a tracer is the default one."""
    if isinstance(x, jax.core.Tracer):
        return jax.default_backend()
    names = sorted(_name_of(device) for device in x.devices())
    return ",".join(names)


def _name_of(device: Any) -> str:
    return "cpu" if device.platform == "cpu" and device.id == 0 else f"{device.platform}:{device.id}"


def is_concrete(x: Any) -> bool:
    """Whether ``x`` holds values now and is not a tracer."""
    return not isinstance(x, jax.core.Tracer)


def copy(x: Any) -> Any:
    """An array with the same values in memory of its own."""
    return jnp.array(x, copy=True)


def zeros(shape: Shape, dtype: str, device: str | None = None) -> Any:
    """All zeros."""
    return jnp.zeros(shape, native(dtype), device=_device(device))


def ones(shape: Shape, dtype: str, device: str | None = None) -> Any:
    """All ones."""
    return jnp.ones(shape, native(dtype), device=_device(device))


def full(shape: Shape, value: Any, dtype: str, device: str | None = None) -> Any:
    """One value everywhere."""
    return jnp.full(shape, value, native(dtype), device=_device(device))


def arange(start: Any, stop: Any, step: Any, dtype: str, device: str | None = None) -> Any:
    """``start, start + step, ...`` below ``stop``."""
    target = native(dtype)
    if target.kind in "iu" and isinstance(start, int) and isinstance(stop, int) and isinstance(step, int):
        return jnp.arange(start, stop, step, target, device=_device(device))
    return _moved(jnp.array(_host.arange(start, stop, step, dtype)), device)


def zeros_like(x: Any, dtype: str | None = None) -> Any:
    """Zeros of the shape of ``x``."""
    return jnp.zeros_like(x, x.dtype if dtype is None else native(dtype))


def ones_like(x: Any, dtype: str | None = None) -> Any:
    """Ones of the shape of ``x``."""
    return jnp.ones_like(x, x.dtype if dtype is None else native(dtype))


def full_like(x: Any, value: Any, dtype: str | None = None) -> Any:
    """One value in the shape of ``x``."""
    return jnp.full_like(x, value, x.dtype if dtype is None else native(dtype))


def astype(x: Any, dtype: str) -> Any:
    """``x`` in another dtype; ``x`` itself when it has that one."""
    target = native(dtype)
    if x.dtype == target:
        return x.astype(target) if x.weak_type else x
    if x.dtype.kind == "c" and drops_imaginary(x.dtype.name, dtype):
        raise imaginary(dtype)
    return x.astype(target)


reshape = jnp.reshape
permute_dims = jnp.permute_dims
moveaxis = jnp.moveaxis
expand_dims = jnp.expand_dims
squeeze = jnp.squeeze
broadcast_to = jnp.broadcast_to
tril = jnp.tril
triu = jnp.triu


def concat(xs: Sequence[Any], axis: int) -> Any:
    """Joined along an axis that exists."""
    return jnp.concat(_own(xs), axis=axis)


def stack(xs: Sequence[Any], axis: int) -> Any:
    """Joined along a new axis."""
    return jnp.stack(_own(xs), axis=axis)


def _own(xs: Sequence[Any]) -> list[Any]:
    if all(isinstance(x, (jax.Array, jax.core.Tracer)) for x in xs):
        return list(xs)
    raise TypeError("arrays of other frameworks, which JAX would take in without a word")


def flip(x: Any, axis: Axis) -> Any:
    """The order along the axes reversed; None is all axes."""
    return jnp.flip(x, axis)


def pad(x: Any, widths: tuple[tuple[int, int], ...], value: float = 0.0) -> Any:
    """``value`` put before and after each axis."""
    return jnp.pad(x, widths, constant_values=jnp.asarray(value, x.dtype))


def where(condition: Any, x: Any, y: Any) -> Any:
    """``x`` where the condition holds, else ``y``."""
    if type(x) in WEAK and type(y) in WEAK:
        x = jnp.asarray(x, promote_scalar(promote_scalar("bool", type(x)), type(y)))
    return jnp.where(condition, *settle(x, y))
