"""Convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.core.module import Module
from unimod.nn import _leaves, functional, initializers
from unimod.nn._shapes import Padding


class Conv(Module):
    """Convolution over 1, 2 or 3 spatial axes, channels last.

    Args:
        in_features: number of input channels; None: taken from the example input at ``init``.
        out_features: number of output channels.
        kernel_size: size along each spatial axis; one int means two spatial axes.
        stride: step of the window, an int or one for each axis.
        padding: ``"SAME"``, ``"VALID"``, ``"CAUSAL"``, an int, or pairs.
        dilation: spacing of the kernel's taps, an int or one for each axis.
        groups: number of groups of channels; ``in_features`` makes it depthwise.
        use_bias: whether to add a bias.
        kernel_init: ``init(key, shape, dtype)`` of the kernel ``(*kernel_size, in_features // groups, out_features)``.
        bias_init: likewise of the bias ``(out_features,)``.
        dtype: of the leaves; inputs must have it too.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.Conv(3, 8, (3, 3), stride=2).init(0)
        >>> layer(um.numpy.ones((1, 9, 9, 3))).shape == (1, 5, 5, 8)
        True
    """

    def __init__(
        self,
        in_features: int | None,
        out_features: int,
        kernel_size: int | Sequence[int],
        *,
        stride: int | Sequence[int] = 1,
        padding: Padding = "SAME",
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.kernel_size = (kernel_size,) * 2 if isinstance(kernel_size, int) else tuple(kernel_size)
        self.stride, self.padding, self.dilation = _hashable(stride), _hashable(padding), _hashable(dilation)
        self.groups, self.use_bias = groups, use_bias
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
        self.in_features = int(x.shape[-1])
        self._declare()

    def __call__(self, x: Any) -> Any:
        """Apply the layer to ``x``, of shape ``(batch, *spatial, in_features)``."""
        _leaves.check_input(self, x, self.kernel, self.in_features, "in_features")
        y = functional.conv(
            x, self.kernel, stride=self.stride, padding=self.padding, dilation=self.dilation, groups=self.groups
        )
        return y if self.bias is None else y + self.bias


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value
