"""Checks of arrays and options, shared by the layers. Pure functions of shapes, dtypes and numbers."""

from __future__ import annotations

import math
from typing import Any

from unimod.backends._protocol import Engine
from unimod.config import describe_value
from unimod.dtypes import DType, is_inexact
from unimod.errors import DTypeError, OptionError, ShapeError

Array = Any
Shape = tuple[int, ...]

_FLOATING: set[Any] = set()
"""The frameworks' floating-point dtypes, as far as they have been met."""


def kernel(name: str, engine: Engine, x: Array, kernel: Array, groups: int) -> int:
    """All checks of a convolution kernel against its input; the number of spatial axes."""
    axes = len(kernel.shape) - 2
    spatial(name, axes)
    floating(name, engine, x)
    rank(name, "x", x, axes + 1)
    same_dtype(name, engine, x, kernel)
    channels(name, x.shape[-1], tuple(kernel.shape[-2:]), groups)
    return axes


def product(name: str, engine: Engine, x: Array, kernel: Array, bias: Array | None) -> None:
    """All checks of a matrix and a bias against the last axis of the input."""
    floating(name, engine, x)
    given, taken = x.shape, kernel.shape
    if len(taken) != 2 or len(given) == 0 or given[-1] != taken[0]:
        raise ShapeError(
            f"{name} cannot multiply these shapes.",
            got=f"x = {describe_value(x)}, kernel = {describe_value(kernel)}",
            expected="x = (..., in), kernel = (in, out)",
            fix="make the last axis of x as long as the first of the kernel",
        )
    same_dtype(name, engine, x, kernel)
    if bias is not None:
        shape(name, (taken[1],), "bias", bias)
        same_dtype(name, engine, x, bias, "bias")


def same_dtype(name: str, engine: Engine, x: Array, other: Array, argument: str = "kernel") -> None:
    """Input and kernel (or bias) have one dtype: which of the two to cast is the caller's decision."""
    if x.dtype != other.dtype:
        raise DTypeError(
            f"{name} got an input and a {argument} of different dtypes.",
            got=f"x = {describe_value(x)}, {argument} = {describe_value(other)}",
            expected="one dtype",
            fix=f"cast one of them: um.numpy.astype(x, um.dtype_of({argument}))",
        )


def channels(name: str, given: int, in_and_out: Shape, groups: int) -> None:
    """The channels of the input are those of the kernel, and split into ``groups``."""
    fan_in, features = in_and_out
    split(name, given, features, groups)
    if fan_in * groups != given:
        raise ShapeError(
            f"{name} got {given} channels on the last axis of `x`, but its kernel takes {fan_in * groups}.",
            got=f"x = (..., {given}), kernel = (..., {fan_in}, {features}), groups = {groups}",
            expected=f"x = (..., {fan_in * groups})",
            fix=f"pass channels last, {fan_in * groups} of them, or build the kernel for {given}",
        )


def split(name: str, given: int, features: int, groups: int) -> None:
    """Channels in and out can be split into ``groups``."""
    if groups < 1 or given % groups or features % groups:
        raise ShapeError(
            f"{name} cannot split its channels into {groups} groups.",
            got=f"{given} channels in, {features} out",
            expected=f"both divisible by groups = {groups}",
            fix="choose `groups` as a common divisor of both",
        )


def bias(name: str, engine: Engine, x: Array, bias: Array | None, shape: Shape) -> None:
    """The bias, if there is one, has one value for each channel of the output, in the dtype of the input."""
    if bias is not None:
        shapes(name, shape, bias=bias)
        same_dtype(name, engine, x, bias, "bias")


def local(name: str, engine: Engine, x: Array, kernel: Array) -> None:
    """The checks of an unshared kernel ``(spatial'..., window..., in, out)`` against its input."""
    floating(name, engine, x)
    same_dtype(name, engine, x, kernel)
    channels(name, x.shape[-1], tuple(kernel.shape[-2:]), 1)


def local_axes(name: str, kernel: Array) -> int:
    """The number of spatial axes of an unshared kernel."""
    if len(kernel.shape) in (4, 6, 8):
        return (len(kernel.shape) - 2) // 2
    raise ShapeError(
        f"{name} got a kernel with a wrong number of axes.",
        got=f"kernel = {describe_value(kernel)}",
        expected="(spatial..., window..., in, out) with 1, 2 or 3 spatial axes",
        fix="give the kernel the sizes of the output, then those of the window",
    )


