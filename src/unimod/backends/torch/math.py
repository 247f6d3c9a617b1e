"""PyTorch: elementwise functions; reductions and products stand in their own file.

The functions of torch, with the dtypes of a result, and gradients at ties and kinks, as on the other engines.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch._lift import (
    Op,
    counting,
    counting_pair,
    fractional,
    fractional_pair,
    pair,
    symmetric,
    tensor_pair,
)
from unimod.backends.torch.dtypes import settle, tensors
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
from unimod.backends.torch.special import digamma, erf, erfc, erfinv, exp2, fmod, lgamma, logaddexp

__all__ = [
    "all", "any", "argmax", "argmin", "cummax", "cummin", "cumprod", "cumsum", "cumulative_logsumexp",
    "einsum", "logsumexp", "matmul", "max", "mean", "min",
    "prod", "std", "sum", "tensordot", "var",
    "digamma", "erf", "erfc", "erfinv", "exp2", "fmod", "lgamma", "logaddexp",
]  # fmt: skip

exp = fractional(torch.exp)
expm1 = fractional(torch.expm1, "expm1")
log = fractional(torch.log)
log1p = fractional(torch.log1p, "log1p")
log2 = fractional(torch.log2)
log10 = fractional(torch.log10)
sqrt = fractional(torch.sqrt)
rsqrt = fractional(torch.rsqrt)
reciprocal = fractional(torch.reciprocal)
sin = fractional(torch.sin)
cos = fractional(torch.cos)
tan = fractional(torch.tan)
asin = fractional(torch.asin)
acos = fractional(torch.acos, "acos")
atan = fractional(torch.atan)
sinh = fractional(torch.sinh)
cosh = fractional(torch.cosh)
tanh = fractional(torch.tanh, "tanh")
asinh = fractional(torch.asinh)
acosh = fractional(torch.acosh)
atanh = fractional(torch.atanh)

negative = counting(torch.neg)
abs = counting(torch.abs)
square = counting(torch.square)
floor = counting(torch.floor)
ceil = counting(torch.ceil)
trunc = counting(torch.trunc)
round = counting(torch.round)

isnan = torch.isnan
isinf = torch.isinf
isfinite = torch.isfinite
logical_not = torch.logical_not
signbit = torch.signbit
bitwise_invert = torch.bitwise_not
conj = torch.conj_physical
real = torch.real

add = symmetric(torch.add)
multiply = symmetric(torch.mul)
equal = pair(torch.eq)
not_equal = pair(torch.ne)
less = pair(torch.lt)
less_equal = pair(torch.le)
greater = pair(torch.gt)
greater_equal = pair(torch.ge)
subtract = counting_pair(torch.sub, torch.rsub)
pow = counting_pair(torch.pow)
divide = fractional_pair(torch.div)
atan2 = fractional_pair(torch.atan2, tensors)
bitwise_and = pair(torch.bitwise_and)
bitwise_or = pair(torch.bitwise_or)
bitwise_xor = pair(torch.bitwise_xor)
bitwise_left_shift = pair(torch.bitwise_left_shift)
bitwise_right_shift = pair(torch.bitwise_right_shift)
copysign = fractional_pair(torch.copysign)
maximum = tensor_pair(torch.maximum)
minimum = tensor_pair(torch.minimum)
logical_and = tensor_pair(torch.logical_and)
logical_or = tensor_pair(torch.logical_or)
logical_xor = tensor_pair(torch.logical_xor)


def _sign(x: Tensor) -> Tensor:
    if not x.dtype.is_floating_point:
        return torch.sgn(x)
    return torch.where(torch.isnan(x), x.detach(), torch.sign(x))


def _floor_divide(x: Tensor, y: Any) -> Tensor:
    """Where the quotient is 0 or infinite it is that, where torch has -1 and nan."""
    x, y = x.detach(), y.detach() if isinstance(y, Tensor) else y
    if not x.dtype.is_floating_point:
        return torch.floor_divide(x, y)
    quotient = x / y
    return torch.where(quotient + quotient == quotient, quotient, torch.floor_divide(x, y))


def _remainder(x: Tensor, y: Any) -> Tensor:
    """A remainder of 0 has the sign of ``y`` too."""
    found = torch.remainder(x, y)
    if not found.dtype.is_floating_point:
        return found
    kept = found.detach()
    signed = torch.copysign(kept, y.detach() if isinstance(y, Tensor) else y)
    # Adding the second part keeps the gradient of a zero, and its sign.
    return torch.where(kept == 0, signed - (kept - found), found)


def _hypot(x: Tensor, y: Tensor) -> Tensor:
    """The gradient at the origin is 0, where torch has nan."""
    at_origin = (x == 0) & (y == 0)
    return torch.hypot(x, y.masked_fill(at_origin, 1)).masked_fill(at_origin, 0)


def _nextafter(x: Tensor, y: Tensor) -> Tensor:
    return torch.nextafter(x.detach(), y.detach())


sign = counting(_sign)
floor_divide = counting_pair(_floor_divide)
remainder = counting_pair(_remainder)
hypot = fractional_pair(_hypot, tensors)
nextafter = fractional_pair(_nextafter, tensors)


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
