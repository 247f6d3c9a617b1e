"""Normalisation by the statistics of groups of channels of each example."""

from __future__ import annotations

from typing import Any

from unimod.nn import _axes, _leaves, _normalization
from unimod.nn.norm._scaled import ONES, ZEROS, Scaled, check_channels


class GroupNorm(Scaled):
    """Normalise each group of neighbouring channels of each example, over all its pixels.

    ``y = (x - mean) / sqrt(var + epsilon) * scale + bias``, with a scale and a bias for each channel.

    Args:
        num_groups: number of groups.
        num_features: number of channels; None: taken from the example input at ``init``.
        axis: that of the channels, 1 for channels first.
        epsilon: added to the variance.
        use_scale: whether to multiply by a trained scale.
        use_bias: whether to add a trained bias.
        scale_init: ``init(key, shape, dtype)`` of the scale.
        bias_init: likewise of the bias.
        dtype: of the leaves.

    Raises:
        ShapeError: the axis has another length, or the groups do not divide it.

    Example:
        >>> import unimod as um
        >>> y = um.nn.GroupNorm(2, 4).init(0)(um.numpy.asarray([[1.0, 3.0, 10.0, 30.0]]))
        >>> [round(float(v), 3) for v in y[0]]
        [-1.0, 1.0, -1.0, 1.0]

    Source: Wu and He, "Group Normalization", 2018.
    """

    def __init__(
        self,
        num_groups: int,
        num_features: int | None,
        *,
        axis: int = -1,
        epsilon: float = 1e-5,
        use_scale: bool = True,
        use_bias: bool = True,
        scale_init: _leaves.Fill = ONES,
        bias_init: _leaves.Fill = ZEROS,
        dtype: str = "float32",
    ) -> None:
        _normalization.check_groups(num_groups, num_features)
        self.num_groups = num_groups
        self.num_features, self.axis, self.epsilon = num_features, axis, epsilon
        self.use_scale, self.use_bias = use_scale, use_bias
        self._scale_init, self._bias_init, self._dtype = scale_init, bias_init, str(dtype)
        self._declare_affine((num_features,))

    def infer_sizes(self, x: Any) -> None:
        """Take the missing size from an example input."""
        self.num_features = int(x.shape[_axes.resolve(x, self.axis)])
        self._declare_affine((self.num_features,))

    def __call__(self, x: Any) -> Any:
        """Normalise ``x``, of shape ``(batch, spatial..., num_features)``."""
        check_channels(self, x, self.scale, self.num_features, self.axis)
        return _normalization.group_norm(
            x, self.num_groups, self.scale, self.bias, axis=self.axis, epsilon=self.epsilon
        )


class InstanceNorm(Scaled):
    """Normalise each channel of each example, over all its pixels.

    ``y = (x - mean) / sqrt(var + epsilon) * scale + bias``, with a scale and a bias for each channel.

    Args:
        num_features: number of channels; None: taken from the example input at ``init``.
        axis: that of the channels, 1 for channels first.
        epsilon: added to the variance.
        use_scale: whether to multiply by a trained scale.
        use_bias: whether to add a trained bias.
        scale_init: ``init(key, shape, dtype)`` of the scale.
        bias_init: likewise of the bias.
        dtype: of the leaves.

    Raises:
        ShapeError: the axis has another length, or there is only one pixel.

    Example:
        >>> import unimod as um
        >>> y = um.nn.InstanceNorm(1).init(0)(um.numpy.asarray([[[1.0], [3.0]]]))
        >>> [round(float(v), 3) for v in y[0, :, 0]]
        [-1.0, 1.0]

    Source: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", 2016.

    Differences: PyTorch's has no scale and no bias unless they are asked for.
    """

    def __init__(
        self,
        num_features: int | None,
        *,
        axis: int = -1,
        epsilon: float = 1e-5,
        use_scale: bool = True,
        use_bias: bool = True,
        scale_init: _leaves.Fill = ONES,
        bias_init: _leaves.Fill = ZEROS,
        dtype: str = "float32",
    ) -> None:
        self.num_features, self.axis, self.epsilon = num_features, axis, epsilon
        self.use_scale, self.use_bias = use_scale, use_bias
        self._scale_init, self._bias_init, self._dtype = scale_init, bias_init, str(dtype)
        self._declare_affine((num_features,))

    def infer_sizes(self, x: Any) -> None:
        """Take the missing size from an example input."""
        self.num_features = int(x.shape[_axes.resolve(x, self.axis)])
        self._declare_affine((self.num_features,))

    def __call__(self, x: Any) -> Any:
        """Normalise ``x``, of shape ``(batch, spatial..., num_features)``."""
        check_channels(self, x, self.scale, self.num_features, self.axis)
        return _normalization.instance_norm(x, self.scale, self.bias, axis=self.axis, epsilon=self.epsilon)
