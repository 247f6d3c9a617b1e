"""Convolution with a kernel of its own at each place."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import unimod.numpy as unp
from unimod.core.module import Module
from unimod.errors import OptionError
from unimod.nn import _layouts, _leaves, _shapes, functional, initializers
from unimod.nn._shapes import Padding
from unimod.nn.conv import Sizes, hashable, inferred, kernel_sizes


class ConvLocal(Module):
    """A convolution with a kernel of its own at each place of the output (also called locally connected).

    Args:
        in_features: number of input channels; None: taken from the example input at ``init``.
        out_features: number of output channels.
        kernel_size: as in ``Conv``.
        spatial: the sizes of the spatial axes of the input; None: taken from the example input at ``init``.
        stride: as in ``Conv``.
        padding: ``"VALID"``, ``"SAME"``, an int, or pairs.
        dilation: as in ``Conv``.
        data_format: as in ``Conv``.
        use_bias: whether to add a bias at each place.
        kernel_init: ``init(key, shape, dtype)`` of ``(*kernel_size, in_features, num_places * out_features)``; the
            kernel itself is ``(*places, *kernel_size, in_features, out_features)``.
        bias_init: likewise of the bias ``(*places, out_features)``.
        dtype: of the leaves; inputs must have it too.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.ConvLocal(3, 8, 3, spatial=(5, 6)).init(0)
        >>> layer(um.numpy.ones((1, 5, 6, 3))).shape == (1, 3, 4, 8), layer.kernel.shape == (3, 4, 3, 3, 3, 8)
        (True, True)
    """

    _axes: ClassVar[int] = 2
    _of_any_rank: ClassVar[bool] = True

    def __init__(
        self,
        in_features: int | None,
        out_features: int,
        kernel_size: Sizes,
        *,
        spatial: Sequence[int] | None = None,
        stride: Sizes = 1,
        padding: Padding = "VALID",
        dilation: Sizes = 1,
        data_format: str | None = None,
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.kernel_size = kernel_sizes(self, kernel_size)
        self.spatial = None if spatial is None else tuple(spatial)
        self.stride, self.padding, self.dilation = hashable(stride), hashable(padding), hashable(dilation)
        self.data_format, self.use_bias = data_format, use_bias
        self._kernel_init, self._bias_init, self._dtype = kernel_init, bias_init, str(dtype)
        self._declare()

    def _declare(self) -> None:
        axes = len(self.kernel_size)
        places: tuple[int | None, ...] = (None,) * axes
        if self.spatial is not None:
            if len(self.spatial) != axes:
                raise OptionError(
                    f"`spatial` does not fit {axes} spatial axes.",
                    got=f"spatial = {self.spatial!r}",
                    expected=f"{axes} sizes",
                    fix="pass the sizes of the spatial axes of the input",
                )
            places = _shapes.plan(self.spatial, self.kernel_size, self.stride, self.dilation, self.padding).out
        shape = (*places, *self.kernel_size, self.in_features, self.out_features)
        self.kernel: Any = _leaves.parameter(_Places(self._kernel_init, axes), shape, self._dtype)
        self.bias: Any = (
            _leaves.parameter(self._bias_init, (*places, self.out_features), self._dtype) if self.use_bias else None
        )

    def infer_sizes(self, x: Any) -> None:
        """Take the missing sizes from an example input."""
        axes = len(self.kernel_size)
        self.in_features = inferred(x, axes, self.data_format)
        end = len(x.shape) if _layouts.is_first(self.data_format, axes) else len(x.shape) - 1
        self.spatial = tuple(map(int, x.shape[end - axes : end]))
        self._declare()

    def __call__(self, x: Any) -> Any:
        """Apply the layer to ``x``, of shape ``(batch, *spatial, in_features)``."""
        _layouts.check_input(self, x, self.kernel, self.in_features, len(self.kernel_size), self.data_format)
        return functional.conv_local(
            x,
            self.kernel,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            data_format=self.data_format,
        )


@dataclasses.dataclass(frozen=True)
class _Places:
    """Draws the kernels of all places as more outputs of one, so that places do not count as inputs of a neuron."""

    init: _leaves.Fill
    axes: int

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: str) -> Any:
        count, (*rest, features) = math.prod(shape[: self.axes]), shape[self.axes :]
        drawn = unp.reshape(self.init(key, (*rest, count * features), dtype), (*rest, count, features))
        return unp.reshape(unp.moveaxis(drawn, -2, 0), shape)
