"""Linear layers."""

from __future__ import annotations

from typing import Any

from unimod.core.module import Module
from unimod.nn import _leaves, functional, initializers


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
        return functional.linear(x, self.kernel, self.bias)
