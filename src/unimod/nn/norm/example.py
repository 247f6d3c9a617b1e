"""Normalisation by the statistics of each example, over its last axes or its neighbouring channels."""

from __future__ import annotations

from typing import Any

from unimod.core.module import Module
from unimod.nn import _leaves, _normalization
from unimod.nn.norm._scaled import ONES, ZEROS, Scaled


class LayerNorm(Scaled):
    """Normalise the last axis (or axes) of each example.

    ``y = (x - mean) / sqrt(var + epsilon) * scale + bias``

    Args:
        shape: length of the last axis, or lengths of the last axes; None: that of the example input at ``init``.
        epsilon: added to the variance.
        use_scale: whether to multiply by a trained scale.
        use_bias: whether to add a trained bias.
        scale_init: ``init(key, shape, dtype)`` of the scale.
        bias_init: likewise of the bias.
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
        scale_init: _leaves.Fill = ONES,
        bias_init: _leaves.Fill = ZEROS,
        dtype: str = "float32",
    ) -> None:
        self.shape = _shape(shape)
        self.epsilon, self.use_scale, self.use_bias = epsilon, use_scale, use_bias
        self._scale_init, self._bias_init, self._dtype = scale_init, bias_init, str(dtype)
        self._declare_affine((None,) if self.shape is None else self.shape)

    def infer_sizes(self, x: Any) -> None:
        """Take the missing size from an example input."""
        self.shape = (int(x.shape[-1]),)
        self._declare_affine(self.shape)

    def __call__(self, x: Any) -> Any:
        """Normalise ``x``, of shape ``(..., *shape)``."""
        shape = self.shape or (x.shape[-1],)
        _leaves.check_input(self, x, self.scale, shape[-1], "shape")
        return _normalization.layer_norm(x, self.scale, self.bias, num_axes=len(shape), epsilon=self.epsilon)


class RMSNorm(Scaled):
    """Divide the last axis (or axes) of each example by the root of its mean square.

    ``y = x / sqrt(mean(x**2) + epsilon) * scale``

    Args:
        shape: length of the last axis, or lengths of the last axes; None: that of the example input at ``init``.
        epsilon: added to the mean square.
        use_scale: whether to multiply by a trained scale.
        scale_init: ``init(key, shape, dtype)`` of the scale.
        dtype: of the leaves.

    Example:
        >>> import unimod as um
        >>> y = um.nn.RMSNorm(2).init(0)(um.numpy.asarray([[3.0, 4.0]]))
        >>> [round(float(v), 3) for v in y[0]]
        [0.849, 1.131]

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
    """

    def __init__(
        self,
        shape: int | tuple[int, ...] | None,
        *,
        epsilon: float = 1e-6,
        use_scale: bool = True,
        scale_init: _leaves.Fill = ONES,
        dtype: str = "float32",
    ) -> None:
        self.shape, self.epsilon, self.use_scale, self.use_bias = _shape(shape), epsilon, use_scale, False
        self._scale_init, self._dtype = scale_init, str(dtype)
        self._declare_affine((None,) if self.shape is None else self.shape)

    def infer_sizes(self, x: Any) -> None:
        """Take the missing size from an example input."""
        self.shape = (int(x.shape[-1]),)
        self._declare_affine(self.shape)

    def __call__(self, x: Any) -> Any:
        """Normalise ``x``, of shape ``(..., *shape)``."""
        shape = self.shape or (x.shape[-1],)
        _leaves.check_input(self, x, self.scale, shape[-1], "shape")
        return _normalization.rms_norm(x, self.scale, num_axes=len(shape), epsilon=self.epsilon)


class LocalResponseNorm(Module):
    """Divide each channel by a power of the mean square of its neighbours; nothing is trained.

    ``y = x / (k + alpha / size * s)**beta`` with ``s`` the sum of ``x**2`` over ``size`` neighbouring channels.

    Args:
        size: how many channels, ``size // 2`` of them before.
        alpha: the factor of the mean square.
        beta: the exponent.
        k: is added.
        axis: that of the channels.

    Example:
        >>> import unimod as um
        >>> um.nn.LocalResponseNorm(3)(um.numpy.ones((2, 4, 4, 8))).shape == (2, 4, 4, 8)
        True

    Source: Krizhevsky, Sutskever and Hinton, 2012, section 3.3, where ``alpha`` is not divided by ``size``.
    """

    def __init__(
        self, size: int = 5, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, axis: int = -1
    ) -> None:
        self.size, self.alpha, self.beta, self.k, self.axis = size, alpha, beta, k, axis

    def __call__(self, x: Any) -> Any:
        """Normalise ``x``."""
        return _normalization.local_response_norm(
            x, self.size, alpha=self.alpha, beta=self.beta, k=self.k, axis=self.axis
        )


def _shape(shape: int | tuple[int, ...] | None) -> tuple[int, ...] | None:
    return (shape,) if isinstance(shape, int) else shape if shape is None else tuple(shape)
