"""Residual networks for images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import unimod.numpy as unp
from unimod.core.module import Module
from unimod.errors import OptionError
from unimod.nets import _options
from unimod.nets._resnet_blocks import BLOCKS, EXPANSION, Style
from unimod.nn import _layouts, activations
from unimod.nn.linear import Linear
from unimod.nn.pool import MaxPool

Array = Any


class ResNet(Module):
    """A residual network: a first convolution, stages of residual blocks, the mean over all pixels, and a linear layer.

    From stage to stage the image gets half as large (the 3x3 convolution of the first block has the stride), and the
    channels, by default, get twice as many.

    Args:
        in_channels: channels of the images; None: taken from the example input at ``init``.
        num_classes: length of the result; None: the mean over all pixels is the result.
        stage_sizes: number of blocks of each stage.
        block: ``"basic"``, two 3x3 convolutions, or ``"bottleneck"``, a 3x3 convolution between two of 1x1, of which
            the last one gives 4 times the channels.
        channels: of the stages; the first convolution gives as many as the first one.
        width: how many times wider the 3x3 convolutions are (with basic blocks the stages themselves).
        groups: of the channels of the 3x3 convolution of a bottleneck.
        stem: ``"imagenet"``, a 7x7 convolution of stride 2 and a pool of stride 2, or ``"cifar"``, a 3x3 convolution.
        version: 1 for blocks that end with a relu, 2 for norms and relus before the convolutions.
        zero_init_residual: whether blocks start as their shortcuts: the last scale is 0, in version 2 the last kernel.
        pool_and_classify: False: the image behind the last stage is the result, and there is no linear layer.
        data_format: ``"NCHW"`` for images with the channels first.
        decay: of the running statistics (PyTorch's momentum is ``1 - decay``).
        epsilon: added to the variances.
        unbiased: keep running variances with the factor n / (n - 1), as PyTorch does.
        dtype: of the leaves; inputs must have it too.

    Raises:
        OptionError: an option has a wrong value.
        ShapeError: the images have another number of channels, or too few axes.
        DTypeError: the images have another dtype.

    Example:
        >>> import unimod as um
        >>> model = um.nets.ResNet(3, 10, stage_sizes=(1, 1), channels=(4, 8), stem="cifar").init(0)
        >>> images = um.numpy.ones((2, 8, 8, 3))
        >>> model.eval()(images).shape == (2, 10)
        True
        >>> model.replace(head=None).eval()(images).shape == (2, 8)
        True

    Source: He et al. (2015), arXiv:1512.03385; version 2: He et al. (2016), arXiv:1603.05027; width: Zagoruyko and
    Komodakis (2016), arXiv:1605.07146; groups: Xie et al. (2016), arXiv:1611.05431.

    Differences: numbers and parameters are those of torchvision, where the stride of a bottleneck is that of its 3x3
    convolution and images are padded on both sides. Haiku pads as ``"SAME"`` does, which is equal for odd sizes.
    """

    def __init__(
        self,
        in_channels: int | None,
        num_classes: int | None = 1000,
        *,
        stage_sizes: Sequence[int] = (2, 2, 2, 2),
        block: str = "basic",
        channels: Sequence[int] = (64, 128, 256, 512),
        width: float = 1.0,
        groups: int = 1,
        stem: str = "imagenet",
        version: int = 1,
        zero_init_residual: bool = False,
        pool_and_classify: bool = True,
        data_format: str | None = None,
        decay: float = 0.9,
        epsilon: float = 1e-5,
        unbiased: bool = False,
        dtype: str = "float32",
    ) -> None:
        sizes, channels = _checked(stage_sizes, block, channels, groups, stem, version)
        _layouts.is_first(data_format, 2)
        self.version, self.pool_and_classify, self.data_format = version, pool_and_classify, data_format
        statistics = {"decay": decay, "epsilon": epsilon, "unbiased": unbiased}
        style = Style(block, width, groups, zero_init_residual, statistics, str(dtype))
        is_large = stem == "imagenet"
        self.stem = style.conv(in_channels, channels[0], 7 if is_large else 3, stride=2 if is_large else 1)
        self.stem_norm: Any = style.norm(channels[0]) if version == 1 else None
        self.stem_pool: Any = MaxPool((3, 3), stride=2, padding=1) if is_large else None
        self.stages = _stages(style, sizes, channels, version)
        features = style.features(channels[-1])
        self.norm: Any = style.norm(features) if version == 2 else None
        is_headless = num_classes is None or not pool_and_classify
        self.head: Any = None if is_headless else Linear(features, num_classes or 0, dtype=dtype)

    def __call__(self, x: Array) -> Array:
        """Scores of the classes, ``(batch, num_classes)``, of images ``(batch, H, W, in_channels)``."""
        _layouts.check_input(self, x, self.stem.kernel, self.stem.in_features, 2, self.data_format)
        x = self._started(_layouts.to_last(x, 2, self.data_format))
        for stage in self.stages:
            for block in stage:
                x = block(x)
        x = x if self.norm is None else activations.relu(self.norm(x))
        if not self.pool_and_classify:
            return _layouts.from_last(x, 2, self.data_format)
        x = unp.mean(x, axis=(-3, -2))
        return x if self.head is None else self.head(x)

    def _started(self, x: Array) -> Array:
        x = self.stem(x)
        x = x if self.stem_norm is None else activations.relu(self.stem_norm(x))
        return x if self.stem_pool is None else self.stem_pool(x)


def _checked(
    stage_sizes: Sequence[int], block: str, channels: Sequence[int], groups: int, stem: str, version: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    _options.one_of("ResNet", "block", block, EXPANSION)
    _options.one_of("ResNet", "stem", stem, ("imagenet", "cifar"))
    _options.one_of("ResNet", "version", version, BLOCKS)
    sizes = _options.counts("ResNet", "stage_sizes", stage_sizes)
    many = _options.counts("ResNet", "channels", channels)
    if len(sizes) != len(many):
        raise OptionError(
            "ResNet needs as many numbers of blocks as numbers of channels.",
            got=f"stage_sizes = {sizes}, channels = {many}",
            expected="two tuples of one length, that of the stages",
            fix="pass both, one number for each stage",
        )
    if block == "basic" and groups != 1:
        raise OptionError(
            "Basic blocks of ResNet have no groups.",
            got=f"groups = {groups}",
            expected="groups = 1",
            fix='pass block="bottleneck"',
        )
    return sizes, many


def _stages(style: Style, sizes: Sequence[int], channels: Sequence[int], version: int) -> list[list[Any]]:
    before, stages = channels[0], []
    for stage, (size, wanted) in enumerate(zip(sizes, channels, strict=True)):
        blocks = []
        for place in range(size):
            stride = 2 if stage and place == 0 else 1
            blocks.append(BLOCKS[version](style, before, wanted, stride))
            before = style.features(wanted)
        stages.append(blocks)
    return stages


class _Named(ResNet):
    """Base of the networks that are known by their number of layers."""

    _sizes: ClassVar[tuple[int, ...]]
    _block: ClassVar[str]

    def __init__(
        self,
        in_channels: int | None,
        num_classes: int | None = 1000,
        *,
        width: float = 1.0,
        groups: int = 1,
        stem: str = "imagenet",
        version: int = 1,
        zero_init_residual: bool = False,
        pool_and_classify: bool = True,
        data_format: str | None = None,
        decay: float = 0.9,
        epsilon: float = 1e-5,
        unbiased: bool = False,
        dtype: str = "float32",
    ) -> None:
        super().__init__(
            in_channels,
            num_classes,
            stage_sizes=self._sizes,
            block=self._block,
            width=width,
            groups=groups,
            stem=stem,
            version=version,
            zero_init_residual=zero_init_residual,
            pool_and_classify=pool_and_classify,
            data_format=data_format,
            decay=decay,
            epsilon=epsilon,
            unbiased=unbiased,
            dtype=dtype,
        )


class ResNet18(_Named):
    """:class:`ResNet` of 18 layers: 11,689,512 parameters for 3 channels and 1000 classes.

    Example:
        >>> import unimod as um
        >>> um.nets.count_parameters(um.nets.ResNet18(3, 1000))
        11689512
    """

    _sizes: ClassVar[tuple[int, ...]] = (2, 2, 2, 2)
    _block: ClassVar[str] = "basic"


class ResNet34(_Named):
    """:class:`ResNet` of 34 layers: 21,797,672 parameters for 3 channels and 1000 classes.

    Example:
        >>> import unimod as um
        >>> um.nets.count_parameters(um.nets.ResNet34(3, 1000))
        21797672
    """

    _sizes: ClassVar[tuple[int, ...]] = (3, 4, 6, 3)
    _block: ClassVar[str] = "basic"


class ResNet50(_Named):
    """:class:`ResNet` of 50 layers: 25,557,032 parameters for 3 channels and 1000 classes.

    Example:
        >>> import unimod as um
        >>> um.nets.count_parameters(um.nets.ResNet50(3, 1000))
        25557032
    """

    _sizes: ClassVar[tuple[int, ...]] = (3, 4, 6, 3)
    _block: ClassVar[str] = "bottleneck"


class ResNet101(_Named):
    """:class:`ResNet` of 101 layers: 44,549,160 parameters for 3 channels and 1000 classes.

    Example:
        >>> import unimod as um
        >>> um.nets.count_parameters(um.nets.ResNet101(3, 1000))
        44549160
    """

    _sizes: ClassVar[tuple[int, ...]] = (3, 4, 23, 3)
    _block: ClassVar[str] = "bottleneck"


class ResNet152(_Named):
    """:class:`ResNet` of 152 layers: 60,192,808 parameters for 3 channels and 1000 classes.

    Example:
        >>> import unimod as um
        >>> um.nets.count_parameters(um.nets.ResNet152(3, 1000))
        60192808
    """

    _sizes: ClassVar[tuple[int, ...]] = (3, 8, 36, 3)
    _block: ClassVar[str] = "bottleneck"


class ResNet200(_Named):
    """:class:`ResNet` of 200 layers: 64,673,832 parameters for 3 channels and 1000 classes.

    Example:
        >>> import unimod as um
        >>> um.nets.count_parameters(um.nets.ResNet200(3, 1000))
        64673832
    """

    _sizes: ClassVar[tuple[int, ...]] = (3, 24, 36, 3)
    _block: ClassVar[str] = "bottleneck"
