"""What the normalisation layers share: a trained scale and bias, and the check of the axis of the channels."""

from __future__ import annotations

from typing import Any

from unimod import config
from unimod.core.module import Module
from unimod.errors import ShapeError
from unimod.nn import _axes, _leaves, initializers

ONES, ZEROS = initializers.ones(), initializers.zeros()


class Scaled(Module):
    """Base of the layers that end with ``* scale + bias``."""

    use_scale: bool
    use_bias: bool

    def _declare_affine(self, shape: tuple[int | None, ...]) -> None:
        """Declare ``scale`` and ``bias``; what is left out is None."""
        self.scale: Any = self._leaf(self.use_scale, "_scale_init", ONES, shape)
        self.bias: Any = self._leaf(self.use_bias, "_bias_init", ZEROS, shape)

    def _leaf(self, is_used: bool, init: str, default: _leaves.Fill, shape: tuple[int | None, ...]) -> Any:
        return _leaves.parameter(vars(self).get(init, default), shape, vars(self)["_dtype"]) if is_used else None


def check_channels(layer: Any, x: Any, leaf: Any, features: int | None, axis: int) -> None:
    """Check the axis of the channels, and the dtype.

    Raises:
        ShapeError: the axis has another length than the layer was built for, or does not exist.
        DTypeError: the dtype is another than that of the layer's leaves.
    """
    if axis == -1:
        _leaves.check_input(layer, x, leaf, features, "num_features")
        return
    place = _axes.resolve(x, axis)
    if features is not None and x.shape[place] != features:
        name = type(layer).__name__
        raise ShapeError(
            f"{name} got {x.shape[place]} features on axis {axis} of `x`, but was built for {features}.",
            got=f"x = {config.describe_value(x)}, axis = {axis}",
            expected=f"{features} on that axis",
            fix=f"pass x with {features} channels on axis {axis}, or build it with num_features={x.shape[place]}",
        )
    _leaves.check_input(layer, x, leaf, None, "num_features")
