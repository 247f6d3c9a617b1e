"""More arithmetic of windows: where their elements are, how many of them are data, and bins of almost one size."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from unimod.nn._shapes import Pads, Shape, Windows, extent


def taps(plan: Windows) -> Iterator[tuple[slice, ...]]:
    """For each element of the window the places of the padded input that it meets, in the order of the window.

    Example:
        >>> list(taps(Windows((2,), (2,), (1,), ((0, 0),), (3,))))
        [(slice(0, 5, 2),), (slice(1, 6, 2),)]
    """
    for offset in itertools.product(*map(range, plan.size)):
        yield tuple(
            slice(k * step, k * step + (count - 1) * stride + 1, stride)
            for k, step, stride, count in zip(offset, plan.dilation, plan.stride, plan.out, strict=True)
        )


def with_ceil(spatial: Shape, plan: Windows) -> Windows:
    """``plan`` with a last window that may reach over the end of the padded input, but starts before its end.

    Example:
        >>> with_ceil((5,), Windows((2,), (2,), (1,), ((0, 0),), (2,)))
        Windows(size=(2,), stride=(2,), dilation=(1,), padding=((0, 1),), out=(3,))
    """
    axes = [_ceiled(*axis) for axis in zip(spatial, plan.size, plan.stride, plan.dilation, plan.padding, strict=True)]
    return dataclasses.replace(
        plan, padding=tuple((low, high) for low, high, _ in axes), out=tuple(count for _, _, count in axes)
    )


def _ceiled(n: int, size: int, stride: int, step: int, pads: tuple[int, int]) -> tuple[int, int, int]:
    (low, high), reach = pads, extent(size, step)
    count = -(-(n + low + high - reach) // stride) + 1
    if (count - 1) * stride >= n + low:
        count -= 1
    return low, max((count - 1) * stride + reach - n - low, high), count


@functools.lru_cache(maxsize=256)
def counts(spatial: Shape, plan: Windows, counted: Pads) -> Any:
    """How many elements of each window are data or in the margins ``counted``: float64, ``(out..., 1)``.

    Example:
        >>> plan = Windows((2,), (2,), (1,), ((0, 1),), (2,))
        >>> counts((3,), plan, ((0, 0),)).ravel().tolist(), counts((3,), plan, ((0, 1),)).ravel().tolist()
        ([2.0, 1.0], [2.0, 2.0])
    """
    total = np.ones((1,) * len(spatial))
    for axis, (n, (before, after)) in enumerate(zip(spatial, counted, strict=True)):
        starts = np.arange(plan.out[axis]) * plan.stride[axis] - plan.padding[axis][0]
        places = starts[:, None] + np.arange(plan.size[axis]) * plan.dilation[axis]
        found = ((places >= -before) & (places < n + after)).sum(1).astype(np.float64)
        total = total * found.reshape(-1, *(1,) * (len(spatial) - axis - 1))
    return total[..., None]


def bins(size: int, count: int) -> list[tuple[int, int]]:
    """``count`` bins that cover an axis: bin ``i`` is ``[floor(i * size / count), ceil((i + 1) * size / count))``.

    Example:
        >>> bins(5, 3)
        [(0, 2), (1, 4), (3, 5)]
    """
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
