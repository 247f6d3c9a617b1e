"""The same elements in another shape or dtype; the engine's own functions, found by the type of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unimod.backends._protocol import Array
from unimod.errors import OptionError, ShapeError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import several, unary
from unimod.numpy._options import axes_of, dtype_name, shape_of
from unimod.numpy._table import Table
from unimod.numpy.axes import matrix_transpose as matrix_transpose
from unimod.numpy.axes import moveaxis as moveaxis
from unimod.numpy.conversion import to_device
from unimod.numpy.triangles import tril as tril
from unimod.numpy.triangles import triu as triu

_astype = Table("arrays", "astype")
_reshape = Table("arrays", "reshape")
_broadcast_to = Table("arrays", "broadcast_to")
_expand_dims = Table("arrays", "expand_dims")
_squeeze = Table("arrays", "squeeze")
_copy = Table("arrays", "copy")
_view = Table("arrays", "view")


def astype(x: Array, dtype: object, /, *, copy: bool = False, device: object = None) -> Array:
    """``x`` in another dtype; ``x`` itself when it has that one. Fractions are cut off by integers.

    Args:
        x: an array.
        dtype: of the result.
        copy: whether the result has memory of its own even where nothing changes.
        device: of the result; None: that of ``x``.

    Raises:
        DTypeError: a complex array would lose its imaginary part.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.astype([1.5, -1.5], "int32").tolist()
        [1, -1]

    Source: https://data-apis.org/array-api/2024.12/API_specification/generated/array_api.astype.html
    Differences: ``copy`` is True by default in the standard.
    """
    found = _astype[type(x)](x, dtype_name(dtype))
    if device is not None:
        found = to_device(found, device)
    return _copy[type(x)](x) if copy and found is x else found


def reshape(x: Array, /, shape: int | Sequence[int], *, copy: bool | None = None) -> Array:
    """The same elements in row-major order in another shape, of which one size may be -1: what is left.

    Args:
        x: an array.
        shape: of the result.
        copy: True: always new memory; False: never, an error where the memory cannot be shared; None: where needed.
            Arrays that cannot be changed may be shared or copied; nobody can tell.

    Raises:
        ShapeError: the shape has another number of elements.
        OptionError: ``copy=False``, and the elements do not lie in memory as the shape needs them.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.reshape([1, 2, 3, 4], (2, -1)).tolist()
        [[1, 2], [3, 4]]
    """
    if type(shape) is not tuple:
        shape = shape_of(shape)
    try:
        found = _reshape[type(x)](x, shape)
    except Exception as error:
        raise explain.reshaped(error, unary(x)[1], shape)  # noqa: B904 (it carries its cause)
    if copy is None:
        return found
    return _copy[type(found)](found) if copy else _viewed(x, shape)


def _viewed(x: Array, shape: tuple[int, ...]) -> Array:
    try:
        return _view[type(x)](x, shape)
    except Exception as error:
        raise OptionError(
            "reshape would have to copy.",
            got=f"copy=False and shape={shape} for the shape {tuple(x.shape)}",
            expected="an array whose elements lie in memory in row-major order",
            fix="leave copy=False out",
        ) from error


def ravel(x: Array, /) -> Array:
    """All elements in row-major order along one axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.ravel([[1, 2], [3, 4]]).tolist()
        [1, 2, 3, 4]
    """
    return reshape(x, (-1,))


def expand_dims(x: Array, /, axis: int | tuple[int, ...] = 0) -> Array:
    """A new axis of size 1, which stands at ``axis`` in the result; of a tuple, several.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.expand_dims([1, 2], axis=-1).tolist()
        [[1], [2]]
        >>> unp.expand_dims([1, 2], axis=(0, 2)).tolist()
        [[[1], [2]]]
    """
    if type(axis) is tuple:
        return _with_axes(x, axis)
    try:
        return _expand_dims[type(x)](x, axis)
    except Exception as error:
        raise explain.new_axis(error, "expand_dims", unary(x)[1], axis)  # noqa: B904 (it carries its cause)


def _with_axes(x: Array, axes: tuple[int, ...]) -> Array:
    x = unary(x)[1]
    rank = len(x.shape) + len(axes)
    places = axes_of(axes, rank)
    if len(set(places)) != len(places) or any(not 0 <= one < rank for one in places):
        raise ShapeError(
            "expand_dims needs each new axis once.", got=f"axis={axes}", expected=f"places from {-rank} to {rank - 1}"
        )
    sizes = iter(x.shape)
    return reshape(x, tuple(1 if place in places else next(sizes) for place in range(rank)))


def squeeze(x: Array, /, axis: int | tuple[int, ...] | None = None) -> Array:
    """Axes of size 1 dropped; None is all of them.

    Raises:
        ShapeError: an axis that is named does not have the size 1.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.squeeze([[1, 2]], axis=0).tolist()
        [1, 2]
    """
    if type(axis) is int:
        try:
            if x.shape[axis] == 1:
                return _squeeze[type(x)](x, axis)
        except Exception:  # no array, or no such axis: both are settled below
            pass
    x = unary(x)[1]
    shape = tuple(x.shape)
    axes = tuple(i for i, size in enumerate(shape) if size == 1) if axis is None else axes_of(axis, len(shape))
    if any(not 0 <= i < len(shape) or shape[i] != 1 for i in axes):
        raise ShapeError("squeeze drops axes of size 1 only.", got=f"axis={axis} for the shape {shape}")
    return _squeeze[type(x)](x, axes)


def broadcast_to(x: Array, /, shape: int | Sequence[int]) -> Array:
    """``x`` repeated along new leading axes and along axes of size 1; not to be written to.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.broadcast_to([1, 2], (2, 2)).tolist()
        [[1, 2], [1, 2]]
    """
    if type(shape) is not tuple:
        shape = shape_of(shape)
    try:
        if -1 in shape:  # torch would keep the size
            raise ValueError("a negative size")
        return _broadcast_to[type(x)](x, shape)
    except Exception as error:
        raise explain.broadcast(error, unary(x)[1], shape)  # noqa: B904 (it carries its cause)


def broadcast_shapes(*shapes: int | Sequence[int]) -> tuple[int, ...]:
    """The shape that arrays of these shapes have in common.

    Raises:
        ShapeError: there is none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.broadcast_shapes((2, 1), (3,), ())
        (2, 3)
    """
    listed = [shape_of(shape) for shape in shapes]
    try:
        return tuple(int(size) for size in np.broadcast_shapes(*listed))
    except ValueError as error:
        raise ShapeError(
            "The shapes do not broadcast.",
            got=", ".join(map(str, listed)),
            expected="axes, counted from the last, of equal size or of size 1",
        ) from error


def broadcast_arrays(*arrays: Array) -> list[Array]:
    """The arrays, each broadcast to the shape that they have in common.

    Example:
        >>> import unimod.numpy as unp
        >>> [tuple(x.shape) for x in unp.broadcast_arrays([[1], [2]], [1, 2, 3])]
        [(2, 3), (2, 3)]
    """
    engine, xs = several(arrays)
    shape = explain.common_shape("broadcast_arrays", xs)
    return [engine.arrays.broadcast_to(x, shape) for x in xs]


def atleast_1d(x: Array, /) -> Array:
    """``x`` with at least one axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.atleast_1d(3).tolist()
        [3]
    """
    x = unary(x)[1]
    return reshape(x, (1,)) if len(x.shape) == 0 else x


def atleast_2d(x: Array, /) -> Array:
    """``x`` with at least two axes: one axis becomes a row.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.atleast_2d([1, 2]).tolist()
        [[1, 2]]
    """
    x = atleast_1d(x)
    return expand_dims(x, 0) if len(x.shape) == 1 else x


def atleast_3d(x: Array, /) -> Array:
    """``x`` with at least three axes: of a row ``(1, n, 1)``, of a matrix ``(n, m, 1)``.

    Example:
        >>> import unimod.numpy as unp
        >>> tuple(unp.atleast_3d([1, 2]).shape)
        (1, 2, 1)
    """
    x = atleast_2d(x)
    return expand_dims(x, -1) if len(x.shape) == 2 else x


def ndim(x: Any, /) -> int:
    """The number of axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.ndim([[1, 2]]), unp.ndim(3)
        (2, 0)
    """
    return len(unary(x)[1].shape)


def shape(x: Any, /) -> tuple[int, ...]:
    """The sizes of the axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.shape([[1, 2]])
        (1, 2)
    """
    return tuple(unary(x)[1].shape)


def size(x: Any, /, axis: int | None = None) -> int:
    """The number of elements, or of those along one axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.size([[1, 2]]), unp.size([[1, 2]], 0)
        (2, 1)
    """
    x = unary(x)[1]
    try:
        return int(np.prod(x.shape, dtype=np.int64)) if axis is None else int(x.shape[axis])
    except IndexError as error:
        raise explain.axis(error, "size", x, axis)  # noqa: B904 (it carries its cause)
