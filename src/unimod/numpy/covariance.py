"""Covariances and correlations of variables."""

from __future__ import annotations

from typing import Any

from unimod.backends._promotion import inexact, promote
from unimod.backends._protocol import Array, Engine
from unimod.config import short
from unimod.dtypes import DType
from unimod.errors import ShapeError
from unimod.numpy._dispatch import adopt, several, unary
from unimod.numpy.arithmetic import add, divide, multiply, subtract
from unimod.numpy.exponential import sqrt
from unimod.numpy.joining import concat
from unimod.numpy.linear_algebra import matmul
from unimod.numpy.reductions import sum
from unimod.numpy.rounding import clip, conj, imag, real


def cov(
    x: Array,
    y: Array | None = None,
    /,
    *,
    rowvar: bool = True,
    correction: float = 1.0,
    fweights: Array | None = None,
    aweights: Array | None = None,
) -> Array:
    """``sum_k w[k] (x_i[k] - mean_i) conj(x_j[k] - mean_j) / n``: how variables vary together.

    ``n`` is ``sum(w) - correction``; where there are ``aweights``, ``sum(w) - correction sum(w a) / sum(w)``.

    Args:
        x: the observations: [m] of one variable, or [variables, m].
        y: more variables, of as many observations.
        rowvar: whether each row is a variable; else each column is one.
        correction: 1 for the estimate without bias, 0 for the mean.
        fweights: whole numbers [m]: how often each observation was made.
        aweights: numbers [m]: how much each observation counts.

    Returns:
        the matrix [variables, variables], or a number for one variable; integers give float32.

    Raises:
        ShapeError: there are more than two axes, or not as many observations everywhere.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cov([[1.0, 2.0, 3.0], [1.0, 2.0, 6.0]]).tolist()
        [[1.0, 2.5], [2.5, 7.0]]

    Differences: NumPy says ``rowvar`` and ``ddof``; its ``bias=True`` is ``correction=0``.
    """
    engine, variables = _variables(x, y, rowvar)
    weights = _weights(engine, variables, fweights, aweights)
    total, number = _sizes(variables, weights, aweights, correction)
    centred = subtract(variables, divide(sum(_times(variables, weights), axis=1, keepdims=True), total))
    turned = engine.arrays.permute_dims(conj(centred), (1, 0))
    found = divide(matmul(_times(centred, weights), turned), number)
    return engine.arrays.reshape(found, ()) if tuple(found.shape) == (1, 1) else found


def corrcoef(x: Array, y: Array | None = None, /, *, rowvar: bool = True) -> Array:
    """``c[i, j] / sqrt(c[i, i] c[j, j])`` of the covariances: 1 where variables rise together, -1 where one falls.

    Args:
        x: the observations: [m] of one variable, or [variables, m].
        y: more variables, of as many observations.
        rowvar: whether each row is a variable; else each column is one.

    Returns:
        the matrix [variables, variables], or a number for one variable; integers give float32.

    Raises:
        ShapeError: there are more than two axes, or not as many observations everywhere.

    Example:
        >>> import unimod.numpy as unp
        >>> [round(c, 3) for c in unp.corrcoef([[1.0, 2.0], [2.0, 4.0], [5.0, 1.0]]).tolist()[0]]
        [1.0, 1.0, -1.0]
    """
    found = cov(x, y, rowvar=rowvar)
    engine, found = unary(found)
    if not found.shape:
        return divide(found, found)
    spread = sqrt(real(engine.math.einsum("ii->i", [found])))
    scaled = divide(divide(found, engine.arrays.expand_dims(spread, 1)), engine.arrays.expand_dims(spread, 0))
    if DType(engine.arrays.dtype_name(scaled)).kind != "complex":
        return clip(scaled, -1.0, 1.0)
    return add(clip(real(scaled), -1.0, 1.0), multiply(clip(imag(scaled), -1.0, 1.0), 1j))


def _variables(x: Array, y: Array | None, rowvar: bool) -> tuple[Engine, Array]:
    """All variables as rows, in the dtype with fractions in which they meet."""
    engine, found = several((x,) if y is None else (x, y))
    name = inexact(engine.arrays.dtype_name(found[0]))
    for one in found[1:]:
        name = promote(name, engine.arrays.dtype_name(one))
    rows = [_rows(engine, engine.arrays.astype(one, name), rowvar) for one in found]
    if any(row.shape[1] != rows[0].shape[1] for row in rows):
        got = ", ".join(map(short, found))
        raise ShapeError("cov got different numbers of observations.", got=got, expected="as many of each variable")
    return engine, rows[0] if len(rows) == 1 else concat(rows)


def _rows(engine: Engine, x: Array, rowvar: bool) -> Array:
    if len(x.shape) > 2:
        raise ShapeError("cov takes one variable, or a matrix of them.", got=short(x), expected="[m] or [variables, m]")
    if len(x.shape) < 2:
        return engine.arrays.reshape(x, (1, -1))
    return x if rowvar else engine.arrays.permute_dims(x, (1, 0))


def _weights(engine: Engine, variables: Array, *weights: Array | None) -> Array | None:
    """The product of the weights of each observation."""
    found = None
    for one in weights:
        if one is None:
            continue
        one = engine.arrays.astype(adopt(engine, one), _part(engine, variables))
        if tuple(one.shape) != (variables.shape[1],):
            raise ShapeError("cov needs one weight for each observation.", got=short(one), expected=short(variables[0]))
        found = one if found is None else multiply(found, one)
    return found


def _part(engine: Engine, x: Array) -> str:
    name = engine.arrays.dtype_name(x)
    return {"complex64": "float32", "complex128": "float64"}.get(name, name)


def _times(x: Array, weights: Array | None) -> Array:
    return x if weights is None else multiply(x, weights)


def _sizes(x: Array, weights: Array | None, aweights: Array | None, correction: float) -> tuple[Any, Any]:
    """The sum of the weights, and by what the products of deviations are divided."""
    if weights is None:
        return x.shape[1], x.shape[1] - correction
    total = sum(weights)
    if aweights is None:
        return total, subtract(total, correction)
    return total, subtract(total, divide(multiply(correction, sum(multiply(weights, aweights))), total))
