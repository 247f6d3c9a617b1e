"""Normalisation as pure functions: by the statistics of each example, and of groups of its channels.

Statistics are computed in float32 at least. The variance is two-pass, the mean of ``(x - mean)**2``, which is exact to
rounding also where the mean is large against the deviation.
"""

from __future__ import annotations

import math
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.errors import OptionError, ShapeError
from unimod.nn import _axes, _checks
from unimod.numpy._dispatch import many, unary

Array = Any
Shape = tuple[int, ...]

_HALF = ("float16", "bfloat16")


def layer_norm(
    x: Array, scale: Array | None = None, bias: Array | None = None, *, num_axes: int = 1, epsilon: float = 1e-5
) -> Array:
    """``(x - mean) / sqrt(var + epsilon) * scale + bias``, with statistics of each example.

    Args:
        x: floating, ``(..., features...)``.
        scale: ``(features...)``, the last ``num_axes`` axes of ``x``; None for 1.
        bias: of that shape; None for 0.
        num_axes: over how many of the last axes to normalise.
        epsilon: is added to the (biased, two-pass) variance.

    Returns:
        The shape and dtype of ``x``; statistics are computed in float32 at least.

    Raises:
        ShapeError: ``x`` has too few axes, or ``scale`` or ``bias`` has another shape.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> y = um.nn.functional.layer_norm(um.numpy.asarray([1.0, 2.0, 3.0]))
        >>> [round(v, 3) for v in y.tolist()]
        [-1.225, 0.0, 1.225]

    Source: Ba, Kiros, Hinton (2016), arXiv:1607.06450.
    """
    engine, x, scale, bias = many(x, scale, bias)
    _checks.floating("layer_norm", engine, x)
    _checks.rank("layer_norm", "x", x, num_axes)
    features = tuple(x.shape[len(x.shape) - num_axes :])
    _checks.shapes("layer_norm", features, scale=scale, bias=bias)
    return engine.nn.layer_norm(x, scale, bias, num_axes=num_axes, epsilon=epsilon)


def rms_norm(x: Array, scale: Array | None = None, *, num_axes: int = 1, epsilon: float = 1e-6) -> Array:
    """``x / sqrt(mean(x**2) + epsilon) * scale``, with the mean of each example.

    Args:
        x: floating, ``(..., features...)``.
        scale: ``(features...)``, the last ``num_axes`` axes of ``x``; None for 1.
        num_axes: over how many of the last axes to normalise.
        epsilon: is added to the mean square.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: ``x`` has too few axes, or ``scale`` has another shape.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> y = um.nn.functional.rms_norm(um.numpy.asarray([3.0, 4.0]))
        >>> [round(v, 3) for v in y.tolist()]
        [0.849, 1.131]

    Source: Zhang, Sennrich (2019), arXiv:1910.07467, equation 4.
    """
    engine, x, scale = many(x, scale)
    _checks.floating("rms_norm", engine, x)
    _checks.rank("rms_norm", "x", x, num_axes)
    _checks.shapes("rms_norm", tuple(x.shape[len(x.shape) - num_axes :]), scale=scale)
    return getattr(engine.nn, "rms_norm", _rms_norm)(x, scale, num_axes=num_axes, epsilon=epsilon)


def group_norm(
    x: Array,
    num_groups: int,
    scale: Array | None = None,
    bias: Array | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
) -> Array:
    """``(x - mean) / sqrt(var + epsilon) * scale + bias``, with statistics of each group of channels of each example.

    Args:
        x: floating, ``(batch, spatial..., channels)``.
        num_groups: the number of groups of neighbouring channels.
        scale: ``(channels,)``; None for 1.
        bias: ``(channels,)``; None for 0.
        axis: that of the channels, 1 for channels first.
        epsilon: is added to the (biased, two-pass) variance.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: there are less than two axes, the channels do not split, or an argument does not have one value for
            each channel.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> y = um.nn.functional.group_norm(um.numpy.asarray([[1.0, 3.0, 10.0, 30.0]]), 2)
        >>> [round(v, 3) for v in y[0].tolist()]
        [-1.0, 1.0, -1.0, 1.0]

    Source: Wu, He (2018), arXiv:1803.08494.
    """
    engine, x, scale, bias = many(x, scale, bias)
    place = _channels("group_norm", engine, x, axis, scale=scale, bias=bias)
    channels = int(x.shape[place])
    check_groups(num_groups, channels)
    return getattr(engine.nn, "group_norm", _group_norm)(x, num_groups, scale, bias, axis=place, epsilon=epsilon)


def instance_norm(
    x: Array, scale: Array | None = None, bias: Array | None = None, *, axis: int = -1, epsilon: float = 1e-5
) -> Array:
    """``(x - mean) / sqrt(var + epsilon) * scale + bias``, with statistics of each channel of each example.

    Args:
        x: floating, ``(batch, spatial..., channels)``.
        scale: ``(channels,)``; None for 1.
        bias: ``(channels,)``; None for 0.
        axis: that of the channels, 1 for channels first.
        epsilon: is added to the (biased, two-pass) variance.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: there are no two values for each channel, or an argument does not have one value for each channel.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> y = um.nn.functional.instance_norm(um.numpy.asarray([[[1.0], [3.0]]]))
        >>> [round(v, 3) for v in y[0, :, 0].tolist()]
        [-1.0, 1.0]

    Source: Ulyanov, Vedaldi, Lempitsky (2016), arXiv:1607.08022, equation 4.
    """
    engine, x, scale, bias = many(x, scale, bias)
    place = _channels("instance_norm", engine, x, axis, scale=scale, bias=bias)
    axes = tuple(a for a in range(1, len(x.shape)) if a != place)
    check_count("instance_norm", "in each example", math.prod(x.shape[a] for a in axes), x)
    normalize = getattr(engine.nn, "group_norm", _group_norm)
    return normalize(x, int(x.shape[place]), scale, bias, axis=place, epsilon=epsilon)


