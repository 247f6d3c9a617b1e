"""NumPy: the error function and its relatives, the gamma function, and sums and roots of exponentials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from unimod.backends import _erf
from unimod.backends.numpy._lift import counting, each, fractional

_STIRLING = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
"""``B_2k / 2k``, the terms of the asymptotic series of the digamma function."""


def _lgamma(x: float) -> float:
    if math.isnan(x) or x == -math.inf:
        return abs(x)
    return math.inf if x <= 0 and x == math.floor(x) else math.lgamma(x)


def _digamma(x: float) -> float:
    if x == 0:
        return -math.copysign(math.inf, x)
    if not math.isfinite(x) or (x < 0 and x == math.floor(x)):
        return x if x > 0 else math.nan
    if x < 0:
        return _digamma(1 - x) - math.pi / math.tan(math.pi * (x - math.floor(x)))
    below = 0.0
    while x < 12:
        below, x = below + 1 / x, x + 1
    tail = sum(term / x ** (2 * k + 2) for k, term in enumerate(_STIRLING))
    return math.log(x) - 0.5 / x - tail - below


def _erfinv(x: Any) -> Any:
    return _erf.erfinv_near_one(x, np, x.dtype.name)


cbrt = fractional(np.cbrt)
digamma = fractional(each(_digamma))
erf = fractional(each(math.erf))
erfc = fractional(each(math.erfc))
erfinv = fractional(_erfinv)
exp2 = fractional(np.exp2)
fmod = counting(np.fmod)
lgamma = fractional(each(_lgamma))
logaddexp = fractional(np.logaddexp)
