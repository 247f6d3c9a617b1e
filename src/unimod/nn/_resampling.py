"""Resizing, padding and rearranging of images."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.errors import OptionError, ShapeError
from unimod.nn import _checks, _layouts, _shapes
from unimod.nn._convolution import one_batch_axis, restore_batch
from unimod.numpy._dispatch import unary
from unimod.numpy._options import device_of

Array = Any
Sizes = int | Sequence[int]

METHODS = ("nearest", "linear", "cubic", "lanczos3")


def resize(
    x: Array, size: Sizes, *, method: str = "linear", antialias: bool = True, data_format: str | None = None
) -> Array:
    """Images of another size.

    Pixels are areas: output ``i`` of ``m`` samples the input of ``n`` around ``(i + 1/2) * n / m - 1/2``.

    Args:
        x: floating, ``(batch, spatial..., channels)``; with a tuple ``size`` its length says how many are spatial.
        size: the new size of all spatial axes, or of each.
        method: ``"nearest"``: the pixel whose area holds the place; ``"linear"``: a triangle of width 2; ``"cubic"``:
            Keys' kernel with a = -1/2; ``"lanczos3"``: a windowed sinc of width 6. Weights add up to 1, at edges too.
        antialias: whether the kernel is as wide as an output pixel where an axis gets shorter.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"``: channels first, in ``x`` and in the result.

    Returns:
        ``(batch, size..., channels)``, in the dtype of ``x``; half precision is computed in float32.

    Raises:
        ShapeError: the rank does not fit.
        DTypeError: ``x`` is not floating.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([0.0, 1.0]), (1, 2, 1))
        >>> um.nn.functional.resize(x, 4)[0, :, 0].tolist()
        [0.0, 0.25, 0.75, 1.0]
        >>> um.nn.functional.resize(x, 4, method="nearest")[0, :, 0].tolist()
        [0.0, 0.0, 1.0, 1.0]

    Source: Keys (1981), IEEE TASSP 29(6), for the cubic kernel.
    Differences: values are those of ``jax.image.resize``; torch calls this nearest ``"nearest-exact"``, does not
    antialias by default, and has a = -3/4 in its cubic kernel without antialiasing.
    """
    engine, x = unary(x)
    _checks.floating("resize", engine, x)
    if method not in METHODS:
        raise OptionError(
            "resize has no such method.",
            got=f"method = {method!r}",
            expected=", ".join(map(repr, METHODS)),
            fix='pass method="linear"',
        )
    axes = _layouts.count("resize", x, size, data_format)
    sizes = _shapes.per_axis("size", size, axes)
    last = _layouts.to_last(x, axes, data_format)
    single = one_batch_axis(last, axes)
    out = (
        _nearest(engine, single, sizes)
        if method == "nearest"
        else _by_weights(engine, single, sizes, method, antialias)
    )
    return _layouts.from_last(restore_batch(out, last, axes), axes, data_format)


def resample(engine: Engine, x: Array, matrices: Sequence[Any]) -> Array:
    """Multiply each spatial axis of ``(N, n..., C)`` by its matrix ``(m, n)``; None leaves an axis as it is."""
    dtype = engine.arrays.dtype_name(x)
    wide = str(unp.result_type(dtype, "float32"))
    out = unp.astype(x, wide)
    for axis, matrix in enumerate(matrices, 1):
        if matrix is not None:
            # The axis in the middle of three: a product of matrices, for which nothing is moved.
            rows = unp.reshape(out, (math.prod(out.shape[:axis]), out.shape[axis], math.prod(out.shape[axis + 1 :])))
            rows = unp.matmul(engine.arrays.asarray(matrix, wide, device_of(engine, x)), rows)
            out = unp.reshape(rows, (*out.shape[:axis], matrix.shape[0], *out.shape[axis + 1 :]))
    return unp.astype(out, dtype)


def pixel_shuffle(x: Array, factor: Sizes, *, data_format: str | None = None) -> Array:
    """Channels become pixels: ``(batch..., H, W, C * r * r)`` becomes ``(batch..., H * r, W * r, C)``.

    Channel ``c * r * r + i * r + j`` gives the pixels ``(h * r + i, w * r + j)`` of channel ``c``.

    Args:
        x: any dtype, ``(batch..., spatial..., channels)``.
        factor: one number for two spatial axes, or one for each.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"``: channels first, in ``x`` and in the result.

    Raises:
        ShapeError: the rank does not fit, or the channels are no multiple of the factors.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([1.0, 2.0, 3.0, 4.0]), (1, 1, 1, 4))
        >>> um.nn.functional.pixel_shuffle(x, 2)[0, :, :, 0].tolist()
        [[1.0, 2.0], [3.0, 4.0]]

    Source: Shi et al. (2016), arXiv:1609.05158.
    """
    _, x = unary(x)
    factors = _factors("pixel_shuffle", x, factor, data_format)
    axes, area = len(factors), math.prod(factors)
    last = _layouts.to_last(x, axes, data_format)
    *batch, channels = last.shape[: len(x.shape) - axes - 1] + last.shape[-1:]
    spatial = last.shape[len(x.shape) - axes - 1 : -1]
    _divides("pixel_shuffle", "channels", x, channels, area)
    lead = len(batch)
    split = unp.reshape(last, (*batch, *spatial, channels // area, *factors))
    pairs = (place for i in range(axes) for place in (lead + i, lead + axes + 1 + i))
    moved = unp.permute_dims(split, (*range(lead), *pairs, lead + axes))
    out = unp.reshape(moved, (*batch, *(n * r for n, r in zip(spatial, factors, strict=True)), channels // area))
    return _layouts.from_last(out, axes, data_format)


def pixel_unshuffle(x: Array, factor: Sizes, *, data_format: str | None = None) -> Array:
    """The way back of :func:`pixel_shuffle`: ``(batch..., H * r, W * r, C)`` becomes ``(batch..., H, W, C * r * r)``.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([1.0, 2.0, 3.0, 4.0]), (1, 2, 2, 1))
        >>> um.nn.functional.pixel_unshuffle(x, 2)[0, 0, 0].tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    _, x = unary(x)
    factors = _factors("pixel_unshuffle", x, factor, data_format)
    axes = len(factors)
    last = _layouts.to_last(x, axes, data_format)
    *batch, channels = last.shape[: len(x.shape) - axes - 1] + last.shape[-1:]
    spatial = last.shape[len(x.shape) - axes - 1 : -1]
    for n, r in zip(spatial, factors, strict=True):
        _divides("pixel_unshuffle", "pixels on an axis", x, n, r)
    small, lead = [n // r for n, r in zip(spatial, factors, strict=True)], len(batch)
    split = unp.reshape(last, (*batch, *(part for pair in zip(small, factors, strict=True) for part in pair), channels))
    order = (*range(lead), *range(lead, lead + 2 * axes, 2), lead + 2 * axes, *range(lead + 1, lead + 2 * axes, 2))
    out = unp.reshape(unp.permute_dims(split, order), (*batch, *small, channels * math.prod(factors)))
    return _layouts.from_last(out, axes, data_format)


def pad_spatial(
    x: Array,
    widths: int | Sequence[int | tuple[int, int]],
    *,
    mode: str = "constant",
    value: float = 0.0,
    data_format: str | None = None,
) -> Array:
    """Elements put around the spatial axes, as by ``um.numpy.pad``.

    Args:
        x: ``(batch, spatial..., channels)``; with a list of widths its length says how many axes are spatial.
        widths: one for all sides of the spatial axes, or one or a pair ``(before, after)`` for each axis.
        mode: ``"constant"``, ``"edge"``, ``"reflect"``, ``"symmetric"`` or ``"wrap"``.
        value: of the constant elements.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"``: channels first, in ``x`` and in the result.

    Raises:
        ShapeError: the rank does not fit.
        OptionError: there is no such mode, or a width is negative.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([1.0, 2.0, 3.0]), (1, 3, 1))
        >>> um.nn.functional.pad_spatial(x, [(2, 0)], mode="reflect")[0, :, 0].tolist()
        [3.0, 2.0, 1.0, 2.0, 3.0]
    """
    _, x = unary(x)
    axes = _layouts.count("pad_spatial", x, widths, data_format)
    pairs = _shapes.widths("widths", widths, axes)
    batch = ((0, 0),) * (len(x.shape) - axes - 1)
    first = _layouts.is_first(data_format, axes)
    return unp.pad(x, (*batch, (0, 0), *pairs) if first else (*batch, *pairs, (0, 0)), mode=mode, value=value)


def _nearest(engine: Engine, x: Array, sizes: tuple[int, ...]) -> Array:
    for axis, m in enumerate(sizes, 1):
        n = int(x.shape[axis])
        if m != n and m % n == 0:
            # Whole multiples are repeated: the derivative is a sum, not a sum at places that are looked up.
            wide = unp.broadcast_to(unp.expand_dims(x, axis + 1), (*x.shape[: axis + 1], m // n, *x.shape[axis + 1 :]))
            x = unp.reshape(wide, (*x.shape[:axis], m, *x.shape[axis + 1 :]))
        elif m != n:
            places = (2 * np.arange(m) + 1) * n // (2 * m)
            x = unp.take(x, engine.arrays.asarray(places, "int32", device_of(engine, x)), axis=axis)
    return x


def _by_weights(engine: Engine, x: Array, sizes: tuple[int, ...], method: str, antialias: bool) -> Array:
    pairs = zip(x.shape[1:-1], sizes, strict=True)
    return resample(engine, x, [_weights(int(n), m, method, antialias) if n != m else None for n, m in pairs])


@functools.lru_cache(maxsize=64)
def _weights(n: int, m: int, method: str, antialias: bool) -> Any:
    """The matrix ``(m, n)`` of an axis, in float64."""
    centers = (np.arange(m) + 0.5) * (n / m) - 0.5
    width = max(n / m, 1.0) if antialias else 1.0
    matrix = _KERNELS[method](np.abs(centers[:, None] - np.arange(n)) / width)
    return matrix / matrix.sum(1, keepdims=True)


def _triangle(x: Any) -> Any:
    return np.maximum(0.0, 1.0 - x)


def _keys(x: Any) -> Any:
    near, far = (1.5 * x - 2.5) * x * x + 1.0, ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x >= 2.0, 0.0, np.where(x >= 1.0, far, near))


def _lanczos3(x: Any) -> Any:
    return np.where(x >= 3.0, 0.0, np.sinc(x) * np.sinc(x / 3.0))


_KERNELS = {"linear": _triangle, "cubic": _keys, "lanczos3": _lanczos3}


def _factors(name: str, x: Array, factor: Sizes, data_format: str | None) -> tuple[int, ...]:
    axes = _layouts.count(name, x, (factor,) * 2 if isinstance(factor, int) else factor, data_format)
    return _shapes.per_axis("factor", factor, axes)


def _divides(name: str, what: str, x: Array, given: int, factor: int) -> None:
    if given % factor:
        raise ShapeError(
            f"{name} cannot divide its {what} by the factors.",
            got=f"{given} {what}, x of shape {tuple(x.shape)}",
            expected=f"a multiple of {factor}",
            fix="choose another factor, or pad or project first",
        )
