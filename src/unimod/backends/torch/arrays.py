"""PyTorch: creation, inspection and movement of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor as _is_wrapped  # private, torch 2.0 to 2.13, no public test
from torch._subclasses.fake_tensor import FakeTensor  # private, torch 2.1 to 2.13

from unimod.backends import _host
from unimod.backends._promotion import drops_imaginary, imaginary, promote_scalar
from unimod.backends._protocol import Axis, Shape
from unimod.backends.torch import _private
from unimod.backends.torch._lift import plainly
from unimod.backends.torch.dtypes import (
    DTYPES,
    OPEN_NUMBERS,
    SCALARS,
    WIDE_UNSIGNED,
    common_dtype,
    moved,
    name_of,
    native,
    settle_scalar,
    tensors,
)
from unimod.backends.torch.indexing import (
    dynamic_slice,
    dynamic_update_slice,
    one_hot,
    scatter,
    set_slices,
    take,
    take_along_axis,
)
from unimod.backends.torch.ordering import argsort, flatnonzero, searchsorted, sort, top_k

__all__ = [
    "arange", "argsort", "asarray", "astype", "broadcast_to", "concat", "copy", "device_name", "devices",
    "dtype_name", "dynamic_slice", "dynamic_update_slice", "expand_dims", "flatnonzero", "flip", "from_foreign",
    "full", "full_like", "is_concrete", "moveaxis", "one_hot", "ones", "ones_like", "pad", "permute_dims", "reshape",
    "scatter", "searchsorted", "set_slices", "sort", "squeeze", "stack", "take", "take_along_axis", "to_numpy",
    "top_k", "tril", "triu", "view", "where", "zeros", "zeros_like",
]  # fmt: skip


def asarray(obj: Any, dtype: str | None = None, device: str | None = None) -> Tensor:
    """A tensor of ``obj``; data of the host are copied, and are of 32 bits unless ``dtype`` says otherwise."""
    if isinstance(obj, Tensor):
        x = obj
    elif type(obj) in OPEN_NUMBERS:
        x = torch.full((), obj, dtype=native(promote_scalar("bool", type(obj))))
    elif isinstance(obj, (list, tuple)) and _holds_tensors(obj):
        x = stack([asarray(one, dtype, device) for one in obj], 0)
    else:
        x = _from_host(_host.array(obj, dtype))
    return _moved(x if dtype is None else astype(x, dtype), device)


def _holds_tensors(values: Any) -> bool:
    return any(_holds_tensors(v) if isinstance(v, (list, tuple)) else isinstance(v, Tensor) for v in values)


def _from_host(x: Any) -> Tensor:
    x = x if all(step >= 0 for step in x.strides) else x.copy()  # a tensor has no negative strides
    if x.dtype.name == "bfloat16" or x.dtype.name.startswith("float8"):
        bits = x.view(np.int16 if x.dtype.itemsize == 2 else np.uint8)
        return torch.tensor(bits).view(native(x.dtype.name))
    return torch.tensor(x)


def devices() -> list[tuple[str, Any]]:
    """The devices that can be used, the default first: their names, and what torch has for them."""
    names = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    names += ["mps:0"] if torch.backends.mps.is_available() else []
    return [(name, torch.device(name)) for name in names]


def _device(device: Any) -> Any:
    return device.replace("gpu", "cuda") if isinstance(device, str) else device


def _moved(x: Tensor, device: Any) -> Tensor:
    return x if device is None else x.to(_device(device))


def to_numpy(x: Tensor) -> Any:
    """The values on the host, without a copy where the memory is there already."""
    if is_concrete(x) and _private.is_transforming():
        with _private.untransformed():
            return _on_host(x)
    return _on_host(x)


def _on_host(x: Tensor) -> Any:
    x = x.detach().cpu().resolve_conj().resolve_neg()
    name = name_of(x.dtype)
    if name == "bfloat16" or name.startswith("float8"):
        bits = torch.int16 if x.element_size() == 2 else torch.uint8
        return x.view(bits).numpy().view(_host.dtype(name))
    return x.numpy()


def from_foreign(x: Any, device: str | None = None, must_share: bool = False) -> Tensor:
    """Another framework's array, over DLPack without a copy where that works; the dtype is kept."""
    if isinstance(x, Tensor):
        return _moved(x, device)
    if must_share:
        return _moved(_shared(x), device)
    if not isinstance(x, (np.ndarray, np.generic)):
        try:
            return _moved(_shared(x), device)
        except (TypeError, ValueError, RuntimeError, BufferError, NotImplementedError, AttributeError):
            x = _host.from_any(x)
    return _moved(_from_host(np.asarray(x)), device)


def _shared(x: Any) -> Tensor:
    """A tensor in the memory of another framework's array; what torch raises says why it cannot be."""
    return torch.from_numpy(x) if isinstance(x, np.ndarray) else torch.utils.dlpack.from_dlpack(x)


def dtype_name(x: Tensor) -> str:
    """The name of the dtype."""
    return name_of(x.dtype)


def device_name(x: Tensor) -> str:
    """The device, such as ``cpu`` or ``cuda:0``."""
    return str(x.device)


def is_concrete(x: Tensor) -> bool:
    """Whether ``x`` holds values now: no fake tensor, and not one that a transform of torch.func has wrapped."""
    return not (isinstance(x, FakeTensor) or x.is_meta or _is_wrapped(x))


def copy(x: Tensor) -> Tensor:
    """A tensor with the same values in memory of its own."""
    return torch.clone(x)


