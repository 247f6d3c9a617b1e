"""Random arrays. Every function takes one key, and gives the numbers of ``jax.random`` on every engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unimod import config
from unimod.errors import DTypeError, OptionError
from unimod.random._key import Key, single
from unimod.random._options import float_dtype, integer_dtype, normalized_shape, parameters

Shape = int | Sequence[int]


def bits(key: Key, shape: Shape = (), *, width: int = 32) -> Any:
    """Uniform random bits.

    Args:
        key: one key.
        shape: the shape of the result.
        width: bits of each element: 8, 16, 32 or 64 (64 on JAX under x64 only).

    Returns:
        uint8, uint16, uint32 or uint64, [*shape].

    Example:
        >>> import unimod as um
        >>> um.random.bits(um.random.key(0), (3,)).tolist()
        [4070199207, 4202968722, 1427181096]
    """
    engine, data = single("bits", key)
    if width not in (8, 16, 32, 64):
        raise OptionError("Bits come in whole words.", got=f"width = {width!r}", expected="width = 8, 16, 32 or 64")
    return engine.random.bits(data, normalized_shape("bits", shape), width)


def uniform(key: Key, shape: Shape = (), *, dtype: Any = "float32", minval: Any = 0.0, maxval: Any = 1.0) -> Any:
    """Uniform values, ``minval <= x < maxval``.

    Args:
        key: one key.
        shape: the shape of the result.
        dtype: a floating point dtype.
        minval: a number, or an array that broadcasts to ``shape``.
        maxval: the same.

    Returns:
        an array of ``dtype``, [*shape].

    Example:
        >>> import unimod as um
        >>> [round(x, 4) for x in um.random.uniform(um.random.key(0), (3,)).tolist()]
        [0.9477, 0.9786, 0.3323]
    """
    engine, data = single("uniform", key)
    shape, name = normalized_shape("uniform", shape), float_dtype("uniform", dtype)
    if type(minval) is not float or type(maxval) is not float:
        minval, maxval = parameters("uniform", data, shape, minval=minval, maxval=maxval)
    return engine.random.uniform(data, shape, name, minval, maxval)


def normal(key: Key, shape: Shape = (), *, dtype: Any = "float32") -> Any:
    """Standard normal values: ``p(x) = exp(-x**2 / 2) / sqrt(2 pi)``.

    Args:
        key: one key.
        shape: the shape of the result.
        dtype: a floating point dtype.

    Returns:
        an array of ``dtype``, [*shape]; in float32 the engines agree to 4 ULP.

    Example:
        >>> import unimod as um
        >>> [round(x, 4) for x in um.random.normal(um.random.key(0), (3,)).tolist()]
        [1.6226, 2.0253, -0.4336]
    """
    engine, data = single("normal", key)
    return engine.random.normal(data, normalized_shape("normal", shape), float_dtype("normal", dtype))


def truncated_normal(
    key: Key, lower: Any = -2.0, upper: Any = 2.0, shape: Shape | None = None, *, dtype: Any = "float32"
) -> Any:
    """Standard normal values inside the open interval ``(lower, upper)``.

    Args:
        key: one key.
        lower: a number or an array.
        upper: a number or an array.
        shape: the shape of the result; left out, that of the bounds broadcast together.
        dtype: a floating point dtype.

    Returns:
        an array of ``dtype``, [*shape]. Its standard deviation is less than 1: 0.8796 for (-2, 2).

    Example:
        >>> import unimod as um
        >>> x = um.random.truncated_normal(um.random.key(0), -1.0, 1.0, (100,))
        >>> -1.0 < min(x.tolist()) < max(x.tolist()) < 1.0
        True
    """
    engine, data = single("truncated_normal", key)
    wanted = None if shape is None else normalized_shape("truncated_normal", shape)
    lower, upper = parameters("truncated_normal", data, wanted, lower=lower, upper=upper)
    full = _shape_of(lower, upper) if wanted is None else wanted
    return engine.random.truncated_normal(data, lower, upper, full, float_dtype("truncated_normal", dtype))


def bernoulli(key: Key, p: Any = 0.5, shape: Shape | None = None) -> Any:
    """True with probability ``p``.

    Args:
        key: one key.
        p: a number, or an array of a floating point dtype.
        shape: the shape of the result; left out, that of ``p``.

    Returns:
        bool, [*shape].

    Raises:
        OptionError: the number ``p`` is not a probability.

    Example:
        >>> import unimod as um
        >>> um.random.bernoulli(um.random.key(0), 0.9, (4,)).tolist()
        [False, False, True, True]
    """
    engine, data = single("bernoulli", key)
    wanted = None if shape is None else normalized_shape("bernoulli", shape)
    (p,) = parameters("bernoulli", data, wanted, p=p)
    if config.is_array(p):
        float_dtype("bernoulli", config.dtype_of(p))
    elif not 0.0 <= p <= 1.0:
        raise OptionError("A probability lies between 0 and 1.", got=f"p = {p}", expected="0 <= p <= 1")
    else:
        p = float(p)
    return engine.random.bernoulli(data, p, _shape_of(p) if wanted is None else wanted)


def randint(key: Key, shape: Shape, minval: Any, maxval: Any, *, dtype: Any = "int32") -> Any:
    """Uniform integers, ``minval <= x < maxval``.

    Args:
        key: one key.
        shape: the shape of the result.
        minval: an integer, or an integer array that broadcasts to ``shape``.
        maxval: the same; where it is not above ``minval`` the result is ``minval``.
        dtype: an integer dtype, to whose range the bounds are clipped.

    Returns:
        an array of ``dtype``, [*shape].

    Example:
        >>> import unimod as um
        >>> um.random.randint(um.random.key(0), (5,), 0, 10).tolist()
        [9, 0, 2, 3, 1]
    """
    engine, data = single("randint", key)
    shape, name = normalized_shape("randint", shape), integer_dtype("randint", dtype)
    minval, maxval = parameters("randint", data, shape, minval=minval, maxval=maxval)
    for bound in (minval, maxval):
        if isinstance(bound, float) or (config.is_array(bound) and config.dtype_of(bound).kind not in ("int", "uint")):
            raise DTypeError("The bounds of `randint` are integers.", got=config.describe_value(bound))
    return engine.random.randint(data, shape, minval, maxval, name)


def gumbel(key: Key, shape: Shape = (), *, dtype: Any = "float32") -> Any:
    """Standard Gumbel values: ``-log(-log(u))``.

    Args:
        key: one key.
        shape: the shape of the result.
        dtype: a floating point dtype.

    Returns:
        an array of ``dtype``, [*shape].

    Example:
        >>> import unimod as um
        >>> [round(x, 3) for x in um.random.gumbel(um.random.key(0), (2,)).tolist()]
        [2.923, 3.833]
    """
    engine, data = single("gumbel", key)
    return engine.random.gumbel(data, normalized_shape("gumbel", shape), float_dtype("gumbel", dtype))


def exponential(key: Key, shape: Shape = (), *, dtype: Any = "float32") -> Any:
    """Exponential values of rate 1: ``-log(1 - u)``.

    Args:
        key: one key.
        shape: the shape of the result.
        dtype: a floating point dtype.

    Returns:
        an array of ``dtype``, [*shape].

    Example:
        >>> import unimod as um
        >>> [round(x, 3) for x in um.random.exponential(um.random.key(0), (2,)).tolist()]
        [2.95, 3.843]
    """
    engine, data = single("exponential", key)
    return engine.random.exponential(data, normalized_shape("exponential", shape), float_dtype("exponential", dtype))


def _shape_of(*values: Any) -> tuple[int, ...]:
    return tuple(np.broadcast_shapes(*(tuple(v.shape) for v in values if config.is_array(v))))
