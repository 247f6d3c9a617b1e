"""NumPy: batching by a loop, and what mapped calls exchange.

Calls run one after the other, so the first that asks for the values of the others ends there. When all of them have
asked, they run once more from the start with the answer: once for each exchange.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from unimod.backends._names import Names
from unimod.backends._protocol import Array, FlatFn
from unimod.errors import CapabilityError

_names = Names()


class _Axis:
    """A mapped axis: which call runs, what has been gathered, and how much of that this call has used."""

    def __init__(self, size: int) -> None:
        self.size, self.index, self.used = size, 0, 0
        self.gathered: list[Array] = []


class _Asked(BaseException):
    """A call needs ``x`` of all calls. No error, so that no handler of errors takes it."""

    def __init__(self, axis: _Axis, x: Array) -> None:
        super().__init__()
        self.axis, self.x = axis, x


def vmap(
    fn: FlatFn, leaves: list[Array], in_axes: Sequence[int | None], size: int, axis_name: Hashable = None
) -> tuple[list[Array], Any]:
    """Call ``fn`` for each index of the mapped axes and stack what it returns; see the protocol."""
    if size == 0:
        raise CapabilityError(
            "The numpy engine cannot map over an axis of length 0.",
            got="a mapped axis of length 0",
            expected="a mapped axis of length 1 or more",
            fix='move the data first: um.to_backend(tree, "jax")',
        )
    rows = [[_slice(x, axis, i) for x, axis in zip(leaves, in_axes, strict=True)] for i in range(size)]
    calls = _together(fn, rows, axis_name)
    return [np.stack(outputs) for outputs in zip(*(outputs for outputs, _ in calls), strict=True)], calls[-1][1]


def _together(fn: FlatFn, rows: list[list[Array]], axis_name: Hashable) -> list[tuple[list[Array], Any]]:
    axis = _Axis(len(rows))
    while True:
        found = [_call(fn, row, axis, i, axis_name) for i, row in enumerate(rows)]
        asked = [call.x for call in found if isinstance(call, _Asked)]
        if not asked:
            return [call for call in found if not isinstance(call, _Asked)]
        if len(asked) != len(rows):
            raise CapabilityError(
                "Some of the mapped calls wait for values of the others, which have returned.",
                got=f"{len(asked)} of {len(rows)} calls in a collective of the axis {axis_name!r}",
                expected="the same collectives in each call",
                fix="call collectives outside of decisions that depend on the data",
            )
        axis.gathered.append(np.stack(asked))


def _call(fn: FlatFn, row: list[Array], axis: _Axis, index: int, axis_name: Hashable) -> Any:
    axis.index, axis.used = index, 0
    try:
        with _names.bind(axis_name, axis):
            return fn(list(row))
    except _Asked as question:
        if question.axis is not axis:
            raise
        return question


def _slice(x: Array, axis: int | None, i: int) -> Array:
    return x if axis is None else np.asarray(np.take(x, i, axis=axis))


def axis_size(axis_name: Hashable) -> int | None:
    """The number of mapped calls; None where no axis has this name."""
    axis = _names.bound.get(axis_name)
    return None if axis is None else int(axis.size)


def axis_index(axis_name: Hashable) -> Array:
    """The number of this call among the mapped ones, int32[]."""
    return np.asarray(_names.bound[axis_name].index, np.int32)


def all_gather(x: Array, axis_name: Hashable) -> Array:
    """``x`` of all calls, stacked along a new first axis."""
    axis = _names.bound[axis_name]
    if axis.used == len(axis.gathered):
        raise _Asked(axis, x)
    axis.used += 1
    return axis.gathered[axis.used - 1].copy()


def psum(x: Array, axis_name: Hashable) -> Array:
    """The sum of ``x`` over all calls."""
    return np.sum(all_gather(x, axis_name), axis=0, dtype=x.dtype)


def pmax(x: Array, axis_name: Hashable) -> Array:
    """The largest ``x`` of all calls."""
    return np.max(all_gather(x, axis_name), axis=0)


def pmin(x: Array, axis_name: Hashable) -> Array:
    """The smallest ``x`` of all calls."""
    return np.min(all_gather(x, axis_name), axis=0)


def psum_scatter(x: Array, axis_name: Hashable) -> Array:
    """The sum of ``x[i]`` over all calls, for the call with the number i."""
    return psum(x, axis_name)[axis_index(axis_name)]


def ppermute(x: Array, axis_name: Hashable, sources: tuple[int, ...]) -> Array:
    """``x`` of the call ``sources[i]``, for the call with the number i."""
    return all_gather(x, axis_name)[sources[axis_index(axis_name)]]


def all_to_all(x: Array, axis_name: Hashable) -> Array:
    """``x[i]`` of all calls, stacked along a new first axis, for the call with the number i."""
    return all_gather(x, axis_name)[:, axis_index(axis_name)]
