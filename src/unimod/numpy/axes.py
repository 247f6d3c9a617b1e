"""The axes in another order, and the elements in another order along them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.backends._protocol import Array
from unimod.errors import OptionError, ShapeError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import unary
from unimod.numpy._options import axes_of
from unimod.numpy._table import Table

Axes = int | tuple[int, ...]


_permute_dims = Table("arrays", "permute_dims")
_moveaxis = Table("arrays", "moveaxis")
_flip = Table("arrays", "flip")


def permute_dims(x: Array, /, axes: Sequence[int]) -> Array:
    """The axes in another order: axis ``i`` of the result is axis ``axes[i]`` of ``x``.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.permute_dims([[1, 2, 3]], (1, 0)).tolist()
        [[1], [2], [3]]
    """
    try:
        return _permute_dims[type(x)](x, axes)
    except Exception as error:
        raise _order_error(error, unary(x)[1], axes) from error


def _order_error(error: Exception, x: Array, axes: Sequence[int]) -> Exception:
    rank = len(x.shape)
    if sorted(axes_of(tuple(axes), rank)) == list(range(rank)):
        return error
    return ShapeError(
        "permute_dims needs each axis once.",
        got=f"axes={tuple(axes)} for {rank} axes",
        expected=f"an order of {tuple(range(rank))}",
    )


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
    x = unary(x)[1]
    order = list(range(len(x.shape)))
    try:
        order[axis1], order[axis2] = order[axis2], order[axis1]
    except IndexError as error:
        raise explain.axis(error, "swapaxes", x, (axis1, axis2))  # noqa: B904 (it carries its cause)
    return permute_dims(x, tuple(order))


def moveaxis(x: Array, source: Axes, destination: Axes, /) -> Array:
    """Axes moved to other places; the others keep their order.

    Raises:
        ShapeError: the array has no such axis, one is named twice, or there are not as many places as axes.

    Example:
        >>> import unimod.numpy as unp
        >>> tuple(unp.moveaxis(unp.zeros((2, 3, 4)), 0, -1).shape)
        (3, 4, 2)
        >>> tuple(unp.moveaxis(unp.zeros((2, 3, 4)), (0, 1), (-1, -2)).shape)
        (4, 3, 2)
    """
    try:
        return _moveaxis[type(x)](x, source, destination)
    except Exception as error:
        raise _move_error(error, unary(x)[1], source, destination) from error


def _move_error(error: Exception, x: Array, source: Axes, destination: Axes) -> Exception:
    told = explain.axis(error, "moveaxis", x, (*_listed(source), *_listed(destination)))
    if isinstance(told, ShapeError):
        return told
    return ShapeError(
        "moveaxis needs as many places as axes, and each of them once.",
        got=f"source={source} and destination={destination}",
    )


def _listed(axis: Axes) -> tuple[int, ...]:
    return (axis,) if isinstance(axis, int) else tuple(axis)


def flip(x: Array, /, axis: Axes | None = None) -> Array:
    """The order along the axes reversed; None is all axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.flip([[1, 2], [3, 4]], axis=1).tolist()
        [[2, 1], [4, 3]]
    """
    try:
        return _flip[type(x)](x, axis)
    except Exception as error:
        raise explain.axis(error, "flip", unary(x)[1], axis)  # noqa: B904 (it carries its cause)


def fliplr(x: Array, /) -> Array:
    """The order along the second axis reversed.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.fliplr([[1, 2], [3, 4]]).tolist()
        [[2, 1], [4, 3]]
    """
    return flip(x, axis=1)


def flipud(x: Array, /) -> Array:
    """The order along the first axis reversed.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.flipud([[1, 2], [3, 4]]).tolist()
        [[3, 4], [1, 2]]
    """
    return flip(x, axis=0)


def rot90(x: Array, /, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """``k`` quarter turns in the plane of two axes, from the first towards the second.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.rot90([[1, 2], [3, 4]]).tolist()
        [[2, 4], [1, 3]]
    """
    x = unary(x)[1]
    first, second = axes_of(axes, len(x.shape))
    if first == second:
        raise ShapeError("rot90 needs two axes.", got=f"axes={axes} for the shape {tuple(x.shape)}")
    if k % 4 == 0:
        return x
    if k % 4 == 2:
        return flip(x, axis=(first, second))
    return (
        swapaxes(flip(x, axis=second), first, second) if k % 4 == 1 else flip(swapaxes(x, first, second), axis=second)
    )


def roll(x: Array, /, shift: Axes, axis: Axes | None = None) -> Array:
    """Elements moved by ``shift`` places along an axis, those that leave at the end coming back at the start.

    Args:
        x: an array.
        shift: places; a tuple has one number for each axis.
        axis: one axis or several; None is row-major order.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.roll([1, 2, 3], 1).tolist()
        [3, 1, 2]
        >>> unp.roll([[1, 2], [3, 4]], (1, 1), axis=(0, 1)).tolist()
        [[4, 3], [2, 1]]
    """
    engine, x = unary(x)
    if axis is None:
        flat = _rolled(engine, engine.arrays.reshape(x, (-1,)), sum(_listed(shift)), 0)
        return engine.arrays.reshape(flat, tuple(x.shape))
    axes, shifts = _listed(axis), _listed(shift)
    if len(shifts) == 1:
        shifts *= len(axes)
    if len(shifts) != len(axes):
        raise OptionError("roll needs a shift for each axis.", got=f"shift={shift} and axis={axis}")
    for one, places in zip(axes, shifts, strict=True):
        x = _rolled(engine, x, places, one)
    return x


def _rolled(engine: Any, x: Array, shift: int, axis: int) -> Array:
    place = place_of("roll", x, axis)
    cut = -shift % max(x.shape[place], 1)
    return engine.arrays.concat([x[along(place, slice(cut, None))], x[along(place, slice(None, cut))]], place)


def place_of(name: str, x: Array, axis: int) -> int:
    """The axis as a non-negative number.

    Raises:
        ShapeError: the array does not have it.
    """
    (place,) = axes_of(axis, len(x.shape))
    if 0 <= place < len(x.shape):
        return place
    raise explain.axis(IndexError(axis), name, x, axis)


def along(axis: int, index: Any) -> tuple[Any, ...]:
    """The index that takes ``index`` along one axis, and everything along those before it."""
    return (*(slice(None),) * axis, index)
