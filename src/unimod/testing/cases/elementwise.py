"""The array namespace: elementwise functions beside those of :mod:`ops`: bits, signs, and special functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.testing.bounds import Bound
from unimod.testing.case import FLOATS, WIDE, Case, Data

Fn = Callable[..., Any]

_COMPOSED = Bound(eps=8, why="two functions of the framework, one after the other")
_GAMMA = Bound(eps=32, why="the frameworks' own polynomials; lgamma cancels near its zeros 1 and 2")
_INVERSE = Bound(eps=16, why="a polynomial of degree 8 in float32; the derivative grows towards the ends")
_SLOPES = Bound(eps=64, why="the derivative of a polynomial that fits the values")
_INTS = ("int32", "uint8", "int64")


def _row(name: str, inputs: Callable[[Data], tuple[Any, ...]], fn: Fn | None = None, **options: Any) -> Case:
    found = fn if fn is not None else getattr(unp, name.partition("[")[0])
    return Case(f"numpy.{name}", found, inputs, **options)


def _between(low: float, high: float) -> Callable[[Data], tuple[Any, ...]]:
    return lambda d: (d.array(2, 3, low=low, high=high),)


def _two(d: Data) -> tuple[Any, ...]:
    return d.array(2, 3), d.array(2, 3, low=0.4, high=2.5)


def _opposed(d: Data) -> tuple[Any, ...]:
    return d.array(2, 3), d.array(3)


def _bits(d: Data) -> tuple[Any, ...]:
    if d.dtype == "bool":
        return d.bools(2, 4), d.random.permutation(d.bools(8)).reshape(2, 4)
    low = 0 if d.dtype.startswith("u") else -100
    return tuple(d.random.integers(low, 100, shape).astype(d.dtype) for shape in ((2, 4), (4,)))


def _shifts(d: Data) -> tuple[Any, ...]:
    places = np.array([0, 1, 5, 9, 31, 70])
    return _bits(d)[0].reshape(-1)[:6] | 1, d.random.permutation(places).astype(d.dtype)


def _signs(d: Data) -> tuple[Any, ...]:
    x = np.array([0.0, -0.0, 1.5, -2.5, np.inf, -np.inf])
    return d.random.permutation(x).astype(d.dtype), d.random.permutation(x).astype(d.dtype)


def _nan_or_not(d: Data) -> tuple[Any, ...]:
    x, y = d.array(6), d.array(6)
    x[1], y[2] = np.nan, np.nan
    return x, y


def _zeros_among(d: Data) -> tuple[Any, ...]:
    x, y = d.array(6), d.array(6, low=0.2, high=3)
    x[2] = 0
    return x, y


def _complexes(d: Data) -> tuple[Any, ...]:
    return (np.array([1, 1j, 2 - 1j, -3, 0], "complex64"),)


def _each(fn: Callable[[float], float]) -> Fn:
    return lambda x: np.vectorize(fn, otypes=["float64"])(np.asarray(x, "float64")).astype(x.dtype)


def _bisected(y: float) -> float:
    """The inverse of the error function, from nothing but that."""
    low, high = -6.0, 6.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < y else (low, middle)
    return middle


def _digamma(x: float) -> float:
    """The slope of ``lgamma``, by the recurrence and six terms of the series."""
    below = 0.0
    while x < 20:
        below, x = below - 1 / x, x + 1
    terms = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760)
    return below + math.log(x) - 0.5 / x - sum(t / x ** (2 * k + 2) for k, t in enumerate(terms))


def _bitwise() -> list[Case]:
    kinds = ("int32", "bool", "uint8", "int64")
    return [
        *(_row(f"bitwise_{name}", _bits, dtypes=kinds, widen=False) for name in ("and", "or", "xor")),
        _row("bitwise_and[scalar]", lambda d: _bits(d)[:1], lambda x: unp.bitwise_and(x, 12), dtypes=("int32",)),
        _row("bitwise_invert", lambda d: _bits(d)[:1], dtypes=kinds, widen=False),
        _row("bitwise_left_shift", _shifts, dtypes=_INTS, widen=False),
        _row("bitwise_right_shift", _shifts, dtypes=_INTS, widen=False),
    ]


def _of_signs() -> list[Case]:
    return [
        _row("copysign", _opposed, reference=np.copysign, dtypes=FLOATS, wrt=(0, 1)),
        _row("copysign[zeros]", _signs, lambda x, y: unp.divide(1.0, unp.copysign(x, y))),
        _row("signbit", lambda d: _signs(d)[:1], reference=np.signbit, dtypes=FLOATS),
        _row("signbit[int]", lambda d: (d.array(2, 3),), dtypes=("int32",)),
        _row("nextafter", _opposed, dtypes=FLOATS, widen=False, bound=Bound(ulp=0, why="exact")),
        _row("fmod", _two, reference=np.fmod, dtypes=("float32", "float64", "int32"), wrt=(0, 1), widen=False),
        _row("fmax", _nan_or_not, reference=np.fmax, dtypes=WIDE),
        _row("fmax[gradient]", _two, unp.fmax, dtypes=WIDE, wrt=(0, 1)),
        _row("fmin", _nan_or_not, reference=np.fmin, dtypes=WIDE),
        _row("fmin[gradient]", _two, unp.fmin, dtypes=WIDE, wrt=(0, 1)),
        _row("heaviside", _zeros_among, reference=np.heaviside, dtypes=WIDE, wrt=(1,)),
        _row("isposinf", lambda d: _signs(d)[:1], reference=np.isposinf),
        _row("isneginf", lambda d: _signs(d)[:1], reference=np.isneginf),
        _row("isreal", _complexes, reference=np.isreal),
        _row("iscomplex", _complexes, reference=np.iscomplex),
        _row("angle", lambda d: (d.array(2, 3),), reference=np.angle, dtypes=("complex64", "float32")),
        _row("sign[complex]", _complexes, unp.sign, reference=np.sign),
    ]


def _of_exponentials() -> list[Case]:
    return [
        _row("exp2", _between(-3, 3), reference=np.exp2, dtypes=FLOATS, wrt=(0,), bound=_COMPOSED),
        _row("cbrt", _between(-3, 3), reference=np.cbrt, dtypes=FLOATS, wrt=(0,)),
        _row("hypot", _opposed, reference=np.hypot, dtypes=FLOATS, wrt=(0, 1)),
        _row("logaddexp", _opposed, reference=np.logaddexp, dtypes=FLOATS, wrt=(0, 1)),
        _row("logaddexp2", _opposed, reference=np.logaddexp2, dtypes=FLOATS, wrt=(0, 1), bound=_COMPOSED),
        _row("deg2rad", _between(-400, 400), reference=np.deg2rad, dtypes=WIDE, wrt=(0,)),
        _row("deg2rad[int]", _between(-400, 400), unp.deg2rad, dtypes=("int32",)),
        _row("rad2deg", _between(-7, 7), reference=np.rad2deg, dtypes=WIDE, wrt=(0,)),
        *(
            _row(f"{name}[complex]", lambda d: (d.array(2, 3, low=-1.2, high=1.2),), getattr(unp, name), **_ON_COMPLEX)
            for name in _COMPLEX
        ),
    ]


_ON_COMPLEX: dict[str, Any] = {"dtypes": ("complex64",), "bound": Bound(eps=16, why="polynomials of two parts")}
_COMPLEX = (
    "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
    "asinh", "acosh", "atanh",
)  # fmt: skip


def _special() -> list[Case]:
    return [
        _row("erfc", _between(-2, 3), reference=_each(math.erfc), dtypes=FLOATS, wrt=(0,)),
        _row("erfinv", _between(-0.95, 0.95), reference=_each(_bisected), dtypes=FLOATS, wrt=(0,), **_STEEP),
        _row("lgamma", _between(0.3, 6), reference=_each(math.lgamma), dtypes=FLOATS, wrt=(0,), bound=_GAMMA),
        _row("digamma", _between(0.4, 6), reference=_each(_digamma), dtypes=FLOATS, wrt=(0,), **_STEEP),
        _row("logit", _between(0.1, 0.9), reference=lambda x: np.log(x / (1 - x)), dtypes=FLOATS, wrt=(0,)),
        _row("expit", _between(-4, 4), reference=lambda x: 1 / (1 + np.exp(-x)), dtypes=FLOATS, wrt=(0,)),
        _row("xlogy", _zeros_among, reference=lambda x, y: x * np.log(y), dtypes=FLOATS, wrt=(0, 1)),
        _row("xlog1py", _zeros_among, reference=lambda x, y: x * np.log1p(y), dtypes=FLOATS, wrt=(0, 1)),
        _row("entr", _between(0.1, 3), reference=lambda x: -x * np.log(x), dtypes=FLOATS, wrt=(0,)),
        _row(
            "sinc",
            _between(-3, 3),
            reference=lambda x: np.sinc(x).astype(x.dtype),
            dtypes=FLOATS,
            wrt=(0,),
            bound=_COMPOSED,
        ),
        _row("sinc[near 0]", _between(-0.2, 0.2), unp.sinc, reference=np.sinc, dtypes=WIDE, wrt=(0,)),
    ]


_STEEP: dict[str, Any] = {"bound": _INVERSE, "gradient_bound": _SLOPES}

CASES = (*_bitwise(), *_of_signs(), *_of_exponentials(), *_special())
