"""Pooling as pure functions of arrays: one number for each window of the spatial axes and each channel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.nn import _checks, _layouts, _shapes, _windows
from unimod.nn._convolution import one_batch_axis, restore_batch
from unimod.nn._shapes import Padding, Windows
from unimod.numpy._dispatch import unary
from unimod.numpy._options import device_of

Array = Any
Sizes = int | Sequence[int]


def max_pool(
    x: Array,
    window: Sizes,
    *,
    stride: Sizes | None = None,
    padding: Padding = "VALID",
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    data_format: str | None = None,
) -> Array:
    """The largest value in each window, for each channel; padding counts as -inf.

    Args:
        x: floating, ``(batch, spatial..., channels)``; all axes between the first and the last are spatial, unless
            ``window`` is a tuple, whose length then says how many are (further axes before them are batch axes).
        window: the size of the window.
        stride: the step between windows, by default ``window``.
        padding: as in :func:`conv`, without its modes.
        dilation: the step inside a window.
        ceil_mode: whether a last window may reach over the end, if it starts before it.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"``: channels first, in ``x`` and in the result.

    Raises:
        ShapeError: the rank does not fit, or the window is larger than the padded input.
        DTypeError: ``x`` is not floating.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([1.0, 4.0, 2.0, 3.0]), (1, 4, 1))
        >>> um.nn.functional.max_pool(x, 2)[0, :, 0].tolist()
        [4.0, 3.0]
    """
    engine, x, plan = _plan("max_pool", x, window, stride, padding, dilation, data_format)
    plan = _windows.with_ceil(_spatial(x, plan), plan) if ceil_mode else plan
    return _layouts.from_last(_pooled(engine.nn.max_pool, x, plan, -math.inf), len(plan.size), data_format)


def min_pool(
    x: Array,
    window: Sizes,
    *,
    stride: Sizes | None = None,
    padding: Padding = "VALID",
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    data_format: str | None = None,
) -> Array:
    """The smallest value in each window, for each channel; padding counts as inf. All else as in :func:`max_pool`.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([1.0, 4.0, 2.0, 3.0]), (1, 4, 1))
        >>> um.nn.functional.min_pool(x, 2)[0, :, 0].tolist()
        [1.0, 2.0]
    """
    _, x, _ = _plan("min_pool", x, window, stride, padding, dilation, data_format, move=False)
    return unp.negative(
        max_pool(
            unp.negative(x),
            window,
            stride=stride,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            data_format=data_format,
        )
    )


def sum_pool(
    x: Array,
    window: Sizes,
    *,
    stride: Sizes | None = None,
    padding: Padding = "VALID",
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    data_format: str | None = None,
) -> Array:
    """The sum of each window, for each channel; padding counts as 0. All else as in :func:`max_pool`.

    Example:
        >>> import unimod as um
        >>> um.nn.functional.sum_pool(um.numpy.ones((1, 4, 1)), 2)[0, :, 0].tolist()
        [2.0, 2.0]
    """
    engine, x, plan = _plan("sum_pool", x, window, stride, padding, dilation, data_format)
    plan = _windows.with_ceil(_spatial(x, plan), plan) if ceil_mode else plan
    return _layouts.from_last(_pooled(engine.nn.sum_pool, x, plan, 0.0), len(plan.size), data_format)


def avg_pool(
    x: Array,
    window: Sizes,
    *,
    stride: Sizes | None = None,
    padding: Padding = "VALID",
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    data_format: str | None = None,
) -> Array:
    """The mean of each window, for each channel. Arguments and errors as in :func:`max_pool`.

    Args:
        x: floating, ``(batch, spatial..., channels)``.
        window: the size of the window.
        stride: the step between windows, by default ``window``.
        padding: as in :func:`conv`, without its modes.
        dilation: the step inside a window.
        ceil_mode: as in :func:`max_pool`; what a window reaches over the end never counts.
        count_include_pad: whether padding counts as values (zeros) in the mean.
        data_format: as in :func:`max_pool`.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.ones((1, 3, 1))
        >>> um.nn.functional.avg_pool(x, 2, padding="SAME")[0, :, 0].tolist()
        [1.0, 0.5]
        >>> um.nn.functional.avg_pool(x, 2, padding="SAME", count_include_pad=False)[0, :, 0].tolist()
        [1.0, 1.0]
    """
    engine, x, plan = _plan("avg_pool", x, window, stride, padding, dilation, data_format)
    axes, full = len(plan.size), plan
    plan = _windows.with_ceil(_spatial(x, plan), plan) if ceil_mode else plan
    total = _pooled(engine.nn.sum_pool, x, plan, 0.0)
    counted = full.padding if count_include_pad else ((0, 0),) * axes
    if counted == plan.padding:
        return _layouts.from_last(unp.divide(total, float(math.prod(plan.size))), axes, data_format)
    numbers = _windows.counts(_spatial(x, plan), plan, counted)
    divisor = engine.arrays.asarray(numbers, engine.arrays.dtype_name(x), device_of(engine, x))
    return _layouts.from_last(unp.divide(total, divisor), axes, data_format)


def lp_pool(
    x: Array,
    window: Sizes,
    *,
    norm: float = 2.0,
    stride: Sizes | None = None,
    padding: Padding = "VALID",
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    data_format: str | None = None,
) -> Array:
    """``sum(|x| ** norm) ** (1 / norm)`` of each window, for each channel. All else as in :func:`max_pool`.

    Args:
        x: floating, ``(batch, spatial..., channels)``.
        window: the size of the window.
        norm: a number of at least 1.
        stride: the step between windows, by default ``window``.
        padding: as in :func:`conv`, without its modes.
        dilation: the step inside a window.
        ceil_mode: as in :func:`max_pool`.
        data_format: as in :func:`max_pool`.

    Returns:
        An array in the dtype of ``x``; half precision is computed in float32. The derivative is 0 where all of a
        window is 0.

    Raises:
        OptionError: the norm is less than 1.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([3.0, -4.0, 0.0, 1.0]), (1, 4, 1))
        >>> [round(v, 4) for v in um.nn.functional.lp_pool(x, 2)[0, :, 0].tolist()]
        [5.0, 1.0]

    Differences: torch's takes ``x ** norm`` and so subtracts what is negative where the norm is odd.
    """
    engine, x, _ = _plan("lp_pool", x, window, stride, padding, dilation, data_format, move=False)
    _checks.norm(norm)
    dtype = engine.arrays.dtype_name(x)
    wide = unp.astype(x, unp.result_type(dtype, "float32"))
    # Both powers have a derivative at 0 that is not finite or not 0 for some norms: they are kept away from it.
    zero = unp.equal(wide, 0.0)
    powers = unp.where(zero, 0.0, unp.pow(unp.where(zero, 1.0, unp.abs(wide)), float(norm)))
    total = sum_pool(
        powers,
        window,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
        data_format=data_format,
    )
    zero = unp.equal(total, 0.0)
    return unp.astype(unp.where(zero, 0.0, unp.pow(unp.where(zero, 1.0, total), 1.0 / norm)), dtype)


def _spatial(x: Array, plan: Windows) -> tuple[int, ...]:
    return tuple(x.shape[len(x.shape) - len(plan.size) - 1 : -1])


def _plan(
    name: str,
    x: Array,
    window: Sizes,
    stride: Sizes | None,
    padding: Padding,
    dilation: Sizes,
    data_format: str | None,
    *,
    move: bool = True,
) -> tuple[Engine, Array, Windows]:
    """All checks; the engine, ``x`` channels last (unless it is not to be moved), and how the windows lie on it."""
    engine, x = unary(x)
    _checks.floating(name, engine, x)
    axes = _layouts.count(name, x, window, data_format)
    sizes = _shapes.per_axis("window", window, axes)
    last = _layouts.to_last(x, axes, data_format)
    spatial = tuple(last.shape[len(x.shape) - axes - 1 : -1])
    plan = _shapes.plan(spatial, sizes, sizes if stride is None else stride, dilation, padding)
    return engine, last if move else x, plan


def _pooled(fn: Callable[..., Array], x: Array, plan: Windows, fill: float) -> Array:
    axes = len(plan.size)
    single = one_batch_axis(x, axes)
    if all(step == 1 for step in plan.dilation):
        out = fn(single, window=plan.size, stride=plan.stride, padding=plan.padding)
    else:
        out = _dilated(fn, single, plan, fill)
    return restore_batch(out, x, axes)


def _dilated(fn: Callable[..., Array], x: Array, plan: Windows, fill: float) -> Array:
    """Windows with steps: the elements of one remainder by the step are neighbours in an array of their own."""
    steps, axes = plan.dilation, len(plan.size)
    room = [
        (low, high + -(n + low + high) % d) for n, (low, high), d in zip(x.shape[1:], plan.padding, steps, strict=False)
    ]
    x = unp.pad(x, ((0, 0), *room, (0, 0)), value=fill)
    out = fn(_apart(x, steps), window=plan.size, stride=(1,) * axes, padding=((0, 0),) * axes)
    places = (slice(0, (count - 1) * s + 1, s) for count, s in zip(plan.out, plan.stride, strict=True))
    return _together(out, x.shape[0], steps)[(slice(None), *places)]


def _apart(x: Array, steps: tuple[int, ...]) -> Array:
    """``(N, n..., C)`` as ``(N * steps..., n / steps..., C)``."""
    axes, sizes = len(steps), [n // d for n, d in zip(x.shape[1:-1], steps, strict=True)]
    pairs = [size for pair in zip(sizes, steps, strict=True) for size in pair]
    order = (0, *range(2, 2 * axes + 1, 2), *range(1, 2 * axes + 1, 2), 2 * axes + 1)
    split = unp.permute_dims(unp.reshape(x, (x.shape[0], *pairs, x.shape[-1])), order)
    return unp.reshape(split, (x.shape[0] * math.prod(steps), *sizes, x.shape[-1]))


def _together(x: Array, batch: int, steps: tuple[int, ...]) -> Array:
    """The way back of :func:`_apart`."""
    axes, sizes = len(steps), x.shape[1:-1]
    split = unp.reshape(x, (batch, *steps, *sizes, x.shape[-1]))
    order = (0, *(axis for i in range(1, axes + 1) for axis in (axes + i, i)), 2 * axes + 1)
    joined = (n * d for n, d in zip(sizes, steps, strict=True))
    return unp.reshape(unp.permute_dims(split, order), (batch, *joined, x.shape[-1]))
