"""Normalisation by the statistics of a batch, as pure functions: the statistics, and what is done with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Any

import unimod.numpy as unp
from unimod.nn import _axes, _checks
from unimod.nn._normalization import channels_last, check_count, widened
from unimod.numpy._dispatch import many
from unimod.transforms.collectives import axis_size, psum

Array = Any


def moments(x: Array, *, axis: int = -1, mask: Array | None = None) -> tuple[Array, Array]:
    """Mean and biased, two-pass variance of each channel, over all axes but that of the channels.

    Args:
        x: floating, ``(..., channels)``.
        axis: that of the channels.
        mask: bool, broadcastable to ``x``: the values that count. Channels without any have the mean and variance 0.

    Returns:
        Two arrays ``(channels,)``, in float32 where ``x`` has half precision, else in its dtype.

    Raises:
        ShapeError: there are less than two values for each channel, so that there is no variance.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> mean, var = um.nn.functional.moments(um.numpy.asarray([[1.0, 10.0], [3.0, 10.0]]))
        >>> mean.tolist(), var.tolist()
        ([2.0, 10.0], [1.0, 0.0])
    """
    engine, x, mask = many(x, mask)
    _checks.floating("moments", engine, x)
    place = _axes.resolve(x, axis)
    check_count("moments", "", math.prod(x.shape[a] for a in range(len(x.shape)) if a != place), x)
    if mask is None:
        mean, var = engine.nn.moments(x, axis=place)
        return mean, var
    last = channels_last(widened(engine, x), place)
    return _masked_moments(last, channels_last(unp.broadcast_to(mask, tuple(x.shape)), place))


def batch_norm(
    x: Array,
    mean: Array,
    var: Array,
    scale: Array | None = None,
    bias: Array | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
) -> Array:
    """``(x - mean) / sqrt(var + epsilon) * scale + bias``, with given statistics for each channel.

    Args:
        x: floating, ``(..., channels)``.
        mean: ``(channels,)``, of the batch (see :func:`moments`) or running.
        var: ``(channels,)``.
        scale: ``(channels,)``; None for 1.
        bias: ``(channels,)``; None for 0.
        axis: that of the channels, 1 for channels first.
        epsilon: is added to the variance.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: an argument does not have one value for each channel.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([[1.0], [3.0]])
        >>> y = um.nn.functional.batch_norm(x, *um.nn.functional.moments(x))
        >>> [round(v, 3) for v in y[:, 0].tolist()]
        [-1.0, 1.0]

    Source: Ioffe, Szegedy (2015), arXiv:1502.03167, algorithm 1.
    """
    engine, x, mean, var, scale, bias = many(x, mean, var, scale, bias)
    _checks.floating("batch_norm", engine, x)
    _checks.rank("batch_norm", "x", x, 1)
    place = _axes.resolve(x, axis)
    _checks.shapes("batch_norm", (x.shape[place],), mean=mean, var=var, scale=scale, bias=bias)
    return engine.nn.normalize(x, mean, var, scale, bias, axis=place, epsilon=epsilon)


def by_batch(
    x: Array, scale: Array | None, bias: Array | None, *, axis: int, epsilon: float
) -> tuple[Array, Array, Array]:
    """:func:`batch_norm` by the :func:`moments` of ``x``, and these: for keeping, as not every engine derives them."""
    engine, x, scale, bias = many(x, scale, bias)
    _checks.floating("moments", engine, x)
    whole = getattr(engine.nn, "batch_norm", None)
    if whole is None:
        mean, var = moments(x, axis=axis)
        y = batch_norm(x, mean, var, scale, bias, axis=axis, epsilon=epsilon)
        return y, mean, var
    place = _axes.resolve(x, axis)
    check_count("moments", "", math.prod(x.shape[a] for a in range(len(x.shape)) if a != place), x)
    y, mean, var = whole(x, scale, bias, axis=place, epsilon=epsilon)
    return y, mean, var


def synchronized(x: Array, mask: Array | None, *, axis: int, axis_name: Hashable) -> tuple[Array, Array]:
    """The :func:`moments` of ``x`` in all the calls that are mapped over a named axis, the same in each."""
    engine, x, mask = many(x, mask)
    _checks.floating("moments", engine, x)
    place = _axes.resolve(x, axis)
    check_count("moments", "", axis_size(axis_name) * (math.prod(x.shape) // max(int(x.shape[place]), 1)), x)
    last = channels_last(widened(engine, x), place)
    seen = None if mask is None else channels_last(unp.broadcast_to(mask, tuple(x.shape)), place)
    return _moments(last, seen, lambda total: psum(total, axis_name))


def _masked_moments(x: Array, mask: Array) -> tuple[Array, Array]:
    return _moments(x, mask, lambda total: total)


def _moments(x: Array, mask: Array | None, everywhere: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Of the channels on the last axis; ``everywhere`` completes a total by those of other parts of the batch."""
    axes = tuple(range(len(x.shape) - 1))
    seen = unp.ones_like(x) if mask is None else unp.astype(mask, x.dtype)
    count = unp.maximum(everywhere(unp.sum(seen, axis=axes)), 1.0)

    def mean(values: Array) -> Array:
        kept = values if mask is None else unp.where(mask, values, 0.0)
        return unp.divide(everywhere(unp.sum(kept, axis=axes)), count)

    center = mean(x)
    return center, mean(unp.square(unp.subtract(x, center)))
