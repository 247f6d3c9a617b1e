"""Normalisation layers."""

from __future__ import annotations

from typing import Any

from unimod.core.initializer import Initializer
from unimod.core.kinds import BatchStat
from unimod.core.module import Module
from unimod.nn import _leaves, functional, initializers
from unimod.transforms.grad import stop_gradient


class BatchNorm(Module):
    """Normalise each channel (the last axis) by the statistics of the batch, and keep running ones for evaluation.

    ``y = (x - mean) / sqrt(var + epsilon) * scale + bias`` and ``running = decay * running + (1 - decay) * batch``.
    In evaluation mode, or frozen, the running statistics are used and nothing changes.

    Args:
        num_features: number of channels; None: taken from the example input at ``init``.
        decay: of the running statistics (PyTorch's momentum is ``1 - decay``).
        epsilon: added to the variance.
        use_scale: whether to multiply by a trained scale.
        use_bias: whether to add a trained bias.
        unbiased: keep the running variance with the factor n / (n - 1), as PyTorch does.
        dtype: of the leaves.

    Raises:
        ShapeError: the last axis has another length, or there is only one value for each channel.

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
        decay: float = 0.9,
        epsilon: float = 1e-5,
        use_scale: bool = True,
        use_bias: bool = True,
        unbiased: bool = False,
        dtype: str = "float32",
    ) -> None:
        self.num_features, self.decay, self.epsilon = num_features, decay, epsilon
        self.use_scale, self.use_bias, self.unbiased = use_scale, use_bias, unbiased
        self._dtype = str(dtype)
        self._declare()

    def _declare(self) -> None:
        shape = (self.num_features,)
        self.scale: Any = _leaves.parameter(initializers.ones(), shape, self._dtype) if self.use_scale else None
        self.bias: Any = _leaves.parameter(initializers.zeros(), shape, self._dtype) if self.use_bias else None
        self.mean: Any = BatchStat(_leaves.pending(initializers.zeros(), shape, self._dtype))
        self.var: Any = BatchStat(_leaves.pending(initializers.ones(), shape, self._dtype))

    def infer_sizes(self, x: Any) -> None:
        """Take the missing size from an example input."""
        self.num_features = int(x.shape[-1])
        self._declare()

    def __call__(self, x: Any) -> Any:
        """Normalise ``x``, of shape ``(..., num_features)``."""
        _leaves.check_input(self, x, self.mean, self.num_features, "num_features")
        if not self.training or self.frozen or isinstance(self.mean, Initializer):
            return functional.batch_norm(x, self.mean, self.var, self.scale, self.bias, epsilon=self.epsilon)
        mean, var = functional.moments(x)
        self._track(stop_gradient(mean), stop_gradient(var), x)
        return functional.batch_norm(x, mean, var, self.scale, self.bias, epsilon=self.epsilon)

    def _track(self, mean: Any, var: Any, x: Any) -> None:
        if self.unbiased:
            count = 1
            for size in x.shape[:-1]:
                count *= size
            var = var * (count / (count - 1))
        self.mean = self.decay * self.mean + (1 - self.decay) * mean
        self.var = self.decay * self.var + (1 - self.decay) * var


class LayerNorm(Module):
    """Normalise the last axis (or axes) of each example.

    ``y = (x - mean) / sqrt(var + epsilon) * scale + bias``

    Args:
        shape: length of the last axis, or lengths of the last axes; None: that of the example input at ``init``.
        epsilon: added to the variance.
        use_scale: whether to multiply by a trained scale.
        use_bias: whether to add a trained bias.
        dtype: of the leaves.

    Example:
        >>> import unimod as um
        >>> y = um.nn.LayerNorm(2).init(0)(um.numpy.asarray([[1.0, 3.0]]))
        >>> [round(float(v), 3) for v in y[0]]
        [-1.0, 1.0]

    Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.
    """

    def __init__(
        self,
        shape: int | tuple[int, ...] | None,
        *,
        epsilon: float = 1e-5,
        use_scale: bool = True,
        use_bias: bool = True,
        dtype: str = "float32",
    ) -> None:
        self.shape = (shape,) if isinstance(shape, int) else shape
        self.epsilon, self.use_scale, self.use_bias, self._dtype = epsilon, use_scale, use_bias, str(dtype)
        self._declare()

    def _declare(self) -> None:
        shape = (None,) if self.shape is None else self.shape
        self.scale: Any = _leaves.parameter(initializers.ones(), shape, self._dtype) if self.use_scale else None
        self.bias: Any = _leaves.parameter(initializers.zeros(), shape, self._dtype) if self.use_bias else None

    def infer_sizes(self, x: Any) -> None:
        """Take the missing size from an example input."""
        self.shape = (int(x.shape[-1]),)
        self._declare()

    def __call__(self, x: Any) -> Any:
        """Normalise ``x``, of shape ``(..., *shape)``."""
        shape = self.shape or (x.shape[-1],)
        _leaves.check_input(self, x, self.scale, shape[-1], "shape")
        return functional.layer_norm(x, self.scale, self.bias, num_axes=len(shape), epsilon=self.epsilon)
