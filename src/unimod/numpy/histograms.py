"""Counting: how often each integer occurs, and how many numbers lie between edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.backends._promotion import accumulator, inexact
from unimod.backends._protocol import Array, Engine
from unimod.config import short
from unimod.dtypes import DType
from unimod.errors import CapabilityError, DTypeError, OptionError, ShapeError
from unimod.numpy._dispatch import SCALARS, adopt, several, unary
from unimod.numpy.arithmetic import add, divide, multiply, subtract
from unimod.numpy.comparison import equal, greater_equal, less, logical_or
from unimod.numpy.finding import searchsorted
from unimod.numpy.reductions import max, min, sum
from unimod.numpy.searching import where

_HALF = frozenset({"float16", "bfloat16"})


def bincount(x: Array, /, weights: Array | None = None, *, minlength: int = 0, length: int | None = None) -> Array:
    """``n[i] = sum_k w[k] [x[k] = i]``: how often each number from 0 on occurs, or the sum of its weights.

    Args:
        x: integers [m]. Negative ones, and those beyond the result, count nowhere.
        weights: numbers [m]; None is 1 each.
        minlength: how many numbers to count at least, where there is no length.
        length: how many numbers to count; None is up to the greatest one. Needed under ``jit`` and ``vmap``.

    Returns:
        int32 [length]; with weights their dtype, int32 for bools and small integers.

    Raises:
        DTypeError: ``x`` has fractions.
        ShapeError: ``x`` is no sequence, or there is not one weight for each element.
        CapabilityError: ``x`` is being traced, and there is no length.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.bincount([1, 3, 1]).tolist()
        [0, 2, 0, 1]
        >>> unp.bincount([1, 3, 1], [0.5, 2.0, 4.0], length=3).tolist()
        [0.0, 4.5, 0.0]
    """
    engine, found = several((x,) if weights is None else (x, weights))
    x = _numbers(engine, found[0])
    updates = engine.arrays.ones_like(x, "int32") if weights is None else found[1]
    if tuple(updates.shape) != tuple(x.shape):
        got = f"x = {short(x)}, weights = {short(updates)}"
        raise ShapeError("bincount needs one weight for each number.", got=got, expected="equal shapes")
    size = _count(engine, x, minlength) if length is None else length
    name = accumulator(engine.arrays.dtype_name(updates))
    updates = engine.arrays.astype(updates, "float32" if name in _HALF else name)
    is_outside = logical_or(less(x, 0), greater_equal(x, size))
    places = where(is_outside, size, x)
    empty = engine.arrays.zeros((size,), engine.arrays.dtype_name(updates), engine.arrays.device_name(x))
    return engine.arrays.astype(engine.arrays.scatter(empty, places, updates, 0, "add", drop=True), name)


def _numbers(engine: Engine, x: Array) -> Array:
    """Integers as int32, or int64 where they have as many bits."""
    dtype = DType(engine.arrays.dtype_name(x))
    if dtype.kind in ("float", "complex"):
        raise DTypeError("bincount counts integers.", got=short(x), fix="cast x, or use histogram")
    if len(x.shape) != 1:
        raise ShapeError("bincount takes a sequence.", got=short(x), expected="one axis")
    return engine.arrays.astype(x, "int64" if dtype.bits == 64 else "int32")


def _count(engine: Engine, x: Array, minlength: int) -> int:
    if not x.shape[0]:
        return minlength
    try:
        greatest = int(max(x))
    except Exception as error:
        raise CapabilityError(
            "bincount gives as many elements as the values say, and a trace has no values.",
            got="an array that is being traced",
            expected="length=, how many numbers to count",
            fix="pass length=, or call it outside of jit and vmap",
        ) from error
    return greatest + 1 if greatest >= minlength else minlength


def digitize(x: Array, bins: Array, /, *, right: bool = False) -> Array:
    """The number of the bin of each element: ``i`` where ``bins[i - 1] <= x < bins[i]``, as int32.

    Args:
        x: real numbers of any shape.
        bins: the edges [n], ascending or descending; of descending ones ``bins[i - 1] > x >= bins[i]``.
        right: whether the other edge of a bin belongs to it: ``bins[i - 1] < x <= bins[i]``.

    Returns:
        int32 of the shape of ``x``: 0 before the first edge, ``n`` behind the last one.

    Raises:
        ShapeError: the edges are no sequence, or there are none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.digitize([0.5, 1.0, 9.0], [1.0, 2.0]).tolist()
        [0, 1, 2]
    """
    engine, (x, bins) = several((x, bins))
    if len(bins.shape) != 1 or not bins.shape[0]:
        raise ShapeError("digitize needs a sequence of edges.", got=short(bins), expected="[n], n > 0")
    is_ascending = greater_equal(bins[-1], bins[0])
    places = searchsorted(where(is_ascending, bins, engine.arrays.flip(bins, 0)), x, side="left" if right else "right")
    return where(is_ascending, places, subtract(bins.shape[0], places))


def histogram_bin_edges(x: Array, /, bins: int | Array = 10, *, range: Sequence[Any] | None = None) -> Array:
    """The edges of bins of equal width.

    Args:
        x: real numbers of any shape.
        bins: how many bins; or the edges themselves, which are the result.
        range: the first and the last edge; None is the least and the greatest element. Where both are equal,
            they are moved apart by 1; of no elements they are 0 and 1.

    Returns:
        numbers [bins + 1] in the dtype of ``x``; float32 for integers.

    Raises:
        OptionError: there is no bin, or the range ends before it begins.
        ShapeError: the edges are no sequence.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.histogram_bin_edges([0.0, 1.0, 5.0, 4.0], 2).tolist()
        [0.0, 2.5, 5.0]
    """
    engine, x = unary(x)
    if type(bins) not in SCALARS:
        edges = adopt(engine, bins)
        if len(edges.shape) != 1 or edges.shape[0] < 2:
            raise ShapeError("A histogram needs a sequence of edges.", got=short(edges), expected="[n], n > 1")
        return edges
    if not isinstance(bins, int) or bins < 1:
        raise OptionError("A histogram needs bins.", got=f"bins={bins!r}", expected="a whole number, at least 1")
    low, high = _ends(engine, x, range)
    count = engine.arrays.arange(0, bins + 1, 1, engine.arrays.dtype_name(low), engine.arrays.device_name(low))
    edges = add(low, divide(multiply(subtract(high, low), count), bins))
    return where(equal(count, bins), high, edges)


def _ends(engine: Engine, x: Array, ends: Sequence[Any] | None) -> tuple[Array, Array]:
    """The first and the last edge, which are not equal."""
    name = inexact(engine.arrays.dtype_name(x))
    if ends is not None:
        low, high = ends
        if type(low) in SCALARS and type(high) in SCALARS and not low <= high:
            raise OptionError("The range of a histogram ends before it begins.", got=f"range=({low}, {high})")
    elif 0 in x.shape:
        low, high = 0.0, 1.0
    else:
        low, high = min(x), max(x)
    low, high = (engine.arrays.asarray(end, name, engine.arrays.device_name(x)) for end in (low, high))
    is_point = equal(low, high)
    return where(is_point, subtract(low, 0.5), low), where(is_point, add(high, 0.5), high)


def histogram(
    x: Array,
    /,
    bins: int | Array = 10,
    *,
    range: Sequence[Any] | None = None,
    weights: Array | None = None,
    density: bool = False,
) -> tuple[Array, Array]:
    """How many elements lie in each bin: ``edges[i] <= x < edges[i + 1]``, in the last bin also ``x == edges[-1]``.

    Args:
        x: real numbers of any shape; those in no bin, and nan, count nowhere.
        bins: how many bins of equal width; or their edges [n + 1], ascending.
        range: the first and the last edge, as in :func:`histogram_bin_edges`.
        weights: numbers of the shape of ``x``, which are added up instead; gradients pass through them.
        density: whether to divide by the widths of the bins and by the sum over all bins.

    Returns:
        the counts [n], as int32 or in the dtype of the weights (of a density: float32, or the dtype of the edges), and
        the edges [n + 1].

    Raises:
        ShapeError: the edges are no sequence, or there is not one weight for each element.
        OptionError: there is no bin, or the range ends before it begins.

    Example:
        >>> import unimod.numpy as unp
        >>> counts, edges = unp.histogram([1.0, 2.0, 1.5, 4.0], 3)
        >>> counts.tolist(), edges.tolist()
        ([2, 1, 1], [1.0, 2.0, 3.0, 4.0])
    """
    engine, found = several((x,) if weights is None else (x, weights))
    if any(tuple(one.shape) != tuple(found[0].shape) for one in found):
        got = ", ".join(map(short, found))
        raise ShapeError("histogram needs one weight for each element.", got=got, expected="equal shapes")
    x, *rest = (engine.arrays.reshape(one, (-1,)) for one in found)
    edges = histogram_bin_edges(x, bins, range=range)
    counts = bincount(_bins(x, edges), *rest, length=edges.shape[0] - 1)
    if density:
        widths = subtract(edges[1:], edges[:-1])
        counts = divide(divide(counts, widths), sum(counts))
    return counts, edges


def _bins(x: Array, edges: Array) -> Array:
    """The bin of each element; -1, or a number beyond the last bin, where there is none."""
    bins = subtract(searchsorted(edges, x, side="right"), 1)
    return where(equal(x, edges[-1]), edges.shape[0] - 2, bins)
