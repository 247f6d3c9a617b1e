"""Layers without leaves: functions as layers, and changes of shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import unimod.numpy as unp
from unimod.core.module import Module
from unimod.errors import ShapeError
from unimod.nn import _axes, _layouts, _shapes
from unimod.nn.conv import hashable


class Lambda(Module):
    """A function as a layer.

    Example:
        >>> import unimod as um
        >>> um.nn.Lambda(lambda x: 2 * x)(3)
        6
    """

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.fn = fn

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self.fn(*args, **kwargs)


class Identity(Module):
    """The layer that returns its input.

    Example:
        >>> import unimod as um
        >>> um.nn.Identity()(3)
        3
    """

    def __call__(self, x: Any) -> Any:
        """Return ``x``."""
        return x


class Flatten(Module):
    """Make one axis of the axes from ``start_axis`` to ``end_axis``, both included.

    Args:
        start_axis: the first of them; the axes before it stay.
        end_axis: the last of them; the axes after it stay.

    Raises:
        ShapeError: the last one comes before the first.

    Example:
        >>> import unimod as um
        >>> um.nn.Flatten()(um.numpy.ones((5, 2, 3))).shape == (5, 6)
        True
        >>> um.nn.Flatten(0, 1)(um.numpy.ones((5, 2, 3))).shape == (10, 3)
        True
    """

    def __init__(self, start_axis: int = 1, end_axis: int = -1) -> None:
        self.start_axis, self.end_axis = start_axis, end_axis

    def __call__(self, x: Any) -> Any:
        """Flatten ``x``."""
        rank = len(x.shape)
        if self.start_axis == rank and self.end_axis == -1:
            return unp.reshape(x, (*x.shape, 1))
        start, end = _axes.resolve(x, self.start_axis), _axes.resolve(x, self.end_axis)
        if end < start:
            raise ShapeError(
                "Flatten has no axes to flatten.",
                got=f"x of rank {rank}, axes {self.start_axis} to {self.end_axis}",
                expected="a last axis that is not before the first",
                fix="pass start_axis <= end_axis",
            )
        return unp.reshape(x, (*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :]))


class Unflatten(Module):
    """Make several axes of one: what undoes Flatten.

    Args:
        axis: the axis to split.
        shape: its new lengths, of which one may be -1.

    Raises:
        ShapeError: the lengths do not multiply to that of the axis.

    Example:
        >>> import unimod as um
        >>> um.nn.Unflatten(1, (2, -1))(um.numpy.ones((5, 6))).shape == (5, 2, 3)
        True
    """

    def __init__(self, axis: int, shape: Sequence[int]) -> None:
        self.axis, self.shape = axis, tuple(shape)

    def __call__(self, x: Any) -> Any:
        """Split the axis of ``x``."""
        place = _axes.resolve(x, self.axis)
        parts = _completed("Unflatten", self.shape, int(x.shape[place]))
        return unp.reshape(x, (*x.shape[:place], *parts, *x.shape[place + 1 :]))


class Reshape(Module):
    """Give each example another shape; the first axis, that of the batch, stays.

    Args:
        shape: of one example; one length may be -1.

    Raises:
        ShapeError: the lengths do not multiply to the size of an example.

    Example:
        >>> import unimod as um
        >>> um.nn.Reshape((3, -1))(um.numpy.ones((5, 2, 6))).shape == (5, 3, 4)
        True
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = tuple(shape)

    def __call__(self, x: Any) -> Any:
        """Reshape ``x``, of shape ``(batch, ...)``."""
        _axes.resolve(x, 0)
        return unp.reshape(x, (x.shape[0], *_completed("Reshape", self.shape, math.prod(x.shape[1:]))))


class Permute(Module):
    """Put the axes of each example into another order; the first axis, that of the batch, stays.

    Args:
        axes: those behind the batch, from 1 on, in their new order.

    Raises:
        ShapeError: they are not all the axes behind the batch.

    Example:
        >>> import unimod as um
        >>> um.nn.Permute((2, 1))(um.numpy.ones((5, 2, 3))).shape == (5, 3, 2)
        True
    """

    def __init__(self, axes: Sequence[int]) -> None:
        self.axes = tuple(axes)

    def __call__(self, x: Any) -> Any:
        """Permute the axes of ``x``, of shape ``(batch, ...)``."""
        if sorted(self.axes) != list(range(1, len(x.shape))):
            raise ShapeError(
                "Permute has not one place for each axis behind the batch.",
                got=f"axes = {self.axes}, x of the shape {tuple(x.shape)}",
                expected=f"the numbers {tuple(range(1, len(x.shape)))}, each once",
                fix="number the axes from 1 on: 0 is that of the batch, which stays",
            )
        return unp.permute_dims(x, (0, *self.axes))


