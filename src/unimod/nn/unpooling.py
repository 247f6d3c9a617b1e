"""Max pooling that says where the maxima were, and the way back, as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.core.module import Module
from unimod.nn import _unpooling
from unimod.nn._shapes import Padding
from unimod.nn.conv import hashable
from unimod.nn.pool import MaxPool

Sizes = int | Sequence[int]


class MaxPoolWithIndices(MaxPool):
    """``MaxPool`` that says where the maxima were, for ``MaxUnpool``. Arguments as in ``MaxPool``.

    Example:
        >>> import unimod as um
        >>> values, indices = um.nn.MaxPoolWithIndices(2)(um.numpy.asarray([[[1.0], [4.0], [3.0], [2.0]]]))
        >>> values[0, :, 0].tolist(), indices[0, :, 0].tolist()
        ([4.0, 3.0], [1, 2])
    """

    def __call__(self, x: Any) -> tuple[Any, Any]:
        """The maxima of ``x``, ``(batch, *spatial, channels)``, and their places in the spatial axes as int32."""
        return _unpooling.max_pool_with_indices(x, self.window, **self._options())


class MaxUnpool(Module):
    """What undoes ``MaxPoolWithIndices``: the maxima at their places, and 0 elsewhere, channels last.

    Args:
        window: size of the window that was pooled; one int means all spatial axes.
        stride: step of the window (default: its size).
        padding: ``"VALID"``, an int, or pairs.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([[[1.0], [4.0], [3.0], [2.0]]])
        >>> um.nn.MaxUnpool(2)(*um.nn.MaxPoolWithIndices(2)(x))[0, :, 0].tolist()
        [0.0, 4.0, 3.0, 0.0]
    """

    def __init__(
        self, window: Sizes, *, stride: Sizes | None = None, padding: Padding = "VALID", data_format: str | None = None
    ) -> None:
        self.window, self.stride, self.padding = hashable(window), hashable(stride), hashable(padding)
        self.data_format = data_format

    def __call__(self, x: Any, indices: Any, *, size: Sequence[int] | None = None) -> Any:
        """Images of the maxima ``x`` and their ``indices``.

        Args:
            x: the maxima, ``(batch, *spatial, channels)``.
            indices: integers of that shape.
            size: of the spatial axes of the images, where strides and padding do not tell it.
        """
        return _unpooling.max_unpool(
            x,
            indices,
            self.window,
            stride=self.stride,
            padding=self.padding,
            size=size,
            data_format=self.data_format,
        )
