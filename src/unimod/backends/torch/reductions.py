"""PyTorch: reductions and products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends._protocol import Axis
from unimod.backends.torch._lift import FLOATS, NUMBERS, plainly
from unimod.backends.torch.dtypes import common_dtype, to_inexact

_SMALL = frozenset({torch.bool, torch.int8, torch.int16, torch.uint8, torch.uint16, torch.int32, torch.uint32})
_HALF = frozenset({torch.float16, torch.bfloat16})
Reduction = Callable[..., Tensor]


def _accumulator(x: Tensor) -> torch.dtype:
    return torch.int32 if x.dtype in _SMALL else x.dtype


def _accumulated(x: Tensor) -> Tensor:
    return x.to(_accumulator(x))


def sum(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum, of integers in int32."""
    return _accumulated(x).clone() if axis == () else torch.sum(x, axis, keepdims, dtype=_accumulator(x))


plainly(sum, torch.sum, FLOATS)


def prod(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The product, of integers in int32; torch itself takes one axis at a time."""
    axes, dtype = _axes(x, axis), _accumulator(x)
    inner = torch.float32 if dtype in _HALF else dtype
    found = x.to(inner)
    for one in axes:
        found = torch.prod(found, one, True, dtype=inner)
    return (found if keepdims or not axes else found.squeeze(axes)).to(dtype)


def _axes(x: Tensor, axis: Axis) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.dim()))
    return (axis,) if isinstance(axis, int) else axis


def _extreme(fn: Reduction, of_all: Reduction) -> Reduction:
    def op(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        if axis is None and not keepdims:
            return of_all(x)
        if axis == ():
            return x.clone()
        return fn(x, () if axis is None else axis, keepdims)

    return op


max = _extreme(torch.amax, torch.max)
min = _extreme(torch.amin, torch.min)


def _quantified(fn: Reduction) -> Reduction:
    def op(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        x = x if x.dtype is torch.bool else x.to(torch.bool)
        if axis is None and not keepdims:
            return fn(x)
        if axis == ():
            return x.clone()
        return fn(x, tuple(range(x.dim())) if axis is None else axis, keepdims)

    return op


any = _quantified(torch.any)
all = _quantified(torch.all)


def mean(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean, of integers in float32."""
    return to_inexact(x).clone() if axis == () else torch.mean(to_inexact(x), axis, keepdims)


plainly(mean, torch.mean, FLOATS)


def var(x: Tensor, axis: Axis = None, keepdims: bool = False, correction: float = 0.0) -> Tensor:
    """The two-pass variance."""
    x = x if x.dtype in FLOATS else to_inexact(x)
    if axis == ():
        return torch.zeros_like(x)
    return torch.var(x, axis, correction=correction, keepdim=keepdims)


def std(x: Tensor, axis: Axis = None, keepdims: bool = False, correction: float = 0.0) -> Tensor:
    """The standard deviation; the gradient is 0 where it is 0."""
    x = x if x.dtype in FLOATS else to_inexact(x)
    if axis == ():
        return torch.zeros_like(x)
    return torch.std(x, axis, correction=correction, keepdim=keepdims)


def logsumexp(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """``log(sum(exp(x)))`` without overflow."""
    x = x if x.dtype in FLOATS else to_inexact(x)
    if axis == ():
        return x.clone()
    axes = tuple(range(x.dim())) if axis is None else axis
    if x.dtype in _HALF:
        return torch.logsumexp(x.to(torch.float32), axes, keepdims).to(x.dtype)
    return torch.logsumexp(x, axes, keepdims)


def argmax(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The place of the first greatest element."""
    x = x if x.dtype in FLOATS else _numbers(x)
    return torch.argmax(x, axis, keepdims).to(torch.int32)


def argmin(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The place of the first smallest element."""
    x = x if x.dtype in FLOATS else _numbers(x)
    return torch.argmin(x, axis, keepdims).to(torch.int32)


def _numbers(x: Tensor) -> Tensor:
    return x.to(torch.uint8) if x.dtype is torch.bool else x


def cumsum(x: Tensor, axis: int) -> Tensor:
    """The running sum, of integers in int32."""
    if x.dtype in FLOATS:
        return torch.cumsum(x, axis)
    x = _accumulated(x)
    return torch.cumsum(x, axis, dtype=x.dtype)


def cumprod(x: Tensor, axis: int) -> Tensor:
    """The running product, of integers in int32."""
    if x.dtype in FLOATS:
        return torch.cumprod(x, axis)
    x = _accumulated(x)
    return torch.cumprod(x, axis, dtype=x.dtype)


def cummax(x: Tensor, axis: int) -> Tensor:
    """The running maximum."""
    return torch.cummax(x, axis)[0]


def cummin(x: Tensor, axis: int) -> Tensor:
    """The running minimum."""
    return torch.cummin(x, axis)[0]


def cumulative_logsumexp(x: Tensor, axis: int) -> Tensor:
    """The running ``logsumexp``; its gradient is nan where it is -inf."""
    if x.dtype in _HALF:
        return torch.logcumsumexp(x.to(torch.float32), axis).to(x.dtype)
    return torch.logcumsumexp(x, axis)


def _product(fn: Callable[..., Tensor], xs: Sequence[Tensor]) -> Tensor:
    first = xs[0].dtype
    for x in xs:
        if x.dtype is not first:
            first = common_dtype(*xs)
            xs = [x.to(first) for x in xs]
            break
    if first is torch.bool:
        return fn(*(x.to(torch.int32) for x in xs)).to(torch.bool)
    return fn(*xs)


def matmul(x: Tensor, y: Tensor) -> Tensor:
    """The matrix product; torch itself wants equal dtypes and no bools."""
    if x.dtype is y.dtype and x.dtype is not torch.bool:
        return torch.matmul(x, y)
    return _product(torch.matmul, (x, y))


plainly(matmul, torch.matmul, NUMBERS)


def einsum(subscripts: str, xs: Sequence[Tensor]) -> Tensor:
    """The sum of products that ``subscripts`` describe."""
    return _product(lambda *operands: _einsum(subscripts, *operands), xs)


def _einsum(subscripts: str, *xs: Tensor) -> Tensor:
    if xs[0].dtype in _SMALL:  # torch's sums on the way are of int64, which it does not multiply with less
        return torch.einsum(subscripts, *(x.to(torch.int64) for x in xs)).to(xs[0].dtype)
    return torch.einsum(subscripts, *xs)


def tensordot(x: Tensor, y: Tensor, axes: Any) -> Tensor:
    """The sum of products over pairs of axes."""
    return _product(lambda left, right: torch.tensordot(left, right, dims=axes), (x, y))
