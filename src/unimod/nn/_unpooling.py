"""Max pooling that says where the maxima were, and the way back."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.errors import OptionError
from unimod.nn import _checks, _folding, _layouts, _shapes, _windows
from unimod.nn._convolution import one_batch_axis, restore_batch
from unimod.nn._shapes import Padding, Windows
from unimod.numpy._dispatch import many, unary
from unimod.numpy._options import device_of

Array = Any
Sizes = int | Sequence[int]


def max_pool_with_indices(
    x: Array,
    window: Sizes,
    *,
    stride: Sizes | None = None,
    padding: Padding = "VALID",
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    data_format: str | None = None,
) -> tuple[Array, Array]:
    """:func:`max_pool`, and where the maxima are: of several in a window the first one.

    Arguments and errors as in :func:`max_pool`.

    Returns:
        The maxima, and int32 of the same shape: their places in the spatial axes of ``x``, in row-major order.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([1.0, 4.0, 2.0, 3.0]), (1, 4, 1))
        >>> [part[0, :, 0].tolist() for part in um.nn.functional.max_pool_with_indices(x, 2)]
        [[4.0, 3.0], [1, 3]]
    """
    engine, x = unary(x)
    _checks.floating("max_pool_with_indices", engine, x)
    axes = _layouts.count("max_pool_with_indices", x, window, data_format)
    sizes = _shapes.per_axis("window", window, axes)
    last = _layouts.to_last(x, axes, data_format)
    spatial = tuple(int(n) for n in last.shape[-axes - 1 : -1])
    plan = _shapes.plan(spatial, sizes, sizes if stride is None else stride, dilation, padding)
    plan = _windows.with_ceil(spatial, plan) if ceil_mode else plan
    table = engine.arrays.asarray(_places(spatial, plan)[..., None], "int32", device_of(engine, x))
    found = _chosen(_folding.windows(one_batch_axis(last, axes), plan, -math.inf), table)
    values, places = (_layouts.from_last(restore_batch(part, last, axes), axes, data_format) for part in found)
    return values, places


def max_unpool(
    x: Array,
    indices: Array,
    window: Sizes,
    *,
    stride: Sizes | None = None,
    padding: Padding = "VALID",
    size: Sequence[int] | None = None,
    data_format: str | None = None,
) -> Array:
    """What undoes max pooling, as far as that can be: the maxima at their places, and 0 elsewhere.

    Args:
        x: floating, ``(batch, spatial..., channels)``: the maxima.
        indices: integers of the shape of ``x``, as :func:`max_pool_with_indices` gives them. Where a place stands there
            several times, the last value is taken.
        window: the size of the window that was pooled.
        stride: the step between windows, by default ``window``.
        padding: ``"VALID"``, a width, or a width or pair for each axis.
        size: of the spatial axes of the result; None: ``(n - 1) * stride + window`` less the padding.
        data_format: as in :func:`max_pool`.

    Returns:
        ``(batch, size..., channels)``, in the dtype of ``x``. Indices outside of the image are left out.

    Raises:
        ShapeError: the shapes do not fit, or nothing would be left.
        DTypeError: ``x`` is not floating, or the indices are not integers.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> x, places = um.numpy.asarray([[[4.0], [3.0]]]), um.numpy.asarray([[[1], [3]]])
        >>> um.nn.functional.max_unpool(x, places, 2)[0, :, 0].tolist()
        [0.0, 4.0, 0.0, 3.0]

    Differences: where a place stands in the indices several times, torch gives each of its values the derivative.
    """
    engine, x, indices = many(x, indices)
    _checks.floating("max_unpool", engine, x)
    _checks.integers("max_unpool", "indices", engine, indices)
    _checks.shapes("max_unpool", tuple(x.shape), indices=indices)
    axes = _layouts.count("max_unpool", x, window, data_format)
    windows = _shapes.per_axis("window", window, axes)
    strides = windows if stride is None else _shapes.per_axis("stride", stride, axes)
    last, places = (_layouts.to_last(part, axes, data_format) for part in (x, indices))
    sizes = _sizes(tuple(last.shape[-axes - 1 : -1]), windows, strides, padding, size)
    count = math.prod(sizes)
    single = unp.reshape(last, (math.prod(last.shape[: -axes - 1]), -1, last.shape[-1]))
    shape = (single.shape[0], count, single.shape[-1])
    image = engine.arrays.full(shape, 0, engine.arrays.dtype_name(x), device_of(engine, x))
    # Negative ones would count from the end.
    places = unp.reshape(unp.where(unp.less(places, 0), count, places), single.shape)
    is_apart = all(s >= w for s, w in zip(strides, windows, strict=True))
    out = unp.put_along_axis(image, places, single, axis=1, unique_indices=is_apart)
    out = unp.reshape(out, (*last.shape[: -axes - 1], *sizes, last.shape[-1]))
    return _layouts.from_last(out, axes, data_format)


def _chosen(rows: Array, table: Array) -> tuple[Array, Array]:
    """The maximum of each window of ``(N, out..., window..., C)``, and its entry of ``(out..., elements, 1)``."""
    rows = unp.reshape(rows, (rows.shape[0], *table.shape[:-1], rows.shape[-1]))
    first = unp.expand_dims(unp.argmax(rows, axis=-2), axis=-2)
    table = unp.broadcast_to(table, tuple(rows.shape))
    values, places = (unp.squeeze(unp.take_along_axis(part, first, axis=-2), axis=-2) for part in (rows, table))
    return values, places


def _places(spatial: tuple[int, ...], plan: Windows) -> Any:
    """For each window the places of its elements in the unpadded image: ``(out..., elements)``."""
    axes = []
    for n, size, stride, step, (low, _), count in zip(
        spatial, plan.size, plan.stride, plan.dilation, plan.padding, plan.out, strict=True
    ):
        starts = np.arange(count) * stride - low
        axes.append(np.clip(starts[:, None] + np.arange(size) * step, 0, n - 1))
    elements = itertools.product(*map(range, plan.size))
    grids = [np.meshgrid(*(a[:, k] for a, k in zip(axes, taps, strict=True)), indexing="ij") for taps in elements]
    return np.stack([np.ravel_multi_index(tuple(grid), spatial) for grid in grids], axis=-1)


def _sizes(
    spatial: tuple[int, ...],
    windows: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    size: Sequence[int] | None,
) -> tuple[int, ...]:
    if size is not None:
        return _shapes.per_axis("size", tuple(size), len(spatial))
    if isinstance(padding, str) and padding.upper() != "VALID":
        raise OptionError(
            "max_unpool cannot tell the size of the images from this padding.",
            got=f"padding = {padding!r}, size = None",
            expected="a size, or widths of padding",
            fix="pass size=, the spatial axes of what was pooled",
        )
    widths: Padding = 0 if isinstance(padding, str) else padding
    crop = _shapes.plan_transposed(spatial, windows, strides, (1,) * len(spatial), widths)
    ends = zip(spatial, windows, strides, crop, strict=True)
    return tuple((n - 1) * stride + window - low - high for n, window, stride, (low, high) in ends)
