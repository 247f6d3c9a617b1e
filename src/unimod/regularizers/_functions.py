"""Penalties of parameters."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.config import is_array
from unimod.core.filters import Filter
from unimod.errors import OptionError
from unimod.regularizers._base import chosen

Array = Any


def l1(parameters: Any, *filters: Filter, rate: float = 0.01) -> Array:
    """``rate * sum |p|`` over all elements of the parameters, with the derivative 0 at 0.

    Args:
        parameters: a module (of which the parameters that are not frozen count), or any tree of arrays. A shared
            parameter counts once; half precision is added up in float32.
        filters: which leaves: kinds, paths, classes, modules, or functions of a ``FieldInfo``; all must hold.
        rate: the factor.

    Returns:
        A scalar; the number 0.0 where no leaf is left.

    Example:
        >>> import unimod as um
        >>> round(float(um.regularizers.l1({"w": um.numpy.asarray([1.0, -3.0])}, rate=0.5)), 4)
        2.0
    """
    return _sum([unp.multiply(unp.sum(unp.abs(_wide(p))), rate) for p in chosen(parameters, filters)])


def l2(parameters: Any, *filters: Filter, rate: float = 0.01) -> Array:
    """``rate * sum p^2`` over all elements of the parameters, without a factor of 1/2.

    Arguments and result as in :func:`l1`.

    Example:
        >>> import unimod as um
        >>> model = um.nn.Linear(2, 3).init(0)
        >>> whole, kernel = um.regularizers.l2(model), um.regularizers.l2(model, "kernel")
        >>> abs(float(whole) - float(kernel)) < 1e-6  # the bias is 0
        True
    """
    return _sum([unp.multiply(unp.sum(unp.square(_wide(p))), rate) for p in chosen(parameters, filters)])


def l1_l2(parameters: Any, *filters: Filter, l1_rate: float = 0.01, l2_rate: float = 0.01) -> Array:
    """``l1_rate * sum |p| + l2_rate * sum p^2``. Arguments and result as in :func:`l1`.

    Example:
        >>> import unimod as um
        >>> round(float(um.regularizers.l1_l2(um.numpy.asarray([1.0, -3.0]), l1_rate=1.0, l2_rate=0.5)), 4)
        9.0
    """
    return _sum([l1(parameters, *filters, rate=l1_rate), l2(parameters, *filters, rate=l2_rate)])


def orthogonal(parameters: Any, *filters: Filter, rate: float = 0.01, mode: str = "columns") -> Array:
    """``rate * sum (W^T W - I)^2`` over the off-diagonal and diagonal elements, for each matrix ``W``.

    A kernel with more than two axes counts as a matrix with its last axis as columns; leaves with fewer than two axes
    are left out.

    Args:
        parameters: as in :func:`l1`.
        filters: as in :func:`l1`.
        rate: the factor.
        mode: ``"columns"`` makes the columns orthonormal, ``"rows"`` the rows (``W W^T``).

    Returns:
        A scalar; the number 0.0 where no matrix is left.

    Raises:
        OptionError: ``mode`` is neither of the two.

    Example:
        >>> import unimod as um
        >>> float(um.regularizers.orthogonal(um.numpy.eye(3), rate=1.0))
        0.0
        >>> float(um.regularizers.orthogonal(um.numpy.ones((1, 2)), rate=1.0))
        2.0

    Differences: Keras's regularizer compares the directions only, by the absolute cosines.

    Source: Brock et al. (2016), arXiv:1609.07093, equation 3.
    """
    if mode not in ("columns", "rows"):
        raise OptionError(
            "`mode` of orthogonal is unknown.",
            got=f"mode = {mode!r}",
            expected='"columns" or "rows"',
            fix="columns for kernels of shape (in, out) with in >= out",
        )
    matrices = [_matrix(_wide(p), mode) for p in chosen(parameters, filters) if len(p.shape) > 1]
    return _sum([unp.multiply(_distance(matrix), rate) for matrix in matrices])


def _matrix(p: Array, mode: str) -> Array:
    matrix = unp.reshape(p, (-1, p.shape[-1]))
    return matrix if mode == "columns" else unp.matrix_transpose(matrix)


def _distance(matrix: Array) -> Array:
    gram = unp.matmul(unp.matrix_transpose(matrix), matrix)
    return unp.sum(unp.square(unp.subtract(gram, np.eye(gram.shape[0], dtype="float32"))))


def _wide(p: Array) -> Array:
    return unp.astype(p, "float32") if str(unp.dtype_of(p)) in ("float16", "bfloat16") else p


def _sum(terms: list[Array]) -> Array:
    arrays = [term for term in terms if is_array(term)]
    return functools.reduce(unp.add, arrays) if arrays else 0.0
