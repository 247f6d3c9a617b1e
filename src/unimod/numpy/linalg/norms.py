"""Norms of vectors and matrices. Half precision is computed in float32; the gradient at 0 is 0."""

from __future__ import annotations

import math as _math
from typing import Any

from unimod.backends._protocol import Array, Engine
from unimod.errors import OptionError, ShapeError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import unary
from unimod.numpy._options import axes_of
from unimod.numpy.arithmetic import multiply
from unimod.numpy.linalg._matrices import matrices, narrowed, squares, telling, working
from unimod.numpy.linalg.decompositions import svdvals
from unimod.numpy.linalg.solvers import inv

Axes = int | tuple[int, ...] | None


def vector_norm(x: Array, /, *, axis: Axes = None, keepdims: bool = False, ord: float = 2) -> Array:
    """``sum(|x|**ord) ** (1 / ord)`` over the axes (None: all); real for complex numbers.

    The gradient at 0 is 0. Integers give float32.

    Args:
        x: an array of any shape.
        axis: one axis, several, or None.
        keepdims: whether the axes are kept with size 1.
        ord: any number; ``inf`` and ``-inf`` give the greatest and the smallest magnitude, 0 the number of elements
            that are not 0.

    Raises:
        ShapeError: there is no such axis; or no element, for ``inf`` and ``-inf``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.vector_norm([[3.0, 4.0], [0.0, -2.0]], axis=1).tolist()
        [5.0, 2.0]
    """
    engine, given = unary(x)
    try:
        engine, x, name = working(given)
        return narrowed(engine, name, _vector_norm(engine, x, ord, axis, keepdims))
    except Exception as error:
        raise explain.axis(error, "vector_norm", given, axis)  # noqa: B904 (it carries its cause)


def _vector_norm(engine: Engine, x: Array, ord: float, axis: Axes, keepdims: bool) -> Array:
    math = engine.math
    if axis == ():
        return _to_real(engine, math.abs(x) if ord else math.not_equal(x, 0), x)
    native = getattr(engine.linalg, "vector_norm", None)
    if native is not None and ord in (1, 2):
        return native(x, ord, axis, keepdims)
    if ord == 2:
        return _root(engine, math.sum(_squares(engine, x), axis, keepdims))
    if ord == 0:
        return _to_real(engine, math.sum(_to_real(engine, math.not_equal(x, 0), x), axis, keepdims), x)
    size = math.abs(x)
    if ord == 1:
        return math.sum(size, axis, keepdims)
    if _math.isinf(ord):
        return (math.max if ord > 0 else math.min)(size, axis, keepdims)
    return _general(engine, size, float(ord), axis, keepdims)


def _to_real(engine: Engine, values: Array, like: Array) -> Array:
    """Values in the real dtype of an array."""
    name = engine.arrays.dtype_name(like)
    return engine.arrays.astype(values, {"complex64": "float32", "complex128": "float64"}.get(name, name))


def _squares(engine: Engine, x: Array) -> Array:
    math = engine.math
    if not engine.arrays.dtype_name(x).startswith("complex"):
        return math.square(x)
    return math.add(math.square(math.real(x)), math.square(math.imag(x)))


def _root(engine: Engine, x: Array) -> Array:
    """The square root, with the derivative 0 at 0."""
    is_zero = engine.math.equal(x, 0)
    where = engine.arrays.where
    return where(is_zero, 0, engine.math.sqrt(where(is_zero, 1, x)))


def _general(engine: Engine, size: Array, ord: float, axis: Axes, keepdims: bool) -> Array:
    math, where = engine.math, engine.arrays.where
    is_zero = math.equal(size, 0)
    powers = math.pow(where(is_zero, 1, size), ord)
    if ord < 0:  # one 0 among the elements makes the norm 0
        vanishes, total = math.any(is_zero, axis, keepdims), math.sum(powers, axis, keepdims)
    else:
        total = math.sum(where(is_zero, 0, powers), axis, keepdims)
        vanishes = math.equal(total, 0)
    return where(vanishes, 0, math.pow(where(vanishes, 1, total), 1 / ord))


@telling(matrices)
def matrix_norm(x: Array, /, *, keepdims: bool = False, ord: float | str | None = "fro") -> Array:
    """The norms of matrices ``(..., m, n)``, as ``(...)``; real for complex numbers.

    Args:
        x: the matrices; integers give float32.
        keepdims: whether the two axes are kept with size 1.
        ord: ``"fro"``: the root of the sum of squares; ``"nuc"``: the sum of the singular values; 2 and -2: the
            greatest and the smallest of them; 1 and -1: the greatest and the smallest sum of magnitudes of a column;
            ``inf`` and ``-inf``: of a row.

    Raises:
        OptionError: there is no such ``ord``.
        ShapeError: ``x`` has fewer than two axes, or no elements where a greatest one is asked for.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.matrix_norm([[3.0, -4.0], [0.0, 0.0]], ord=1).tolist()
        4.0
    """
    engine, x, name = working(x)
    return narrowed(engine, name, _matrix_norm(engine, x, keepdims, "fro" if ord is None else ord))


