"""Convolutions, pooling, and what resizes, pads and rearranges images: the layers, and their functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod import nn
from unimod.core.module import Module
from unimod.nn import functional as F  # noqa: N812
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data

_Inputs = Callable[[Data], tuple[Any, ...]]

_MAIN = ("float32", "float64", "bfloat16")
_ONLY = ("float32",)
_EXACT = Bound(eps=1, why="values are chosen or moved")
_SUMS = Bound(eps=16, why="sums of products, in another order on each engine")
_MIXED = Bound(eps=24, why="sums of products one after the other, whose results cancel in part")
_ROOTS = Bound(eps=16, why="a power, a sum and a root in a row")
_SLOPES = Bound(eps=128, why="derivatives of sums, added over the batch")


def _sequences(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 5, 2),)


def _images(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 4, 5, 2),)


def _planes(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 2, 4, 5),)


def _volumes(d: Data) -> tuple[Any, ...]:
    return (d.array(1, 2, 3, 2, 2),)


def _small(d: Data) -> tuple[Any, ...]:
    return (d.array(1, 3, 2, 2),)


def _wide(d: Data) -> tuple[Any, ...]:
    return (d.array(1, 4, 4, 4),)


def _odd(d: Data) -> tuple[Any, ...]:
    return (d.array(1, 5, 7, 2),)


def _hwcn(d: Data) -> tuple[Any, ...]:
    return (d.array(4, 5, 2, 2),)


_LAYERS: dict[str, tuple[Callable[[], Module], _Inputs, Bound, tuple[str, ...]]] = {
    "Conv[channels_first]": (lambda: nn.Conv(2, 4, 3, stride=2, groups=2, data_format="NCHW"), _planes, _SUMS, _ONLY),
    "Conv[circular]": (lambda: nn.Conv(2, 3, (2, 3), padding="CIRCULAR"), _images, _SUMS, _ONLY),
    "Conv[reflect]": (lambda: nn.Conv(2, 3, 3, padding=(1, (2, 0)), padding_mode="REFLECT"), _images, _SUMS, _ONLY),
    "Conv[edge]": (lambda: nn.Conv(2, 3, 3, padding="EDGE", stride=2, use_bias=False), _images, _SUMS, _ONLY),
    "Conv1D": (lambda: nn.Conv1D(2, 3, 3, padding="CAUSAL", dilation=2), _sequences, _SUMS, _ONLY),
    "Conv2D": (lambda: nn.Conv2D(None, 3, (3, 2), padding=1), _images, _SUMS, _ONLY),
    "Conv3D": (lambda: nn.Conv3D(2, 3, 2, stride=(1, 2, 1)), _volumes, _SUMS, _ONLY),
    "ConvTranspose": (lambda: nn.ConvTranspose(2, 3, 3, stride=2), _small, _SUMS, _ONLY),
    "ConvTranspose[valid]": (
        lambda: nn.ConvTranspose(2, 4, (3, 2), stride=(1, 3), groups=2, padding="VALID", dilation=(2, 1)),
        _small, _SUMS, _ONLY,
    ),
    "ConvTranspose[output_padding]": (
        lambda: nn.ConvTranspose(2, 3, 3, stride=3, padding=((1, 1), (2, 1)), output_padding=(1, 2)), _small, _SUMS,
        _ONLY,
    ),
    "ConvTranspose[channels_first]": (
        lambda: nn.ConvTranspose(2, 3, 2, stride=2, data_format="NCHW"), lambda d: (d.array(1, 2, 3, 2),), _SUMS,
        _ONLY,
    ),
    "ConvTranspose1D": (lambda: nn.ConvTranspose1D(2, 3, 4, stride=2, padding=1), _sequences, _SUMS, _ONLY),
    "ConvTranspose2D": (lambda: nn.ConvTranspose2D(None, 2, 2, use_bias=False), _small, _SUMS, _ONLY),
    "ConvTranspose3D": (lambda: nn.ConvTranspose3D(2, 2, 2, stride=2), _volumes, _SUMS, _ONLY),
    "ConvLocal": (lambda: nn.ConvLocal(None, 2, (2, 3), stride=(1, 2)), _images, _SUMS, _ONLY),
    "ConvLocal[same]": (
        lambda: nn.ConvLocal(2, 2, 3, spatial=(4, 5), padding="SAME", dilation=2, data_format="NCHW"), _planes,
        _SUMS, _ONLY,
    ),
    "DepthwiseConv": (lambda: nn.DepthwiseConv(2, 3, channel_multiplier=2), _images, _SUMS, _ONLY),
    "SeparableConv": (lambda: nn.SeparableConv(None, 3, 2, channel_multiplier=2), _images, _MIXED, _ONLY),
    "GeneralConv": (lambda: nn.GeneralConv(("HWCN", "OIHW", "NHWC"), 3, (3, 2)), _hwcn, _SUMS, _ONLY),
    "GeneralConv[options]": (
        lambda: nn.GeneralConv(
            ("NCHW", "OWHI", "WHNC"), 4, (2, 3), in_features=2, stride=(1, 2), padding="VALID", groups=2,
            dilation=(2, 1),
        ),
        _planes, _SUMS, _ONLY,
    ),
    "MaxPool[dilation]": (
        lambda: nn.MaxPool((2, 3), stride=(1, 2), dilation=(2, 1), padding=1), _images, _EXACT, _ONLY,
    ),
    "MaxPool[ceil]": (lambda: nn.MaxPool(2, ceil_mode=True, data_format="NCHW"), _planes, _EXACT, _MAIN),
    "MinPool": (lambda: nn.MinPool(3, stride=2, padding="SAME"), _images, _EXACT, _ONLY),
    "SumPool": (lambda: nn.SumPool(2, dilation=2, stride=1), _images, Bound(eps=4), _ONLY),
    "AvgPool[ceil]": (lambda: nn.AvgPool(2, padding=(1, 0), ceil_mode=True), _images, Bound(eps=4), _ONLY),
    "AvgPool[counted]": (
        lambda: nn.AvgPool(2, padding="SAME", dilation=2, stride=2, count_include_pad=False, data_format="NCHW"),
        _planes, Bound(eps=4), _ONLY,
    ),
    "AvgPool[volumes]": (lambda: nn.AvgPool(2, stride=1), _volumes, Bound(eps=4), _ONLY),
    "LpPool": (lambda: nn.LpPool(2), _images, _ROOTS, _MAIN),
    "LpPool[norm]": (lambda: nn.LpPool(2, norm=3, stride=1, data_format="NCHW"), _planes, _ROOTS, _ONLY),
    "AdaptiveAvgPool": (lambda: nn.AdaptiveAvgPool((3, 2)), _odd, Bound(eps=8), _MAIN),
    "AdaptiveAvgPool[one]": (lambda: nn.AdaptiveAvgPool((None, 3), data_format="NCHW"), _planes, Bound(eps=8), _ONLY),
    "AdaptiveMaxPool": (lambda: nn.AdaptiveMaxPool((3, 5)), _odd, _EXACT, _MAIN),
    "AdaptiveMaxPool[whole]": (lambda: nn.AdaptiveMaxPool((2, None)), _images, _EXACT, _ONLY),
    "GlobalAvgPool": (nn.GlobalAvgPool, _images, Bound(eps=8), _MAIN),
    "GlobalAvgPool[channels_first]": (lambda: nn.GlobalAvgPool(data_format="NCHW"), _planes, Bound(eps=8), _ONLY),
    "GlobalMaxPool": (lambda: nn.GlobalMaxPool(keepdims=True), _sequences, _EXACT, _ONLY),
    "Resize": (lambda: nn.Resize((7, 3)), _images, _SUMS, _MAIN),
    "Resize[nearest]": (lambda: nn.Resize((6, 10), method="nearest"), _images, _EXACT, _ONLY),
    "Resize[cubic]": (lambda: nn.Resize((6, 3), method="cubic", data_format="NCHW"), _planes, _MIXED, _ONLY),
    "Resize[aliased]": (lambda: nn.Resize((2, 3), method="cubic", antialias=False), _images, _MIXED, _ONLY),
    "Resize[lanczos3]": (lambda: nn.Resize((2, 7), method="lanczos3"), _images, _MIXED, _ONLY),
    "Upsample": (lambda: nn.Upsample(2), _images, _EXACT, _ONLY),
    "Upsample[linear]": (lambda: nn.Upsample((2, 3), method="linear", data_format="NCHW"), _planes, _SUMS, _ONLY),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), lambda d: (d.array(1, 2, 3, 8),), _EXACT, _ONLY),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle((2, 1), data_format="NCHW"), _planes, _EXACT, _ONLY),
    "Pad": (lambda: nn.Pad((1, (0, 2)), value=0.5), _images, _EXACT, _ONLY),
    "Pad[reflect]": (lambda: nn.Pad(2, mode="reflect", data_format="NCHW"), _planes, _EXACT, _ONLY),
}  # fmt: skip


def _biased(d: Data) -> tuple[Any, ...]:
    return d.array(2, 4, 5, 2), d.array(3, 2, 2, 3), d.array(3)


def _swapped(d: Data) -> tuple[Any, ...]:
    return d.array(4, 5, 2, 1), d.array(3, 2, 3, 2), d.array(3)


def _unshared(d: Data) -> tuple[Any, ...]:
    return d.array(2, 4, 2), d.array(3, 2, 2, 2), d.array(3, 2)


_FUNCTIONS: dict[str, tuple[Callable[..., Any], _Inputs, Bound]] = {
    "conv[bias]": (F.conv, _biased, _SUMS),
    "conv_transpose[bias]": (lambda x, k, b: F.conv_transpose(x, k, b, stride=2), _biased, _SUMS),
    "conv_transpose[zeros]": (lambda x, k, b: F.conv_transpose(x, k, b, stride=4, padding="VALID"), _biased, _SUMS),
    "conv_local": (F.conv_local, _unshared, _SUMS),
    "general_conv": (
        lambda x, k, b: F.general_conv(x, k, b, dimension_numbers=("HWCN", "OIHW", "NHWC"), padding="EDGE"), _swapped,
        _SUMS,
    ),
    "min_pool": (lambda x: F.min_pool(x, 2), _images, _EXACT),
    "lp_pool": (lambda x: F.lp_pool(x, (2, 1), norm=1.5), _images, _ROOTS),
    "adaptive_avg_pool": (lambda x: F.adaptive_avg_pool(x, 3), _sequences, Bound(eps=8)),
    "adaptive_max_pool": (lambda x: F.adaptive_max_pool(x, 3), _sequences, _EXACT),
    "global_avg_pool": (lambda x: F.global_avg_pool(x, keepdims=True), _images, Bound(eps=8)),
    "global_max_pool": (F.global_max_pool, _images, _EXACT),
    "resize": (lambda x: F.resize(x, 7), _sequences, _SUMS),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2), _wide, _EXACT),
    "pixel_unshuffle": (lambda x: F.pixel_unshuffle(x, 2), _wide, _EXACT),
    "pad_spatial": (lambda x: F.pad_spatial(x, (1, (0, 2)), mode="wrap"), _images, _EXACT),
}  # fmt: skip

_WITH_KERNELS = ("conv[bias]", "conv_transpose[bias]", "conv_local", "general_conv")
"""The rows that stand for their layers in the other dtypes: the leaves of a layer have one of their own."""

CASES = (
    *(
        Case(f"nn.{name}", None, inputs, module, dtypes=dtypes, wrt=(0,), bound=bound, gradient_bound=_SLOPES)
        for name, (module, inputs, bound, dtypes) in _LAYERS.items()
    ),
    *(
        Case(
            f"nn.functional.{name}",
            fn,
            inputs,
            dtypes=_MAIN if name in _WITH_KERNELS else _ONLY,
            wrt=tuple(range(len(inputs(Data(name))))),
            bound=bound,
            gradient_bound=_SLOPES,
        )
        for name, (fn, inputs, bound) in _FUNCTIONS.items()
    ),
)
