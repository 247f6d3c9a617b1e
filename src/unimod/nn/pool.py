"""Pooling layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.core.module import Module
from unimod.nn import _checks, functional
from unimod.nn._shapes import Padding
from unimod.nn.conv import hashable

Sizes = int | Sequence[int]


class _Pool(Module):
    """The options of windows."""

    def __init__(
        self,
        window: Sizes,
        *,
        stride: Sizes | None = None,
        padding: Padding = "VALID",
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        data_format: str | None = None,
    ) -> None:
        self.window, self.stride, self.padding = hashable(window), hashable(stride), hashable(padding)
        self.dilation, self.ceil_mode, self.data_format = hashable(dilation), ceil_mode, data_format

    def _options(self) -> dict[str, Any]:
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "ceil_mode": self.ceil_mode,
            "data_format": self.data_format,
        }


class MaxPool(_Pool):
    """The maximum of each window of the spatial axes, channels last.

    Args:
        window: size of the window; one int means all spatial axes.
        stride: step of the window (default: its size).
        padding: ``"SAME"``, ``"VALID"``, an int, or pairs; padded places never win.
        dilation: step inside the window.
        ceil_mode: whether a last window may reach over the end, if it starts before it.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.

    Example:
        >>> import unimod as um
        >>> um.nn.MaxPool(2)(um.numpy.ones((1, 4, 4, 3))).shape == (1, 2, 2, 3)
        True
    """

    def __call__(self, x: Any) -> Any:
        """Pool ``x``, of shape ``(batch, *spatial, channels)``."""
        return functional.max_pool(x, self.window, **self._options())


class MinPool(_Pool):
    """The minimum of each window of the spatial axes, channels last. Arguments as in ``MaxPool``.

    Example:
        >>> import unimod as um
        >>> um.nn.MinPool(2)(um.numpy.ones((1, 4, 4, 3))).shape == (1, 2, 2, 3)
        True
    """

    def __call__(self, x: Any) -> Any:
        """Pool ``x``, of shape ``(batch, *spatial, channels)``."""
        return functional.min_pool(x, self.window, **self._options())


class SumPool(_Pool):
    """The sum of each window of the spatial axes, channels last. Arguments as in ``MaxPool``; padding is 0.

    Example:
        >>> import unimod as um
        >>> um.nn.SumPool(2)(um.numpy.ones((1, 4, 1)))[0, :, 0].tolist()
        [2.0, 2.0]
    """

    def __call__(self, x: Any) -> Any:
        """Pool ``x``, of shape ``(batch, *spatial, channels)``."""
        return functional.sum_pool(x, self.window, **self._options())


class AvgPool(_Pool):
    """The mean of each window of the spatial axes, channels last.

    Args:
        window: size of the window; one int means all spatial axes.
        stride: step of the window (default: its size).
        padding: as for ``MaxPool``.
        dilation: step inside the window.
        ceil_mode: as for ``MaxPool``; what a window reaches over the end never counts.
        count_include_pad: whether padded places count as zeros.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.

    Example:
        >>> import unimod as um
        >>> um.nn.AvgPool((2, 2))(um.numpy.ones((1, 4, 4, 3))).shape == (1, 2, 2, 3)
        True
    """

    def __init__(
        self,
        window: Sizes,
        *,
        stride: Sizes | None = None,
        padding: Padding = "VALID",
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        data_format: str | None = None,
    ) -> None:
        super().__init__(
            window, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode, data_format=data_format
        )
        self.count_include_pad = count_include_pad

    def __call__(self, x: Any) -> Any:
        """Pool ``x``, of shape ``(batch, *spatial, channels)``."""
        return functional.avg_pool(x, self.window, count_include_pad=self.count_include_pad, **self._options())


class LpPool(_Pool):
    """``sum(|x| ** norm) ** (1 / norm)`` of each window of the spatial axes, channels last.

    Args:
        window: size of the window; one int means all spatial axes.
        norm: a number of at least 1.
        stride: step of the window (default: its size).
        padding: as for ``MaxPool``; padded places are 0.
        dilation: step inside the window.
        ceil_mode: as for ``MaxPool``.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.

    Example:
        >>> import unimod as um
        >>> um.nn.LpPool(2)(um.numpy.asarray([[[3.0], [-4.0]]])).tolist()
        [[[5.0]]]
    """

    def __init__(
        self,
        window: Sizes,
        *,
        norm: float = 2.0,
        stride: Sizes | None = None,
        padding: Padding = "VALID",
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        data_format: str | None = None,
    ) -> None:
        super().__init__(
            window, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode, data_format=data_format
        )
        _checks.norm(norm)
        self.norm = float(norm)

    def __call__(self, x: Any) -> Any:
        """Pool ``x``, of shape ``(batch, *spatial, channels)``."""
        return functional.lp_pool(x, self.window, norm=self.norm, **self._options())
