"""Pooling into a given number of bins, or into one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.errors import OptionError
from unimod.nn import _checks, _layouts, _resampling, _windows
from unimod.nn._convolution import one_batch_axis, restore_batch
from unimod.numpy._dispatch import unary
from unimod.numpy._options import device_of

Array = Any
Sizes = int | Sequence[int | None]


def adaptive_avg_pool(x: Array, size: Sizes, *, data_format: str | None = None) -> Array:
    """The mean of each of ``size`` bins along the spatial axes, for each channel.

    Bin ``i`` of ``m`` on an axis of ``n`` is ``[floor(i * n / m), ceil((i + 1) * n / m))``: bins may overlap.

    Args:
        x: floating, ``(batch, spatial..., channels)``; with a tuple ``size`` its length says how many are spatial.
        size: the number of bins, one for all axes or one for each; None keeps an axis as it is.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"``: channels first, in ``x`` and in the result.

    Returns:
        ``(batch, size..., channels)``, in the dtype of ``x``.

    Raises:
        ShapeError: the rank does not fit.
        DTypeError: ``x`` is not floating.
        OptionError: a size is no positive number.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([1.0, 2.0, 3.0, 4.0, 5.0]), (1, 5, 1))
        >>> um.nn.functional.adaptive_avg_pool(x, 3)[0, :, 0].tolist()
        [1.5, 3.0, 4.5]
    """
    engine, last, sizes = _prepare("adaptive_avg_pool", x, size, data_format)
    axes = len(sizes)
    single = one_batch_axis(last, axes)
    matrices = [_means(n, m) if n != m else None for n, m in zip(single.shape[1:], sizes, strict=False)]
    out = _resampling.resample(engine, single, matrices)
    return _layouts.from_last(restore_batch(out, last, axes), axes, data_format)


def adaptive_max_pool(x: Array, size: Sizes, *, data_format: str | None = None) -> Array:
    """The largest value of each of ``size`` bins. Bins, arguments and errors as in :func:`adaptive_avg_pool`.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([1.0, 5.0, 3.0, 4.0, 2.0]), (1, 5, 1))
        >>> um.nn.functional.adaptive_max_pool(x, 3)[0, :, 0].tolist()
        [5.0, 5.0, 4.0]
    """
    engine, last, sizes = _prepare("adaptive_max_pool", x, size, data_format)
    axes, out, window = len(sizes), one_batch_axis(last, len(sizes)), []
    for axis, m in enumerate(sizes):
        places = _places(int(out.shape[axis + 1]), m)
        window.append(places.shape[1])
        if places.size != out.shape[axis + 1]:
            out = unp.take(out, engine.arrays.asarray(places.ravel(), "int32", device_of(engine, out)), axis=axis + 1)
    out = engine.nn.max_pool(out, window=tuple(window), stride=tuple(window), padding=((0, 0),) * axes)
    return _layouts.from_last(restore_batch(out, last, axes), axes, data_format)


def global_avg_pool(x: Array, *, keepdims: bool = False, data_format: str | None = None) -> Array:
    """The mean over all spatial axes, for each channel.

    Args:
        x: floating, ``(batch, spatial..., channels)``.
        keepdims: whether the spatial axes stay, with length 1.
        data_format: as in :func:`adaptive_avg_pool`.

    Returns:
        ``(batch, channels)``, in the dtype of ``x``.

    Raises:
        ShapeError: ``x`` has not 1, 2 or 3 spatial axes.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> tuple(um.nn.functional.global_avg_pool(um.numpy.ones((2, 5, 4, 3))).shape)
        (2, 3)
    """
    return unp.mean(x, axis=_all_spatial("global_avg_pool", x, data_format), keepdims=keepdims)


def global_max_pool(x: Array, *, keepdims: bool = False, data_format: str | None = None) -> Array:
    """The largest value of all spatial axes, for each channel. Arguments and errors as in :func:`global_avg_pool`.

    Example:
        >>> import unimod as um
        >>> tuple(um.nn.functional.global_max_pool(um.numpy.ones((2, 5, 4, 3)), keepdims=True).shape)
        (2, 1, 1, 3)
    """
    return unp.max(x, axis=_all_spatial("global_max_pool", x, data_format), keepdims=keepdims)


def _all_spatial(name: str, x: Array, data_format: str | None) -> tuple[int, ...]:
    engine, array = unary(x)
    _checks.floating(name, engine, array)
    axes = _layouts.count(name, array, 0, data_format)
    first = _layouts.is_first(data_format, axes)
    return tuple(range(2, axes + 2) if first else range(1, axes + 1))


def _prepare(name: str, x: Array, size: Sizes, data_format: str | None) -> tuple[Engine, Array, tuple[int, ...]]:
    """All checks; the engine, ``x`` channels last, and the number of bins on each axis."""
    engine, x = unary(x)
    _checks.floating(name, engine, x)
    axes = _layouts.count(name, x, size, data_format)
    last = _layouts.to_last(x, axes, data_format)
    asked = (size,) * axes if isinstance(size, int) else tuple(size)
    spatial = last.shape[len(x.shape) - axes - 1 : -1]
    sizes = tuple(int(n) if m is None else m for n, m in zip(spatial, asked, strict=True))
    if all(isinstance(m, int) and m > 0 for m in sizes):
        return engine, last, sizes
    raise OptionError(
        f"{name} needs positive numbers of bins.",
        got=f"size = {size!r}",
        expected=f"a positive int, or {axes} of them or None",
        fix="pass size=1 for one bin",
    )


def _means(n: int, m: int) -> Any:
    matrix = np.zeros((m, n))
    for row, (start, end) in enumerate(_windows.bins(n, m)):
        matrix[row, start:end] = 1.0 / (end - start)
    return matrix


def _places(n: int, m: int) -> Any:
    """The elements of each bin, ``(m, longest)``; a shorter bin repeats its last, which then never wins alone."""
    pairs = _windows.bins(n, m)
    longest = max(end - start for start, end in pairs)
    return np.array([[min(start + i, end - 1) for i in range(longest)] for start, end in pairs])