def places(name: str, kernel: Array, out: Shape) -> None:
    """An unshared kernel has a part for each place of the output."""
    if tuple(kernel.shape[: len(out)]) != out:
        raise ShapeError(
            f"{name} has not one kernel for each place of the output.",
            got=f"kernel = {describe_value(kernel)}",
            expected=f"a kernel of ({', '.join(map(str, out))}, window..., in, out)",
            fix="build the kernel for this size of the input, or pass images of the size that it was built for",
        )


def exact_rank(name: str, argument: str, x: Array, axes: int) -> None:
    """``x`` has the given number of axes."""
    if len(x.shape) != axes:
        raise ShapeError(
            f"{name} got an array with a wrong number of axes.",
            got=f"{argument} = {describe_value(x)}",
            expected=f"{axes} axes",
            fix="name as many axes in `dimension_numbers`, or reshape with um.numpy.reshape",
        )


def spatial(name: str, axes: int) -> None:
    """The number of spatial axes is one that the engines have kernels for."""
    if axes not in (1, 2, 3):
        raise ShapeError(
            f"{name} works on 1, 2 or 3 spatial axes.",
            got=f"{axes} spatial axes",
            expected="x of (batch, spatial..., channels), and a kernel (spatial..., in, out) or a window to match",
            fix="add or merge axes with um.numpy.reshape",
        )


def rank(name: str, argument: str, x: Array, least: int) -> None:
    """``x`` has at least ``least`` axes."""
    if len(x.shape) < least:
        raise ShapeError(
            f"{name} got an array with too few axes.",
            got=f"{argument} = {describe_value(x)}",
            expected=f"at least {least} axes",
            fix="add the missing axes with um.numpy.reshape",
        )


def floating(name: str, engine: Engine, x: Array) -> None:
    """``x`` is floating-point."""
    if not is_floating(engine, x):
        raise DTypeError(
            f"{name} works on floating-point arrays.",
            got=f"x = {describe_value(x)}",
            expected="float32, or another floating dtype",
            fix='convert it: um.numpy.astype(x, "float32")',
        )


def is_floating(engine: Engine, x: Array) -> bool:
    """Whether ``x`` is floating-point."""
    if x.dtype in _FLOATING:
        return True
    is_met = is_inexact(engine.arrays.dtype_name(x))
    if is_met:
        _FLOATING.add(x.dtype)
    return is_met


def integers(name: str, argument: str, engine: Engine, x: Array) -> None:
    """``x`` holds integers."""
    if DType(engine.arrays.dtype_name(x)).kind not in ("int", "uint"):
        raise DTypeError(
            f"{name} takes integers as `{argument}`.",
            got=f"{argument} = {describe_value(x)}",
            expected="int32, or another integer dtype",
            fix=f'convert them: um.numpy.astype({argument}, "int32")',
        )


def shapes(name: str, expected: Shape, **arrays: Array | None) -> None:
    """Each of the arrays that is there has the shape ``expected``."""
    for argument, array in arrays.items():
        if array is not None:
            shape(name, expected, argument, array)


def shape(name: str, expected: Shape, argument: str, array: Array) -> None:
    """One array has the shape ``expected``."""
    if tuple(array.shape) != expected:
        raise ShapeError(
            f"{name} got a `{argument}` of another shape than the axes it belongs to.",
            got=f"{argument} = {describe_value(array)}",
            expected=f"shape {expected}",
            fix=f"pass a `{argument}` of the shape {expected}",
        )


def batch(name: str, x: Array) -> None:
    """``x`` has at least two values for each channel."""
    if math.prod(x.shape[:-1]) < 2:
        raise ShapeError(
            f"{name} needs at least two values for each channel.",
            got=f"x = {describe_value(x)}",
            expected="(..., channels) with two or more entries before the channels",
            fix="use a larger batch, or running statistics",
        )


def rate(value: float) -> None:
    """``value`` is a probability."""
    if not 0 <= value <= 1:
        raise OptionError(
            "The rate of dropout is not a probability.",
            got=f"rate = {value!r}",
            expected="0 <= rate <= 1",
            fix="`rate` is the probability of dropping: 0.1 keeps nine of ten",
        )


def norm(value: float) -> None:
    """``value`` is the order of a norm."""
    if not value >= 1:
        raise OptionError(
            "The norm of lp_pool is less than 1.",
            got=f"norm = {value!r}",
            expected="norm >= 1",
            fix="pass norm=2.0",
        )


def positive(name: str, option: str, value: float) -> None:
    """An option is a positive number."""
    if not value > 0:
        raise OptionError(
            f"`{option}` of {name} is not positive.",
            got=f"{option} = {value!r}",
            expected=f"{option} > 0",
            fix=f"leave `{option}` away for the usual value",
        )
