"""Activations with parameters, as layers."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.core.module import Module
from unimod.errors import ShapeError
from unimod.nn import _axes, _leaves, initializers
from unimod.nn._rectified import prelu


class PReLU(Module):
    """``x`` where ``x > 0``, else ``slope * x``, with a trained slope.

    Args:
        num_parameters: 1 for one slope, or the number of channels for one slope each.
        init: the value at the start.
        axis: that of the channels.
        dtype: of the slope; inputs must have it too.

    Raises:
        ShapeError: there are several slopes, and another number of channels.

    Example:
        >>> import unimod as um
        >>> um.nn.PReLU().init(0)(um.numpy.asarray([-4.0, 2.0])).tolist()
        [-1.0, 2.0]

    Source: He et al., "Delving Deep into Rectifiers", 2015.
    """

    def __init__(self, num_parameters: int = 1, *, init: float = 0.25, axis: int = -1, dtype: str = "float32") -> None:
        self.num_parameters, self.axis = num_parameters, axis
        self.slope: Any = _leaves.parameter(initializers.constant(init), (num_parameters,), str(dtype))

    def __call__(self, x: Any) -> Any:
        """Apply the activation to ``x``."""
        _leaves.check_input(self, x, self.slope, None, "num_parameters")
        if self.num_parameters == 1:
            return prelu(x, self.slope[0])
        place = _axes.resolve(x, self.axis)
        if x.shape[place] != self.num_parameters:
            raise ShapeError(
                f"PReLU has {self.num_parameters} slopes, but got {x.shape[place]} channels on axis {self.axis}.",
                got=f"x of the shape {tuple(x.shape)}",
                expected=f"{self.num_parameters} on that axis",
                fix=f"build it with num_parameters={x.shape[place]}, or with 1 for one slope for all",
            )
        return prelu(x, unp.reshape(self.slope, (-1, *(1 for _ in x.shape[place + 1 :]))))
