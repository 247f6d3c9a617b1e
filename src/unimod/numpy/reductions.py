"""Reductions: over one axis, several, or (None) all of them.

The axes are dropped from the result, or kept with size 1 by ``keepdims``. ``where`` chooses elements by a mask that
broadcasts to ``x``; ``initial`` is one element more.

The shortest path to the engine's function is written out in each of these: they are called often.
"""

from __future__ import annotations

from typing import Any

from unimod.backends._protocol import Array
from unimod.numpy import _reducing as reducing
from unimod.numpy._dispatch import unary
from unimod.numpy._table import ByDType, Table

Axes = int | tuple[int, ...] | None

_SUM = ByDType(Table("math", "sum"))
_PROD = Table("math", "prod")
_MEAN = ByDType(Table("math", "mean"))
_VAR = Table("math", "var")
_STD = Table("math", "std")
_MAX = Table("math", "max")
_MIN = Table("math", "min")
_ANY = Table("math", "any")
_ALL = Table("math", "all")
_LOGSUMEXP = Table("math", "logsumexp")
_ARGMAX = Table("math", "argmax")
_ARGMIN = Table("math", "argmin")


def sum(
    x: Array,
    /,
    axis: Axes = None,
    *,
    keepdims: bool = False,
    dtype: object = None,
    where: Array | None = None,
    initial: Any = None,
) -> Array:
    """The sum; of bools and integers of up to 32 bits in int32, unless ``dtype`` says otherwise.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.sum([[1, 2], [3, 4]], axis=0).tolist()
        [4, 6]
        >>> unp.sum([1, 2, 3], where=[True, False, True], initial=10).tolist()
        14
    """
    try:
        if dtype is where is initial is None and axis != ():
            return _SUM[x.dtype](x, axis, keepdims)
    except Exception:  # no array, or the framework's function refuses: both are settled below
        pass
    try:
        return reducing.accumulated("sum", x, axis, keepdims, dtype, where, initial)
    except Exception as error:
        raise reducing.refused(error, "sum", x, axis)  # noqa: B904 (it carries its cause)


def prod(
    x: Array,
    /,
    axis: Axes = None,
    *,
    keepdims: bool = False,
    dtype: object = None,
    where: Array | None = None,
    initial: Any = None,
) -> Array:
    """The product; of bools and integers of up to 32 bits in int32, unless ``dtype`` says otherwise.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.prod([[1, 2], [3, 4]], axis=0).tolist()
        [3, 8]
    """
    try:
        if dtype is where is initial is None:
            return _PROD[type(x)](x, axis, keepdims)
        return reducing.accumulated("prod", x, axis, keepdims, dtype, where, initial)
    except Exception as error:
        raise reducing.refused(error, "prod", x, axis)  # noqa: B904 (it carries its cause)


def mean(x: Array, /, axis: Axes = None, *, keepdims: bool = False, where: Array | None = None) -> Array:
    """``sum(x) / n``; integers give float32, and no elements nan.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.mean([[1, 2], [3, 4]], axis=0).tolist(), unp.mean([1, 2, 3], where=[True, False, True]).tolist()
        ([2.0, 3.0], 2.0)
    """
    try:
        if where is None and axis != ():
            return _MEAN[x.dtype](x, axis, keepdims)
    except Exception:  # no array, or the framework's function refuses: both are settled below
        pass
    try:
        return _MEAN.table[type(x)](x, axis, keepdims) if where is None else reducing.mean(x, axis, keepdims, where)
    except Exception as error:
        raise reducing.refused(error, "mean", x, axis)  # noqa: B904 (it carries its cause)


def var(x: Array, /, axis: Axes = None, *, keepdims: bool = False, correction: float = 0.0) -> Array:
    """``sum((x - mean(x))**2) / (n - correction)``, in two passes; integers give float32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.var([1.0, 3.0]).tolist()
        1.0
    """
    try:
        return _VAR[type(x)](x, axis, keepdims, correction=correction)
    except Exception as error:
        raise reducing.refused(error, "var", x, axis)  # noqa: B904 (it carries its cause)


