"""How far a result may be from what is expected, and how far it is.

A deviation is measured in shares of what is allowed: 0 is equal, 1 is just within the bound, more is too far. Numbers
that are not floating-point have no bound: they are equal or not.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from unimod.dtypes import DType, is_inexact

Host = np.ndarray[Any, Any]

_EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
_PART = {"complex64": "float32", "complex128": "float64"}


def eps_of(dtype: str) -> float:
    """The distance from 1 to the next number; of a complex dtype, that of its parts; 0 for what is exact.

    Example:
        >>> from unimod.testing.bounds import eps_of
        >>> eps_of("bfloat16"), eps_of("complex64") == eps_of("float32"), eps_of("int32")
        (0.0078125, True, 0.0)
    """
    return _EPS.get(_PART.get(dtype, dtype), 0.0)


@dataclasses.dataclass(frozen=True)
class Bound:
    """What is allowed: ``atol + rtol * |expected| + eps * eps_of(dtype) * max(1, |expected|)``, or ``ulp`` steps.

    Attributes:
        eps: roundings, in units of the dtype's own precision; so one bound serves several dtypes.
        rtol: relative to what is expected.
        atol: absolute.
        ulp: numbers of the dtype that may lie between the two; nothing else is allowed then.
        why: the reason for a bound that is not the usual one.
    """

    eps: float = 0.0
    rtol: float = 0.0
    atol: float = 0.0
    ulp: int | None = None
    why: str = ""

    def __str__(self) -> str:
        if self.ulp is not None:
            return f"{self.ulp} ulp"
        parts = [
            f"{name} {value:g}"
            for name, value in (("eps", self.eps), ("rtol", self.rtol), ("atol", self.atol))
            if value
        ]
        return ", ".join(parts) or "equality"

    def times(self, factor: float) -> Bound:
        """The same bound, wider."""
        ulp = None if self.ulp is None else math.ceil(self.ulp * factor)
        return Bound(self.eps * factor, self.rtol * factor, self.atol * factor, ulp, self.why)

    def shares(self, actual: Host, expected: Host, dtype: str) -> Host:
        """The deviation of each element, as a share of what is allowed for it."""
        if not is_inexact(dtype):
            return np.where(actual == expected, 0.0, math.inf)
        if self.ulp is not None:
            return _ratio(ulps(actual, expected, dtype), float(self.ulp))
        wide, reference = _wide(actual), _wide(expected)
        size = np.abs(reference)
        with np.errstate(all="ignore"):
            allowed = self.atol + self.rtol * size + self.eps * eps_of(dtype) * np.maximum(1.0, size)
            return _where_finite(wide, reference, _ratio(np.abs(wide - reference), allowed))


EXACT = Bound(ulp=0)


@dataclasses.dataclass(frozen=True)
class Deviation:
    """The largest deviation of one leaf: as a share of the bound, as a number, in ulps, and where it is."""

    share: float
    absolute: float
    ulp: float
    index: tuple[int, ...]
    count: int


def largest(actual: Host, expected: Host, bound: Bound) -> Deviation:
    """The largest deviation between two host arrays of one shape; the dtype is that of ``actual``."""
    dtype = str(actual.dtype.name)
    shares = bound.shares(actual, expected, dtype)
    if not shares.size:
        return Deviation(0.0, 0.0, 0.0, (), 0)
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(shares)), shares.shape))
    got, wanted = _wide(actual[index]), _wide(expected[index])
    with np.errstate(all="ignore"):
        absolute = float(np.abs(got - wanted))
    steps = float(np.max(ulps(actual[index], expected[index], dtype))) if is_inexact(dtype) else absolute
    return Deviation(float(shares[index]), absolute, steps, index, int(np.sum(shares > 1)))


def ulps(actual: Host, expected: Host, dtype: str) -> Host:
    """How many numbers of ``dtype`` lie between two, plus one.

    NaN is 0 away from NaN, and infinitely far from everything else.
    """
    if DType(dtype).kind == "complex":
        part = _PART[dtype]
        one, other = np.asarray(actual), np.asarray(expected)
        return np.maximum(ulps(one.real, other.real, part), ulps(one.imag, other.imag, part))
    with np.errstate(all="ignore"):
        one, other = (np.asarray(x).astype(np.asarray(actual).dtype) for x in (actual, expected))
    distance = np.abs(_ordered(one) - _ordered(other)).astype(np.float64)
    return _where_finite(_wide(one), _wide(other), distance)


def _ordered(x: Host) -> Host:
    """Integers in the order of the floats, one step for each; Python's where 64 bits would overflow."""
    bits = x.view(f"int{8 * x.dtype.itemsize}").astype(object if x.dtype.itemsize == 8 else np.int64)
    lowest = -(2 ** (8 * x.dtype.itemsize - 1))
    return np.asarray(np.where(bits < 0, lowest - bits, bits))


def _wide(x: Host) -> Host:
    kind = np.asarray(x).dtype.kind
    return np.asarray(x).astype(np.complex128 if kind == "c" else np.float64)


def _ratio(distance: Host, allowed: Any) -> Host:
    with np.errstate(all="ignore"):
        ratio = np.asarray(distance / np.asarray(allowed, np.float64))
    return np.where(distance == 0, 0.0, np.where(np.isnan(ratio), math.inf, ratio))


def _where_finite(actual: Host, expected: Host, shares: Host) -> Host:
    """NaN and inf are equal to themselves only, and infinitely far from everything else."""
    is_same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    is_finite = np.isfinite(actual) & np.isfinite(expected)
    return np.where(is_same, 0.0, np.where(is_finite, shares, math.inf))
