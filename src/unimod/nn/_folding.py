"""Windows of images as rows, the way back, and the shuffling of channels."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
from unimod.errors import ShapeError
from unimod.nn import _axes, _checks, _layouts, _shapes
from unimod.nn._convolution import one_batch_axis, restore_batch
from unimod.nn._precision import entering, leaving
from unimod.nn._shapes import Padding, Windows
from unimod.numpy._dispatch import unary

Array = Any
Sizes = int | Sequence[int]


def unfold(
    x: Array,
    window: Sizes,
    *,
    stride: Sizes = 1,
    padding: Padding = "VALID",
    dilation: Sizes = 1,
    data_format: str | None = None,
) -> Array:
    """The elements of each window as one row: ``unfold(x, k) @ reshape(kernel, (-1, out))`` is a convolution.

    Args:
        x: any dtype, ``(batch, spatial..., channels)``; with a tuple ``window`` its length says how many are spatial.
        window: the size of the window.
        stride: the step between windows.
        padding: as in :func:`conv`, of zeros.
        dilation: the step inside a window.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"``: channels first, in ``x`` and in the result.

    Returns:
        ``(batch, places, window * channels)``: places and elements in row-major order, those of a window with the
        channels last, as in a kernel. Channels first: ``(batch, channels * window, places)``.

    Raises:
        ShapeError: the rank does not fit, or the window is larger than the padded input.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([1.0, 2.0, 3.0, 4.0]), (1, 4, 1))
        >>> um.nn.functional.unfold(x, 2)[0].tolist()
        [[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]
    """
    _, x = unary(x)
    axes = _layouts.count("unfold", x, window, data_format)
    sizes = _shapes.per_axis("window", window, axes)
    last = _layouts.to_last(x, axes, data_format)
    plan = _shapes.plan(tuple(last.shape[-axes - 1 : -1]), sizes, stride, dilation, padding)
    rows = windows(one_batch_axis(last, axes), plan)
    if not _layouts.is_first(data_format, axes):
        return restore_batch(unp.reshape(rows, (rows.shape[0], math.prod(plan.out), -1)), last, axes)
    rows = unp.permute_dims(rows, (0, 2 * axes + 1, *range(axes + 1, 2 * axes + 1), *range(1, axes + 1)))
    return restore_batch(unp.reshape(rows, (rows.shape[0], -1, math.prod(plan.out))), last, axes)


def fold(
    x: Array,
    size: Sequence[int],
    window: Sizes,
    *,
    stride: Sizes = 1,
    padding: Padding = "VALID",
    dilation: Sizes = 1,
    data_format: str | None = None,
) -> Array:
    """Images of the rows that :func:`unfold` made: elements that stand in several windows are added.

    Args:
        x: floating, ``(batch, places, window * channels)``; channels first ``(batch, channels * window, places)``.
        size: of the spatial axes of the result; its length says how many there are.
        window: as in :func:`unfold`.
        stride: as in :func:`unfold`.
        padding: as in :func:`unfold`; what was put around the image is left out.
        dilation: as in :func:`unfold`.
        data_format: as in :func:`unfold`.

    Returns:
        ``(batch, size..., channels)``, in the dtype of ``x``; half precision is added up in float32.

    Raises:
        ShapeError: the rows are not those of windows on an image of this size.
        DTypeError: ``x`` is not floating.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> rows = um.numpy.asarray([[[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]])
        >>> um.nn.functional.fold(rows, (4,), 2)[0, :, 0].tolist()
        [1.0, 4.0, 6.0, 4.0]
    """
    engine, x = unary(x)
    _checks.floating("fold", engine, x)
    _checks.rank("fold", "x", x, 2)
    axes = len(tuple(size))
    _checks.spatial("fold", axes)
    sizes = _shapes.per_axis("window", window, axes)
    plan = _shapes.plan(_shapes.per_axis("size", size, axes), sizes, stride, dilation, padding)
    is_first = _layouts.is_first(data_format, axes)
    batch, area = tuple(x.shape[:-2]), math.prod(sizes)
    features, places = x.shape[-2:] if is_first else x.shape[:-3:-1]
    _check_rows(x, features, places, area, plan)
    wide, dtype = entering(x)
    if is_first:
        rows = unp.reshape(wide, (math.prod(batch), features // area, *sizes, *plan.out))
        rows = unp.permute_dims(rows, (0, *range(axes + 2, 2 * axes + 2), *range(2, axes + 2), 1))
    else:
        rows = unp.reshape(wide, (math.prod(batch), *plan.out, *sizes, features // area))
    out = leaving(_overlapped(rows, tuple(size), plan), dtype)
    return _layouts.from_last(unp.reshape(out, (*batch, *out.shape[1:])), axes, data_format)


def channel_shuffle(x: Array, groups: int, *, axis: int = -1) -> Array:
    """Channels in another order: the first of each group, then the second of each, and so on.

    Args:
        x: any array.
        groups: in how many groups of neighbours the channels lie.
        axis: that of the channels.

    Raises:
        ShapeError: there is no such axis, or its length is no multiple of ``groups``.

    Example:
        >>> import unimod as um
        >>> um.nn.functional.channel_shuffle(um.numpy.asarray([1, 2, 3, 4, 5, 6]), 2).tolist()
        [1, 4, 2, 5, 3, 6]

    Source: Zhang et al. (2017), arXiv:1707.01083, section 3.1.
    """
    _, x = unary(x)
    place = _axes.resolve(x, axis)
    channels, before, after = int(x.shape[place]), tuple(x.shape[:place]), tuple(x.shape[place + 1 :])
    _checks.split("channel_shuffle", channels, channels, groups)
    split = unp.reshape(x, (*before, groups, channels // groups, *after))
    return unp.reshape(unp.swapaxes(split, place, place + 1), (*before, channels, *after))


def windows(x: Array, plan: Windows, fill: float = 0) -> Array:
    """``(N, n..., C)`` as ``(N, out..., window..., C)``: the elements of each window."""
    axes = len(plan.size)
    if any(map(any, plan.padding)):
        x = unp.pad(x, ((0, 0), *plan.padding, (0, 0)), value=fill)
    # Axis by axis: so there are as many slices as the window is long, not as it has elements.
    for axis, (size, stride, step, count) in enumerate(
        zip(plan.size, plan.stride, plan.dilation, plan.out, strict=True), 1
    ):
        before = (slice(None),) * axis
        starts = (k * step for k in range(size))
        parts = [x[(*before, slice(start, start + (count - 1) * stride + 1, stride))] for start in starts]
        x = unp.stack(parts, axis=axes + axis)
    return x


def _overlapped(x: Array, size: tuple[int, ...], plan: Windows) -> Array:
    """The way back of :func:`windows`, by sums."""
    axes = len(plan.size)
    for axis in range(axes, 0, -1):
        length, step, (low, high) = size[axis - 1], plan.dilation[axis - 1], plan.padding[axis - 1]
        x = _added(_spread(x, axis, plan.stride[axis - 1]), axis, axes + axis, step, low + length + high)
        x = x[(*(slice(None),) * axis, slice(low, low + length))]
    return x


def _added(x: Array, axis: int, taps: int, step: int, length: int) -> Array:
    """The sum over the axis ``taps``, of which each entry lies ``step`` further along ``axis``."""
    count, own = int(x.shape[taps]), int(x.shape[axis])
    end = max(length, own + (count - 1) * step)
    before, after = ((0, 0),) * axis, ((0, 0),) * (len(x.shape) - 2 - axis)
    parts = (
        unp.pad(x[(*(slice(None),) * taps, k)], (*before, (k * step, end - own - k * step), *after))
        for k in range(count)
    )
    return functools.reduce(unp.add, parts)


def _spread(x: Array, axis: int, stride: int) -> Array:
    """``stride - 1`` zeros behind each element of an axis."""
    if stride == 1:
        return x
    around = [(0, 0)] * (len(x.shape) + 1)
    around[axis + 1] = (0, stride - 1)
    wide = unp.pad(unp.expand_dims(x, axis=axis + 1), around)
    return unp.reshape(wide, (*x.shape[:axis], x.shape[axis] * stride, *x.shape[axis + 1 :]))


def _check_rows(x: Array, features: int, places: int, area: int, plan: Windows) -> None:
    if features % area or places != math.prod(plan.out):
        raise ShapeError(
            "fold got rows that do not fit the image.",
            got=f"{places} rows of {features} elements, x of the shape {tuple(x.shape)}",
            expected=f"{math.prod(plan.out)} rows of a multiple of {area} elements",
            fix="pass the size and the options that the rows were made with",
        )