class RepeatVector(Module):
    """Make a sequence of each example, the same at all steps: ``(batch, ...)`` becomes ``(batch, count, ...)``.

    Args:
        count: the number of steps.

    Raises:
        ShapeError: ``x`` has no axis of the batch.

    Example:
        >>> import unimod as um
        >>> um.nn.RepeatVector(2)(um.numpy.asarray([[1.0, 3.0]])).tolist()
        [[[1.0, 3.0], [1.0, 3.0]]]
    """

    def __init__(self, count: int) -> None:
        self.count = count

    def __call__(self, x: Any) -> Any:
        """Repeat ``x``."""
        _axes.resolve(x, 0)
        return unp.broadcast_to(unp.expand_dims(x, 1), (x.shape[0], self.count, *x.shape[1:]))


class Crop(Module):
    """Cut elements off the ends of the spatial axes, channels last; what undoes Pad.

    Args:
        widths: one for all ends of the spatial axes, or one or a pair ``(before, after)`` for each axis.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.

    Raises:
        ShapeError: the rank does not fit, or nothing would be left.
        OptionError: a width is negative.

    Example:
        >>> import unimod as um
        >>> um.nn.Crop(((1, 0), (0, 2)))(um.numpy.ones((2, 5, 6, 3))).shape == (2, 4, 4, 3)
        True
    """

    def __init__(self, widths: int | Sequence[int | tuple[int, int]], *, data_format: str | None = None) -> None:
        self.widths, self.data_format = hashable(widths), data_format

    def __call__(self, x: Any) -> Any:
        """Crop ``x``, of shape ``(batch, *spatial, channels)``."""
        axes = _layouts.count("Crop", x, self.widths, self.data_format)
        pairs = _shapes.widths("widths", self.widths, axes)
        end = len(x.shape) if _layouts.is_first(self.data_format, axes) else len(x.shape) - 1
        sizes = x.shape[end - axes : end]
        if any(sum(pair) >= size for pair, size in zip(pairs, sizes, strict=True)):
            raise ShapeError(
                "Crop leaves nothing of an axis.",
                got=f"widths {pairs} for the sizes {tuple(sizes)}",
                expected="less than the size of each axis in all",
                fix="cut less off",
            )
        kept = (slice(low, size - high) for (low, high), size in zip(pairs, sizes, strict=True))
        return x[(slice(None),) * (end - axes) + tuple(kept)]


class BatchApply(Module):
    """A layer for examples, applied to several axes of batch at once, such as batch and time.

    The first axes are made one, the layer is called, and its first axis is split again; so a layer that takes
    ``(batch, ...)`` is applied to every step of ``(batch, time, ...)``, with the same weights.

    Args:
        layer: a module or a function of one array.
        num_axes: how many axes are those of the batch.

    Raises:
        ShapeError: ``x`` has fewer axes.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.BatchApply(um.nn.Sequential(um.nn.Flatten(), um.nn.Linear(6, 4))).init(0)
        >>> layer(um.numpy.ones((5, 7, 2, 3))).shape == (5, 7, 4)
        True
    """

    def __init__(self, layer: Any, *, num_axes: int = 2) -> None:
        self.layer, self.num_axes = layer, num_axes

    def __call__(self, x: Any) -> Any:
        """Apply the layer to ``x``, of shape ``(batch..., ...)``."""
        _axes.resolve(x, self.num_axes - 1)
        lead = tuple(x.shape[: self.num_axes])
        y = self.layer(unp.reshape(x, (math.prod(lead), *x.shape[self.num_axes :])))
        return unp.reshape(y, (*lead, *y.shape[1:]))


def _completed(name: str, shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    known, open_places = math.prod(n for n in shape if n != -1), shape.count(-1)
    if open_places > 1 or (known != size if not open_places else known < 1 or size % known):
        raise ShapeError(
            f"{name} cannot make this shape.",
            got=f"{size} elements for {shape}",
            expected="lengths whose product is that number, of which one may be -1",
            fix="pass the shape of the elements that are there",
        )
    return tuple(size // known if n == -1 else n for n in shape)
