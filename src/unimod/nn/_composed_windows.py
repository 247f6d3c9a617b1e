"""Convolution and pooling for engines that have none of their own: over the places of a window, one slice for each.

Imported when one of them is called for the first time. Half precision is computed in float32 and rounded once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from unimod.backends._protocol import Array, Engine, Shape
from unimod.nn._composed import wide, widened
from unimod.numpy._options import device_of

Pads = tuple[tuple[int, int], ...]


def _padded(engine: Engine, x: Array, padding: Pads, value: float) -> Array:
    return engine.arrays.pad(x, ((0, 0), *padding, (0, 0)), value) if any(map(any, padding)) else x


def _slices(x: Array, window: Shape, stride: Shape, dilation: Shape) -> Iterator[tuple[Shape, Array]]:
    """Each place of the window, and what all windows have there: an array of the shape of the output."""
    reach = [(size - 1) * step + 1 for size, step in zip(window, dilation, strict=True)]
    counts = [(n - r) // s + 1 for n, r, s in zip(x.shape[1:-1], reach, stride, strict=True)]
    for place in itertools.product(*map(range, window)):
        starts = [at * step for at, step in zip(place, dilation, strict=True)]
        cuts = (
            slice(first, first + (count - 1) * step + 1, step) if count > 0 else slice(0)
            for first, count, step in zip(starts, counts, stride, strict=True)
        )
        yield place, x[(slice(None), *cuts)]


def max_pool(engine: Engine, x: Array, *, window: Shape, stride: Shape, padding: Pads) -> Array:
    """The largest value of each window; of several the first one has the derivative."""
    slices = _slices(_padded(engine, x, padding, -math.inf), window, stride, (1,) * len(window))
    _, found = next(slices)
    for _, other in slices:
        is_kept = engine.math.logical_or(engine.math.less_equal(other, found), engine.math.isnan(found))
        found = engine.arrays.where(is_kept, found, other)
    return found


@wide
def sum_pool(engine: Engine, x: Array, *, window: Shape, stride: Shape, padding: Pads) -> Array:
    """The sum of each window."""
    slices = _slices(_padded(engine, x, padding, 0.0), window, stride, (1,) * len(window))
    _, found = next(slices)
    for _, other in slices:
        found = engine.math.add(found, other)
    return found


@wide
def conv(
    engine: Engine,
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    stride: Shape,
    padding: Pads,
    dilation: Shape,
    groups: int,
) -> Array:
    """Cross-correlation of (N, spatial..., in) with (spatial..., in // groups, out)."""
    kernel, window, found = widened(engine, kernel), tuple(kernel.shape[:-2]), None
    for place, part in _slices(_padded(engine, x, padding, 0.0), window, stride, dilation):
        product = _grouped(engine, part, kernel[place], groups)
        found = product if found is None else engine.math.add(found, product)
    return found if bias is None else engine.math.add(found, widened(engine, bias))


def _grouped(engine: Engine, x: Array, weight: Array, groups: int) -> Array:
    """(..., in) times (in // groups, out), where each group of channels meets its own part of the output."""
    if groups == 1:
        return engine.math.matmul(x, weight)
    arrays, shape, (own, features) = engine.arrays, tuple(x.shape[:-1]), weight.shape
    weight = arrays.permute_dims(arrays.reshape(weight, (own, groups, features // groups)), (1, 0, 2))
    rows = arrays.permute_dims(arrays.reshape(x, (math.prod(shape), groups, own)), (1, 0, 2))
    found = arrays.permute_dims(engine.math.matmul(rows, weight), (1, 0, 2))
    return arrays.reshape(found, (*shape, features))


def conv_transpose(
    engine: Engine,
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    stride: Shape,
    crop: Pads,
    dilation: Shape,
    groups: int,
) -> Array:
    """``y[p * stride + k * dilation] += x[p] * kernel[k]``: a convolution of ``x`` with zeros put between."""
    rank = len(stride)
    reach = [(size - 1) * step for size, step in zip(kernel.shape[:rank], dilation, strict=True)]
    rooms = [(r - low, r - high) for r, (low, high) in zip(reach, crop, strict=True)]
    x = _spread(engine, x, stride)
    cuts = (slice(max(-low, 0), n - max(-high, 0)) for n, (low, high) in zip(x.shape[1:-1], rooms, strict=True))
    return conv(
        engine,
        x[(slice(None), *cuts)],
        engine.arrays.flip(kernel, tuple(range(rank))),
        bias,
        stride=(1,) * rank,
        padding=tuple((max(low, 0), max(high, 0)) for low, high in rooms),
        dilation=dilation,
        groups=groups,
    )


def _spread(engine: Engine, x: Array, stride: Shape) -> Array:
    """Zeros put between the places of an image."""
    if all(step == 1 for step in stride):
        return x
    sizes = [(n - 1) * step + 1 for n, step in zip(x.shape[1:-1], stride, strict=True)]
    shape = (x.shape[0], *sizes, x.shape[-1])
    slices = (slice(0, n, step) for n, step in zip(shape, (1, *stride, 1), strict=True))
    zeros = engine.arrays.zeros(shape, engine.arrays.dtype_name(x), device_of(engine, x))
    return engine.arrays.set_slices(zeros, x, tuple(slices))
