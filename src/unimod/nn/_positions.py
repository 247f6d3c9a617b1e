"""Positions as pure functions: rotations, waves, and biases by distance."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.config import default_engine, is_array
from unimod.dtypes import DType
from unimod.errors import OptionError, ShapeError
from unimod.nn import _checks, masks
from unimod.numpy._dispatch import many, unary
from unimod.numpy._options import device_of

Array = Any


def rotary(
    x: Array,
    positions: Array | None = None,
    *,
    offset: Any = 0,
    base: float = 10000.0,
    interleaved: bool = False,
    features: int | None = None,
) -> Array:
    """Rotate pairs of features by angles that grow with the position: ``angle(p, i) = p * base ** (-2 i / features)``.

    The product of two vectors that were rotated so depends on the distance of their positions only.

    Args:
        x: floating, ``(..., T, H, D)``.
        positions: integers ``(..., T)``, whose leading axes broadcast; None: ``offset, offset + 1, ...``.
        offset: the position of the first entry; an int, or an integer array without axes.
        base: the slowest angle is about ``1 / base``.
        interleaved: pairs are neighbours, ``(0, 1), (2, 3), ...``; else of the two halves, ``(0, D / 2), ...``.
        features: how many features are rotated, the first ones; None: all.

    Returns:
        The shape and dtype of ``x``; angles are computed in float32 at least.

    Raises:
        ShapeError: ``x`` has too few axes, or the positions do not fit.
        OptionError: the number of rotated features is odd, or larger than ``D``.
        DTypeError: ``x`` is not floating, or the positions are not integers.

    Example:
        >>> import unimod as um
        >>> y = um.nn.functional.rotary(um.numpy.asarray([[[1.0, 0.0]], [[1.0, 0.0]]]))
        >>> [[round(v, 3) for v in row] for row in y[:, 0].tolist()]
        [[1.0, 0.0], [0.54, 0.841]]

    Source: Su et al. (2021), arXiv:2104.09864, equation 15 (interleaved); the halves are those of GPT-NeoX.
    """
    engine, x, positions = many(x, positions)
    _checks.floating("rotary", engine, x)
    _checks.rank("rotary", "x", x, 3)
    count = _rotated(x.shape[-1], features)
    places = _places("rotary", engine, x, positions, offset)
    angles = _angles(engine, x, places, count, base)
    cos, sin = (unp.expand_dims(one, -2) for one in (unp.cos(angles), unp.sin(angles)))
    turned = _turned(_wide(x[..., :count]), cos, sin, interleaved)
    turned = unp.astype(turned, engine.arrays.dtype_name(x))
    return turned if count == x.shape[-1] else unp.concat([turned, x[..., count:]], axis=-1)


def _rotated(size: int, features: int | None) -> int:
    count = size if features is None else features
    if 0 < count <= size and count % 2 == 0:
        return count
    raise OptionError(
        "Rotary positions turn pairs of features.",
        got=f"features = {count}, of {size}",
        expected=f"an even number, at most {size}",
        fix="choose an even size of the heads, or give `features`",
    )


def _places(name: str, engine: Engine, x: Array, positions: Array | None, offset: Any) -> Array:
    """The positions, integers ``(..., T)``."""
    length = x.shape[-3]
    if positions is None:
        places = engine.arrays.arange(0, length, 1, "int32", device_of(engine, x))
        return unp.add(places, offset)
    _checks.integers(name, "positions", engine, positions)
    shape = tuple(positions.shape)
    lead = (1,) * (len(x.shape) - 2 - len(shape)) + shape
    if len(lead) != len(x.shape) - 2 or any(n not in (1, m) for n, m in zip(lead, x.shape, strict=False)):
        raise ShapeError(
            f"{name} got positions that do not fit.",
            got=f"positions of the shape {shape} for x of the shape {tuple(x.shape)}",
            expected=f"a shape that broadcasts to {tuple(x.shape[:-2])}",
            fix="pass one position for each entry of the axis of length T",
        )
    return positions


def _angles(engine: Engine, x: Array, places: Array, count: int, base: float) -> Array:
    dtype = _wide_name(engine, x)
    speeds = engine.arrays.asarray(_speeds(count, base), dtype, device_of(engine, x))
    return unp.multiply(unp.expand_dims(unp.astype(places, dtype), -1), speeds)


@functools.lru_cache(maxsize=64)
def _speeds(count: int, base: float) -> Any:
    return np.float64(base) ** (-np.arange(0, count, 2, dtype=np.float64) / count)


def _turned(x: Array, cos: Array, sin: Array, interleaved: bool) -> Array:
    half = x.shape[-1] // 2
    first, second = (x[..., 0::2], x[..., 1::2]) if interleaved else (x[..., :half], x[..., half:])
    parts = [
        unp.subtract(unp.multiply(first, cos), unp.multiply(second, sin)),
        unp.add(unp.multiply(first, sin), unp.multiply(second, cos)),
    ]
    if interleaved:
        return unp.reshape(unp.stack(parts, axis=-1), x.shape)
    return unp.concat(parts, axis=-1)


def _wide_name(engine: Engine, x: Array) -> str:
    name = engine.arrays.dtype_name(x)
    return "float32" if DType(name).itemsize == 2 else name


def _wide(x: Array) -> Array:
    return unp.astype(x, "float32") if DType(unp.dtype_of(x)).itemsize == 2 else x


def sinusoidal(
    length: int, features: int, *, base: float = 10000.0, dtype: str = "float32", backend: str | None = None
) -> Array:
    """A table of waves: ``sin(p * base ** (-2 i / features))`` at ``2 i``, and the cosine at ``2 i + 1``.

    It is computed on the host in float64, so that every engine has the same one.

    Args:
        length: number of positions.
        features: length of each vector.
        base: the longest wave is about ``2 pi base``.
        dtype: of the table.
        backend: the engine (default: the chosen one).

    Returns:
        ``(length, features)``.

    Example:
        >>> import unimod as um
        >>> [[round(v, 3) for v in row] for row in um.nn.functional.sinusoidal(2, 2).tolist()]
        [[0.0, 1.0], [0.841, 0.54]]

    Source: Vaswani et al. (2017), arXiv:1706.03762, section 3.5.
    """
    return default_engine(backend).arrays.asarray(_waves(length, features, base), str(dtype))


@functools.lru_cache(maxsize=16)
def _waves(length: int, features: int, base: float) -> Any:
    # The last cosine of an odd number of features has no place.
    angles = np.arange(length, dtype=np.float64)[:, None] * _speeds(features, base)
    return np.stack([np.sin(angles), np.cos(angles)], -1).reshape(length, -1)[:, :features]


def alibi(
    num_heads: int, query_length: int, key_length: int | None = None, *, offset: Any = 0, backend: str | None = None
) -> Array:
    """A bias that falls with the distance: ``-slope[h] * |i + offset - j|``.

    The slopes are ``2 ** (-8 k / n)`` for ``k = 1 ... n`` where the number of heads ``n`` is a power of two; else those
    of the next lower power, and every second one of the next higher.

    Args:
        num_heads: number of heads.
        query_length: number of queries.
        key_length: number of keys; None: as many.
        offset: the place of the first query; an int, or an integer array without axes.
        backend: the engine (default: that of ``offset``, else the chosen one).

    Returns:
        float32, ``(num_heads, query_length, key_length)``: the ``bias`` of
        :func:`unimod.nn.functional.scaled_dot_product_attention`.

    Example:
        >>> import unimod as um
        >>> um.nn.functional.alibi(2, 1, 2, offset=2).tolist()
        [[[-0.125, -0.0625]], [[-0.0078125, -0.00390625]]]

    Source: Press, Smith, Lewis (2022), arXiv:2108.12409.
    """
    engine, offset = unary(offset) if is_array(offset) else (default_engine(backend), offset)
    return biased(engine, offset if is_array(offset) else None, num_heads, query_length, key_length, offset)


def biased(engine: Engine, like: Array | None, heads: int, queries: int, keys: int | None, offset: Any) -> Array:
    """:func:`alibi`, on the device of ``like``."""
    distance = unp.abs(masks.distances(engine, like, queries, keys or queries, offset))
    device = None if like is None else device_of(engine, like)
    slopes = engine.arrays.asarray(np.asarray(slopes_of(heads))[:, None, None], "float32", device)
    return unp.negative(unp.multiply(slopes, unp.astype(distance, "float32")))


def slopes_of(heads: int) -> list[float]:
    """The slope of each head: those of the next lower power of two, then every second one of the next higher."""
    lower: int = 2 ** int(math.log2(heads))
    return _powers(lower) + _powers(2 * lower)[0::2][: heads - lower]


def _powers(count: int) -> list[float]:
    return [2.0 ** (-8.0 * (k + 1) / count) for k in range(count)]


def waves_at(engine: Engine, x: Array, offset: Any, base: float) -> Array:
    """:func:`sinusoidal` at the positions of ``x``, ``(..., T, D)``, from ``offset`` on: ``(T, D)`` in its dtype."""
    length, features = x.shape[-2:]
    dtype = engine.arrays.dtype_name(x)
    if not is_array(offset):
        table = _waves(offset + length, features, base)[offset:]
        return engine.arrays.asarray(table, dtype, device_of(engine, x))
    places = unp.add(engine.arrays.arange(0, length, 1, "int32", device_of(engine, x)), offset)
    angles = _angles(engine, x, places, features, base)
    pairs = unp.stack([unp.sin(angles), unp.cos(angles)], axis=-1)
    return unp.astype(unp.reshape(pairs, (length, -1))[:, :features], dtype)
