"""Convolutions, polynomials, interpolation, integrals and slopes of samples, against NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.testing.bounds import EXACT, Bound
from unimod.testing.case import WIDE, Case, Data

Fn = Callable[..., Any]
Inputs = Callable[[Data], tuple[Any, ...]]

SUMS = Bound(eps=24, why="sums of up to 20 products, in another order on each engine")
SLOPES = Bound(eps=64, why="quotients of differences, and sums of them")
MIXED = (*WIDE, "bfloat16", "int32")
_NARROW = {"float64": "float32", "int64": "int32", "complex128": "complex64"}


def _numpy(fn: Fn) -> Fn:
    """NumPy's function, in float64 and rounded to what the inputs have."""

    def reference(*xs: Any) -> Any:
        exact = any(x.dtype.name in ("float64", "complex128") for x in xs)
        found = fn(*(x.astype(np.float64) if x.dtype.name in ("bfloat16", "float32") else x for x in xs))
        narrow = next((x.dtype for x in xs if x.dtype.name == "bfloat16"), None)
        return _rounded(found, exact, narrow)

    return reference


def _rounded(found: Any, exact: bool, narrow: Any) -> Any:
    if isinstance(found, tuple):
        return tuple(_rounded(one, exact, narrow) for one in found)
    found = np.asarray(found)
    if narrow is not None and found.dtype.kind == "f":
        return found.astype(narrow)
    if exact and found.dtype.kind in "fc":
        return found
    return found.astype(_NARROW.get(found.dtype.name, found.dtype.name))


def row(name: str, fn: Fn, reference: Fn, inputs: Inputs, **options: Any) -> Case:
    """A row whose reference is NumPy's function, computed in float64."""
    settings = {"bound": SUMS, "gradient_bound": SLOPES, **options}
    return Case(f"numpy.{name}", fn, inputs, reference=_numpy(reference), **settings)


def _complex(x: Any, y: Any) -> Any:
    return unp.add(x, unp.multiply(y, 1j))


def _parts(z: Any) -> Any:
    return unp.real(z), unp.imag(z)


def _convolutions() -> Iterator[Case]:
    for name in ("convolve", "correlate"):
        for mode in ("full", "same", "valid"):
            yield _convolution(name, mode, 7, 4)
            yield _convolution(name, mode, 4, 7)
        yield _convolution(name, "same", 5, 5)
        yield _of_complex(name)


def _convolution(name: str, mode: str, n: int, m: int) -> Case:
    return row(
        f"{name}[{mode}, {n}, {m}]",
        lambda x, y: getattr(unp, name)(x, y, mode=mode),
        lambda x, y: getattr(np, name)(x, y, mode),
        lambda d: (d.array(n), d.array(m)),
        dtypes=(*MIXED, "bool", "complex64") if (mode, n) == ("full", 7) else WIDE,
        wrt=(0, 1),
    )


def _of_complex(name: str) -> Case:
    return row(
        f"{name}[complex]",
        lambda a, b, x, y: _parts(getattr(unp, name)(_complex(a, b), _complex(x, y), mode="same")),
        lambda a, b, x, y: _host_parts(getattr(np, name)(a + 1j * b, x + 1j * y, "same")),
        lambda d: (d.array(6), d.array(6), d.array(4), d.array(4)),
        dtypes=WIDE,
        wrt=(0, 1, 2, 3),
    )


def _host_parts(z: Any) -> Any:
    return np.real(z), np.imag(z)


def _polynomials() -> list[Case]:
    return [
        row(
            "polyval",
            unp.polyval,
            np.polyval,
            lambda d: (d.array(4), d.array(2, 3, low=-1, high=1)),
            dtypes=(*MIXED, "complex64"),
            wrt=(0, 1),
            bound=Bound(eps=32, why="products of sums, one inside the other"),
        ),
        row("vander", unp.vander, np.vander, lambda d: (d.array(4),), dtypes=MIXED, wrt=(0,)),
        row(
            "vander[columns]",
            lambda x: unp.vander(x, 3, increasing=True),
            lambda x: np.vander(x, 3, True),
            lambda d: (d.array(4),),
            dtypes=WIDE,
            wrt=(0,),
        ),
    ]


def _points(d: Data) -> tuple[Any, ...]:
    """Places inside and outside of five points, away from these; the points; their values."""
    steps = d.array(5, low=0.4, high=0.9).astype("float64")
    places = (np.cumsum(steps) - 2).astype(steps.dtype)
    return d.array(2, 4, low=-3, high=3), places.astype(d.array(1).dtype), d.array(5)


