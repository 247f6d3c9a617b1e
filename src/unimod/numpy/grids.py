"""The coordinates of grids, and the places of diagonals and triangles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unimod.backends._protocol import Array
from unimod.config import default_engine, short
from unimod.errors import OptionError, ShapeError
from unimod.numpy._dispatch import several
from unimod.numpy._options import shape_of
from unimod.numpy.conversion import asarray
from unimod.numpy.joining import stack
from unimod.numpy.manipulation import broadcast_to, reshape
from unimod.numpy.ranges import arange


def meshgrid(*arrays: Array, indexing: str = "xy") -> list[Array]:
    """The coordinates of the grid that these axes span; ``"xy"`` swaps the first two axes, ``"ij"`` does not.

    Args:
        arrays: of one axis each; a number is an axis of one element.
        indexing: ``"xy"`` or ``"ij"``.

    Raises:
        ShapeError: an array has more than one axis.
        OptionError: there is no such indexing.

    Example:
        >>> import unimod.numpy as unp
        >>> [grid.tolist() for grid in unp.meshgrid([1, 2], [3, 4], indexing="ij")]
        [[[1, 1], [2, 2]], [[3, 4], [3, 4]]]
    """
    if indexing not in ("xy", "ij"):
        raise OptionError("meshgrid has no such indexing.", got=f"indexing={indexing!r}", expected='"xy" or "ij"')
    if not arrays:
        return []
    xs = several(arrays)[1]
    order = list(range(len(xs)))
    if indexing == "xy":
        order[:2] = order[:2][::-1]
    sizes = [_size(x) for x in xs]
    shape = tuple(sizes[i] for i in order)
    return [broadcast_to(reshape(x, _alone(order, i, sizes[i])), shape) for i, x in enumerate(xs)]


def _size(x: Array) -> int:
    if len(x.shape) > 1:
        raise ShapeError("meshgrid needs arrays of one axis.", got=short(x))
    return int(x.shape[0]) if len(x.shape) else 1


def _alone(order: list[int], which: int, size: int) -> tuple[int, ...]:
    return tuple(size if one == which else 1 for one in order)


def indices(
    dimensions: Sequence[int], /, *, dtype: object = "int32", device: object = None, backend: str | None = None
) -> Array:
    """The coordinates of every element of an array of this shape, along a new first axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.indices((2, 2)).tolist()
        [[[0, 0], [1, 1]], [[0, 1], [0, 1]]]
    """
    axes = [arange(size, dtype=dtype, device=device, backend=backend) for size in dimensions]
    if not axes:
        return arange(0, dtype=dtype, device=device, backend=backend)
    return stack(meshgrid(*axes, indexing="ij"))


def fromfunction(
    function: Callable[..., Any],
    shape: int | Sequence[int],
    /,
    *,
    dtype: object = "float32",
    device: object = None,
    backend: str | None = None,
) -> Any:
    """``function(i, j, ...)`` of the coordinates of every element of an array of this shape.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.fromfunction(lambda i, j: i * 10 + j, (2, 2)).tolist()
        [[0.0, 1.0], [10.0, 11.0]]
    """
    axes = [arange(size, dtype=dtype, device=device, backend=backend) for size in shape_of(shape)]
    return function(*meshgrid(*axes, indexing="ij"))


def tril_indices(n: int, /, k: int = 0, m: int | None = None, *, backend: str | None = None) -> tuple[Array, Array]:
    """Rows and columns of the elements on the ``k``-th diagonal of an n by m matrix and below it.

    Example:
        >>> import unimod.numpy as unp
        >>> [places.tolist() for places in unp.tril_indices(2)]
        [[0, 1, 1], [0, 0, 1]]
    """
    rows, columns = np.tril_indices(n, k, m)
    return _int32(rows, backend), _int32(columns, backend)


def triu_indices(n: int, /, k: int = 0, m: int | None = None, *, backend: str | None = None) -> tuple[Array, Array]:
    """Rows and columns of the elements on the ``k``-th diagonal of an n by m matrix and above it.

    Example:
        >>> import unimod.numpy as unp
        >>> [places.tolist() for places in unp.triu_indices(2)]
        [[0, 0, 1], [0, 1, 1]]
    """
    rows, columns = np.triu_indices(n, k, m)
    return _int32(rows, backend), _int32(columns, backend)


def diag_indices(n: int, /, ndim: int = 2, *, backend: str | None = None) -> tuple[Array, ...]:
    """The places of the elements on the main diagonal of an array of ``ndim`` axes of size ``n``.

    Example:
        >>> import unimod.numpy as unp
        >>> [places.tolist() for places in unp.diag_indices(2)]
        [[0, 1], [0, 1]]
    """
    return (arange(n, backend=backend),) * ndim


def _int32(places: Any, backend: str | None) -> Array:
    return asarray(places, dtype="int32", backend=default_engine(backend).name)
