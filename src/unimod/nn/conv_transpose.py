"""Transposed convolution layers."""

from __future__ import annotations

from typing import Any, ClassVar

from unimod.core.module import Module
from unimod.nn import _checks, _layouts, _leaves, functional, initializers
from unimod.nn._shapes import Padding
from unimod.nn.conv import Sizes, hashable, inferred, kernel_sizes


class ConvTranspose(Module):
    """Transposed convolution over 1, 2 or 3 spatial axes, channels last: the derivative of ``Conv`` by its input.

    Args:
        in_features: number of input channels; None: taken from the example input at ``init``.
        out_features: number of output channels.
        kernel_size: size along each spatial axis; one int means two spatial axes (in ``ConvTranspose1D`` one, in
            ``ConvTranspose3D`` three).
        stride: step between the outputs of neighbouring inputs, an int or one for each axis.
        padding: ``"SAME"`` gives ``n * stride`` outputs, ``"VALID"`` all of them; an int or pairs are cut from all.
        output_padding: so many outputs more at the end of each axis.
        dilation: spacing of the kernel's taps, an int or one for each axis.
        groups: number of groups of channels.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.
        use_bias: whether to add a bias.
        kernel_init: ``init(key, shape, dtype)`` of the kernel ``(*kernel_size, in_features // groups, out_features)``.
        bias_init: likewise of the bias ``(out_features,)``.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: the channels are not those that it was built for, the groups do not divide them, or nothing is left.
        DTypeError: the input has another dtype.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.ConvTranspose(3, 8, (3, 3), stride=2).init(0)
        >>> layer(um.numpy.ones((1, 4, 4, 3))).shape == (1, 8, 8, 8)
        True

    Differences: Flax and ``jax.lax.conv_transpose`` flip the kernel unless ``transpose_kernel=True``; PyTorch and Keras
    do as here.
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
        output_padding: Sizes = 0,
        dilation: Sizes = 1,
        groups: int = 1,
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
        self.output_padding, self.groups = hashable(output_padding), groups
        self.data_format, self.use_bias = data_format, use_bias
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
        return functional.conv_transpose(
            x,
            self.kernel,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            dilation=self.dilation,
            groups=self.groups,
            data_format=self.data_format,
        )


class ConvTranspose1D(ConvTranspose):
    """:class:`ConvTranspose` over one spatial axis.

    Example:
        >>> import unimod as um
        >>> um.nn.ConvTranspose1D(3, 8, 4, stride=2).init(0)(um.numpy.ones((1, 5, 3))).shape == (1, 10, 8)
        True
    """

    _axes: ClassVar[int] = 1
    _of_any_rank: ClassVar[bool] = False


class ConvTranspose2D(ConvTranspose):
    """:class:`ConvTranspose` over two spatial axes.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.ConvTranspose2D(3, 8, 3, stride=2, padding=1, output_padding=1).init(0)
        >>> layer(um.numpy.ones((1, 4, 4, 3))).shape == (1, 8, 8, 8)
        True
    """

    _of_any_rank: ClassVar[bool] = False


class ConvTranspose3D(ConvTranspose):
    """:class:`ConvTranspose` over three spatial axes.

    Example:
        >>> import unimod as um
        >>> um.nn.ConvTranspose3D(2, 4, 2, stride=2).init(0)(um.numpy.ones((1, 3, 3, 3, 2))).shape == (1, 6, 6, 6, 4)
        True
    """

    _axes: ClassVar[int] = 3
    _of_any_rank: ClassVar[bool] = False
