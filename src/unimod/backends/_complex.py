"""Functions of complex numbers at zeros, infinities and nan, where the frameworks differ from the standard and C99.

A rule tells, of the two parts of an argument, where a function has a value of its own and what its parts are. Elsewhere
the framework's function is right; where it is not asked it gets a harmless argument, so that its gradient is finite.

Source: the special cases of the Array API standard, which are those of C99, annex G.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Array = Any
Case = tuple[Array, Any, Any]
"""A condition, and the real and the imaginary part of the value there."""
Rule = Callable[[Any, Array, Array], list[Case]]

_HARMLESS = 0.5 + 0.5j


def mended(
    fn: Callable[[Array], Array], name: str, xp: Any, make: Callable[[Array, Array], Array]
) -> Callable[[Array], Array]:
    """``fn`` of complex arrays, with the values of the standard where it has others.

    Args:
        fn: the framework's function.
        name: the function whose rule applies.
        xp: the framework's namespace, with ``where``, ``isnan``, ``isinf``, ``copysign`` and ``full_like``.
        make: a complex array from its parts.
    """
    rule = RULES[name]

    def op(z: Array) -> Array:
        cases = [(here, make(*_parts(z.real, (re, im), xp))) for here, re, im in rule(xp, z.real, z.imag)]
        is_special = cases[0][0]
        for here, _ in cases[1:]:
            is_special = is_special | here
        found = fn(xp.where(is_special, _HARMLESS, z))
        for here, value in cases:
            found = xp.where(here, value, found)
        return found

    return op


def _parts(like: Array, parts: tuple[Any, Any], xp: Any) -> tuple[Array, ...]:
    return tuple(xp.full_like(like, part) if isinstance(part, float) else part for part in parts)


def _exp(xp: Any, re: Array, im: Array) -> list[Case]:
    return _exponential(xp, re, im, 0.0)


def _expm1(xp: Any, re: Array, im: Array) -> list[Case]:
    is_real = (im == 0) & _unbounded(xp, re)
    return [
        *_exponential(xp, re, im, -1.0),
        (is_real, xp.where(re < 0, -1.0, re), im),
        ((re == 0) & (im == 0), 0.0, im),
    ]


def _exponential(xp: Any, re: Array, im: Array, lowest: float) -> list[Case]:
    has_no_angle = _unbounded(xp, im)
    return [
        ((re == math.inf) & has_no_angle, math.inf, math.nan),
        ((re == -math.inf) & has_no_angle, lowest, 0.0),
    ]


def _log(xp: Any, re: Array, im: Array) -> list[Case]:
    is_inf = (xp.isinf(re) & xp.isnan(im)) | (xp.isnan(re) & xp.isinf(im))
    return [(is_inf, math.inf, math.nan)]


def _log1p(xp: Any, re: Array, im: Array) -> list[Case]:
    right = xp.full_like(re, math.pi / 2)
    return [*_log(xp, re, im), (xp.isinf(im) & ~_unbounded(xp, re), math.inf, xp.copysign(right, im))]


def _sqrt(xp: Any, re: Array, im: Array) -> list[Case]:
    has_no_angle = xp.isnan(im)
    return [
        (xp.isinf(im), math.inf, im),
        ((re == -math.inf) & has_no_angle, math.nan, math.inf),
        ((re == math.inf) & has_no_angle, math.inf, math.nan),
    ]


def _sinh(xp: Any, re: Array, im: Array) -> list[Case]:
    return [(_unbounded(xp, im) & ((re == 0) | xp.isinf(re)), re, math.nan)]


def _cosh(xp: Any, re: Array, im: Array) -> list[Case]:
    has_no_angle = _unbounded(xp, im)
    return [((re == 0) & has_no_angle, math.nan, 0.0), (xp.isinf(re) & has_no_angle, math.inf, math.nan)]


def _tanh(xp: Any, re: Array, im: Array) -> list[Case]:
    zero, one = xp.full_like(re, 0.0), xp.full_like(re, 1.0)
    return [
        ((re == 0) & _unbounded(xp, im), re, math.nan),
        (xp.isinf(re), xp.copysign(one, re), xp.where(xp.isnan(im), zero, xp.copysign(zero, im))),
    ]


def _acos(xp: Any, re: Array, im: Array) -> list[Case]:
    # At 0 the first two terms, pi/2 - z: of these the gradient and the sign of the imaginary zero are right.
    return [
        ((re == 0) & (im == 0), math.pi / 2 - re, -im),
        ((re == 0) & xp.isnan(im), math.pi / 2, math.nan),
    ]


def _acosh(xp: Any, re: Array, im: Array) -> list[Case]:
    return [((re == 0) & xp.isnan(im), math.nan, math.pi / 2)]


def _asinh(xp: Any, re: Array, im: Array) -> list[Case]:
    return [(xp.isnan(re) & (im == 0), re, im)]


def _atanh(xp: Any, re: Array, im: Array) -> list[Case]:
    has_no_angle = xp.isnan(im)
    keeps_zero = has_no_angle & ((re == 0) | xp.isinf(re))
    is_nan = (has_no_angle & ~keeps_zero) | (xp.isnan(re) & ~xp.isinf(im))
    return [(keeps_zero, xp.copysign(xp.full_like(re, 0.0), re), math.nan), (is_nan, math.nan, math.nan)]


def _unbounded(xp: Any, x: Array) -> Array:
    return xp.isnan(x) | xp.isinf(x)


RULES: Mapping[str, Rule] = {
    "exp": _exp, "expm1": _expm1, "log": _log, "log1p": _log1p, "sqrt": _sqrt, "sinh": _sinh, "cosh": _cosh,
    "tanh": _tanh, "acos": _acos, "acosh": _acosh, "asinh": _asinh, "atanh": _atanh,
}  # fmt: skip
"""Where a function has a value of its own, by its name."""
