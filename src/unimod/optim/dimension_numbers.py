"""Which axes of a parameter make it a matrix, or a stack of matrices."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import unimod.numpy as unp
from unimod.backends._protocol import Array
from unimod.core.skeleton import Child
from unimod.errors import OptionError
from unimod.optim._masks import place, spread, static_spec

Axes = int | tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class MuonDimensionNumbers:
    """The axes that are the rows and those that are the columns of a matrix; the others number matrices.

    Attributes:
        reduction_axis: one axis or several, the rows: what a layer sums over.
        output_axis: one axis or several, the columns.

    Example:
        >>> import unimod as um
        >>> x = {"qkv": um.numpy.ones((4, 2, 3)), "b": um.numpy.ones((3,))}
        >>> numbers = {"qkv": um.optim.MuonDimensionNumbers(0, (1, 2)), "b": None}
        >>> opt = um.optim.muon(0.1, muon_weight_dimension_numbers=numbers).init(x)
        >>> opt.groups
        ('adam', 'muon')
    """

    reduction_axis: Axes = 0
    output_axis: Axes = 1


GaLoreDimensionNumbers = MuonDimensionNumbers


class Layout(NamedTuple):
    """How an array becomes a stack of matrices.

    Attributes:
        order: of the axes: those that number matrices, rows, columns.
        shape: of the array with its axes in that order.
        sizes: how many matrices, rows and columns there are.
        is_stack: whether there are axes that number matrices.
    """

    order: tuple[int, ...]
    shape: tuple[int, ...]
    sizes: tuple[int, int, int]
    is_stack: bool

    def matrices(self, x: Array) -> Array:
        """The array as a matrix, or as a stack of these."""
        return unp.reshape(unp.permute_dims(x, self.order), self.sizes if self.is_stack else self.sizes[1:])

    def array(self, x: Array) -> Array:
        """The matrices as the array that they were."""
        back = tuple(sorted(range(len(self.order)), key=lambda i: self.order[i]))
        return unp.permute_dims(unp.reshape(x, self.shape), back)


def kept_spec(spec: Any) -> Any:
    """Dimension numbers, a tree of these, or a function that makes one, as a static value."""
    return spec if spec is None or isinstance(spec, MuonDimensionNumbers) else static_spec(spec)


def layouts(spec: Any, leaves: list[Any], structure: Child) -> tuple[Layout | None, ...]:
    """How each parameter becomes matrices; None for those that do not.

    Args:
        spec: None: parameters with two axes are matrices; dimension numbers: those with two or more; a tree, of the
            structure of the parameters or of its upper part, with None for those that are no matrices; or a function
            that gets the parameters and gives such a tree.
        leaves: the parameters.
        structure: that of the parameters.

    Raises:
        OptionError: an axis is out of range, or among rows and columns, or missing among both.
    """
    found = _numbers(spec, leaves, structure)
    return tuple(
        None if numbers is None else _layout(numbers, tuple(x.shape), place(structure, i))
        for i, (numbers, x) in enumerate(zip(found, leaves, strict=True))
    )


def _numbers(spec: Any, leaves: list[Any], structure: Child) -> list[Any]:
    if spec is None:
        return [MuonDimensionNumbers() if len(x.shape) == 2 else None for x in leaves]
    if isinstance(spec, MuonDimensionNumbers):
        return [spec if len(x.shape) > 1 else None for x in leaves]
    return spread(spec, leaves, structure, keeps_none=True)


def _layout(numbers: Any, shape: tuple[int, ...], where: str) -> Layout:
    if not isinstance(numbers, MuonDimensionNumbers):
        raise OptionError(
            "Dimension numbers are needed for each parameter, or None.",
            where=where,
            got=repr(numbers)[:80],
            expected="um.optim.MuonDimensionNumbers(rows, columns)",
        )
    rows, columns = (_axes(axes, shape, where) for axes in (numbers.reduction_axis, numbers.output_axis))
    if not rows or not columns or len({*rows, *columns}) < len(rows) + len(columns):
        raise OptionError(
            "Rows and columns of a matrix are different axes.",
            where=where,
            got=f"{numbers} for the shape {shape}",
            expected="at least one axis for each, and none for both",
        )
    stacked = tuple(axis for axis in range(len(shape)) if axis not in (*rows, *columns))
    order = (*stacked, *rows, *columns)
    count, height, width = (math.prod(shape[axis] for axis in axes) for axes in (stacked, rows, columns))
    return Layout(order, tuple(shape[axis] for axis in order), (count, height, width), bool(stacked))


def _axes(axes: Axes, shape: tuple[int, ...], where: str) -> tuple[int, ...]:
    found = (axes,) if isinstance(axes, int) else tuple(axes)
    for axis in found:
        if not -len(shape) <= axis < len(shape):
            raise OptionError(
                "A parameter has no such axis.",
                where=where,
                got=f"axis = {axis} of the shape {shape}",
                expected=f"-{len(shape)} <= axis < {len(shape)}" if shape else "a parameter with axes",
            )
    return tuple(axis % len(shape) for axis in found)
