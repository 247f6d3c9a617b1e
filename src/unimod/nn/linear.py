"""Linear layers."""

from __future__ import annotations

from typing import Any

from unimod.core.module import Module
from unimod.nn import _affine, _leaves, initializers


class Linear(Module):
    """``y = x @ kernel + bias`` on the last axis.

    Args:
        in_features: length of the last axis of the input; None: taken from the example input at ``init``.
        out_features: length of the last axis of the output.
        use_bias: whether to add a bias.
        kernel_init: ``init(key, shape, dtype)`` of the kernel, of shape ``(in_features, out_features)``.
        bias_init: likewise of the bias, of shape ``(out_features,)``.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: the last axis of the input has another length.
        DTypeError: the input has another dtype.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.Linear(3, 4).init(0)
        >>> layer
        Linear(in_features=3, out_features=4, use_bias=True, kernel=f32[3, 4], bias=f32[4])
        >>> layer(um.numpy.ones((2, 3))).shape == (2, 4)
        True
    """

    def __init__(
        self,
        in_features: int | None,
        out_features: int,
        *,
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.in_features, self.out_features, self.use_bias = in_features, out_features, use_bias
        self._kernel_init, self._bias_init, self._dtype = kernel_init, bias_init, str(dtype)
        self._declare()

    def _declare(self) -> None:
        self.kernel: Any = _leaves.parameter(self._kernel_init, (self.in_features, self.out_features), self._dtype)
        self.bias: Any = (
            _leaves.parameter(self._bias_init, (self.out_features,), self._dtype) if self.use_bias else None
        )

    def infer_sizes(self, x: Any) -> None:
        """Take the missing size from an example input."""
        self.in_features = int(x.shape[-1])
        self._declare()

    def __call__(self, x: Any) -> Any:
        """Apply the layer to ``x``, of shape ``(..., in_features)``."""
        _leaves.check_input(self, x, self.kernel, self.in_features, "in_features")
        return _affine.linear(x, self.kernel, self.bias)


class Bilinear(Module):
    """``y[o] = sum_ij x1[i] * kernel[i, j, o] * x2[j] + bias[o]`` on the last axes of two inputs.

    Args:
        in1_features: length of the last axis of the first input; None: taken from the example inputs at ``init``.
        in2_features: length of the last axis of the second input; None likewise.
        out_features: length of the last axis of the output.
        use_bias: whether to add a bias.
        kernel_init: ``init(key, shape, dtype)`` of the kernel ``(in1_features, in2_features, out_features)``.
        bias_init: likewise of the bias, of shape ``(out_features,)``.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: the inputs do not fit the kernel, or each other.
        DTypeError: an input has another dtype.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.Bilinear(3, 4, 5).init(0)
        >>> layer(um.numpy.ones((2, 3)), um.numpy.ones((2, 4))).shape == (2, 5)
        True
    """

    def __init__(
        self,
        in1_features: int | None,
        in2_features: int | None,
        out_features: int,
        *,
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(in_axis=(0, 1)),
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.use_bias, self._kernel_init, self._bias_init = use_bias, kernel_init, bias_init
        self._dtype = str(dtype)
        self._declare()

    def _declare(self) -> None:
        shape = (self.in1_features, self.in2_features, self.out_features)
        self.kernel: Any = _leaves.parameter(self._kernel_init, shape, self._dtype)
        self.bias: Any = (
            _leaves.parameter(self._bias_init, (self.out_features,), self._dtype) if self.use_bias else None
        )

    def infer_sizes(self, x1: Any, x2: Any) -> None:
        """Take the missing sizes from example inputs."""
        self.in1_features, self.in2_features = int(x1.shape[-1]), int(x2.shape[-1])
        self._declare()

    def __call__(self, x1: Any, x2: Any) -> Any:
        """Apply the layer to ``(..., in1_features)`` and ``(..., in2_features)``."""
        _leaves.check_input(self, x1, self.kernel, self.in1_features, "in1_features")
        _leaves.check_input(self, x2, self.kernel, self.in2_features, "in2_features")
        return _affine.bilinear(x1, x2, self.kernel, self.bias)
