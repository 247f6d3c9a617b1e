"""Arithmetic on lists of arrays: an engine's functions for whole lists where it has them, else one after the other.

The formulas of the transformations are written with it, once for all engines.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from unimod import config
from unimod.backends._protocol import Array, Engine

Arrays = list[Array]

_ONE_BY_ONE = {
    "add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "maximum": "maximum",
    "minimum": "minimum", "neg": "negative", "abs": "abs", "sqrt": "sqrt", "reciprocal": "reciprocal",
}  # fmt: skip
"""The functions of lists, and those of ``engine.math`` that they are made of."""


class Spent(list[Array]):
    """Arrays whose values are not needed after the operation that gets them: an engine may write into their memory."""


class Lists:
    """``L.add(xs, ys)``, and in the same way ``sub mul div maximum minimum neg abs sqrt reciprocal``.

    The second operand is a list as long as the first, or one number for all: a Python number or an array without axes,
    which never changes the dtype of the list, and by which the result can be differentiated.

    Attributes:
        engine: the engine of the arrays.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __getattr__(self, name: str) -> Callable[..., Arrays]:
        if name not in _ONE_BY_ONE:
            raise AttributeError(name)
        found = self.fused(name) or functools.partial(self._each, getattr(self.engine.math, _ONE_BY_ONE[name]))
        setattr(self, name, found)
        return found

    def fused(self, name: str) -> Callable[..., Any] | None:
        """The engine's function for whole lists of that name, or None."""
        find = getattr(self.engine.optim, "fused", None)
        found: Callable[..., Any] | None = None if find is None else find(name)
        return found

    def at_once(self, name: str, *args: Any) -> Any:
        """What the engine makes of a whole step in one call; None where it does not, for these arguments."""
        fused = self.fused(name)
        return None if fused is None else fused(*args)

    def over(self, name: str, spent: Arrays, *args: Any) -> Any:
        """What the engine writes into arrays that are :class:`Spent`; None where they are not, or where it does not."""
        return self.at_once(f"{name}_", spent, *args) if isinstance(spent, Spent) else None

    def _each(self, fn: Callable[..., Array], xs: Arrays, other: Any = None) -> Arrays:
        if other is None:
            return [fn(x) for x in xs]
        others = other if isinstance(other, list) else [other] * len(xs)
        return [fn(x, self.like(y, x)) for x, y in zip(xs, others, strict=True)]

    def like(self, number: Any, x: Array) -> Any:
        """An array without axes in the dtype of ``x``; anything else as it is."""
        arrays = self.engine.arrays
        return arrays.astype(number, arrays.dtype_name(x)) if _is_number(number) else number

    def zeros(self, xs: Arrays) -> Arrays:
        """Zeros of these shapes and dtypes."""
        return [self.engine.arrays.zeros_like(x) for x in xs]

    def full(self, xs: Arrays, value: float) -> Arrays:
        """One value in these shapes and dtypes."""
        return [self.engine.arrays.full_like(x, value) for x in xs]

    def count(self, xs: Arrays) -> Array:
        """A counter at 0, on the device of the arrays."""
        return self.engine.arrays.zeros((), "int32", self.device(xs))

    def device(self, xs: Arrays) -> str | None:
        """The device of the arrays; None, for the default one, of none, and in a trace."""
        arrays = self.engine.arrays
        return arrays.device_name(xs[0]) if xs and arrays.is_concrete(xs[0]) else None

    def squares(self, xs: Arrays) -> Arrays:
        """``|x|**2``, real of complex arrays."""
        math = self.engine.math
        if "complex" in kinds(xs):
            return [math.real(math.multiply(x, math.conj(x))) for x in xs]
        squares: Arrays = self.mul(xs, xs)
        return squares

    def add_squares(self, xs: Arrays, ys: Arrays) -> Arrays:
        """``x + |y|**2``."""
        made = self.over("add_squares", xs, ys)
        if made is not None:
            return list(made)
        fused = self.fused("addcmul")
        if fused is not None and kinds(ys) <= {"float"}:
            return list(fused(xs, ys, ys))
        summed: Arrays = self.add(xs, self.squares(ys))
        return summed

    def add_scaled(self, xs: Arrays, ys: Arrays, factor: Any) -> Arrays:
        """``x + factor * y``."""
        fused = self.fused("add_scaled")
        if fused is not None and isinstance(factor, (int, float)):
            made = self.over("add_scaled", ys, xs, factor)
            return list(fused(xs, ys, factor) if made is None else made)
        added: Arrays = self.add(xs, self.mul(ys, factor))
        return added

    def decayed(self, old: Arrays, new: Arrays, decay: Any) -> Arrays:
        """``decay * old + (1 - decay) * new``."""
        fused = self.fused("lerp")
        if fused is not None and isinstance(decay, (int, float)):
            made = self.over("decayed", old, new, decay)
            return list(fused(old, new, 1 - decay) if made is None else made)
        mixed: Arrays = self.add(self.mul(old, decay), self.mul(new, 1 - decay))
        return mixed

    def decayed_squares(self, old: Arrays, new: Arrays, decay: Any) -> Arrays:
        """``decay * old + (1 - decay) * |new|**2``."""
        if isinstance(decay, (int, float)):
            made = self.over("decayed_squares", old, new, decay)
            made = self.at_once("decayed_squares", old, new, decay) if made is None else made
            if made is not None:
                return list(made)
            fused = self.fused("addcmul")
            if fused is not None and kinds(new) <= {"float"}:
                return list(fused(self.mul(old, decay), new, new, value=1 - decay))
        return self.decayed(old, self.squares(new), decay)

    def debias(self, decay: Any, count: Array) -> Array:
        """``1 - decay**count``, right to rounding, without axes."""
        engine, wide = self.engine, "float64" if self.engine.facts.has_x64() else "float32"
        steps = engine.arrays.astype(count, wide)
        if isinstance(decay, (int, float)):
            decay = engine.arrays.full_like(steps, decay - 1)
        else:
            decay = engine.math.subtract(engine.arrays.astype(decay, wide), 1)
        return engine.math.negative(engine.math.expm1(engine.math.multiply(steps, engine.math.log1p(decay))))


@functools.cache
def of(engine: Engine) -> Lists:
    """The lists of one engine."""
    return Lists(engine)


def have_equal_shapes(xs: Arrays, ys: Arrays) -> bool:
    """Whether the arrays of two lists have the same shapes; that of a number is ``()``."""
    try:
        return [x.shape for x in xs] == [y.shape for y in ys]
    except AttributeError:
        return [getattr(x, "shape", ()) for x in xs] == [getattr(y, "shape", ()) for y in ys]


def kinds(xs: Arrays) -> set[str]:
    """The kinds of dtypes among the arrays: ``"float"``, ``"complex"`` and so on."""
    return {config.dtype_of(x).kind for x in {x.dtype: x for x in xs}.values()}


def _is_number(value: Any) -> bool:
    return config.is_array(value) and len(value.shape) == 0
