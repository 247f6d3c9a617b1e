"""PyTorch: the error function and its relatives, the gamma function, and sums and roots of exponentials."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unimod.backends.torch._lift import counting_pair, fractional, fractional_pair
from unimod.backends.torch.dtypes import tensors

digamma = fractional(torch.digamma)
erf = fractional(torch.erf)
erfc = fractional(torch.erfc)
erfinv = fractional(torch.erfinv)
exp2 = fractional(torch.exp2)
lgamma = fractional(torch.lgamma)
fmod = counting_pair(torch.fmod)


def _logaddexp(x: Tensor, y: Tensor) -> Tensor:
    is_same = x == y
    away = torch.logaddexp(x.masked_fill(is_same, 0), y.masked_fill(is_same, 0))
    return torch.where(is_same, torch.maximum(x, y) + math.log(2), away)


# Two equal infinities have each half of the gradient, where torch has nan.
logaddexp = fractional_pair(_logaddexp, tensors)
