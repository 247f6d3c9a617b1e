"""The same elements in another shape, order or dtype."""

from __future__ import annotations

from collections.abc import Sequence

from unimod.backends._protocol import Array
from unimod.errors import ShapeError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import several, unary
from unimod.numpy._options import axes_of, dtype_name, shape_of


def astype(x: Array, dtype: object, /) -> Array:
    """``x`` in another dtype; ``x`` itself when it has that one. Fractions are cut off by integers.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.astype([1.5, -1.5], "int32").tolist()
        [1, -1]
    """
    engine, x = unary(x)
    return engine.arrays.astype(x, dtype_name(dtype))


def reshape(x: Array, /, shape: int | Sequence[int]) -> Array:
    """The same elements in row-major order in another shape, of which one size may be -1: what is left.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.reshape([1, 2, 3, 4], (2, -1)).tolist()
        [[1, 2], [3, 4]]
    """
    engine, x = unary(x)
    shape = shape_of(shape)
    try:
        return engine.arrays.reshape(x, shape)
    except Exception as error:
        raise explain.reshaped(error, x, shape)  # noqa: B904 (it carries its cause)


def ravel(x: Array, /) -> Array:
    """All elements in row-major order along one axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.ravel([[1, 2], [3, 4]]).tolist()
        [1, 2, 3, 4]
    """
    return reshape(x, (-1,))


def permute_dims(x: Array, /, axes: Sequence[int]) -> Array:
    """The axes in another order: axis ``i`` of the result is axis ``axes[i]`` of ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.permute_dims([[1, 2, 3]], (1, 0)).tolist()
        [[1], [2], [3]]
    """
    engine, x = unary(x)
    rank = len(x.shape)
    if sorted(axes_of(axes, rank)) != list(range(rank)):
        raise ShapeError(
            "permute_dims needs each axis once.",
            got=f"axes={tuple(axes)} for {rank} axes",
            expected=f"an order of {tuple(range(rank))}",
        )
    return engine.arrays.permute_dims(x, tuple(axes))


def matrix_transpose(x: Array, /) -> Array:
    """The last two axes swapped.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.matrix_transpose([[1, 2, 3]]).tolist()
        [[1], [2], [3]]
    """
    return swapaxes(x, -1, -2)


def swapaxes(x: Array, axis1: int, axis2: int, /) -> Array:
    """Two axes in each other's place.

    Example:
        >>> import unimod.numpy as unp
        >>> tuple(unp.swapaxes(unp.zeros((2, 3, 4)), 0, -1).shape)
        (4, 3, 2)
    """
    engine, x = unary(x)
    order = list(range(len(x.shape)))
    try:
        order[axis1], order[axis2] = order[axis2], order[axis1]
    except IndexError as error:
        raise explain.axis(error, "swapaxes", x, (axis1, axis2))  # noqa: B904 (it carries its cause)
    return engine.arrays.permute_dims(x, tuple(order))


def moveaxis(x: Array, source: int, destination: int, /) -> Array:
    """One axis moved to another place; the others keep their order.

    Example:
        >>> import unimod.numpy as unp
        >>> tuple(unp.moveaxis(unp.zeros((2, 3, 4)), 0, -1).shape)
        (3, 4, 2)
    """
    engine, x = unary(x)
    try:
        return engine.arrays.moveaxis(x, source, destination)
    except Exception as error:
        raise explain.axis(error, "moveaxis", x, (source, destination))  # noqa: B904 (it carries its cause)


def expand_dims(x: Array, /, axis: int = 0) -> Array:
    """A new axis of size 1, which stands at ``axis`` in the result.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.expand_dims([1, 2], axis=-1).tolist()
        [[1], [2]]
    """
    engine, x = unary(x)
    try:
        return engine.arrays.expand_dims(x, axis)
    except Exception as error:
        raise explain.new_axis(error, "expand_dims", x, axis)  # noqa: B904 (it carries its cause)


def squeeze(x: Array, /, axis: int | tuple[int, ...] | None = None) -> Array:
    """Axes of size 1 dropped; None is all of them.

    Raises:
        ShapeError: an axis that is named does not have the size 1.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.squeeze([[1, 2]], axis=0).tolist()
        [1, 2]
    """
    engine, x = unary(x)
    shape = tuple(x.shape)
    axes = tuple(i for i, size in enumerate(shape) if size == 1) if axis is None else axes_of(axis, len(shape))
    if any(not 0 <= i < len(shape) or shape[i] != 1 for i in axes):
        raise ShapeError("squeeze drops axes of size 1 only.", got=f"axis={axis} for the shape {shape}")
    return engine.arrays.squeeze(x, axes)


def broadcast_to(x: Array, /, shape: int | Sequence[int]) -> Array:
    """``x`` repeated along new leading axes and along axes of size 1; not to be written to.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.broadcast_to([1, 2], (2, 2)).tolist()
        [[1, 2], [1, 2]]
    """
    engine, x = unary(x)
    shape = shape_of(shape)
    try:
        return engine.arrays.broadcast_to(x, shape)
    except Exception as error:
        raise explain.broadcast(error, x, shape)  # noqa: B904 (it carries its cause)


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


def flip(x: Array, /, axis: int | tuple[int, ...] | None = None) -> Array:
    """The order along the axes reversed; None is all of them.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.flip([[1, 2], [3, 4]], axis=1).tolist()
        [[2, 1], [4, 3]]
    """
    engine, x = unary(x)
    try:
        return engine.arrays.flip(x, axis)
    except Exception as error:
        raise explain.axis(error, "flip", x, axis)  # noqa: B904 (it carries its cause)


def tril(x: Array, /, *, k: int = 0) -> Array:
    """Zeros above the ``k``-th diagonal of the last two axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.tril([[1, 2], [3, 4]]).tolist()
        [[1, 0], [3, 4]]
    """
    engine, x = unary(x)
    return engine.arrays.tril(_matrix("tril", x), k)


def triu(x: Array, /, *, k: int = 0) -> Array:
    """Zeros below the ``k``-th diagonal of the last two axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.triu([[1, 2], [3, 4]]).tolist()
        [[1, 2], [0, 4]]
    """
    engine, x = unary(x)
    return engine.arrays.triu(_matrix("triu", x), k)


def _matrix(name: str, x: Array) -> Array:
    if len(x.shape) < 2:
        raise ShapeError(f"{name} needs a matrix.", got=f"the shape {tuple(x.shape)}", expected="at least two axes")
    return x