def _interpolations() -> list[Case]:
    bound = Bound(eps=64, why="quotients of differences")
    rows: dict[str, tuple[Fn, Fn, tuple[str, ...]]] = {
        "interp": (unp.interp, np.interp, WIDE),
        "interp[ends]": (
            lambda x, xp, fp: unp.interp(x, xp, fp, left=-1.0, right=7.0),
            lambda x, xp, fp: np.interp(x, xp, fp, -1.0, 7.0),
            WIDE,
        ),
        "interp[period]": (
            lambda x, xp, fp: unp.interp(x, xp, fp, period=3.5),
            lambda x, xp, fp: np.interp(x, xp, fp, period=3.5),
            WIDE,
        ),
    }
    return [
        row(name, fn, reference, _points, dtypes=dtypes, wrt=(0, 1, 2), bound=bound)
        for name, (fn, reference, dtypes) in rows.items()
    ]


def _samples(d: Data) -> tuple[Any, ...]:
    return (d.array(3, 5),)


def _placed(d: Data) -> tuple[Any, ...]:
    places = np.cumsum(d.array(5, low=0.4, high=0.9).astype("float64"))
    return d.array(3, 5), places.astype(d.array(1).dtype)


def _integrals() -> list[Case]:
    return [
        row("trapezoid", unp.trapezoid, np.trapezoid, _samples, dtypes=MIXED, wrt=(0,)),
        row(
            "trapezoid[dx]",
            lambda y: unp.trapezoid(y, dx=0.3, axis=0),
            lambda y: np.trapezoid(y, dx=0.3, axis=0),
            _samples,
            dtypes=(*WIDE, "complex64"),
            wrt=(0,),
        ),
        row("trapezoid[places]", unp.trapezoid, np.trapezoid, _placed, dtypes=WIDE, wrt=(0, 1)),
        row(
            "trapezoid[places of all]",
            lambda y, x: unp.trapezoid(y, x, axis=0),
            lambda y, x: np.trapezoid(y, x, axis=0),
            lambda d: (d.array(3, 2), d.array(3, 2)),
            dtypes=WIDE,
            wrt=(0, 1),
        ),
    ]


def _slopes() -> list[Case]:
    both: dict[str, Any] = {"axis": 1, "edge_order": 2}
    return [
        row("gradient", unp.gradient, np.gradient, _samples, dtypes=MIXED, wrt=(0,)),
        row(
            "gradient[spacings]",
            lambda x: unp.gradient(x, 0.5, 2.0, edge_order=2),
            lambda x: np.gradient(x, 0.5, 2.0, edge_order=2),
            _samples,
            dtypes=(*WIDE, "complex64"),
            wrt=(0,),
        ),
        row(
            "gradient[places]",
            lambda x, h: unp.gradient(x, h, axis=1),
            lambda x, h: np.gradient(x, h, axis=1),
            _placed,
            dtypes=WIDE,
            wrt=(0, 1),
            bound=SLOPES,
        ),
        row(
            "gradient[edge_order=2]",
            lambda x, h: unp.gradient(x, h, **both),
            lambda x, h: np.gradient(x, h, **both),
            _placed,
            dtypes=WIDE,
            wrt=(0, 1),
            bound=SLOPES,
            gradient_bound=Bound(eps=512, why="quotients of products of three differences of about 0.5"),
        ),
    ]


def _broken(d: Data) -> tuple[Any, ...]:
    x = d.array(6)
    return (np.where(np.arange(6) % 4, np.asarray([0, np.nan, -1, np.inf, 2, -np.inf]), x).astype(x.dtype),)


def _repairs() -> list[Case]:
    some: dict[str, Any] = {"nan": 0.5, "posinf": 3.0, "neginf": -4.0}
    phases = lambda d: (d.array(2, 8, low=-9, high=9),)  # noqa: E731
    return [
        row(
            "nan_to_num",
            unp.nan_to_num,
            lambda x: np.nan_to_num(x, posinf=_ends(x)[1], neginf=_ends(x)[0]),
            lambda d: (d.array(4),),
            dtypes=(*MIXED, "complex64"),
            wrt=(0,),
            bound=EXACT,
        ),
        row(
            "nan_to_num[numbers]",
            lambda x: unp.nan_to_num(x, **some),
            lambda x: np.nan_to_num(x, **some),
            _broken,
            dtypes=WIDE,
            bound=EXACT,
        ),
        row("unwrap", unp.unwrap, np.unwrap, phases, dtypes=WIDE, wrt=(0,)),
        row(
            "unwrap[period]",
            lambda x: unp.unwrap(x, period=4.0, discont=3.0, axis=0),
            lambda x: np.unwrap(x, period=4.0, discont=3.0, axis=0),
            phases,
            dtypes=WIDE,
            wrt=(0,),
        ),
    ]


def _ends(x: Any) -> tuple[float, float]:
    limits = np.finfo(x.dtype if x.dtype.kind in "fc" else np.float32)
    return float(limits.min), float(limits.max)


CASES = (
    *_convolutions(),
    *_polynomials(),
    *_interpolations(),
    *_integrals(),
    *_slopes(),
    *_repairs(),
)
