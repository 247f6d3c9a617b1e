"""PyTorch: sorting, and finding places. nan counts as the greatest, equal elements keep their order."""

from __future__ import annotations

import torch
from torch import Tensor

from unimod.backends.torch import _private

_KEYED = frozenset(
    {torch.float16, torch.bfloat16, torch.float32, torch.int8, torch.int16, torch.int32, torch.uint8, torch.bool}
)
_LAST = 2**31 - 1


def sort(x: Tensor, axis: int, descending: bool) -> Tensor:
    """Sorted along an axis."""
    return torch.sort(x, dim=axis, descending=descending, stable=True)[0]


def argsort(x: Tensor, axis: int, descending: bool) -> Tensor:
    """The order that sorts along an axis; equal elements keep theirs."""
    return torch.argsort(x, dim=axis, descending=descending, stable=True).to(torch.int32)


def top_k(x: Tensor, k: int, axis: int) -> tuple[Tensor, Tensor]:
    """The ``k`` greatest and their places, of equal ones the first.

    The choice of torch's own topk among equal elements is arbitrary: it is given numbers that are all different.
    """
    if x.dtype in _KEYED:
        places = torch.topk(_distinct(x.detach(), axis), k, axis)[1]
    else:
        places = torch.argsort(x.detach(), dim=axis, descending=True, stable=True).narrow(axis, 0, k)
    return torch.take_along_dim(x, places, axis), places.to(torch.int32)


def _distinct(x: Tensor, axis: int) -> Tensor:
    """64-bit integers in the order of ``x``, in which of equal elements the first is the greatest."""
    size = x.shape[axis]
    places = torch.arange(size - 1, -1, -1, dtype=torch.int64, device=x.device)
    shape = [1] * x.dim()
    shape[axis] = size
    return _ordered(x).to(torch.int64) * 2**32 + places.reshape(shape)


def _ordered(x: Tensor) -> Tensor:
    """32-bit integers in the order of ``x``: the bits of floats, those of negative ones turned around."""
    if not x.dtype.is_floating_point:
        return x.to(torch.int32)
    x = torch.where(x == 0, 0, x.to(torch.float32))
    bits = x.view(torch.int32)
    return torch.where(torch.isnan(x), _LAST, torch.where(bits < 0, bits ^ _LAST, bits))


def searchsorted(x: Tensor, values: Tensor, side: str) -> Tensor:
    """The places in the sorted ``x`` before which ``values`` belong; both are of one dtype.

    torch itself goes astray among nan.
    """
    if x.dtype is torch.bool:
        x, values = x.to(torch.uint8), values.to(torch.uint8)
    if not x.dtype.is_floating_point:
        return _searched(x, values, side)
    is_nan = torch.isnan(x)
    numbers = torch.sum(~is_nan, dtype=torch.int32)
    found = torch.minimum(_searched(torch.where(is_nan, torch.inf, x), values, side), numbers)
    return torch.where(torch.isnan(values), numbers if side == "left" else x.shape[0], found)


def _searched(x: Tensor, values: Tensor, side: str) -> Tensor:
    # torch warns of what is not contiguous, also of what vmap itself has spread over the examples
    values = values + x[:0].sum(dtype=x.dtype) if _private.in_functorch() else values
    return torch.searchsorted(x.contiguous(), values.contiguous(), side=side, out_int32=True)


def flatnonzero(mask: Tensor) -> Tensor:
    """The places at which a mask of one axis is True; its values have to be known."""
    return torch.nonzero(mask).squeeze(1).to(torch.int32)
