"""PyTorch: elementwise functions; reductions and products stand in their own file.

The functions of torch, with the dtypes of a result, and gradients at ties and kinks, as on the other engines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch.dtypes import settle, tensors, to_inexact
from unimod.backends.torch.reductions import (
    all,
    any,
    argmax,
    argmin,
    cummax,
    cummin,
    cumprod,
    cumsum,
    cumulative_logsumexp,
    einsum,
    logsumexp,
    matmul,
    max,
    mean,
    min,
    prod,
    std,
    sum,
    tensordot,
    var,
)

__all__ = [
    "all", "any", "argmax", "argmin", "cummax", "cummin", "cumprod", "cumsum", "cumulative_logsumexp",
    "einsum", "logsumexp", "matmul", "max", "mean", "min",
    "prod", "std", "sum", "tensordot", "var",
]  # fmt: skip

Op = Callable[..., Tensor]
_BOOL = torch.bool
_FLOATS = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})


def _fractional(fn: Op) -> Op:
    def op(x: Tensor) -> Tensor:
        return fn(x if x.dtype in _FLOATS else to_inexact(x))

    return op


def _counting(fn: Op) -> Op:
    def op(x: Tensor) -> Tensor:
        return fn(x if x.dtype is not _BOOL else x.to(torch.int32))

    return op


def _simpler(op: Op, fn: Op) -> Op:
    op.same_dtype = fn  # type: ignore[attr-defined] (a function of its own for two tensors of one dtype)
    return op


def _pair(fn: Op) -> Op:
    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype:
            return fn(x, y)
        return fn(*settle(x, y))

    return _simpler(op, fn)


def _symmetric(fn: Op) -> Op:
    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype:
            return fn(x, y)
        return fn(*(settle(x, y) if isinstance(x, Tensor) else settle(y, x)))

    return _simpler(op, fn)


def _tensor_pair(fn: Op) -> Op:
    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype:
            return fn(x, y)
        return fn(*tensors(x, y))

    return _simpler(op, fn)


def _counting_pair(fn: Op, swapped: Op | None = None) -> Op:
    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype is not _BOOL:
            return fn(x, y)
        if swapped is not None and type(x) in (int, float) and y.dtype.is_floating_point:
            return swapped(y, x)
        x, y = settle(x, y)
        if x.dtype is torch.bool:
            x = x.to(torch.int32)
            y = y.to(torch.int32) if isinstance(y, Tensor) else int(y)
        return fn(x, y)

    return op if fn is torch.pow else _simpler(op, fn)


def _fractional_pair(fn: Op, settled: Callable[..., Any] = settle) -> Op:
    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype in _FLOATS:
            return fn(x, y)
        x, y = settled(x, y)
        if not x.dtype.is_floating_point:
            x, y = to_inexact(x), to_inexact(y) if isinstance(y, Tensor) else y
        return fn(x, y)

    return op


exp = _fractional(torch.exp)
expm1 = _fractional(torch.expm1)
log = _fractional(torch.log)
log1p = _fractional(torch.log1p)
log2 = _fractional(torch.log2)
log10 = _fractional(torch.log10)
sqrt = _fractional(torch.sqrt)
rsqrt = _fractional(torch.rsqrt)
reciprocal = _fractional(torch.reciprocal)
sin = _fractional(torch.sin)
cos = _fractional(torch.cos)
tan = _fractional(torch.tan)
asin = _fractional(torch.asin)
acos = _fractional(torch.acos)
atan = _fractional(torch.atan)
sinh = _fractional(torch.sinh)
cosh = _fractional(torch.cosh)
tanh = _fractional(torch.tanh)
asinh = _fractional(torch.asinh)
acosh = _fractional(torch.acosh)
atanh = _fractional(torch.atanh)
erf = _fractional(torch.erf)

negative = _counting(torch.neg)
abs = _counting(torch.abs)
square = _counting(torch.square)
floor = _counting(torch.floor)
ceil = _counting(torch.ceil)
trunc = _counting(torch.trunc)
round = _counting(torch.round)

isnan = torch.isnan
isinf = torch.isinf
isfinite = torch.isfinite
logical_not = torch.logical_not
conj = torch.conj_physical
real = torch.real

add = _symmetric(torch.add)
multiply = _symmetric(torch.mul)
equal = _pair(torch.eq)
not_equal = _pair(torch.ne)
less = _pair(torch.lt)
less_equal = _pair(torch.le)
greater = _pair(torch.gt)
greater_equal = _pair(torch.ge)
subtract = _counting_pair(torch.sub, torch.rsub)
remainder = _counting_pair(torch.remainder)
pow = _counting_pair(torch.pow)
divide = _fractional_pair(torch.div)
atan2 = _fractional_pair(torch.atan2, tensors)
maximum = _tensor_pair(torch.maximum)
minimum = _tensor_pair(torch.minimum)
logical_and = _tensor_pair(torch.logical_and)
logical_or = _tensor_pair(torch.logical_or)
logical_xor = _tensor_pair(torch.logical_xor)


def _sign(x: Tensor) -> Tensor:
    if not x.dtype.is_floating_point:
        return torch.sgn(x)
    return torch.where(torch.isnan(x), x.detach(), torch.sign(x))


def _floor_divide(x: Tensor, y: Any) -> Tensor:
    return torch.floor_divide(x.detach(), y.detach() if isinstance(y, Tensor) else y)


sign = _counting(_sign)
floor_divide = _counting_pair(_floor_divide)


def imag(x: Tensor) -> Tensor:
    """The imaginary part; 0 for real numbers."""
    return torch.imag(x) if x.dtype.is_complex else torch.zeros_like(x)


def clip(x: Tensor, lo: Any, hi: Any) -> Tensor:
    """``x`` held within ``[lo, hi]``; the gradient is 1 on the bounds."""
    x = x if lo is None else _held(x, lo, torch.lt)
    return x if hi is None else _held(x, hi, torch.gt)


def _held(x: Tensor, bound: Any, beyond: Op) -> Tensor:
    x, bound = settle(x, bound)
    return torch.where(beyond(x, bound), bound, x)
