"""Layers that resize, pad and rearrange images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod.core.module import Module
from unimod.nn import _layouts, _shapes, functional
from unimod.nn.conv import hashable

Sizes = int | Sequence[int]


class Resize(Module):
    """Images of a given size, channels last.

    Args:
        size: the new size of all spatial axes, or of each.
        method: ``"nearest"``, ``"linear"``, ``"cubic"`` or ``"lanczos3"``.
        antialias: whether the kernel is as wide as an output pixel where an axis gets shorter.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.

    Example:
        >>> import unimod as um
        >>> um.nn.Resize((7, 3))(um.numpy.ones((1, 4, 4, 3))).shape == (1, 7, 3, 3)
        True
    """

    def __init__(
        self, size: Sizes, *, method: str = "linear", antialias: bool = True, data_format: str | None = None
    ) -> None:
        self.size, self.method, self.antialias, self.data_format = hashable(size), method, antialias, data_format

    def __call__(self, x: Any) -> Any:
        """Resize ``x``, of shape ``(batch, *spatial, channels)``."""
        return functional.resize(
            x, self.size, method=self.method, antialias=self.antialias, data_format=self.data_format
        )


class Upsample(Module):
    """Images that are larger by a whole factor, channels last.

    Args:
        factor: how many times larger all spatial axes get, or each.
        method: ``"nearest"``, ``"linear"``, ``"cubic"`` or ``"lanczos3"``.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.

    Example:
        >>> import unimod as um
        >>> um.nn.Upsample(2)(um.numpy.asarray([[[1.0], [3.0]]]))[0, :, 0].tolist()
        [1.0, 1.0, 3.0, 3.0]
    """

    def __init__(self, factor: Sizes, *, method: str = "nearest", data_format: str | None = None) -> None:
        self.factor, self.method, self.data_format = hashable(factor), method, data_format

    def __call__(self, x: Any) -> Any:
        """Enlarge ``x``, of shape ``(batch, *spatial, channels)``."""
        axes = _layouts.count("Upsample", x, self.factor, self.data_format)
        factors = _shapes.per_axis("factor", self.factor, axes)
        end = len(x.shape) if _layouts.is_first(self.data_format, axes) else len(x.shape) - 1
        size = tuple(int(n) * factor for n, factor in zip(x.shape[end - axes : end], factors, strict=True))
        return functional.resize(x, size, method=self.method, data_format=self.data_format)


class PixelShuffle(Module):
    """Channels become pixels: ``(..., H, W, C * r * r)`` becomes ``(..., H * r, W * r, C)``.

    Args:
        factor: ``r``, one number for two spatial axes, or one for each.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.

    Example:
        >>> import unimod as um
        >>> um.nn.PixelShuffle(2)(um.numpy.ones((1, 3, 3, 8))).shape == (1, 6, 6, 2)
        True

    Source: Shi et al. (2016), arXiv:1609.05158.
    """

    def __init__(self, factor: Sizes, *, data_format: str | None = None) -> None:
        self.factor, self.data_format = hashable(factor), data_format

    def __call__(self, x: Any) -> Any:
        """Rearrange ``x``."""
        return functional.pixel_shuffle(x, self.factor, data_format=self.data_format)


class PixelUnshuffle(Module):
    """Pixels become channels, the way back of ``PixelShuffle``; its arguments.

    Example:
        >>> import unimod as um
        >>> um.nn.PixelUnshuffle(2)(um.numpy.ones((1, 6, 6, 2))).shape == (1, 3, 3, 8)
        True
    """

    def __init__(self, factor: Sizes, *, data_format: str | None = None) -> None:
        self.factor, self.data_format = hashable(factor), data_format

    def __call__(self, x: Any) -> Any:
        """Rearrange ``x``."""
        return functional.pixel_unshuffle(x, self.factor, data_format=self.data_format)


class Pad(Module):
    """Elements put around the spatial axes, channels last.

    Args:
        widths: one for all sides of the spatial axes, or one or a pair ``(before, after)`` for each axis.
        mode: ``"constant"``, ``"edge"``, ``"reflect"``, ``"symmetric"`` or ``"wrap"``.
        value: of the constant elements.
        data_format: ``"NCW"``, ``"NCHW"`` or ``"NCDHW"`` for images with the channels first.

    Example:
        >>> import unimod as um
        >>> um.nn.Pad(1, mode="reflect")(um.numpy.asarray([[[1.0], [3.0]]]))[0, :, 0].tolist()
        [3.0, 1.0, 3.0, 1.0]
    """

    def __init__(
        self,
        widths: int | Sequence[int | tuple[int, int]],
        *,
        mode: str = "constant",
        value: float = 0.0,
        data_format: str | None = None,
    ) -> None:
        self.widths, self.mode, self.value, self.data_format = hashable(widths), mode, value, data_format

    def __call__(self, x: Any) -> Any:
        """Pad ``x``, of shape ``(batch, *spatial, channels)``."""
        return functional.pad_spatial(x, self.widths, mode=self.mode, value=self.value, data_format=self.data_format)
