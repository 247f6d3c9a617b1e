"""Running reductions along an axis, and differences of neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from unimod.backends._protocol import Array, Engine
from unimod.dtypes import DType
from unimod.errors import OptionError
from unimod.numpy import _reducing as reducing
from unimod.numpy._dispatch import adopt, many, unary
from unimod.numpy._options import dtype_name
from unimod.numpy._table import Table
from unimod.numpy.joining import stack
from unimod.numpy.padding import pad

Step = Callable[[Array, Array], Array]

_CUMSUM = Table("math", "cumsum")
_CUMPROD = Table("math", "cumprod")


def cumsum(x: Array, /, axis: int | None = None, *, dtype: object = None) -> Array:
    """The running sum; of bools and integers of up to 32 bits in int32, unless ``dtype`` says otherwise.

    Without an axis, ``x`` is taken in row-major order as one axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cumsum([1, 2, 3]).tolist()
        [1, 3, 6]
    """
    try:
        if axis is not None and dtype is None:
            x.shape[axis]  # torch itself would take axis 0 of an array without axes
            return _CUMSUM[type(x)](x, axis)
    except Exception:  # a list, or something to be refused: both are settled below
        pass
    return _accumulated("cumsum", _CUMSUM, x, axis, dtype)


def cumprod(x: Array, /, axis: int | None = None, *, dtype: object = None) -> Array:
    """The running product; of bools and integers of up to 32 bits in int32, unless ``dtype`` says otherwise.

    Without an axis, ``x`` is taken in row-major order as one axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cumprod([1, 2, 3]).tolist()
        [1, 2, 6]
    """
    try:
        if axis is not None and dtype is None:
            x.shape[axis]  # torch itself would take axis 0 of an array without axes
            return _CUMPROD[type(x)](x, axis)
    except Exception:  # a list, or something to be refused: both are settled below
        pass
    return _accumulated("cumprod", _CUMPROD, x, axis, dtype)


def cumulative_sum(
    x: Array, /, *, axis: int | None = None, dtype: object = None, include_initial: bool = False
) -> Array:
    """:func:`cumsum` of the Array API standard.

    Args:
        x: any array of numbers.
        axis: the axis along which is summed; may be left out where there is only one.
        dtype: of the result; by default that of ``x``, and int32 for integers of up to 32 bits.
        include_initial: whether the result begins with 0, and so is longer by one.

    Raises:
        OptionError: there is more than one axis, and none is given.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cumulative_sum([1, 2, 3], include_initial=True).tolist()
        [0, 1, 3, 6]
    """
    return _standard("cumulative_sum", "cumsum", x, axis, dtype, include_initial)


def cumulative_prod(
    x: Array, /, *, axis: int | None = None, dtype: object = None, include_initial: bool = False
) -> Array:
    """:func:`cumprod` of the Array API standard; the options are those of :func:`cumulative_sum`.

    Raises:
        OptionError: there is more than one axis, and none is given.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cumulative_prod([1, 2, 3], include_initial=True).tolist()
        [1, 1, 2, 6]
    """
    return _standard("cumulative_prod", "cumprod", x, axis, dtype, include_initial)


def _accumulated(name: str, table: Table, x: Array, axis: int | None, dtype: object) -> Array:
    try:
        engine, x = unary(x)
        x, axis = _lined(engine, x, axis)
        if dtype is None:
            return table[type(x)](x, axis)
        wanted = dtype_name(dtype)
        return engine.arrays.astype(table[type(x)](engine.arrays.astype(x, wanted), axis), wanted)
    except Exception as error:
        raise reducing.refused(error, name, x, axis)  # noqa: B904 (it carries its cause)


def _lined(engine: Engine, x: Array, axis: int | None) -> tuple[Array, int]:
    if axis is None:
        return engine.arrays.reshape(x, (-1,)), 0
    x.shape[axis]  # an axis that is not there is an error on every engine, for arrays without axes too
    return x, axis


def _standard(name: str, short: str, x: Array, axis: int | None, dtype: object, include_initial: bool) -> Array:
    _, x = unary(x)
    if axis is None and len(x.shape) != 1:
        raise OptionError(
            f"{name} needs an axis where there is not exactly one.",
            got=f"axis=None for an array of {len(x.shape)} axes",
            expected="axis=...",
        )
    found = _accumulated(short, _CUMSUM if short == "cumsum" else _CUMPROD, x, axis, dtype)
    if not include_initial:
        return found
    rank = len(found.shape)
    place = (axis or 0) % rank
    widths = tuple((int(one == place), 0) for one in range(rank))
    return pad(found, widths, value=0 if short == "cumsum" else 1)


def cummax(x: Array, /, axis: int | None = None) -> Array:
    """The running maximum; nan stays. Without an axis, ``x`` is taken in row-major order as one axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cummax([1, 3, 2]).tolist()
        [1, 3, 3]
    """
    return _running("cummax", lambda engine: engine.math.maximum, x, axis)


def cummin(x: Array, /, axis: int | None = None) -> Array:
    """The running minimum; nan stays. Without an axis, ``x`` is taken in row-major order as one axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cummin([2, 3, 1]).tolist()
        [2, 2, 1]
    """
    return _running("cummin", lambda engine: engine.math.minimum, x, axis)


def cumulative_logsumexp(x: Array, /, axis: int | None = None) -> Array:
    """``log(cumsum(exp(x)))`` without overflow; integers give float32.

    Without an axis, ``x`` is taken in row-major order as one axis. The gradient is 0 for elements that are -inf.

    Example:
        >>> import unimod.numpy as unp
        >>> [round(v, 4) for v in unp.cumulative_logsumexp([0.0, 0.0, -float("inf")]).tolist()]
        [0.0, 0.6931, 0.6931]
    """
    engine, x = unary(x)
    dtype = engine.arrays.dtype_name(x)
    if dtype.startswith("complex"):
        raise reducing.unordered(None, "cumulative_logsumexp", dtype)
    x = x if dtype == "float64" else engine.arrays.astype(x, "float32")
    is_none = engine.math.equal(x, -math.inf)
    # Numbers so small that they add nothing: of -inf itself the gradients would be nan.
    finite = engine.arrays.where(is_none, _LOWEST[engine.arrays.dtype_name(x)], x)
    found = _running("cumulative_logsumexp", _logaddexp, finite, axis)
    count = cumsum(engine.math.logical_not(is_none), axis)
    found = engine.arrays.where(engine.math.equal(count, 0), -math.inf, found)
    return engine.arrays.astype(found, dtype) if DType(dtype).kind == "float" else found


_LOWEST = {name: float(np.finfo(name).min) for name in ("float32", "float64")}


def _logaddexp(engine: Engine) -> Step:
    return lambda x, y: engine.math.logsumexp(stack([x, y], 0), 0, False)


def _running(name: str, step: Callable[[Engine], Step], x: Array, axis: int | None) -> Array:
    engine, x = unary(x)
    try:
        x, axis = _lined(engine, x, axis)
        if engine.arrays.dtype_name(x).startswith("complex"):
            raise reducing.unordered(None, name, engine.arrays.dtype_name(x))
        native = getattr(engine.math, name, None)
        return _doubling(engine, step(engine), x, axis) if native is None else native(x, axis)
    except Exception as error:
        raise reducing.refused(error, name, x, axis)  # noqa: B904 (it carries its cause)


def _doubling(engine: Engine, step: Step, x: Array, axis: int) -> Array:
    """The running result of an associative step: over 2, 4, 8, ... neighbours."""
    axis, reach = axis % len(x.shape), 1
    while reach < x.shape[axis]:
        head, tail = _cut(x, axis, 0, reach), step(_cut(x, axis, reach, None), _cut(x, axis, 0, -reach))
        x, reach = engine.arrays.concat([head, tail], axis), 2 * reach
    return x


def _cut(x: Array, axis: int, start: int | None, stop: int | None) -> Array:
    return x[(slice(None),) * axis + (slice(start, stop),)]


def diff(
    x: Array, /, *, axis: int = -1, n: int = 1, prepend: Array | None = None, append: Array | None = None
) -> Array:
    """The differences of neighbours, ``x[i + 1] - x[i]``, taken ``n`` times; of bools, whether they differ.

    Args:
        x: any array with that axis.
        axis: the axis along which neighbours lie.
        n: how many times.
        prepend: what is put before ``x`` first; of the shape of ``x`` but for the axis, or a scalar.
        append: what is put behind it.

    Raises:
        OptionError: ``n`` is negative.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.diff([1, 4, 9, 16]).tolist(), unp.diff([1, 4, 9], n=2, prepend=0).tolist()
        ([3, 5, 7], [2, 2])
    """
    if n < 0:
        raise OptionError("diff cannot be taken a negative number of times.", got=f"n={n}", expected="n >= 0")
    engine, x, prepend, append = many(x, prepend, append)
    try:
        x, axis = _lined(engine, adopt(engine, x), axis)
        parts = [_edge(engine, one, x, axis) for one in (prepend, x, append) if one is not None]
        x, axis = parts[0] if len(parts) == 1 else engine.arrays.concat(parts, axis), axis % len(x.shape)
    except Exception as error:
        raise reducing.refused(error, "diff", x, axis)  # noqa: B904 (it carries its cause)
    is_bool = engine.arrays.dtype_name(x) == "bool"
    step = engine.math.not_equal if is_bool else engine.math.subtract
    for _ in range(n):
        x = step(_cut(x, axis, 1, None), _cut(x, axis, None, -1))
    return x


def _edge(engine: Engine, edge: Any, x: Array, axis: int) -> Array:
    """What is put before or behind ``x``: a scalar is spread over the other axes."""
    if edge is x:
        return x
    if not hasattr(edge, "shape"):
        edge = engine.arrays.asarray(edge, engine.arrays.dtype_name(x))
    if len(edge.shape):
        return edge
    shape = list(x.shape)
    shape[axis] = 1
    return engine.arrays.broadcast_to(edge, tuple(shape))
