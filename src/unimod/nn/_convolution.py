"""Convolutions as pure functions of arrays.

Kernels are ``(spatial..., in // groups, out)``, whatever the format of the images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.nn import _axis_orders, _checks, _layouts, _shapes
from unimod.nn._shapes import Padding, Windows
from unimod.nn._windows import taps
from unimod.numpy._dispatch import many

Array = Any
Sizes = int | Sequence[int]


def conv(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    stride: Sizes = 1,
    padding: Padding = "SAME",
    dilation: Sizes = 1,
    groups: int = 1,
    padding_mode: str = "ZEROS",
    data_format: str | None = None,
) -> Array:
    """Convolution over 1, 2 or 3 spatial axes (cross-correlation: the kernel is not flipped).

    ``y[b, p, o] = sum_{k, i} x[b, p * stride + k * dilation - low, i] * kernel[k, i, o] + bias[o]``

    Args:
        x: floating, ``(batch..., spatial..., in)``.
        kernel: of the same dtype, ``(spatial..., in // groups, out)``; its rank says how many axes are spatial.
        bias: of the same dtype, ``(out,)``; None for 0.
        stride: the step between outputs, one for all axes or one for each.
        padding: ``"SAME"`` (XLA's), ``"VALID"``, ``"CAUSAL"`` (one axis), a width, or a width or pair for each axis.
            ``"CIRCULAR"``, ``"REFLECT"`` and ``"EDGE"`` are the widths of ``"SAME"`` at stride 1, in that mode.
        dilation: the step between kernel taps.
        groups: splits the channels into independent convolutions; ``groups == in`` is a depthwise one.
        padding_mode: what is put around ``x``: ``"ZEROS"``, or what is in it: ``"CIRCULAR"`` from the other end,
            ``"REFLECT"`` mirrored at the outermost elements, ``"EDGE"`` those elements.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"``: channels first, in ``x`` and in the result.

    Returns:
        ``(batch..., spatial'..., out)``, in the dtype of ``x``.

    Raises:
        ShapeError: the ranks or channels do not fit, or the kernel is larger than the padded input.
        DTypeError: the dtypes differ, or are not floating.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> x, kernel = um.numpy.ones((1, 5, 5, 2)), um.numpy.ones((3, 3, 2, 4))
        >>> tuple(um.nn.functional.conv(x, kernel, stride=2, padding="SAME").shape)
        (1, 3, 3, 4)
    """
    engine, x, kernel, bias = many(x, kernel, bias)
    axes, x = _channels_last("conv", engine, x, kernel, bias, groups, data_format)
    window = tuple(kernel.shape[:axes])
    widths, mode = _shapes.padding_of_mode(padding, padding_mode, window, dilation)
    plan = _shapes.plan(_spatial(x, axes), window, stride, dilation, widths)
    x, pads = _padded(x, plan, mode)
    out = engine.nn.conv(
        one_batch_axis(x, axes),
        kernel,
        bias,
        stride=plan.stride,
        padding=pads,
        dilation=plan.dilation,
        groups=groups,
    )
    return _layouts.from_last(restore_batch(out, x, axes), axes, data_format)


def conv_transpose(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    stride: Sizes = 1,
    padding: Padding = "SAME",
    output_padding: int | Sequence[int] = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    data_format: str | None = None,
) -> Array:
    """Transposed convolution: what the derivative of :func:`conv` by its input does, with ``in`` and ``out`` swapped.

    ``y[b, p * stride + k * dilation - low, o] += x[b, p, i] * kernel[k, i, o]``, then ``+ bias[o]``

    Args:
        x: floating, ``(batch..., spatial..., in)``.
        kernel: of the same dtype, ``(spatial..., in // groups, out)``.
        bias: of the same dtype, ``(out,)``; None for 0.
        stride: the step between the outputs of neighbouring inputs.
        padding: ``"SAME"`` gives ``n * stride`` outputs, ``"VALID"`` ``n * stride + max(extent - stride, 0)``; widths
            are cut from both ends of the full output, ``(n - 1) * stride + extent``.
        output_padding: so many outputs more at the end of each axis, less than the stride or the dilation.
        dilation: the step between kernel taps.
        groups: splits the channels into independent convolutions.
        data_format: as in :func:`conv`.

    Returns:
        ``(batch..., spatial'..., out)``, in the dtype of ``x``.

    Raises:
        ShapeError: the ranks or channels do not fit, or nothing would be left.
        DTypeError: the dtypes differ, or are not floating.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> x, kernel = um.numpy.ones((1, 3, 3, 4)), um.numpy.ones((3, 3, 4, 2))
        >>> tuple(um.nn.functional.conv_transpose(x, kernel, stride=2).shape)
        (1, 6, 6, 2)
    """
    engine, x, kernel, bias = many(x, kernel, bias)
    axes, x = _channels_last("conv_transpose", engine, x, kernel, bias, groups, data_format)
    strides, steps = _shapes.per_axis("stride", stride, axes), _shapes.per_axis("dilation", dilation, axes)
    more = _shapes.output_padding(output_padding, strides, steps)
    crop = _shapes.plan_transposed(_spatial(x, axes), tuple(kernel.shape[:axes]), strides, steps, padding, more)
    out = engine.nn.conv_transpose(
        one_batch_axis(x, axes), kernel, bias, stride=strides, crop=crop, dilation=steps, groups=groups
    )
    return _layouts.from_last(restore_batch(out, x, axes), axes, data_format)


def conv_local(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    stride: Sizes = 1,
    padding: Padding = "VALID",
    dilation: Sizes = 1,
    data_format: str | None = None,
) -> Array:
    """A convolution with a kernel of its own at each place of the output.

    ``y[b, p, o] = sum_{k, i} x[b, p * stride + k * dilation - low, i] * kernel[p, k, i, o] + bias[p, o]``

    Args:
        x: floating, ``(batch..., spatial..., in)``.
        kernel: of the same dtype, ``(spatial'..., window..., in, out)``.
        bias: of the same dtype, ``(spatial'..., out)``; None for 0.
        stride: the step between outputs.
        padding: as in :func:`conv`, of zeros.
        dilation: the step between kernel taps.
        data_format: as in :func:`conv`.

    Returns:
        ``(batch..., spatial'..., out)``, in the dtype of ``x``.

    Raises:
        ShapeError: the ranks or sizes do not fit, or the window is larger than the padded input.
        DTypeError: the dtypes differ, or are not floating.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> x, kernel = um.numpy.ones((1, 4, 2)), um.numpy.ones((3, 2, 2, 5))
        >>> tuple(um.nn.functional.conv_local(x, kernel).shape)
        (1, 3, 5)
    """
    engine, x, kernel, bias = many(x, kernel, bias)
    axes = _checks.local_axes("conv_local", kernel)
    _checks.rank("conv_local", "x", x, axes + 1)
    x = _layouts.to_last(x, axes, data_format)
    _checks.local("conv_local", engine, x, kernel)
    plan = _shapes.plan(_spatial(x, axes), tuple(kernel.shape[axes : 2 * axes]), stride, dilation, padding)
    _checks.places("conv_local", kernel, plan.out)
    _checks.bias("conv_local", engine, x, bias, (*plan.out, kernel.shape[-1]))
    out = _local(one_batch_axis(x, axes), kernel, plan)
    out = restore_batch(out if bias is None else unp.add(out, bias), x, axes)
    return _layouts.from_last(out, axes, data_format)


def general_conv(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    dimension_numbers: tuple[str, str, str],
    stride: Sizes = 1,
    padding: Padding = "SAME",
    dilation: Sizes = 1,
    groups: int = 1,
    padding_mode: str = "ZEROS",
) -> Array:
    """:func:`conv` of arrays whose axes are in any order.

    Args:
        x: floating, with the axes of the first text.
        kernel: of the same dtype, with the axes of the second text.
        bias: of the same dtype, ``(out,)``; None for 0.
        dimension_numbers: texts that name the axes of input, kernel and output, such as ``("HWCN", "OIHW", "NHWC")``:
            ``N`` batch, ``C`` channels, ``I`` and ``O`` channels in and out, all others spatial. Options with a value
            for each axis follow the order of the spatial axes in the kernel.
        stride: as in :func:`conv`.
        padding: as in :func:`conv`.
        dilation: as in :func:`conv`.
        groups: as in :func:`conv`.
        padding_mode: as in :func:`conv`.

    Raises:
        ShapeError: the ranks or channels do not fit, or the kernel is larger than the padded input.
        DTypeError: the dtypes differ, or are not floating.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> x, kernel = um.numpy.ones((5, 6, 2, 1)), um.numpy.ones((4, 2, 3, 3))
        >>> tuple(um.nn.functional.general_conv(x, kernel, dimension_numbers=("HWCN", "OIHW", "NHWC")).shape)
        (1, 5, 6, 4)
    """
    _, x, kernel, bias = many(x, kernel, bias)
    orders = _axis_orders.axis_orders(dimension_numbers)
    for argument, array, order in (("x", x, orders[0]), ("kernel", kernel, orders[1])):
        _checks.exact_rank("general_conv", argument, array, len(order))
    out = conv(
        unp.permute_dims(x, orders[0]),
        unp.permute_dims(kernel, orders[1]),
        bias,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )
    return unp.permute_dims(out, orders[2])


def one_batch_axis(x: Array, axes: int) -> Array:
    """``x`` with all axes before the spatial ones in one."""
    if len(x.shape) == axes + 2:
        return x
    return unp.reshape(x, (math.prod(x.shape[: -axes - 1]), *x.shape[-axes - 1 :]))


def restore_batch(out: Array, x: Array, axes: int) -> Array:
    """``out`` with the batch axes of ``x`` in place of the one."""
    if len(x.shape) == axes + 2:
        return out
    return unp.reshape(out, (*x.shape[: -axes - 1], *out.shape[1:]))


def _spatial(x: Array, axes: int) -> tuple[int, ...]:
    return tuple(x.shape[len(x.shape) - axes - 1 : -1])


def _channels_last(
    name: str, engine: Engine, x: Array, kernel: Array, bias: Array | None, groups: int, data_format: str | None
) -> tuple[int, Array]:
    axes = len(kernel.shape) - 2
    _checks.spatial(name, axes)
    _checks.rank(name, "x", x, axes + 1)
    x = _layouts.to_last(x, axes, data_format)
    _checks.kernel(name, engine, x, kernel, groups)
    _checks.bias(name, engine, x, bias, (kernel.shape[-1],))
    return axes, x


def _padded(x: Array, plan: Windows, mode: str) -> tuple[Array, _shapes.Pads]:
    """``x`` with what is put around it, as far as that is not zeros, and the zeros that are left to the engine."""
    if mode == "constant" or not any(map(any, plan.padding)):
        return x, plan.padding
    around = ((0, 0),) * (len(x.shape) - len(plan.size) - 1)
    return unp.pad(x, (*around, *plan.padding, (0, 0)), mode=mode), ((0, 0),) * len(plan.size)


def _local(x: Array, kernel: Array, plan: Windows) -> Array:
    """One product of matrices for each place of the output."""
    padded = unp.pad(x, ((0, 0), *plan.padding, (0, 0)))
    views = [padded[(slice(None), *tap)] for tap in taps(plan)]
    count, features = math.prod(plan.out), len(views) * x.shape[-1]
    patches = unp.reshape(unp.concat(views, axis=-1), (x.shape[0], count, features))
    out = unp.matmul(unp.permute_dims(patches, (1, 0, 2)), unp.reshape(kernel, (count, features, kernel.shape[-1])))
    return unp.reshape(unp.permute_dims(out, (1, 0, 2)), (x.shape[0], *plan.out, kernel.shape[-1]))
