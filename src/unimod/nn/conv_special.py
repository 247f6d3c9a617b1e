"""Convolutions that are composed, or of other layouts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.core.module import Module
from unimod.errors import ShapeError
from unimod.nn import _axis_orders, _checks, _leaves, _shapes, functional, initializers
from unimod.nn._shapes import Padding
from unimod.nn.conv import Conv, Sizes, hashable


class DepthwiseConv(Conv):
    """A convolution of each channel on its own.

    Args:
        in_features: number of input channels; None: taken from the example input at ``init``.
        kernel_size: as in ``Conv``.
        channel_multiplier: how many output channels each input channel gives; they are neighbours.
        stride: as in ``Conv``.
        padding: as in ``Conv``.
        dilation: as in ``Conv``.
        padding_mode: as in ``Conv``.
        data_format: as in ``Conv``.
        use_bias: whether to add a bias.
        kernel_init: of the kernel ``(*kernel_size, 1, in_features * channel_multiplier)``.
        bias_init: of the bias ``(in_features * channel_multiplier,)``.
        dtype: of the leaves; inputs must have it too.

    Example:
        >>> import unimod as um
        >>> um.nn.DepthwiseConv(3, 3, channel_multiplier=2).init(0)(um.numpy.ones((1, 5, 5, 3))).shape == (1, 5, 5, 6)
        True
    """

    def __init__(
        self,
        in_features: int | None,
        kernel_size: Sizes,
        *,
        channel_multiplier: int = 1,
        stride: Sizes = 1,
        padding: Padding = "SAME",
        dilation: Sizes = 1,
        padding_mode: str = "ZEROS",
        data_format: str | None = None,
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.channel_multiplier = channel_multiplier
        # The numbers of channels follow from the input where they are not known yet.
        super().__init__(
            in_features,
            1,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            padding_mode=padding_mode,
            data_format=data_format,
            use_bias=use_bias,
            kernel_init=kernel_init,
            bias_init=bias_init,
            dtype=dtype,
        )

    def _declare(self) -> None:
        features = self.in_features
        if features is not None:
            self.groups, self.out_features = features, features * self.channel_multiplier
        out = None if features is None else self.out_features
        self.kernel: Any = _leaves.parameter(self._kernel_init, (*self.kernel_size, 1, out), self._dtype)
        self.bias: Any = _leaves.parameter(self._bias_init, (out,), self._dtype) if self.use_bias else None


class SeparableConv(Module):
    """A depthwise convolution, then one of size 1 that mixes the channels.

    Args:
        in_features: number of input channels; None: taken from the example input at ``init``.
        out_features: number of output channels.
        kernel_size: as in ``Conv``, of the depthwise part.
        channel_multiplier: how many channels the depthwise part makes of each.
        stride: as in ``Conv``, of the depthwise part.
        padding: as in ``Conv``, of the depthwise part.
        dilation: as in ``Conv``, of the depthwise part.
        padding_mode: as in ``Conv``, of the depthwise part.
        data_format: as in ``Conv``.
        use_bias: whether to add a bias at the end.
        kernel_init: of both kernels.
        bias_init: of the bias.
        dtype: of the leaves; inputs must have it too.

    Example:
        >>> import unimod as um
        >>> um.nn.SeparableConv(3, 8, 3).init(0)(um.numpy.ones((1, 5, 5, 3))).shape == (1, 5, 5, 8)
        True

    Source: Chollet (2017), arXiv:1610.02357.
    """

    def __init__(
        self,
        in_features: int | None,
        out_features: int,
        kernel_size: Sizes,
        *,
        channel_multiplier: int = 1,
        stride: Sizes = 1,
        padding: Padding = "SAME",
        dilation: Sizes = 1,
        padding_mode: str = "ZEROS",
        data_format: str | None = None,
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.depthwise = DepthwiseConv(
            in_features,
            kernel_size,
            channel_multiplier=channel_multiplier,
            stride=stride,
            padding=padding,
            dilation=dilation,
            padding_mode=padding_mode,
            data_format=data_format,
            use_bias=False,
            kernel_init=kernel_init,
            dtype=dtype,
        )
        self.pointwise = Conv(
            None if in_features is None else in_features * channel_multiplier,
            out_features,
            (1,) * len(self.depthwise.kernel_size),
            data_format=data_format,
            use_bias=use_bias,
            kernel_init=kernel_init,
            bias_init=bias_init,
            dtype=dtype,
        )

    def __call__(self, x: Any) -> Any:
        """Apply the layer to ``x``, of shape ``(batch, *spatial, in_features)``."""
        return self.pointwise(self.depthwise(x))


class GeneralConv(Module):
    """A convolution of images and with a kernel whose axes are in any order.

    Args:
        dimension_numbers: texts that name the axes of input, kernel and output, such as ``("HWCN", "OIHW", "NHWC")``:
            ``N`` batch, ``C`` channels, ``I`` and ``O`` channels in and out, all others spatial.
        out_features: number of output channels.
        kernel_size: size along each spatial axis, in the order of the kernel; an int for all of them.
        in_features: number of input channels; None: taken from the example input at ``init``.
        stride: as in ``Conv``, in the order of the kernel.
        padding: as in ``Conv``, in the order of the kernel.
        dilation: as in ``Conv``, in the order of the kernel.
        groups: as in ``Conv``.
        padding_mode: as in ``Conv``.
        use_bias: whether to add a bias.
        kernel_init: ``init(key, shape, dtype)`` of a kernel ``(*kernel_size, in_features // groups, out_features)``,
            whose axes are then put in their order: the same seed gives the same numbers as in ``Conv``.
        bias_init: likewise of the bias ``(out_features,)``.
        dtype: of the leaves; inputs must have it too.

    Raises:
        OptionError: the texts do not name the axes of a convolution, or another option has a wrong value.
        ShapeError: the axes or channels do not fit, or the kernel is larger than the padded input.
        DTypeError: the input has another dtype.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.GeneralConv(("HWCN", "OIHW", "NHWC"), 8, (3, 3)).init(0, um.numpy.ones((9, 9, 3, 1)))
        >>> layer(um.numpy.ones((9, 9, 3, 1))).shape == (1, 9, 9, 8), layer.kernel.shape == (8, 3, 3, 3)
        (True, True)
    """

    def __init__(
        self,
        dimension_numbers: Sequence[str],
        out_features: int,
        kernel_size: Sizes,
        *,
        in_features: int | None = None,
        stride: Sizes = 1,
        padding: Padding = "SAME",
        dilation: Sizes = 1,
        groups: int = 1,
        padding_mode: str = "ZEROS",
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.dimension_numbers = _axis_orders.texts(dimension_numbers)
        axes = len(_axis_orders.spatial_letters(self.dimension_numbers[1]))
        self.in_features, self.out_features = in_features, out_features
        self.kernel_size = _shapes.per_axis("kernel_size", kernel_size, axes)
        _checks.split("GeneralConv", 0 if in_features is None else in_features, out_features, groups)
        self.stride, self.padding, self.dilation = hashable(stride), hashable(padding), hashable(dilation)
        self.groups, self.padding_mode, self.use_bias = groups, padding_mode, use_bias
        self._kernel_init, self._bias_init, self._dtype = kernel_init, bias_init, str(dtype)
        self._declare()

    def _declare(self) -> None:
        per_group = None if self.in_features is None else self.in_features // self.groups
        order = _axis_orders.axis_orders(self.dimension_numbers)[1]
        known = (*self.kernel_size, per_group, self.out_features)
        shape = tuple(known[order.index(axis)] for axis in range(len(order)))
        self.kernel: Any = _leaves.parameter(_Permuted(self._kernel_init, order), shape, self._dtype)
        self.bias: Any = (
            _leaves.parameter(self._bias_init, (self.out_features,), self._dtype) if self.use_bias else None
        )

    def infer_sizes(self, x: Any) -> None:
        """Take the missing size from an example input."""
        _checks.exact_rank("GeneralConv", "x", x, len(self.dimension_numbers[0]))
        self.in_features = int(x.shape[self.dimension_numbers[0].index("C")])
        self._declare()

    def __call__(self, x: Any) -> Any:
        """Apply the layer to ``x``, with the axes of the first text."""
        _checks.exact_rank("GeneralConv", "x", x, len(self.dimension_numbers[0]))
        given = x.shape[self.dimension_numbers[0].index("C")]
        if self.in_features is not None and given != self.in_features:
            raise ShapeError(
                f"GeneralConv got {given} features on the axis C of `x`, but was built for {self.in_features}.",
                got=f"x = {config.describe_value(x)}, dimension_numbers = {self.dimension_numbers!r}",
                expected=f"{self.in_features} features",
                fix="pass x with its axes in the order of the first text, or name another order",
            )
        _leaves.check_input(self, x, self.kernel, None, "in_features")
        return functional.general_conv(
            x,
            self.kernel,
            self.bias,
            dimension_numbers=self.dimension_numbers,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            padding_mode=self.padding_mode,
        )


@dataclasses.dataclass(frozen=True)
class _Permuted:
    """Draws a kernel with its axes in the usual order, and puts them in that of the leaf."""

    init: _leaves.Fill
    order: tuple[int, ...]

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: str) -> Any:
        usual = self.init(key, tuple(shape[axis] for axis in self.order), dtype)
        return unp.copy(unp.permute_dims(usual, tuple(self.order.index(axis) for axis in range(len(self.order)))))
