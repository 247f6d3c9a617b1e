"""What the functions of matrices share: the dtype in which they work, and what they say of shapes that do not fit."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from unimod.backends._promotion import inexact, promote
from unimod.backends._protocol import Array, Engine
from unimod.config import short
from unimod.errors import ShapeError
from unimod.numpy._dispatch import several, unary

P = ParamSpec("P")
R = TypeVar("R")
Check = Callable[..., ShapeError | None]

_HALF = frozenset({"float16", "bfloat16"})


@functools.cache
def _dtypes(name: str) -> tuple[str, str]:
    """The dtype of the computation and that of results, for arrays of a dtype."""
    result = inexact(name)
    return "float32" if result in _HALF else result, result


def working(x: Any) -> tuple[Engine, Array, str]:
    """The engine, ``x`` in the dtype of the computation (at least float32), and the dtype of results."""
    engine, x = unary(x)
    inner, name = _dtypes(engine.arrays.dtype_name(x))
    return engine, engine.arrays.astype(x, inner), name


def working_pair(x: Any, y: Any) -> tuple[Engine, Array, Array, str]:
    """:func:`working` for two arrays, which are promoted."""
    engine, (x, y) = several((x, y))
    inner, name = _dtypes(promote(engine.arrays.dtype_name(x), engine.arrays.dtype_name(y)))
    return engine, engine.arrays.astype(x, inner), engine.arrays.astype(y, inner), name


def narrowed(engine: Engine, name: str, x: Array) -> Array:
    """A result in half precision, where that is the dtype of results; else as it is."""
    return engine.arrays.astype(x, name) if name in _HALF else x


def all_narrowed(engine: Engine, name: str, xs: tuple[Array, ...]) -> tuple[Array, ...]:
    """:func:`narrowed` for several results."""
    return tuple(engine.arrays.astype(x, name) for x in xs) if name in _HALF else tuple(xs)


def transposed(engine: Engine, x: Array) -> Array:
    """``x`` with its last two axes exchanged."""
    rank = len(x.shape)
    return engine.arrays.permute_dims(x, (*range(rank - 2), rank - 1, rank - 2))


def adjoint(engine: Engine, x: Array) -> Array:
    """The conjugate of ``x`` with its last two axes exchanged."""
    return transposed(engine, engine.math.conj(x))


def identity_like(engine: Engine, x: Array) -> Array:
    """1 on the diagonals of matrices of the shape, dtype and device of ``x``, else 0."""
    return engine.arrays.tril(engine.arrays.triu(engine.arrays.ones_like(x), 0), 0)


def telling(check: Check) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Run ``check(name, *arrays)`` when the function has failed, and raise what it finds wrong with the shapes."""

    def decorate(public: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(public)
        def op(*args: P.args, **options: P.kwargs) -> R:
            try:
                return public(*args, **options)
            except Exception as error:
                told = check(public.__name__, *args)
                if told is None:
                    raise
                raise told from error

        return op

    return decorate


def _refused(name: str, expected: str, *xs: Any) -> ShapeError:
    one = "an array" if len(xs) == 1 else "arrays"
    return ShapeError(f"{name} got {one} of the wrong shape.", got=", ".join(map(short, xs)), expected=expected)


def matrices(name: str, x: Any, *_: Any) -> ShapeError | None:
    """Of arrays that are no matrices."""
    x = unary(x)[1]
    return None if len(x.shape) > 1 else _refused(name, "at least two axes, [..., m, n]", x)


def squares(name: str, x: Any, *_: Any) -> ShapeError | None:
    """Of arrays that are no square matrices."""
    x = unary(x)[1]
    fits = len(x.shape) > 1 and x.shape[-1] == x.shape[-2]
    return None if fits else _refused(name, "square matrices, [..., n, n]", x)


def square_systems(name: str, x: Any, y: Any, *_: Any) -> ShapeError | None:
    """Of a square matrix and a right-hand side that do not fit."""
    x, y = several((x, y))[1]
    if len(x.shape) > 1 and x.shape[-1] == x.shape[-2] and _meets(x, y):
        return None
    return _refused(name, "[..., n, n] and [n] or [..., n, k], with leading axes that broadcast", x, y)


def systems(name: str, x: Any, y: Any, *_: Any) -> ShapeError | None:
    """Of a matrix and a right-hand side that do not fit."""
    x, y = several((x, y))[1]
    if len(x.shape) > 1 and _meets(x, y):
        return None
    return _refused(name, "[..., m, n] and [m] or [..., m, k], with leading axes that broadcast", x, y)


def _meets(x: Any, y: Any) -> bool:
    rank = len(y.shape)
    if rank < 2:
        return rank == 1 and bool(y.shape[0] == x.shape[-2])
    pairs = zip(reversed(x.shape[:-2]), reversed(y.shape[:-2]), strict=False)
    return bool(y.shape[-2] == x.shape[-2]) and all(a == b or 1 in (a, b) for a, b in pairs)


def vectors(name: str, x: Any, y: Any, *_: Any) -> ShapeError | None:
    """Of arrays that do not have one axis each."""
    x, y = several((x, y))[1]
    return None if len(x.shape) == len(y.shape) == 1 else _refused(name, "one axis each", x, y)