def local_response_norm(
    x: Array, size: int = 5, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, axis: int = -1
) -> Array:
    """``x / (k + alpha / size * s)**beta`` with ``s`` the sum of ``x**2`` over ``size`` neighbouring channels.

    Args:
        x: floating, ``(..., channels)``.
        size: how many channels, ``size // 2`` of them before; beyond the ends there are zeros.
        alpha: the factor of the mean square.
        beta: the exponent.
        k: is added.
        axis: that of the channels.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        OptionError: ``size`` is not positive.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> y = um.nn.functional.local_response_norm(um.numpy.asarray([1.0, 2.0, 2.0]), 3, alpha=3.0, beta=0.5)
        >>> [round(v, 3) for v in y.tolist()]
        [0.408, 0.632, 0.667]

    Source: Krizhevsky, Sutskever, Hinton (2012), section 3.3, where ``alpha`` is not divided by ``size``.
    """
    engine, x = unary(x)
    _checks.floating("local_response_norm", engine, x)
    if size < 1:
        raise OptionError(
            "local_response_norm needs a window.", got=f"size = {size!r}", expected="size >= 1", fix="pass size=5"
        )
    place = _axes.resolve(x, axis)
    wide = channels_last(widened(engine, x), place)
    widths = [(0, 0)] * (len(x.shape) - 1) + [(size // 2, (size - 1) // 2)]
    padded = unp.pad(unp.square(wide), widths)
    total = padded[..., : x.shape[place]]
    for shift in range(1, size):
        total = unp.add(total, padded[..., shift : shift + x.shape[place]])
    out = unp.multiply(wide, unp.pow(unp.add(unp.multiply(total, alpha / size), k), -beta))
    return unp.astype(unp.moveaxis(out, -1, place), engine.arrays.dtype_name(x))


def check_groups(num_groups: int, channels: int | None) -> None:
    """The channels split into groups."""
    if num_groups < 1 or (channels is not None and channels % num_groups):
        raise ShapeError(
            f"The channels cannot be split into {num_groups} groups.",
            got="an unknown number of channels" if channels is None else f"{channels} channels",
            expected=f"a number that num_groups = {num_groups} divides",
            fix="choose `num_groups` as a divisor of the channels",
        )


def _channels(name: str, engine: Engine, x: Array, axis: int, **arrays: Array | None) -> int:
    _checks.floating(name, engine, x)
    _checks.rank(name, "x", x, 2)
    place = _axes.resolve(x, axis)
    if place == 0:
        raise ShapeError(
            f"{name} got the axis of the batch as that of the channels.",
            got=f"axis = {axis} of {len(x.shape)}",
            expected="axis = -1, or 1 for channels first",
            fix="add an axis for the batch",
        )
    _checks.shapes(name, (x.shape[place],), **arrays)
    return place


def check_count(name: str, where: str, count: int, x: Array) -> None:
    """There are at least two values for each channel."""
    if count < 2:
        raise ShapeError(
            " ".join(f"{name} needs at least two values for each channel {where}".split()) + ".",
            got=f"{count} of them, in x of the shape {tuple(x.shape)}",
            expected="two or more",
            fix="use a larger batch, or running statistics" if not where else "use images of more than one pixel",
        )


def channels_last(x: Array, place: int) -> Array:
    """``x`` with its axis ``place`` as the last one."""
    return x if place == len(x.shape) - 1 else unp.moveaxis(x, place, -1)


def widened(engine: Engine, x: Array) -> Array:
    """``x`` in float32 where it has half precision."""
    return unp.astype(x, "float32") if engine.arrays.dtype_name(x) in _HALF else x


def _rms_norm(x: Array, scale: Array | None, *, num_axes: int, epsilon: float) -> Array:
    engine, x = unary(x)
    wide, axes = widened(engine, x), tuple(range(-num_axes, 0))
    mean_square = unp.mean(unp.square(wide), axis=axes, keepdims=True)
    out = unp.multiply(wide, unp.rsqrt(unp.add(mean_square, epsilon)))
    out = out if scale is None else unp.multiply(out, widened(engine, scale))
    return unp.astype(out, engine.arrays.dtype_name(x))


def _group_norm(
    x: Array, num_groups: int, scale: Array | None, bias: Array | None, *, axis: int, epsilon: float
) -> Array:
    """What an engine without a function of its own does; ``axis`` is 0 or more."""
    engine, x = unary(x)
    wide, shape = widened(engine, x), tuple(x.shape)
    is_split = num_groups < shape[axis]
    # The channels as (groups, channels of a group), with the values of one channel in as many axes.
    parts = (num_groups, shape[axis] // num_groups) if is_split else (num_groups,)
    split, ones = (*shape[:axis], *parts, *shape[axis + 1 :]), (1,) * (len(shape) - axis - 1)
    grouped = unp.reshape(wide, split)
    axes = tuple(a for a in range(1, len(split)) if a != axis)
    centred = unp.subtract(grouped, unp.mean(grouped, axis=axes, keepdims=True))
    var = unp.mean(unp.square(centred), axis=axes, keepdims=True)
    factor = unp.rsqrt(unp.add(var, epsilon))
    # Scaled before the product: so there is one product less of the size of x, and of its derivative.
    if scale is not None:
        factor = unp.multiply(factor, unp.reshape(widened(engine, scale), (*parts, *ones)))
    out = unp.reshape(unp.multiply(centred, factor), shape)
    out = out if bias is None else unp.add(out, unp.reshape(widened(engine, bias), (-1, *ones)))
    return unp.astype(out, engine.arrays.dtype_name(x))
