"""Arrays put together, taken apart, padded and repeated."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from unimod.backends._protocol import Array
from unimod.errors import ShapeError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import several, unary
from unimod.numpy._options import axes_of


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
    engine, xs = several(_some("concat", arrays))
    if axis is None:
        axis, xs = 0, [engine.arrays.reshape(x, (-1,)) for x in xs]
    try:
        return engine.arrays.concat(_of_one_rank(xs), axis)
    except Exception as error:
        raise explain.joined(error, "concat", xs, axis, new=False)  # noqa: B904 (it carries its cause)


def _of_one_rank(xs: list[Array]) -> list[Array]:
    rank = xs[0].ndim
    for x in xs:
        if x.ndim != rank:  # torch would skip an empty array of one axis
            raise ValueError("ranks differ")
    return xs


def stack(arrays: Sequence[Array], /, axis: int = 0) -> Array:
    """Joined along a new axis, which stands at ``axis`` in the result. Dtypes are promoted.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.stack([[1, 2], [3, 4]], axis=1).tolist()
        [[1, 3], [2, 4]]
    """
    engine, xs = several(_some("stack", arrays))
    try:
        return engine.arrays.stack(xs, axis)
    except Exception as error:
        raise explain.joined(error, "stack", xs, axis, new=True)  # noqa: B904 (it carries its cause)


def unstack(x: Array, /, axis: int = 0) -> tuple[Array, ...]:
    """The slices along an axis, without it.

    Example:
        >>> import unimod.numpy as unp
        >>> [row.tolist() for row in unp.unstack([[1, 2], [3, 4]])]
        [[1, 2], [3, 4]]
    """
    _, x = unary(x)
    place = _place("unstack", x, axis)
    return tuple(x[_along(place, i)] for i in range(x.shape[place]))


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
    place = _place("split", x, axis)
    size = x.shape[place]
    if isinstance(parts, int):
        if parts < 1 or size % parts:
            raise ShapeError("split cannot divide the axis into equal pieces.", got=f"{parts} pieces of {size}")
        parts = range(size // parts, size, size // parts) if size else [0] * (parts - 1)
    edges = [0, *parts, size]
    return [x[_along(place, slice(low, high))] for low, high in itertools.pairwise(edges)]


def _place(name: str, x: Array, axis: int) -> int:
    (place,) = axes_of(axis, len(x.shape))
    if 0 <= place < len(x.shape):
        return place
    raise explain.axis(IndexError(axis), name, x, axis)


def _along(axis: int, index: Any) -> tuple[Any, ...]:
    return (*(slice(None),) * axis, index)


def pad(x: Array, widths: int | Sequence[tuple[int, int]], /, *, value: float = 0.0) -> Array:
    """``value`` put before and after each axis: ``widths[i]`` elements at axis ``i``, or one number everywhere.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.pad([1, 2], [(1, 2)], value=9).tolist()
        [9, 1, 2, 9, 9]
    """
    engine, x = unary(x)
    rank = len(x.shape)
    pairs = ((widths, widths),) * rank if isinstance(widths, int) else tuple((low, high) for low, high in widths)
    if len(pairs) != rank or any(width < 0 for pair in pairs for width in pair):
        raise ShapeError(
            "pad needs two widths of at least 0 for each axis.", got=f"{pairs} for the shape {tuple(x.shape)}"
        )
    return engine.arrays.pad(x, pairs, value)


def roll(x: Array, /, shift: int, axis: int | None = None) -> Array:
    """Elements moved by ``shift`` places along an axis, those that leave at the end coming back at the start.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.roll([1, 2, 3], 1).tolist()
        [3, 1, 2]
    """
    engine, x = unary(x)
    if axis is None:
        flat = roll(engine.arrays.reshape(x, (-1,)), shift, 0)
        return engine.arrays.reshape(flat, tuple(x.shape))
    place = _place("roll", x, axis)
    cut = -shift % max(x.shape[place], 1)
    parts = [x[_along(place, slice(cut, None))], x[_along(place, slice(None, cut))]]
    return engine.arrays.concat(parts, place)


def repeat(x: Array, repeats: int, /, axis: int | None = None) -> Array:
    """Each element ``repeats`` times in a row along an axis; None is row-major order.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.repeat([1, 2], 2).tolist()
        [1, 1, 2, 2]
    """
    engine, x = unary(x)
    if axis is None:
        axis, x = 0, engine.arrays.reshape(x, (-1,))
    place = _place("repeat", x, axis)
    shape = tuple(x.shape)
    wide = (*shape[: place + 1], repeats, *shape[place + 1 :])
    spread = engine.arrays.broadcast_to(engine.arrays.expand_dims(x, place + 1), wide)
    return engine.arrays.reshape(spread, (*shape[:place], shape[place] * repeats, *shape[place + 1 :]))


def tile(x: Array, repetitions: Sequence[int], /) -> Array:
    """The whole array ``repetitions[i]`` times along axis ``i``; axes are counted from the last.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.tile([1, 2], (2, 2)).tolist()
        [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    engine, x = unary(x)
    rank = max(len(x.shape), len(repetitions))
    shape = (1,) * (rank - len(x.shape)) + tuple(x.shape)
    times = (1,) * (rank - len(repetitions)) + tuple(repetitions)
    apart = engine.arrays.reshape(x, tuple(n for size in shape for n in (1, size)))
    spread = engine.arrays.broadcast_to(apart, tuple(n for pair in zip(times, shape, strict=True) for n in pair))
    return engine.arrays.reshape(spread, tuple(n * size for n, size in zip(times, shape, strict=True)))


def meshgrid(*arrays: Array, indexing: str = "xy") -> list[Array]:
    """The coordinates of the grid that these axes span; ``"xy"`` swaps the first two axes, ``"ij"`` does not.

    Example:
        >>> import unimod.numpy as unp
        >>> [grid.tolist() for grid in unp.meshgrid([1, 2], [3, 4], indexing="ij")]
        [[[1, 1], [2, 2]], [[3, 4], [3, 4]]]
    """
    engine, xs = several(arrays)
    order = list(range(len(xs)))
    if indexing == "xy":
        order[:2] = order[:2][::-1]
    shape = tuple(xs[i].shape[0] for i in order)
    apart = [tuple(-1 if order[place] == i else 1 for place in range(len(xs))) for i in range(len(xs))]
    return [engine.arrays.broadcast_to(engine.arrays.reshape(x, one), shape) for x, one in zip(xs, apart, strict=True)]
