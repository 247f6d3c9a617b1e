"""The arithmetic of windows: strides, dilation, padding and output sizes. Pure functions of shapes.

``SAME`` is XLA's: ``out = ceil(n / stride)`` and ``total = max((out - 1) * stride + extent - n, 0)``, of which the
lower half (rounded down) goes before the data.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

from unimod.errors import OptionError, ShapeError

Shape = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]
Padding = str | int | Sequence[int | tuple[int, int]]
"""``"SAME"``, ``"VALID"``, ``"CAUSAL"``, a width for all sides, or one width or ``(low, high)`` for each axis."""

MODES = {"ZEROS": "constant", "CIRCULAR": "wrap", "REFLECT": "reflect", "EDGE": "edge"}
"""What a convolution may put around its input, and what ``um.numpy.pad`` calls it."""


@dataclasses.dataclass(frozen=True)
class Windows:
    """How windows lie on the spatial axes, with every option written out.

    Attributes:
        size: the window (kernel) along each axis.
        stride: the step from window to window.
        dilation: the step inside a window.
        padding: ``(low, high)`` for each axis.
        out: the number of windows along each axis.
    """

    size: Shape
    stride: Shape
    dilation: Shape
    padding: Pads
    out: Shape


def plan(
    spatial: Shape, size: Shape, stride: int | Sequence[int], dilation: int | Sequence[int], padding: Padding
) -> Windows:
    """Lay windows of ``size`` on axes of the sizes ``spatial``.

    Raises:
        ShapeError: a window is larger than the padded data.
        OptionError: an option has a wrong length or value.

    Example:
        >>> plan((9, 10), (3, 3), 2, 1, "SAME")
        Windows(size=(3, 3), stride=(2, 2), dilation=(1, 1), padding=((1, 1), (0, 1)), out=(5, 5))
    """
    strides, steps = per_axis("stride", stride, len(size)), per_axis("dilation", dilation, len(size))
    if not isinstance(padding, str):
        padding = resolve_padding(padding, spatial, size, strides)
    return _planned(tuple(map(int, spatial)), size, strides, steps, padding)


@functools.lru_cache(maxsize=1024)
def _planned(spatial: Shape, size: Shape, strides: Shape, steps: Shape, padding: str | Pads) -> Windows:
    """:func:`plan` of options that have been checked: a layer asks the same at each call."""
    extents = tuple(extent(k, d) for k, d in zip(size, steps, strict=True))
    pads = resolve_padding(padding, spatial, extents, strides)
    out = tuple(
        _windows(axis, n, low + high, e, s)
        for axis, (n, (low, high), e, s) in enumerate(zip(spatial, pads, extents, strides, strict=True))
    )
    return Windows(size, strides, steps, pads, out)


def extent(size: int, dilation: int) -> int:
    """How far a dilated window reaches: ``(size - 1) * dilation + 1``."""
    return (size - 1) * dilation + 1


def per_axis(name: str, value: int | Sequence[int], rank: int) -> Shape:
    """``value`` for each of ``rank`` axes; one number stands for all of them.

    Example:
        >>> per_axis("stride", 2, 3)
        (2, 2, 2)
    """
    if type(value) is int and value > 0:
        return (value,) * rank
    values = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(values) == rank and all(isinstance(v, int) and v > 0 for v in values):
        return values
    raise OptionError(
        f"`{name}` does not fit {rank} spatial axes.",
        got=f"{name} = {value!r}",
        expected=f"a positive int, or {rank} of them",
        fix=f"pass {name}={(1,) * rank!r}, or another tuple of that length",
    )


def resolve_padding(padding: Padding, spatial: Shape, extents: Shape, strides: Shape) -> Pads:
    """``padding`` as ``(low, high)`` for each axis.

    Example:
        >>> resolve_padding("SAME", (9, 10), (3, 3), (2, 2))
        ((1, 1), (0, 1))
        >>> resolve_padding("CAUSAL", (9,), (5,), (1,))
        ((4, 0),)
        >>> resolve_padding((1, (0, 2)), (9, 10), (3, 3), (2, 2))
        ((1, 1), (0, 2))
    """
    if isinstance(padding, str):
        return _named(padding, spatial, extents, strides)
    pairs = _pairs(padding, len(spatial))
    if pairs is None:
        raise _bad_padding(padding, len(spatial))
    return pairs


def widths(name: str, value: int | Sequence[int | tuple[int, int]], rank: int) -> Pads:
    """``value`` as ``(before, after)`` for each of ``rank`` axes.

    Example:
        >>> widths("widths", (1, (0, 2)), 2)
        ((1, 1), (0, 2))
    """
    pairs = _pairs(value, rank)
    if pairs is not None:
        return pairs
    raise OptionError(
        f"`{name}` does not fit {rank} spatial axes.",
        got=f"{name} = {value!r}",
        expected=f"an int >= 0, or an int or a pair (before, after) for each of {rank} axes",
        fix=f"pass {name}={((1, 1),) * rank!r}, or other pairs",
    )


def _pairs(value: int | Sequence[int | tuple[int, int]], rank: int) -> Pads | None:
    listed = (value,) * rank if isinstance(value, int) else tuple(value)
    pairs = tuple((p, p) if isinstance(p, int) else tuple(p) for p in listed)
    return pairs if len(pairs) == rank and all(map(_is_pair, pairs)) else None  # type: ignore[return-value]


def padding_of_mode(padding: Padding, mode: str, size: Shape, dilation: int | Sequence[int]) -> tuple[Padding, str]:
    """The widths and the mode, in the words of ``um.numpy.pad``, of a padding that may name a mode itself.

    Raises:
        OptionError: there is no such mode.

    Example:
        >>> padding_of_mode("SAME", "ZEROS", (4,), 1), padding_of_mode("CIRCULAR", "ZEROS", (4,), 1)
        (('SAME', 'constant'), (((1, 2),), 'wrap'))
    """
    name = padding.upper() if isinstance(padding, str) else ""
    if name in MODES and name != "ZEROS":
        extents = map(extent, size, per_axis("dilation", dilation, len(size)))
        return tuple(((e - 1) // 2, e // 2) for e in extents), MODES[name]
    if isinstance(mode, str) and mode.upper() in MODES:
        return padding, MODES[mode.upper()]
    raise OptionError(
        "There is no such `padding_mode`.",
        got=f"padding_mode = {mode!r}",
        expected=", ".join(map(repr, MODES)),
        fix='pass padding_mode="ZEROS", or another of them',
    )


def _named(padding: str, spatial: Shape, extents: Shape, strides: Shape) -> Pads:
    name = padding.upper()
    if name == "VALID":
        return ((0, 0),) * len(spatial)
    if name == "SAME":
        return tuple(_same(n, e, s) for n, e, s in zip(spatial, extents, strides, strict=True))
    if name == "CAUSAL" and len(spatial) == 1:
        return ((extents[0] - 1, 0),)
    raise _bad_padding(padding, len(spatial))


def _same(size: int, extent: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


def _is_pair(widths: Sequence[object]) -> bool:
    return len(widths) == 2 and all(isinstance(w, int) and w >= 0 for w in widths)


def _bad_padding(padding: Padding, rank: int, *, causal: bool = True) -> OptionError:
    named = '"SAME", "VALID", "CAUSAL"' if causal and rank == 1 else '"SAME", "VALID"'
    return OptionError(
        f"`padding` does not fit {rank} spatial axes.",
        got=f"padding = {padding!r}",
        expected=f"{named}, an int >= 0, or an int or a pair (low, high) for each of {rank} axes",
        fix=f'pass padding="SAME", or padding={((1, 1),) * rank!r}',
    )


def _windows(axis: int, size: int, padded: int, extent: int, stride: int) -> int:
    if size + padded >= extent:
        return (size + padded - extent) // stride + 1
    raise ShapeError(
        f"The window is larger than the padded input on spatial axis {axis}.",
        got=f"window over {extent}, input of {size} padded by {padded}",
        expected=f"an input of at least {max(extent - padded, 0)}",
        fix='use a smaller window or less dilation, or padding="SAME"',
    )


def output_padding(value: int | Sequence[int], strides: Shape, steps: Shape) -> Shape:
    """How many outputs a transposed convolution adds at the end of each axis: less than the stride or the dilation.

    Example:
        >>> output_padding(1, (2, 2), (1, 1))
        (1, 1)
    """
    values = (value,) * len(strides) if isinstance(value, int) else tuple(value)
    limits = tuple(map(max, strides, steps))
    if len(values) == len(limits) and all(
        isinstance(v, int) and 0 <= v < n for v, n in zip(values, limits, strict=True)
    ):
        return values
    raise OptionError(
        f"`output_padding` does not fit {len(strides)} spatial axes.",
        got=f"output_padding = {value!r}",
        expected=f"numbers of at least 0 and less than {limits}, the larger of stride and dilation",
        fix="pass output_padding=0, or a larger stride",
    )


def plan_transposed(
    spatial: Shape, size: Shape, stride: Shape, dilation: Shape, padding: Padding, more: Shape | None = None
) -> Pads:
    """What a transposed convolution cuts from both ends of its full output, ``(n - 1) * stride + extent``.

    ``SAME`` leaves ``n * stride`` and ``VALID`` leaves ``n * stride + max(extent - stride, 0)``, so that each undoes
    the sizes of the convolution of that name; numbers are the padding of that convolution. ``more`` is cut less at the
    end of each axis. A negative width adds zeros.

    Raises:
        ShapeError: nothing would be left.
        OptionError: ``padding`` has a wrong length or value.

    Example:
        >>> plan_transposed((4,), (3,), (2,), (1,), "SAME"), plan_transposed((4,), (2,), (3,), (1,), "VALID")
        (((0, 1),), ((0, -1),))
    """
    extents = tuple(extent(k, d) for k, d in zip(size, dilation, strict=True))
    crop = _crop(padding, spatial, extents, stride)
    if more is not None:
        crop = tuple((low, high - extra) for (low, high), extra in zip(crop, more, strict=True))
    for axis, (n, e, s, cut) in enumerate(zip(spatial, extents, stride, crop, strict=True)):
        full = (n - 1) * s + e
        if full <= sum(cut):
            raise ShapeError(
                f"The padding leaves nothing of spatial axis {axis}.",
                got=f"padding = {padding!r}, an output of {full} before it is cut",
                expected=f"less than {full} in all",
                fix='use padding="SAME"',
            )
    return crop


def _crop(padding: Padding, spatial: Shape, extents: Shape, strides: Shape) -> Pads:
    name = padding.upper() if isinstance(padding, str) else ""
    if name == "VALID":
        return tuple((0, min(e - s, 0)) for e, s in zip(extents, strides, strict=True))
    if name == "SAME":
        return tuple(_same_crop(e, s) for e, s in zip(extents, strides, strict=True))
    if name:
        raise _bad_padding(padding, len(spatial), causal=False)
    return resolve_padding(padding, spatial, extents, strides)


def _same_crop(extent: int, stride: int) -> tuple[int, int]:
    # XLA's rule: of the `extent + stride - 2` zeros around the dilated input the larger half goes before it.
    total = extent + stride - 2
    low = extent - 1 if stride > extent - 1 else -(-total // 2)
    return extent - 1 - low, extent - 1 - (total - low)
