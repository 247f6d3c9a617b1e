"""Reductions: over one axis, several, or (None) all of them.

The axes are dropped from the result, or kept with size 1 by ``keepdims``.
"""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import unary
from unimod.numpy._options import dtype_name

Axes = int | tuple[int, ...] | None


def sum(x: Array, /, axis: Axes = None, *, keepdims: bool = False, dtype: object = None) -> Array:
    """The sum; of bools and integers of up to 32 bits in int32, unless ``dtype`` says otherwise.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sum([[1, 2], [3, 4]], axis=0).tolist()
        [4, 6]
    """
    engine, x = unary(x)
    x = x if dtype is None else engine.arrays.astype(x, dtype_name(dtype))
    try:
        return engine.math.sum(x, axis, keepdims)
    except Exception as error:
        raise explain.axis(error, "sum", x, axis)  # noqa: B904 (it carries its cause)


def prod(x: Array, /, axis: Axes = None, *, keepdims: bool = False, dtype: object = None) -> Array:
    """The product; of bools and integers of up to 32 bits in int32, unless ``dtype`` says otherwise.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.prod([[1, 2], [3, 4]], axis=0).tolist()
        [3, 8]
    """
    engine, x = unary(x)
    x = x if dtype is None else engine.arrays.astype(x, dtype_name(dtype))
    try:
        return engine.math.prod(x, axis, keepdims)
    except Exception as error:
        raise explain.axis(error, "prod", x, axis)  # noqa: B904 (it carries its cause)


def mean(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """``sum(x) / n``; integers give float32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.mean([[1, 2], [3, 4]], axis=0).tolist()
        [2.0, 3.0]
    """
    engine, x = unary(x)
    try:
        return engine.math.mean(x, axis, keepdims)
    except Exception as error:
        raise explain.axis(error, "mean", x, axis)  # noqa: B904 (it carries its cause)


def var(x: Array, /, axis: Axes = None, *, keepdims: bool = False, correction: float = 0.0) -> Array:
    """``sum((x - mean(x))**2) / (n - correction)``, in two passes; integers give float32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.var([1.0, 3.0]).tolist()
        1.0
    """
    engine, x = unary(x)
    try:
        return engine.math.var(x, axis, keepdims, correction=correction)
    except Exception as error:
        raise explain.axis(error, "var", x, axis)  # noqa: B904 (it carries its cause)


def std(x: Array, /, axis: Axes = None, *, keepdims: bool = False, correction: float = 0.0) -> Array:
    """The square root of :func:`var`; its gradient is 0 where it is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.std([1.0, 3.0]).tolist()
        1.0
    """
    engine, x = unary(x)
    try:
        return engine.math.std(x, axis, keepdims, correction=correction)
    except Exception as error:
        raise explain.axis(error, "std", x, axis)  # noqa: B904 (it carries its cause)


def max(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """The greatest element; ties share the gradient, and nan wins.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.max([[1, 4], [3, 2]], axis=1).tolist()
        [4, 3]
    """
    engine, x = unary(x)
    try:
        return engine.math.max(x, axis, keepdims)
    except Exception as error:
        raise explain.axis(error, "max", x, axis)  # noqa: B904 (it carries its cause)


def min(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """The smallest element; ties share the gradient, and nan wins.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.min([[1, 4], [3, 2]], axis=1).tolist()
        [1, 2]
    """
    engine, x = unary(x)
    try:
        return engine.math.min(x, axis, keepdims)
    except Exception as error:
        raise explain.axis(error, "min", x, axis)  # noqa: B904 (it carries its cause)


def any(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """Whether some element is not 0; False for none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.any([[1, 0], [0, 0]], axis=1).tolist()
        [True, False]
    """
    engine, x = unary(x)
    try:
        return engine.math.any(x, axis, keepdims)
    except Exception as error:
        raise explain.axis(error, "any", x, axis)  # noqa: B904 (it carries its cause)


def all(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """Whether no element is 0; True for none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.all([[1, 0], [1, 1]], axis=1).tolist()
        [False, True]
    """
    engine, x = unary(x)
    try:
        return engine.math.all(x, axis, keepdims)
    except Exception as error:
        raise explain.axis(error, "all", x, axis)  # noqa: B904 (it carries its cause)


def logsumexp(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """``log(sum(exp(x)))``, computed without overflow; integers give float32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.logsumexp([-float("inf"), 2.0]).tolist()
        2.0
    """
    engine, x = unary(x)
    try:
        return engine.math.logsumexp(x, axis, keepdims)
    except Exception as error:
        raise explain.axis(error, "logsumexp", x, axis)  # noqa: B904 (it carries its cause)


def argmax(x: Array, /, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The place of the first greatest element, as int32; without an axis, its place in row-major order.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.argmax([1, 3, 3]).tolist()
        1
    """
    engine, x = unary(x)
    try:
        return engine.math.argmax(x, axis, keepdims)
    except Exception as error:
        raise explain.axis(error, "argmax", x, axis)  # noqa: B904 (it carries its cause)


def argmin(x: Array, /, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The place of the first smallest element, as int32; without an axis, its place in row-major order.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.argmin([3, 1, 1]).tolist()
        1
    """
    engine, x = unary(x)
    try:
        return engine.math.argmin(x, axis, keepdims)
    except Exception as error:
        raise explain.axis(error, "argmin", x, axis)  # noqa: B904 (it carries its cause)


def cumsum(x: Array, /, axis: int | None = None) -> Array:
    """The running sum; of bools and integers of up to 32 bits in int32.

    Without an axis, ``x`` is taken in row-major order as one axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cumsum([1, 2, 3]).tolist()
        [1, 3, 6]
    """
    engine, x = unary(x)
    if axis is None:
        axis, x = 0, engine.arrays.reshape(x, (-1,))
    try:
        return engine.math.cumsum(x, axis)
    except Exception as error:
        raise explain.axis(error, "cumsum", x, axis)  # noqa: B904 (it carries its cause)


def cumprod(x: Array, /, axis: int | None = None) -> Array:
    """The running product; of bools and integers of up to 32 bits in int32.

    Without an axis, ``x`` is taken in row-major order as one axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.cumprod([1, 2, 3]).tolist()
        [1, 2, 6]
    """
    engine, x = unary(x)
    if axis is None:
        axis, x = 0, engine.arrays.reshape(x, (-1,))
    try:
        return engine.math.cumprod(x, axis)
    except Exception as error:
        raise explain.axis(error, "cumprod", x, axis)  # noqa: B904 (it carries its cause)


def count_nonzero(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """How many elements are not 0, as int32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.count_nonzero([[1, 0], [2, 3]], axis=1).tolist()
        [1, 2]
    """
    engine, x = unary(x)
    return sum(engine.arrays.astype(x, "bool"), axis, keepdims=keepdims)
