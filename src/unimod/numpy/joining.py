"""Arrays put together and taken apart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from unimod.backends._protocol import Array
from unimod.errors import ShapeError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import several, unary
from unimod.numpy._table import Table
from unimod.numpy.axes import along, place_of
from unimod.numpy.axes import roll as roll
from unimod.numpy.manipulation import atleast_1d, atleast_2d, atleast_3d

_concat = Table("arrays", "concat")
_stack = Table("arrays", "stack")


def _unknown(arrays: Sequence[Array], axis: int | None) -> Array:
    raise TypeError(type(arrays[0]))


def _some(name: str, arrays: Sequence[Array]) -> Sequence[Array]:
    if len(arrays):
        return arrays
    raise ShapeError(f"{name} got no arrays.", got=repr(arrays), expected="at least one array")


def concat(arrays: Sequence[Array], /, axis: int | None = 0) -> Array:
    """Joined along an axis that they have; None joins all elements in row-major order. Dtypes are promoted.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.concat([[1, 2], [3]]).tolist()
        [1, 2, 3]
    """
    try:
        return _concat.get(type(arrays[0]), _unknown)(arrays, axis)
    except Exception:  # no arrays of one engine, or it refuses them: both are settled below
        pass
    engine, xs = several(_some("concat", arrays))
    if axis is None:
        axis, xs = 0, [engine.arrays.reshape(x, (-1,)) for x in xs]
    try:
        return _concat[type(xs[0])](xs, axis)
    except Exception as error:
        raise explain.joined(error, "concat", xs, axis, new=False)  # noqa: B904 (it carries its cause)


def stack(arrays: Sequence[Array], /, axis: int = 0) -> Array:
    """Joined along a new axis, which stands at ``axis`` in the result. Dtypes are promoted.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.stack([[1, 2], [3, 4]], axis=1).tolist()
        [[1, 3], [2, 4]]
    """
    try:
        return _stack.get(type(arrays[0]), _unknown)(arrays, axis)
    except Exception:  # no arrays of one engine, or it refuses them: both are settled below
        pass
    _, xs = several(_some("stack", arrays))
    try:
        return _stack[type(xs[0])](xs, axis)
    except Exception as error:
        raise explain.joined(error, "stack", xs, axis, new=True)  # noqa: B904 (it carries its cause)


def hstack(arrays: Sequence[Array], /) -> Array:
    """Joined along the second axis, or along the only one.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.hstack([[1, 2], [3]]).tolist()
        [1, 2, 3]
    """
    xs = [atleast_1d(x) for x in several(_some("hstack", arrays))[1]]
    return concat(xs, axis=0 if len(xs[0].shape) == 1 else 1)


def vstack(arrays: Sequence[Array], /) -> Array:
    """Joined along the first axis, rows being matrices of one row.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.vstack([[1, 2], [3, 4]]).tolist()
        [[1, 2], [3, 4]]
    """
    return concat([atleast_2d(x) for x in several(_some("vstack", arrays))[1]], axis=0)


def dstack(arrays: Sequence[Array], /) -> Array:
    """Joined along the third axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.dstack([[1, 2], [3, 4]]).tolist()
        [[[1, 3], [2, 4]]]
    """
    return concat([atleast_3d(x) for x in several(_some("dstack", arrays))[1]], axis=2)


def unstack(x: Array, /, axis: int = 0) -> tuple[Array, ...]:
    """The slices along an axis, without it.

    Example:
        >>> import unimod.numpy as unp
        >>> [row.tolist() for row in unp.unstack([[1, 2], [3, 4]])]
        [[1, 2], [3, 4]]
    """
    _, x = unary(x)
    place = place_of("unstack", x, axis)
    return tuple(x[along(place, i)] for i in range(x.shape[place]))


def split(x: Array, parts: int | Sequence[int], /, axis: int = 0) -> list[Array]:
    """``parts`` equal pieces along an axis; or, of a list, the pieces between these places.

    Raises:
        ShapeError: the axis cannot be divided into that many equal pieces.

    Example:
        >>> import unimod.numpy as unp
        >>> [part.tolist() for part in unp.split([1, 2, 3, 4], 2)]
        [[1, 2], [3, 4]]
        >>> [part.tolist() for part in unp.split([1, 2, 3, 4], [1, 3])]
        [[1], [2, 3], [4]]
    """
    _, x = unary(x)
    size = x.shape[place_of("split", x, axis)]
    if isinstance(parts, int) and (parts < 1 or size % parts):
        raise ShapeError("split cannot divide the axis into equal pieces.", got=f"{parts} pieces of {size}")
    return array_split(x, parts, axis)


def array_split(x: Array, parts: int | Sequence[int], /, axis: int = 0) -> list[Array]:
    """``parts`` pieces along an axis, the first ones longer by 1 where the axis cannot be divided equally.

    Example:
        >>> import unimod.numpy as unp
        >>> [part.tolist() for part in unp.array_split([1, 2, 3], 2)]
        [[1, 2], [3]]
    """
    _, x = unary(x)
    place = place_of("array_split", x, axis)
    size = int(x.shape[place])
    if isinstance(parts, int):
        if parts < 1:
            raise ShapeError("array_split cannot make fewer than one piece.", got=f"{parts} pieces of {size}")
        each, longer = divmod(size, parts)
        parts = [each * i + min(i, longer) for i in range(1, parts)]
    edges = [0, *parts, size]
    return [x[along(place, slice(low, high))] for low, high in itertools.pairwise(edges)]
