"""Max pooling into a given number of windows, whose places are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod import random
from unimod.backends._protocol import Engine
from unimod.errors import OptionError, ShapeError
from unimod.nn import _checks, _layouts, _shapes
from unimod.nn._convolution import one_batch_axis, restore_batch
from unimod.numpy._dispatch import unary
from unimod.numpy._options import device_of

Array = Any
Sizes = int | Sequence[int]
Ratios = float | Sequence[float]


def fractional_max_pool(
    x: Array,
    key: Any,
    window: Sizes,
    *,
    size: Sizes | None = None,
    ratio: Ratios | None = None,
    data_format: str | None = None,
) -> Array:
    """The largest value in each of ``size`` windows, whose distances vary: they are drawn for each image and channel.

    Window ``i`` of ``m`` on an axis of ``n`` starts at ``floor((i + u) * a) - floor(u * a)`` with
    ``a = (n - window) / (m - 1)`` and a draw ``u`` in [0, 1); the last one ends where the axis does.

    Args:
        x: floating, ``(batch, spatial..., channels)``; with a tuple ``window`` its length says how many are spatial.
        key: draws ``u``; the same key and shape give the same windows on every engine. None: ``u`` is 1/2.
        window: the size of the window.
        size: the number of windows, for all axes or for each.
        ratio: in place of ``size``: the number of windows over the size of the axis, in (0, 1).
        data_format: as in :func:`max_pool`.

    Returns:
        ``(batch, size..., channels)``, in the dtype of ``x``.

    Raises:
        ShapeError: the rank does not fit, or there is no room for the windows.
        DTypeError: ``x`` is not floating.
        OptionError: an option has a wrong value, or not exactly one of ``size`` and ``ratio`` is given.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([1.0, 5.0, 3.0, 4.0, 2.0]), (1, 5, 1))
        >>> um.nn.functional.fractional_max_pool(x, None, 2, size=3)[0, :, 0].tolist()
        [5.0, 4.0, 4.0]

    Source: Graham (2014), arXiv:1412.6071.
    """
    engine, x = unary(x)
    _checks.floating("fractional_max_pool", engine, x)
    axes = _layouts.count("fractional_max_pool", x, window, data_format)
    windows = _shapes.per_axis("window", window, axes)
    last = _layouts.to_last(x, axes, data_format)
    single = one_batch_axis(last, axes)
    spatial = tuple(int(n) for n in single.shape[1:-1])
    sizes = _sizes(spatial, windows, size, ratio)
    shape = (int(single.shape[0]), int(single.shape[-1]), axes)
    half = engine.arrays.full((1, 1, axes), 0.5, "float32", device_of(engine, x))
    draws = half if key is None else random.uniform(key, shape)
    for axis, (n, w, m) in enumerate(zip(spatial, windows, sizes, strict=True)):
        single = _laid_out(engine, single, _starts(engine, draws[..., axis], n, w, m), axis + 1, w)
    split = (part for m, w in zip(sizes, windows, strict=True) for part in (m, w))
    out = unp.max(unp.reshape(single, (shape[0], *split, shape[1])), axis=tuple(range(2, 2 * axes + 1, 2)))
    return _layouts.from_last(restore_batch(out, last, axes), axes, data_format)


def _starts(engine: Engine, draws: Array, n: int, window: int, count: int) -> Array:
    """Where the windows on an axis of ``n`` start, ``(batch, count, channels)``, by draws ``(batch, channels)``."""
    steps = engine.arrays.asarray(np.arange(count - 1)[None, :, None], "float32", device_of(engine, draws))
    pace, draws = (n - window) / max(count - 1, 1), unp.expand_dims(draws, axis=1)
    first = unp.floor(unp.multiply(draws, pace))
    starts = unp.subtract(unp.floor(unp.multiply(unp.add(steps, draws), pace)), first)
    last = unp.add(unp.multiply(first, 0.0), float(n - window))
    return unp.astype(unp.concat([starts, last], axis=1), "int32")


def _laid_out(engine: Engine, x: Array, starts: Array, axis: int, window: int) -> Array:
    """``x`` with the elements of the windows one behind the other on an axis."""
    taps = engine.arrays.asarray(np.arange(window)[None, None, :, None], "int32", device_of(engine, x))
    places = unp.add(unp.expand_dims(starts, axis=2), taps)
    batch, count, _, channels = places.shape
    ones = (1,) * (len(x.shape) - 3)
    shape = (batch, *ones[: axis - 1], count * window, *ones[axis - 1 :], channels)
    return unp.take_along_axis(x, unp.reshape(places, shape), axis=axis)


def _sizes(
    spatial: tuple[int, ...], windows: tuple[int, ...], size: Sizes | None, ratio: Ratios | None
) -> tuple[int, ...]:
    check_size(size, ratio, len(spatial))
    if size is not None:
        found = _shapes.per_axis("size", size, len(spatial))
    else:
        found = tuple(max(int(n * part), 1) for n, part in zip(spatial, _ratios(ratio, len(spatial)), strict=True))
    if all(m + w - 1 <= n for n, w, m in zip(spatial, windows, found, strict=True)):
        return found
    raise ShapeError(
        "fractional_max_pool has no room for its windows.",
        got=f"{found} windows of {windows} on spatial axes of {spatial}",
        expected="windows + size - 1 of at most the length of the axis",
        fix="pass fewer or smaller windows",
    )


def _ratios(ratio: Ratios | None, axes: int) -> tuple[float, ...]:
    return (ratio,) * axes if isinstance(ratio, (int, float)) else tuple(ratio or ())


def check_size(size: Sizes | None, ratio: Ratios | None, axes: int | None = None) -> None:
    """Exactly one of the two is given; a ratio is one, or one for each of so many axes."""
    ratios = _ratios(ratio, axes or 1)
    is_fitting = axes is None or size is not None or len(ratios) == axes
    if (size is None) != (ratio is None) and is_fitting and all(0 < part < 1 for part in ratios):
        return
    raise OptionError(
        "fractional_max_pool takes either a size or a ratio.",
        got=f"size = {size!r}, ratio = {ratio!r}",
        expected="numbers of windows, or ratios between 0 and 1; one, or one for each spatial axis",
        fix="pass size=3, or ratio=0.5",
    )
