"""Determinants."""

from __future__ import annotations

from typing import NamedTuple

from unimod.backends._protocol import Array, Engine
from unimod.numpy.linalg._matrices import all_narrowed, narrowed, squares, telling, working


class SlogdetResult(NamedTuple):
    """The sign of a determinant, and the logarithm of its magnitude."""

    sign: Array
    logabsdet: Array


@telling(squares)
def det(x: Array, /) -> Array:
    """The determinants of square matrices ``(..., n, n)``, as ``(...)``; 1 for 0 x 0.

    The gradient is ``det(x) inv(x)^T``, and the cofactors where ``x`` is singular. Integers give float32.

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> import unimod.numpy as unp
        >>> round(unp.linalg.det([[1.0, 2.0], [3.0, 4.0]]).tolist(), 4)
        -2.0
    """
    engine, x, name = working(x)
    found = getattr(engine.linalg, "det", None)
    return narrowed(engine, name, _det(engine, x) if found is None else found(x))


def _det(engine: Engine, x: Array) -> Array:
    sign, logarithm = engine.linalg.slogdet(x)
    return engine.math.multiply(sign, engine.math.exp(logarithm))


@telling(squares)
def slogdet(x: Array, /) -> SlogdetResult:
    """``(sign, logabsdet)`` of square matrices ``(..., n, n)``: ``det(x) = sign * exp(logabsdet)``, without overflow.

    The sign is a number of magnitude 1, complex for complex matrices; ``(0, -inf)`` stand for a singular one.

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> import unimod.numpy as unp
        >>> sign, logabsdet = unp.linalg.slogdet([[0.0, 2.0], [2.0, 0.0]])
        >>> sign.tolist(), round(logabsdet.tolist(), 4)
        (-1.0, 1.3863)
    """
    engine, x, name = working(x)
    return SlogdetResult(*all_narrowed(engine, name, engine.linalg.slogdet(x)))
