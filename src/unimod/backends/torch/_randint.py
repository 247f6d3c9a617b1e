"""Random integers in a range by torch operations.

torch 2.13 has no remainder of unsigned integers: words of 32 bits are computed in int64, words of 64 bits by halving.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from unimod.backends import _integers
from unimod.backends._protocol import Shape
from unimod.backends.torch._random_ops import sample
from unimod.backends.torch.dtypes import native

_MASK = 0xFFFFFFFF
_SIGN = -(2**63)


def randint(keys: Tensor, shape: Shape, minval: Any, maxval: Any, dtype: str) -> Tensor:
    """Integers in [minval, maxval), from the two keys uint32[2, 2]."""
    width = _integers.width_of(dtype)
    low, span = _range(minval, maxval, dtype)
    higher, lower = (_words(keys[i], shape, width) for i in (0, 1))
    is_everything = isinstance(span, int) and span == 0
    offset = lower if is_everything else _offset(higher, lower, span, width)
    return _narrowed(offset + low, dtype)


def _words(key: Tensor, shape: Shape, width: int) -> Tensor:
    """Random words in int64: of 32 bits without a sign, or of 64 bits."""
    if width == 64:
        return sample(key, shape, "bits", "uint64").view(torch.int64)
    return sample(key, shape, "bits", "uint32").view(torch.int32).to(torch.int64) & _MASK


def _offset(higher: Tensor, lower: Tensor, span: Any, width: int) -> Tensor:
    """``((higher mod span) * factor + lower mod span) mod span``, wrapped to the width before the last remainder."""
    factor = _integers.multiplier_of(span, width) if isinstance(span, int) else _factor(span, width)
    if isinstance(factor, int) and width == 32:
        # A factor other than 0 is below 2**16, and so is the span: nothing wraps, and one remainder will do.
        return torch.remainder(higher * factor + lower if factor else lower, span)
    wrapped = _remainder(higher, span, width) * factor + _remainder(lower, span, width)
    return _remainder(_wrapped(wrapped, width), span, width)


def _factor(span: Tensor, width: int) -> Tensor:
    half = _remainder(torch.full_like(span, 2 ** (width // 2)), span, width)
    return _remainder(_wrapped(half * half, width), span, width)


def _wrapped(x: Tensor, width: int) -> Tensor:
    return x if width == 64 else x & _MASK


def _remainder(x: Tensor, span: Any, width: int) -> Tensor:
    """``x mod span``; of 64 bits both are without a sign, which torch 2.13 has no remainder for."""
    if width == 32:
        return torch.remainder(x, span)
    if isinstance(span, int):
        span = torch.full((), span - 2**64 if span >= 2**63 else span, device=x.device)
    # Halved, x has no sign; the quotient is then at most one too small.
    half = (x >> 1) & (2**63 - 1)
    rest = x - ((half // span.clamp(min=1)) << 1) * span
    below = (rest ^ _SIGN) < (span ^ _SIGN)
    small = torch.where(below, rest, rest - span)
    # A span with the sign bit set is more than half of all values: at most one subtraction.
    large = torch.where((x ^ _SIGN) < (span ^ _SIGN), x, x - span)
    return torch.where(span < 0, large, small)


def _range(minval: Any, maxval: Any, dtype: str) -> tuple[Any, Any]:
    """The lowest value and the number of values: two ints (modulo 2**64 in the case of the first) or two tensors."""
    if not (isinstance(minval, Tensor) or isinstance(maxval, Tensor)):
        low, span = _integers.span_of(int(minval), int(maxval), dtype)
        return low - 2**64 if low >= 2**63 else low, span
    info = np.iinfo(dtype)
    bottom, top = int(info.min), int(info.max)
    low = _clipped(minval, bottom, top)
    high = _clipped(maxval, bottom, min(top + 1, 2**63 - 1))
    return low, torch.clamp(high - low, min=1) if _integers.width_of(dtype) == 32 else _span64(low, high)


def _clipped(x: Any, bottom: int, top: int) -> Any:
    top = min(top, 2**63 - 1)
    return x.to(torch.int64).clamp(bottom, top) if isinstance(x, Tensor) else min(max(int(x), bottom), top)


def _span64(low: Any, high: Any) -> Tensor:
    return torch.where(torch.as_tensor(high > low), torch.as_tensor(high - low), 1)


def _narrowed(x: Tensor, dtype: str) -> Tensor:
    return x.view(torch.uint64) if dtype == "uint64" else x.to(native(dtype))
