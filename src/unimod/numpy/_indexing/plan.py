"""Indexing planned over shapes alone: which box is cut out, which axes are looked up, where the results stand.

An index is first read into terms: slices, None, Python ints, :data:`GAP` (an Ellipsis, spread over its axes) and
:class:`Lookup` (an index array, of which only the shape matters here). A plan then says how to do it in two steps that
every engine has: a box with ascending slices, and a look-up along one axis.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from unimod.errors import OptionError, ShapeError

GAP = object()
"""Where an Ellipsis stood; it keeps index arrays apart, even if it stands for no axis."""


@dataclasses.dataclass(frozen=True)
class Lookup:
    """An array of indices along one axis.

    Attributes:
        shape: of the array.
        is_new: whether the axis is one of size 1 that the array does not have (for a mask without axes).
    """

    shape: tuple[int, ...]
    is_new: bool = False


@dataclasses.dataclass(frozen=True)
class Plan:
    """How an index is carried out.

    Attributes:
        shape: of the array.
        box: an ascending slice for each axis of the array.
        cut: the same with ints and None, as it is handed to the array itself.
        flips: the axes of the cut array whose order is reversed.
        view: the shape of the cut array.
        axes: the axes of the cut array that are looked up.
        spread: the shape to which the index arrays broadcast.
        place: where that shape stands in the result.
    """

    shape: tuple[int, ...]
    box: tuple[slice, ...]
    cut: tuple[Any, ...]
    flips: tuple[int, ...]
    view: tuple[int, ...]
    axes: tuple[int, ...]
    spread: tuple[int, ...]
    place: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the axes that are looked up."""
        return tuple(self.view[axis] for axis in self.axes)

    @property
    def rest(self) -> tuple[int, ...]:
        """The axes of the cut array that are not looked up."""
        return tuple(axis for axis in range(len(self.view)) if axis not in self.axes)

    @property
    def order(self) -> tuple[int, ...]:
        """The axes of the cut array with those that are looked up beside each other, at ``place``."""
        return (*self.rest[: self.place], *self.axes, *self.rest[self.place :])

    @property
    def merged(self) -> tuple[int, ...]:
        """The shape in that order, with the axes that are looked up as one."""
        return self._around((math.prod(self.sizes),))

    @property
    def flat(self) -> tuple[int, ...]:
        """The shape of the result with the axes of the index arrays as one."""
        return self._around((math.prod(self.spread),))

    @property
    def result(self) -> tuple[int, ...]:
        """The shape of the result."""
        return self._around(self.spread) if self.axes else self.view

    def _around(self, inner: tuple[int, ...]) -> tuple[int, ...]:
        outer = [self.view[axis] for axis in self.rest]
        return (*outer[: self.place], *inner, *outer[self.place :])

    @property
    def is_whole(self) -> bool:
        """Whether the cut array is the array itself."""
        return self.cut == self.box and not self.flips and self.boxed == self.shape

    @property
    def boxed(self) -> tuple[int, ...]:
        """The shape of the box."""
        return tuple(len(range(one.start, one.stop, one.step)) for one in self.box)


def plan(shape: tuple[int, ...], terms: list[Any]) -> Plan:
    """The plan of an index that was read into terms, one for each axis (None and GAP are of no axis).

    Raises:
        ShapeError: a Python int lies outside, or the index arrays do not broadcast.
        OptionError: the step of a slice is 0.
    """
    steps = _Steps(shape)
    for term in terms:
        steps.add(term)
    lookups = [term.shape for term in terms if isinstance(term, Lookup)]
    place = _place(terms) if lookups else 0
    box, cut, flips, view, axes = map(tuple, steps.parts)
    return Plan(shape, box, cut, flips, view, axes, _spread(lookups), place)


class _Steps:
    """The box, the cut, the flips, the view and the axes of a plan, as far as the terms have been read."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.parts: tuple[list[Any], ...] = ([], [], [], [], [])

    def add(self, term: Any) -> None:
        """Go over one more term."""
        box, cut, _, view, axes = self.parts
        if term is GAP:
            return
        if isinstance(term, Lookup):
            axes.append(len(view))
        if term is None or (isinstance(term, Lookup) and term.is_new):
            cut.append(None)
            view.append(1)
        elif isinstance(term, int):
            start = _position(term, len(box), self.shape[len(box)])
            box.append(slice(start, start + 1, 1))
            cut.append(start)
        else:
            self._slice(term if isinstance(term, slice) else slice(None))

    def _slice(self, term: slice) -> None:
        box, cut, flips, view, _ = self.parts
        one, is_reversed = _ascending(term, self.shape[len(box)])
        if is_reversed:
            flips.append(len(view))
        box.append(one)
        cut.append(one)
        view.append(len(range(one.start, one.stop, one.step)))


def _position(index: int, axis: int, size: int) -> int:
    if -size <= index < size:
        return index % size
    raise ShapeError(
        f"The index {index} lies outside axis {axis}, which has the size {size}.",
        got=str(index),
        expected=f"from {-size} to {size - 1}" if size else "no index, for an axis without elements",
        fix="say what to do with it: mode='clip', 'wrap', 'fill' (reading) or 'drop' (updates)",
    )


def _ascending(term: slice, size: int) -> tuple[slice, bool]:
    """The same elements in ascending order, and whether that is the reverse of what was asked for."""
    if term.step == 0:
        raise OptionError("The step of a slice is 0.", got=str(term), expected="a step that is not 0")
    found = range(*term.indices(size))
    if not found:
        return slice(0, 0, 1), False
    is_reversed = found.step < 0
    ordered = found[::-1] if is_reversed else found
    return slice(ordered[0], ordered[-1] + 1, ordered.step if len(ordered) > 1 else 1), is_reversed


def _spread(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    try:
        return tuple(np.broadcast_shapes(*shapes))
    except ValueError as error:
        raise ShapeError(
            "The index arrays do not broadcast to one shape.",
            got=", ".join(map(str, shapes)),
            expected="axes, counted from the last, of equal size or of size 1",
        ) from error


def _place(terms: list[Any]) -> int:
    """By numpy's rule: where the first index stands if all ints and index arrays stand together, else in front."""
    where = [i for i, term in enumerate(terms) if isinstance(term, (int, Lookup))]
    if where[-1] - where[0] != len(where) - 1:
        return 0
    return sum(1 for term in terms[: where[0]] if term is not GAP)
