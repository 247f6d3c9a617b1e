"""Convolution layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from unimod.core.module import Module
from unimod.nn import _checks, _layouts, _leaves, _shapes, functional, initializers
from unimod.nn._shapes import Padding

Sizes = int | Sequence[int]


class Conv(Module):
    """Convolution over 1, 2 or 3 spatial axes, channels last.

    Args:
        in_features: number of input channels; None: taken from the example input at ``init``.
        out_features: number of output channels.
        kernel_size: size along each spatial axis; one int means two spatial axes (in ``Conv1D`` one, in ``Conv3D``
            three).
        stride: step of the window, an int or one for each axis.
        padding: ``"SAME"``, ``"VALID"``, ``"CAUSAL"``, ``"CIRCULAR"``, ``"REFLECT"``, ``"EDGE"``, an int, or pairs.
        dilation: spacing of the kernel's taps, an int or one for each axis.
        groups: number of groups of channels; ``in_features`` makes it depthwise.
        padding_mode: what is put around the input: ``"ZEROS"``, ``"CIRCULAR"``, ``"REFLECT"`` or ``"EDGE"``.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.
        use_bias: whether to add a bias.
        kernel_init: ``init(key, shape, dtype)`` of the kernel ``(*kernel_size, in_features // groups, out_features)``.
        bias_init: likewise of the bias ``(out_features,)``.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: the channels are not those that it was built for, the groups do not divide them, or the kernel is
            larger than the padded input.
        DTypeError: the input has another dtype.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.Conv(3, 8, (3, 3), stride=2).init(0)
        >>> layer(um.numpy.ones((1, 9, 9, 3))).shape == (1, 5, 5, 8)
        True

    Differences: PyTorch's stand with the channels first, take a width of padding, 0 by default, and ask for the options
    in its own names; ``padding=1`` and ``data_format="NCHW"`` are those.
    """

    _axes: ClassVar[int] = 2
    _of_any_rank: ClassVar[bool] = True

    def __init__(
        self,
        in_features: int | None,
        out_features: int,
        kernel_size: Sizes,
        *,
        stride: Sizes = 1,
        padding: Padding = "SAME",
        dilation: Sizes = 1,
        groups: int = 1,
        padding_mode: str = "ZEROS",
        data_format: str | None = None,
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.kernel_size = kernel_sizes(self, kernel_size)
        _checks.split(type(self).__name__, 0 if in_features is None else in_features, out_features, groups)
        self.stride, self.padding, self.dilation = hashable(stride), hashable(padding), hashable(dilation)
        self.groups, self.padding_mode, self.data_format, self.use_bias = groups, padding_mode, data_format, use_bias
        self._kernel_init, self._bias_init, self._dtype = kernel_init, bias_init, str(dtype)
        self._declare()

    def _declare(self) -> None:
        per_group = None if self.in_features is None else self.in_features // self.groups
        shape = (*self.kernel_size, per_group, self.out_features)
        self.kernel: Any = _leaves.parameter(self._kernel_init, shape, self._dtype)
        self.bias: Any = (
            _leaves.parameter(self._bias_init, (self.out_features,), self._dtype) if self.use_bias else None
        )

    def infer_sizes(self, x: Any) -> None:
        """Take the missing size from an example input."""
        self.in_features = inferred(x, len(self.kernel_size), self.data_format)
        self._declare()

    def __call__(self, x: Any) -> Any:
        """Apply the layer to ``x``, of shape ``(batch, *spatial, in_features)``."""
        _layouts.check_input(self, x, self.kernel, self.in_features, len(self.kernel_size), self.data_format)
        return functional.conv(
            x,
            self.kernel,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            padding_mode=self.padding_mode,
            data_format=self.data_format,
        )


class Conv1D(Conv):
    """:class:`Conv` over one spatial axis.

    Example:
        >>> import unimod as um
        >>> um.nn.Conv1D(3, 8, 5, padding="CAUSAL").init(0)(um.numpy.ones((1, 9, 3))).shape == (1, 9, 8)
        True
    """

    _axes: ClassVar[int] = 1
    _of_any_rank: ClassVar[bool] = False


class Conv2D(Conv):
    """:class:`Conv` over two spatial axes.

    Example:
        >>> import unimod as um
        >>> um.nn.Conv2D(3, 8, 3, data_format="NCHW").init(0)(um.numpy.ones((1, 3, 9, 9))).shape == (1, 8, 9, 9)
        True
    """

    _of_any_rank: ClassVar[bool] = False


class Conv3D(Conv):
    """:class:`Conv` over three spatial axes.

    Example:
        >>> import unimod as um
        >>> um.nn.Conv3D(2, 4, 3).init(0)(um.numpy.ones((1, 5, 5, 5, 2))).shape == (1, 5, 5, 5, 4)
        True
    """

    _axes: ClassVar[int] = 3
    _of_any_rank: ClassVar[bool] = False


def kernel_sizes(layer: Any, given: Any) -> tuple[int, ...]:
    """The size of the kernel along each axis, for a layer of a fixed number of axes or of 1 to 3 of them."""
    many = not isinstance(given, int) and layer._of_any_rank
    axes = len(tuple(given)) if many else layer._axes
    _checks.spatial(type(layer).__name__, axes)
    return _shapes.per_axis("kernel_size", given, axes)


def inferred(x: Any, axes: int, data_format: str | None) -> int:
    """The number of channels of an example input."""
    _checks.rank("init", "x", x, axes + 1)
    return int(x.shape[_layouts.channel_axis(data_format, axes)])


def hashable(value: Any) -> Any:
    """``value`` with tuples in place of lists, as an option of a layer has to be."""
    return tuple(map(hashable, value)) if isinstance(value, (list, tuple)) else value
