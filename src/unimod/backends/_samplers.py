"""Distributions made of uniform values, written once for numpy and torch.

The steps, and the rounding after each of them, are those of ``jax.random``. ``Ops`` is the little that the two
namespaces call by different names.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from unimod.backends import _host
from unimod.backends._erf import erf32, erfinv

Array = Any

_TILE = 16
_TINY = {"float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}


@dataclasses.dataclass(frozen=True)
class Ops:
    """A namespace and what its functions are called.

    Attributes:
        xp: ``numpy`` or ``torch``.
        cast: ``cast(x, dtype_name)``.
        is_array: whether a value is an array of the namespace (else it is a Python number).
        scalar: a numpy scalar as a number that does not change the dtype of an array beside it; arrays as they are.
        erf64: the error function in float64.
        nextafter: ``nextafter(x, limit)`` for an array and a number.
        concat: ``concat(arrays)`` along the last axis.
    """

    xp: Any
    cast: Callable[[Array, str], Array]
    is_array: Callable[[Any], bool]
    scalar: Callable[[Any], Any]
    erf64: Callable[[Array], Array]
    nextafter: Callable[[Array, float], Array]
    concat: Callable[[list[Array]], Array]


def number(value: Any, name: str) -> Any:
    """``value`` as a numpy scalar of the dtype ``name``."""
    return np.asarray(value, _host.dtype(name))[()]


def between(ops: Ops, unit: Array, low: Any, high: Any, name: str) -> Array:
    """``max(low, unit * (high - low) + low)`` for unit in [0, 1); float32 is rounded once, as XLA's fused form is."""
    low, high = (ops.cast(v, name) if ops.is_array(v) else number(v, name) for v in (low, high))
    if ops.is_array(low) or ops.is_array(high):
        low, high = ops.scalar(low), ops.scalar(high)
    low, span = ops.scalar(low), ops.scalar(high - low)
    if name == "float32":
        value = ops.cast(_wide(ops, unit) * _wide(ops, span) + _wide(ops, low), name)
    else:
        value = unit * span + low
    return ops.xp.clip(value, low, None)


def _wide(ops: Ops, x: Any) -> Any:
    return x if isinstance(x, float) else ops.cast(x, "float64")


def normal(ops: Ops, unit: Array, name: str) -> Array:
    """``sqrt(2) erfinv(u)`` with u uniform in (-1, 1)."""
    lowest = np.nextafter(number(-1, name), number(0, name))
    return _scaled_erfinv(ops, unit * ops.scalar(number(2, name)) + ops.scalar(lowest), name)


def _scaled_erfinv(ops: Ops, u: Array, name: str) -> Array:
    wide = name if name == "float64" else "float32"
    root = ops.scalar(number(math.sqrt(2.0), name))
    return ops.cast(erfinv(ops.cast(u, wide), ops.xp, wide), name) * root


def truncated_normal(ops: Ops, unit: Array, lower: Any, upper: Any, name: str) -> Array:
    """``sqrt(2) erfinv(u)`` with u uniform between the error functions of the bounds, kept inside the open interval."""
    a, least = _bound(ops, lower, math.inf, name)
    b, greatest = _bound(ops, upper, -math.inf, name)
    value = _scaled_erfinv(ops, between(ops, unit, a, b, name), name)
    # numpy answers with float32 when bfloat16 is clipped from both sides.
    return ops.cast(ops.xp.clip(value, ops.scalar(least), ops.scalar(greatest)), name)


def _bound(ops: Ops, bound: Any, towards: float, name: str) -> tuple[Any, Any]:
    """The error function of a bound, and its neighbour inside the interval."""
    if not ops.is_array(bound):
        return _bound_of_number(float(bound), towards, name)
    bound = ops.cast(bound, name)
    return _erf(ops, bound, name), ops.nextafter(bound, towards)


@functools.lru_cache(maxsize=256)
def _bound_of_number(bound: float, towards: float, name: str) -> tuple[Any, Any]:
    value = number(bound, name)
    return _erf(HOST, value, name), HOST.nextafter(value, towards)


def _erf(ops: Ops, bound: Array, name: str) -> Array:
    # XLA turns the division by a constant into a multiplication.
    x = bound * ops.scalar(number(1, name) / number(math.sqrt(2.0), name))
    if name == "float64":
        return ops.erf64(x)
    return ops.cast(erf32(ops.cast(x, "float32"), ops.xp, ops.cast), name)


def gumbel(ops: Ops, unit: Array, name: str) -> Array:
    """``-log(-log(u))`` with u in [tiny, 1)."""
    # XLA merges the two constants of ``(x - 1) + tiny``, so that tiny is a bound and not a summand.
    return -ops.xp.log(-ops.xp.log(ops.xp.clip(unit, ops.scalar(number(_TINY[name], name)), None)))


def exponential(ops: Ops, unit: Array) -> Array:
    """``-log(1 - u)``."""
    return -ops.xp.log1p(-unit)


def cumsum(ops: Ops, x: Array) -> Array:
    """Prefix sums of a vector in the order in which XLA adds on the CPU: inside tiles of 16, then over the tiles."""
    size = len(x)
    tiles = ops.concat([x, x[:1].repeat(-size % _TILE) * 0]).reshape(-1, _TILE)
    sums = [tiles[:, 0]]
    for i in range(1, _TILE):
        sums.append(sums[-1] + tiles[:, i])
    inside = ops.xp.stack(sums, -1)
    if size > _TILE:
        before = ops.concat([x[:1] * 0, cumsum(ops, inside[:, -1])[:-1]])
        inside = inside + before[:, None]
    return inside.reshape(-1)[:size]


def num_sorts(size: int) -> int:
    """How often a permutation of ``size`` elements sorts by 32 random bits, so that ties do not matter."""
    return math.ceil(3 * math.log(max(1, size)) / math.log(2**32 - 1))


def _host_cast(x: Array, name: str) -> Array:
    return x.astype(_host.dtype(name))


HOST = Ops(
    xp=np,
    cast=_host_cast,
    is_array=lambda x: isinstance(x, np.ndarray | np.generic),
    scalar=lambda x: x,
    erf64=np.vectorize(math.erf, otypes=[np.float64]),
    nextafter=lambda x, limit: np.nextafter(x, x.dtype.type(limit)),
    concat=lambda xs: np.concatenate(xs, axis=-1),
)