def _matrix_norm(engine: Engine, x: Array, keepdims: bool, ord: float | str) -> Array:
    if ord not in ("fro", "nuc", 1, -1, 2, -2, _math.inf, -_math.inf):
        known = "'fro', 'nuc', 1, -1, 2, -2, inf or -inf"
        raise OptionError(f"matrix_norm has no ord {ord!r}.", got=repr(ord), expected=known)
    if ord == "fro":
        return _vector_norm(engine, x, 2, (len(x.shape) - 2, len(x.shape) - 1), keepdims)
    if ord in ("nuc", 2, -2):
        return _of_singular_values(engine, x, keepdims, ord)
    over, along = (-2, -1) if abs(float(ord)) == 1 else (-1, -2)
    sums = engine.math.sum(engine.math.abs(x), over, True)
    return (
        _extreme(engine, sums, along, float(ord) > 0, x)
        if keepdims
        else _extreme(engine, engine.arrays.squeeze(sums, over), -1, float(ord) > 0, x, keepdims=False)
    )


def _extreme(engine: Engine, values: Array, axis: int, is_greatest: bool, x: Array, keepdims: bool = True) -> Array:
    if values.shape[axis] == 0:
        raise explain.axis(ValueError(), "matrix_norm", x, ())
    return (engine.math.max if is_greatest else engine.math.min)(values, axis, keepdims)


def _of_singular_values(engine: Engine, x: Array, keepdims: bool, ord: float | str) -> Array:
    values = svdvals(x)
    if ord == "nuc":
        found = engine.math.sum(values, -1, False)
    else:
        found = _extreme(engine, values, -1, ord == 2, x, keepdims=False)
    return found[..., None, None] if keepdims else found


def norm(x: Array, /, ord: float | str | None = None, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """NumPy's norm: :func:`vector_norm` over one axis, :func:`matrix_norm` over two, all elements by default.

    Args:
        x: an array; integers give float32.
        ord: of the norm; None is the root of the sum of squares.
        axis: one axis, two, or None: all axes of an array, which has one or two where ``ord`` is given.
        keepdims: whether the axes are kept with size 1.

    Raises:
        OptionError: there is no such ``ord``.
        ShapeError: the axes are neither one nor two, or not there.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.norm([[3.0, 4.0], [0.0, 0.0]]).tolist(), unp.linalg.norm([3.0, -4.0], 1).tolist()
        (5.0, 7.0)
    """
    x = unary(x)[1]
    rank = len(x.shape)
    if axis is None and ord is None:
        return vector_norm(x, keepdims=keepdims)
    axes = axes_of(axis, rank)
    if len(axes) == 1:
        return _norm_of_vectors(x, ord, axes[0], keepdims)
    if len(axes) != 2 or axes[0] == axes[1]:
        raise ShapeError(
            "norm works along one axis or two.", got=f"axis={axis} for an array of {rank} axes", expected="one or two"
        )
    return _norm_of_matrices(x, ord, axes, keepdims)


def _norm_of_vectors(x: Array, ord: float | str | None, axis: int, keepdims: bool) -> Array:
    if isinstance(ord, str):
        raise OptionError(f"norm has no ord {ord!r} for vectors.", got=repr(ord), expected="a number, or two axes")
    return vector_norm(x, axis=axis, keepdims=keepdims, ord=2 if ord is None else ord)


def _norm_of_matrices(x: Any, ord: float | str | None, axes: tuple[int, ...], keepdims: bool) -> Array:
    engine, rank = unary(x)[0], len(x.shape)
    if not all(0 <= axis < rank for axis in axes):
        raise explain.axis(IndexError(), "norm", x, axes)
    kept = [axis for axis in range(rank) if axis not in axes]
    found = matrix_norm(engine.arrays.permute_dims(x, (*kept, *axes)), ord=ord)
    for axis in sorted(axes) if keepdims else ():
        found = engine.arrays.expand_dims(found, axis)
    return found


@telling(squares)
def _cond_of_squares(x: Array, p: float | str, /) -> Array:
    return multiply(matrix_norm(x, ord=p), matrix_norm(inv(x), ord=p))


@telling(matrices)
def cond(x: Array, /, p: float | str | None = None) -> Array:
    """The condition numbers ``|x| |inv(x)|`` of matrices, as ``(...)``; inf or nan for singular ones.

    Args:
        x: matrices ``(..., m, n)``, square ones for ``p`` other than None, 2 and -2; integers give float32.
        p: the ``ord`` of :func:`matrix_norm`; None and 2 give the greatest singular value over the smallest.

    Raises:
        OptionError: there is no such norm.
        ShapeError: the matrices are not square, or empty.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.round(unp.linalg.cond([[4.0, 0.0], [0.0, 2.0]])).tolist()
        2.0
    """
    if p not in (None, 2, -2):
        return _cond_of_squares(x, p)
    engine, x, name = working(x)
    values = svdvals(x)
    if 0 in x.shape[-2:]:
        raise explain.axis(ValueError(), "cond", x, ())
    greatest, smallest = values[..., 0], values[..., -1]
    pair = (smallest, greatest) if p == -2 else (greatest, smallest)
    return narrowed(engine, name, engine.math.divide(*pair))
