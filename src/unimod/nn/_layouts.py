"""Where the channels of an image are: last, as everywhere here, or before the spatial axes.

The functions compute channels last; an array of the other format is seen through a permuted view, before and after. No
engine has to copy it for that: to kernels of its framework that want channels first the view is the array itself.
"""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.errors import OptionError, ShapeError
from unimod.nn import _leaves

Array = Any

LAST = ("NWC", "NHWC", "NDHWC")
FIRST = ("NCW", "NCHW", "NCDHW")


def is_first(data_format: str | None, axes: int) -> bool:
    """Whether the channels come before the spatial axes.

    Raises:
        OptionError: there is no such format for this number of spatial axes.

    Example:
        >>> is_first("NCHW", 2), is_first("NHWC", 2), is_first(None, 2)
        (True, False, False)
    """
    if data_format is None or data_format == LAST[axes - 1]:
        return False
    if data_format == FIRST[axes - 1]:
        return True
    raise OptionError(
        f"`data_format` does not fit {axes} spatial axes.",
        got=f"data_format = {data_format!r}",
        expected=f"{LAST[axes - 1]!r} or {FIRST[axes - 1]!r}",
        fix=f"pass data_format={FIRST[axes - 1]!r} for channels first",
    )


def channel_axis(data_format: str | None, axes: int) -> int:
    """The axis of the channels, counted from the end.

    Example:
        >>> channel_axis("NCHW", 2), channel_axis("NHWC", 2)
        (-3, -1)
    """
    return -axes - 1 if is_first(data_format, axes) else -1


def to_last(x: Array, axes: int, data_format: str | None) -> Array:
    """``x`` channels last."""
    return unp.moveaxis(x, -axes - 1, -1) if is_first(data_format, axes) else x


def from_last(x: Array, axes: int, data_format: str | None) -> Array:
    """An array that is channels last, in the format asked for."""
    return unp.moveaxis(x, -1, -axes - 1) if is_first(data_format, axes) else x


def count(name: str, x: Array, sizes: Any, data_format: str | None) -> int:
    """The number of spatial axes: that of ``sizes``, or if it is one number that of ``x`` with one batch axis.

    Raises:
        ShapeError: there are not 1, 2 or 3 of them, or ``x`` has too few axes.
    """
    axes = len(x.shape) - 2 if isinstance(sizes, int) else len(tuple(sizes))
    if axes in (1, 2, 3) and len(x.shape) > axes:
        return axes
    first = data_format in FIRST
    raise ShapeError(
        f"{name} works on 1, 2 or 3 spatial axes.",
        got=f"x = {config.describe_value(x)}, {axes} spatial axes",
        expected=f"x of {'(batch, channels, spatial...)' if first else '(batch, spatial..., channels)'}",
        fix="add or merge axes with um.numpy.reshape, or pass one number for each spatial axis",
    )


def check_input(layer: Any, x: Any, leaf: Any, features: int | None, axes: int, data_format: str | None) -> None:
    """Check the axes, the channels and the dtype of the input of a layer.

    Raises:
        ShapeError: there are too few axes, or another number of channels than the layer was built for.
        DTypeError: the dtype is another than that of the layer's leaves.
    """
    axis, name = channel_axis(data_format, axes), type(layer).__name__
    if len(x.shape) <= axes:
        raise ShapeError(
            f"{name} got an array with too few axes.",
            got=f"x = {config.describe_value(x)}",
            expected=f"{axes} spatial axes and one of channels, after those of the batch",
            fix="add the missing axes with um.numpy.reshape",
        )
    if axis == -1 or features is None or x.shape[axis] == features:
        _leaves.check_input(layer, x, leaf, features if axis == -1 else None, "in_features")
        return
    raise ShapeError(
        f"{name} got {x.shape[axis]} features on axis {axis} of `x`, but was built for {features}.",
        got=f"x = {config.describe_value(x)}, data_format = {data_format!r}",
        expected=f"x of (batch, {features}, spatial...)",
        fix=f"pass channels first, or leave data_format at {LAST[axes - 1]!r}",
    )