def zeros(shape: Shape, dtype: str, device: str | None = None) -> Tensor:
    """All zeros."""
    return torch.zeros(shape, dtype=native(dtype), device=_device(device))


def ones(shape: Shape, dtype: str, device: str | None = None) -> Tensor:
    """All ones."""
    return torch.ones(shape, dtype=native(dtype), device=_device(device))


def full(shape: Shape, value: Any, dtype: str, device: str | None = None) -> Tensor:
    """One value everywhere; the value may be a tensor."""
    if isinstance(value, Tensor):
        return _moved(value.to(native(dtype)), device).expand(shape).clone()
    return torch.full(shape, value, dtype=native(dtype), device=_device(device))


def arange(start: Any, stop: Any, step: Any, dtype: str, device: str | None = None) -> Tensor:
    """``start, start + step, ...`` below ``stop``."""
    if all(isinstance(x, int | torch.SymInt) for x in (start, stop, step)) and dtype in ("int32", "int64"):
        count = max(0, -((start - stop) // step))
        return torch.arange(start, start + count * step, step, dtype=native(dtype), device=_device(device))
    return _moved(_from_host(_host.arange(start, stop, step, dtype)), device)


def zeros_like(x: Tensor, dtype: str | None = None) -> Tensor:
    """Zeros of the shape of ``x``."""
    return torch.zeros_like(x, dtype=None if dtype is None else native(dtype))


def ones_like(x: Tensor, dtype: str | None = None) -> Tensor:
    """Ones of the shape of ``x``."""
    return torch.ones_like(x, dtype=None if dtype is None else native(dtype))


def full_like(x: Tensor, value: Any, dtype: str | None = None) -> Tensor:
    """One value in the shape of ``x``."""
    target = x.dtype if dtype is None else native(dtype)
    if isinstance(value, Tensor):
        return value.to(dtype=target, device=x.device).expand(x.shape).clone()
    return torch.full_like(x, value, dtype=target)


def astype(x: Tensor, dtype: str) -> Tensor:
    """``x`` in another dtype; ``x`` itself when it has that one."""
    target = native(dtype)
    if x.dtype is target:
        return x
    if x.dtype.is_complex and drops_imaginary(name_of(x.dtype), dtype):
        raise imaginary(dtype)
    return x.to(target)


reshape = torch.reshape
view = Tensor.view
permute_dims = torch.permute
moveaxis = torch.movedim
expand_dims = torch.unsqueeze


def squeeze(x: Tensor, axis: int | tuple[int, ...]) -> Tensor:
    """Remove axes of length 1."""
    return torch.squeeze(x, axis)


broadcast_to = torch.broadcast_to


def tril(x: Tensor, k: int) -> Tensor:
    """The lower triangle, zeros elsewhere."""
    return moved(lambda x: torch.tril(x, k), x)


def triu(x: Tensor, k: int) -> Tensor:
    """The upper triangle, zeros elsewhere."""
    return moved(lambda x: torch.triu(x, k), x)


def concat(xs: Sequence[Tensor], axis: int) -> Tensor:
    """Joined along an axis that exists; torch promotes dtypes as the lattice does, where it knows them all."""
    if len(set(map(_rank, xs))) > 1:  # torch would skip an empty tensor of one axis
        raise ValueError("ranks differ")
    try:
        return _cat(xs, axis)
    except RuntimeError:
        return _cat(_alike(xs), axis)


_rank = Tensor.dim
_cat: Callable[..., Tensor] = torch.cat
_stack: Callable[..., Tensor] = torch.stack


def stack(xs: Sequence[Tensor], axis: int) -> Tensor:
    """Joined along a new axis."""
    try:
        return _stack(xs, axis)
    except RuntimeError:
        return _stack(_alike(xs), axis)


def _alike(xs: Sequence[Tensor]) -> list[Tensor]:
    common = common_dtype(*xs)
    return [x.to(common) for x in xs]


def flip(x: Tensor, axis: Axis) -> Tensor:
    """The order along the axes reversed; None is all axes."""
    axes = (axis,) if isinstance(axis, int) else tuple(range(x.dim())) if axis is None else axis
    return moved(lambda x: torch.flip(x, axes), x)


def pad(x: Tensor, widths: tuple[tuple[int, int], ...], value: float = 0.0) -> Tensor:
    """``value`` put before and after each axis."""
    flat = [width for pair in reversed(widths) for width in pair]
    if x.is_complex():
        parts = torch.view_as_real(x.resolve_conj())
        inner = [torch.nn.functional.pad(parts[..., i], flat, value=part) for i, part in enumerate(_parts(value))]
        return torch.complex(inner[0], inner[1])
    return torch.nn.functional.pad(x, flat, value=value)


def _parts(value: complex) -> tuple[float, float]:
    return complex(value).real, complex(value).imag


def where(condition: Tensor, x: Any, y: Any) -> Tensor:
    """``x`` where the condition holds, else ``y``."""
    if condition.dtype is not torch.bool:
        condition = condition.to(torch.bool)
    if type(y) in SCALARS and isinstance(x, Tensor) and x.dtype not in WIDE_UNSIGNED:
        return torch.where(condition, *settle_scalar(x, y))
    if not (isinstance(x, Tensor) and isinstance(y, Tensor) and x.dtype is y.dtype):
        x, y = (one.to(condition.device) for one in tensors(x, y))
    if x.dtype not in WIDE_UNSIGNED:
        return torch.where(condition, x, y)
    return moved(lambda x, y: torch.where(condition, x, y), x, y)


plainly(where, torch.where, DTYPES - WIDE_UNSIGNED)
