"""Normalisation by the statistics of the batch."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import unimod.numpy as unp
from unimod.core.initializer import Initializer
from unimod.core.kinds import BatchStat
from unimod.nn import _axes, _batch, _leaves
from unimod.nn.norm._scaled import ONES, ZEROS, Scaled, check_channels
from unimod.transforms.collectives import axis_size, psum
from unimod.transforms.grad import stop_gradient


class BatchNorm(Scaled):
    """Normalise each channel by the statistics of the batch, and keep running ones for evaluation.

    ``y = (x - mean) / sqrt(var + epsilon) * scale + bias`` and ``running = decay * running + (1 - decay) * batch``.
    In evaluation mode, or frozen, the running statistics are used and nothing changes.

    Args:
        num_features: number of channels; None: taken from the example input at ``init``.
        axis: that of the channels, 1 for channels first.
        decay: of the running statistics (PyTorch's momentum is ``1 - decay``).
        epsilon: added to the variance.
        use_scale: whether to multiply by a trained scale.
        use_bias: whether to add a trained bias.
        unbiased: keep the running variance with the factor n / (n - 1), as PyTorch does.
        track_running_stats: whether to keep running statistics; without them those of the batch are used always.
        axis_name: of a surrounding :func:`unimod.vmap`: statistics are then those of the batches of all its calls.
        scale_init: ``init(key, shape, dtype)`` of the scale.
        bias_init: likewise of the bias.
        dtype: of the leaves.

    Raises:
        ShapeError: the axis has another length, or there is only one value for each channel.
        UnboundAxisError: nothing is mapped over an axis that is called ``axis_name``, in training.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.BatchNorm(2).init(0)
        >>> y = layer(um.numpy.asarray([[1.0, 2.0], [3.0, 6.0]]))
        >>> [round(float(v), 2) for v in layer.mean], [round(float(v), 2) for v in layer.var]
        ([0.2, 0.4], [1.0, 1.3])

    Source: Ioffe and Szegedy, "Batch Normalization", 2015.
    """

    def __init__(
        self,
        num_features: int | None,
        *,
        axis: int = -1,
        decay: float = 0.9,
        epsilon: float = 1e-5,
        use_scale: bool = True,
        use_bias: bool = True,
        unbiased: bool = False,
        track_running_stats: bool = True,
        axis_name: Hashable = None,
        scale_init: _leaves.Fill = ONES,
        bias_init: _leaves.Fill = ZEROS,
        dtype: str = "float32",
    ) -> None:
        self.num_features, self.axis, self.decay, self.epsilon = num_features, axis, decay, epsilon
        self.use_scale, self.use_bias, self.unbiased = use_scale, use_bias, unbiased
        self.track_running_stats, self.axis_name = track_running_stats, axis_name
        self._scale_init, self._bias_init, self._dtype = scale_init, bias_init, str(dtype)
        self._declare()

    def _declare(self) -> None:
        shape = (self.num_features,)
        self._declare_affine(shape)
        self.mean: Any = BatchStat(_leaves.pending(ZEROS, shape, self._dtype)) if self.track_running_stats else None
        self.var: Any = BatchStat(_leaves.pending(ONES, shape, self._dtype)) if self.track_running_stats else None

    def infer_sizes(self, x: Any, **options: Any) -> None:
        """Take the missing size from an example input."""
        self.num_features = int(x.shape[_axes.resolve(x, self.axis)])
        self._declare()

    def __call__(self, x: Any, *, mask: Any = None) -> Any:
        """Normalise ``x``, of shape ``(..., num_features)``; ``mask`` is True for the values that count."""
        # The statistics may be wider than what is computed with: only trained leaves say which dtype is meant.
        check_channels(self, x, self.bias if self.scale is None else self.scale, self.num_features, self.axis)
        if self._is_quiet():
            return self._by(x, self.mean, self.var)
        if self.axis_name is not None:
            mean, var = _batch.synchronized(x, mask, axis=self.axis, axis_name=self.axis_name)
            y = self._by(x, mean, var)
        elif mask is None:
            y, mean, var = _batch.by_batch(x, self.scale, self.bias, axis=self.axis, epsilon=self.epsilon)
        else:
            mean, var = _batch.moments(x, axis=self.axis, mask=mask)
            y = self._by(x, mean, var)
        if self.mean is not None:
            self._track(stop_gradient(mean), stop_gradient(var), x, mask)
        return y

    def _by(self, x: Any, mean: Any, var: Any) -> Any:
        return _batch.batch_norm(x, mean, var, self.scale, self.bias, axis=self.axis, epsilon=self.epsilon)

    def _is_quiet(self) -> bool:
        is_fixed = not self.training or self.frozen or isinstance(self.mean, Initializer)
        return is_fixed and self.mean is not None

    def _track(self, mean: Any, var: Any, x: Any, mask: Any) -> None:
        if self.unbiased:
            var = var * self._correction(x, mask)
        self.mean = self._mixed(self.mean, mean)
        self.var = self._mixed(self.var, var)

    def _mixed(self, running: Any, new: Any) -> Any:
        return self.decay * running + (1 - self.decay) * unp.astype(new, running.dtype)

    def _correction(self, x: Any, mask: Any) -> Any:
        place = _axes.resolve(x, self.axis)
        axes = tuple(axis for axis in range(len(x.shape)) if axis != place)
        if mask is None:
            count = math.prod(x.shape[axis] for axis in axes) * self._calls()
            return count / (count - 1)
        counted = unp.astype(unp.broadcast_to(mask, tuple(x.shape)), "float32")
        total = unp.sum(counted, axis=axes)
        total = total if self.axis_name is None else psum(total, self.axis_name)
        return total / unp.maximum(total - 1.0, 1.0)

    def _calls(self) -> int:
        return 1 if self.axis_name is None else axis_size(self.axis_name)
