"""The array namespace: elementwise functions, reductions and products."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.testing.bounds import Bound
from unimod.testing.case import FLOATS, NUMBERS, WIDE, Case, Data

Fn = Callable[..., Any]
Inputs = Callable[[Data], tuple[Any, ...]]

_SOME = ("float32", "float64", "int32")
_COMPOSED = Bound(eps=8, why="two functions of the framework, one after the other")

# name: (low, high) of the inputs, kept away from poles, kinks and jumps
_FLOATING = {
    "exp": (-2, 2), "expm1": (-2, 2), "log": (0.2, 3), "log1p": (-0.6, 3), "log2": (0.2, 3), "log10": (0.2, 3),
    "sqrt": (0.2, 3), "rsqrt": (0.2, 3), "reciprocal": (0.3, 3), "sin": (-3, 3), "cos": (-3, 3), "tan": (-1.2, 1.2),
    "asin": (-0.9, 0.9), "acos": (-0.9, 0.9), "atan": (-3, 3), "sinh": (-2, 2), "cosh": (-2, 2), "tanh": (-2, 2),
    "asinh": (-3, 3), "acosh": (1.2, 3), "atanh": (-0.9, 0.9), "erf": (-2, 2),
}  # fmt: skip
_COUNTING = ("negative", "abs", "square", "sign", "positive")
_ROUNDING = ("floor", "ceil", "trunc", "round")
_ARITHMETIC = ("add", "subtract", "multiply", "divide", "maximum", "minimum")
_COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
_LOGICAL = ("logical_and", "logical_or", "logical_xor")
_SPECIAL = ("isnan", "isinf", "isfinite")


def _row(name: str, fn: Fn, inputs: Inputs, **options: Any) -> Case:
    return Case(f"numpy.{name}", fn, inputs, **options)


def _pair(d: Data) -> tuple[Any, ...]:
    return d.array(2, 3), d.array(2, 3, low=0.4, high=2.5)


def _ties(d: Data) -> tuple[Any, ...]:
    return d.ints(0, 3, 2, 4), d.ints(0, 3, 2, 4)


def _with_infinities(d: Data) -> tuple[Any, ...]:
    x = np.array([1.0, np.nan, -2.0, np.inf, -np.inf, 0.0])
    return (d.random.permutation(x).astype("float32"),)


def _near(d: Data) -> tuple[Any, ...]:
    x = d.array(4)
    return x, x * np.asarray([1, 1.001, 1.1, 1.5], x.dtype)


def _fn(name: str, *rest: Any, **options: Any) -> Fn:
    """The function of that name, with arguments behind its first ones."""
    return lambda *xs: getattr(unp, name)(*xs, *rest, **options)


def _between(low: float, high: float) -> Inputs:
    return lambda d: (d.array(2, 3, low=low, high=high),)


def _one(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 3),)


def _truths(d: Data) -> tuple[Any, ...]:
    return d.bools(2, 4), d.random.permutation(d.bools(8)).reshape(2, 4)


def _elementwise() -> list[Case]:
    return [
        *(_row(n, _fn(n), _between(*ends), dtypes=FLOATS, wrt=(0,)) for n, ends in _FLOATING.items()),
        *(_row(n, _fn(n), _one, dtypes=NUMBERS, wrt=(0,)) for n in _COUNTING),
        *(_row(n, _fn(n), _one, dtypes=_SOME, wrt=(0,)) for n in _ROUNDING),
        *(_row(n, _fn(n), _with_infinities) for n in _SPECIAL),
        *(_row(n, _fn(n), _pair, dtypes=NUMBERS, wrt=(0, 1)) for n in _ARITHMETIC),
        *(_row(f"{n}[scalar]", _fn(n, 2), _one, dtypes=NUMBERS, wrt=(0,)) for n in _ARITHMETIC),
        *(_row(n, _fn(n), _ties) for n in _COMPARISONS),
        *(_row(f"{n}[floats]", _fn(n), _pair, dtypes=("float32", "float64", "bfloat16")) for n in _COMPARISONS),
        *(_row(n, _fn(n), _truths) for n in _LOGICAL),
    ]


def _special_elementwise() -> list[Case]:
    return [
        _row("logical_not", unp.logical_not, lambda d: (d.bools(2, 3),)),
        _row(
            "pow", unp.pow, lambda d: (d.array(2, 3, low=0.3), d.array(2, 3)), dtypes=WIDE, wrt=(0, 1), bound=_COMPOSED
        ),
        _row("pow[scalar]", lambda x: unp.pow(x, 3), lambda d: (d.array(2, 3),), dtypes=_SOME, wrt=(0,)),
        _row("floor_divide", unp.floor_divide, _pair, dtypes=_SOME, wrt=(0, 1)),
        _row("remainder", unp.remainder, _pair, dtypes=_SOME, wrt=(0, 1)),
        _row("atan2", unp.atan2, lambda d: (d.array(2, 3), d.array(2, 3, low=0.3)), dtypes=WIDE, wrt=(0, 1)),
        _row("add[broadcast]", unp.add, lambda d: (d.array(2, 1, 3), d.array(4, 1)), wrt=(0, 1)),
        _row("divide[promotion]", unp.divide, lambda d: (d.array(3), d.ints(1, 5, 3)), wrt=(0,)),
        _row("clip", lambda x: unp.clip(x, -0.9, 1.1), lambda d: (d.array(2, 3),), dtypes=_SOME, wrt=(0,)),
        _row(
            "clip[arrays]",
            unp.clip,
            lambda d: (d.array(4), d.array(4, low=-2, high=-0.5), d.array(4, low=0.5)),
            wrt=(0,),
        ),
        _row("conj", unp.conj, lambda d: (d.array(2, 3),), dtypes=("complex64", "complex128", "float32", "float64")),
        _row("real", unp.real, lambda d: (d.array(2, 3),), dtypes=("complex64", "complex128", "float32", "float64")),
        _row("imag", unp.imag, lambda d: (d.array(2, 3),), dtypes=("complex64",)),
        _row("multiply[complex]", unp.multiply, lambda d: (d.array(3), d.array(3)), dtypes=("complex64",)),
        _row("isclose", lambda x, y: unp.isclose(x, y, rtol=1e-2), _near, dtypes=WIDE),
        _row("allclose", lambda x, y: unp.allclose(x, y, rtol=1e-2), lambda d: _near(d)[:1] * 2, dtypes=WIDE),
        _row("where", unp.where, lambda d: (d.bools(2, 3), d.array(2, 3), d.array(2, 3)), dtypes=NUMBERS, wrt=(1, 2)),
    ]


# name: (options, dtypes)
_REDUCTIONS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "sum": ({}, NUMBERS), "prod": ({}, _SOME), "mean": ({}, ("float32", "float64", "int32")),
    "max": ({}, NUMBERS), "min": ({}, NUMBERS), "var": ({"correction": 1}, WIDE), "std": ({"correction": 0}, WIDE),
    "logsumexp": ({}, WIDE),
}  # fmt: skip


def _reductions() -> list[Case]:
    return [*_of_axes(), *_cumulative(), *_indices(), *_questions()]


def _of_axes() -> Iterator[Case]:
    for name, (options, dtypes) in _REDUCTIONS.items():
        yield _row(name, _fn(name, **options), _cube, dtypes=dtypes, wrt=(0,))
        yield _row(f"{name}[axis=0]", _fn(name, 0, keepdims=True, **options), _cube, wrt=(0,))
        yield _row(f"{name}[axis=(0, 2)]", _fn(name, (0, 2), **options), _cube, wrt=(0,))


def _cube(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 3, 2),)


def _cumulative() -> Iterator[Case]:
    for name in ("cumsum", "cumprod"):
        yield _row(name, _fn(name), _one, dtypes=_SOME, wrt=(0,))
        yield _row(f"{name}[axis=1]", _fn(name, 1), _one, wrt=(0,))


def _indices() -> Iterator[Case]:
    for name in ("argmax", "argmin"):
        yield _row(name, _fn(name), _one, dtypes=_SOME)
        yield _row(f"{name}[axis=1]", _fn(name, 1, keepdims=True), _one)


def _questions() -> Iterator[Case]:
    rows = np.array([[True, True], [False, True], [False, False]])
    yield from (_row(name, _fn(name, 1), lambda d: (rows,), vmap=False) for name in ("any", "all"))
    yield _row("count_nonzero", _fn("count_nonzero", 1), lambda d: (d.ints(0, 2, 3, 4),))
    yield _row("sum[dtype]", _fn("sum", dtype="float32"), lambda d: (d.ints(0, 9, 3, 4),))


def _products() -> list[Case]:
    matrices = lambda d: (d.array(2, 3), d.array(3, 4))  # noqa: E731
    squares = lambda d: (d.array(2, 3), d.array(2, 3))  # noqa: E731
    return [
        _row("matmul", unp.matmul, matrices, dtypes=("float32", "float64", "bfloat16", "int32"), wrt=(0, 1)),
        _row("matmul[batch]", unp.matmul, lambda d: (d.array(2, 2, 3), d.array(3, 2)), wrt=(0, 1)),
        _row("matmul[vector]", unp.matmul, lambda d: (d.array(2, 3), d.array(3)), wrt=(0, 1)),
        _row("einsum", lambda x, y: unp.einsum("ij,jk->ki", x, y), matrices, dtypes=WIDE, wrt=(0, 1)),
        _row("tensordot", lambda x, y: unp.tensordot(x, y, axes=1), matrices, dtypes=WIDE, wrt=(0, 1)),
        _row("tensordot[pairs]", lambda x, y: unp.tensordot(x, y, axes=((0,), (0,))), squares, wrt=(0, 1)),
        _row("vecdot", unp.vecdot, squares, dtypes=WIDE, wrt=(0, 1)),
        _row("vdot", unp.vdot, lambda d: (d.array(4), d.array(4)), dtypes=WIDE, wrt=(0, 1)),
        _row("outer", unp.outer, lambda d: (d.array(2), d.array(3)), dtypes=WIDE, wrt=(0, 1)),
    ]


CASES = (*_elementwise(), *_special_elementwise(), *_reductions(), *_products())
