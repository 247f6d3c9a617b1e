"""Layers without leaves: functions as layers, and changes of shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import unimod.numpy as unp
from unimod.core.module import Module
from unimod.errors import ShapeError
from unimod.nn import _axes


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