def std(x: Array, /, axis: Axes = None, *, keepdims: bool = False, correction: float = 0.0) -> Array:
    """The square root of :func:`var`; its gradient is 0 where it is 0.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.std([1.0, 3.0]).tolist()
        1.0
    """
    try:
        return _STD[type(x)](x, axis, keepdims, correction=correction)
    except Exception as error:
        raise reducing.refused(error, "std", x, axis)  # noqa: B904 (it carries its cause)


def max(
    x: Array, /, axis: Axes = None, *, keepdims: bool = False, where: Array | None = None, initial: Any = None
) -> Array:
    """The greatest element; ties share the gradient, and nan wins.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.max([[1, 4], [3, 2]], axis=1).tolist(), unp.max([1, 4], where=[True, False], initial=0).tolist()
        ([4, 3], 1)
    """
    try:
        if where is initial is None:
            return _MAX[type(x)](x, axis, keepdims)
        return reducing.extreme("max", x, axis, keepdims, where, initial)
    except Exception as error:
        raise reducing.refused(error, "max", x, axis)  # noqa: B904 (it carries its cause)


def min(
    x: Array, /, axis: Axes = None, *, keepdims: bool = False, where: Array | None = None, initial: Any = None
) -> Array:
    """The smallest element; ties share the gradient, and nan wins.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.min([[1, 4], [3, 2]], axis=1).tolist()
        [1, 2]
    """
    try:
        if where is initial is None:
            return _MIN[type(x)](x, axis, keepdims)
        return reducing.extreme("min", x, axis, keepdims, where, initial)
    except Exception as error:
        raise reducing.refused(error, "min", x, axis)  # noqa: B904 (it carries its cause)


def any(x: Array, /, axis: Axes = None, *, keepdims: bool = False, where: Array | None = None) -> Array:
    """Whether some element is not 0; False for none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.any([[1, 0], [0, 0]], axis=1).tolist()
        [True, False]
    """
    try:
        if where is None:
            return _ANY[type(x)](x, axis, keepdims)
        return reducing.quantified("any", x, axis, keepdims, where)
    except Exception as error:
        raise reducing.refused(error, "any", x, axis)  # noqa: B904 (it carries its cause)


def all(x: Array, /, axis: Axes = None, *, keepdims: bool = False, where: Array | None = None) -> Array:
    """Whether no element is 0; True for none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.all([[1, 0], [1, 1]], axis=1).tolist()
        [False, True]
    """
    try:
        if where is None:
            return _ALL[type(x)](x, axis, keepdims)
        return reducing.quantified("all", x, axis, keepdims, where)
    except Exception as error:
        raise reducing.refused(error, "all", x, axis)  # noqa: B904 (it carries its cause)


def logsumexp(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """``log(sum(exp(x)))``, computed without overflow; integers give float32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.logsumexp([-float("inf"), 2.0]).tolist()
        2.0
    """
    try:
        return _LOGSUMEXP[type(x)](x, axis, keepdims)
    except Exception as error:
        raise reducing.refused(error, "logsumexp", x, axis)  # noqa: B904 (it carries its cause)


def argmax(x: Array, /, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The place of the first greatest element, as int32; without an axis, its place in row-major order.

    nan counts as the greatest.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.argmax([1, 3, 3]).tolist()
        1
    """
    try:
        return _ARGMAX[type(x)](x, axis, keepdims)
    except Exception as error:
        raise reducing.refused(error, "argmax", x, axis)  # noqa: B904 (it carries its cause)


def argmin(x: Array, /, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The place of the first smallest element, as int32; without an axis, its place in row-major order.

    nan counts as the smallest here, as in :func:`min`.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.argmin([3, 1, 1]).tolist()
        1
    """
    try:
        return _ARGMIN[type(x)](x, axis, keepdims)
    except Exception as error:
        raise reducing.refused(error, "argmin", x, axis)  # noqa: B904 (it carries its cause)


def count_nonzero(x: Array, /, axis: Axes = None, *, keepdims: bool = False) -> Array:
    """How many elements are not 0, as int32.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.count_nonzero([[1, 0], [2, 3]], axis=1).tolist()
        [1, 2]
    """
    engine, x = unary(x)
    return sum(engine.arrays.astype(x, "bool"), axis, keepdims=keepdims)
