"""Initializers whose width depends on how many numbers feed into one output, or out of one input."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from unimod.errors import OptionError, ShapeError
from unimod.nn.initializers._plain import Array, Initializer, Shape, _Normal, _SymmetricUniform, _TruncatedNormal

Axes = int | tuple[int, ...]

_STD_OF_TRUNCATED = 0.87962566103423978
"""The standard deviation of a standard normal that is cut off at -2 and 2."""


@dataclasses.dataclass(frozen=True)
class _VarianceScaling:
    scale: float
    mode: str
    distribution: str
    in_axis: Axes
    out_axis: Axes
    batch_axis: Axes

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        fans = compute_fans(tuple(shape), in_axis=self.in_axis, out_axis=self.out_axis, batch_axis=self.batch_axis)
        stddev = math.sqrt(self.scale / max(_MODES[self.mode](*fans), 1e-37))
        return _DISTRIBUTIONS[self.distribution](stddev)(key, shape, dtype)


_MODES: dict[str, Callable[[float, float], float]] = {
    "fan_in": lambda fan_in, fan_out: fan_in,
    "fan_out": lambda fan_in, fan_out: fan_out,
    "fan_avg": lambda fan_in, fan_out: (fan_in + fan_out) / 2,
    "fan_geo_avg": lambda fan_in, fan_out: math.sqrt(fan_in * fan_out),
}

_DISTRIBUTIONS: dict[str, Callable[[float], Initializer]] = {
    "truncated_normal": lambda stddev: _TruncatedNormal(stddev / _STD_OF_TRUNCATED, -2.0, 2.0),
    "normal": _Normal,
    "uniform": lambda stddev: _SymmetricUniform(math.sqrt(3.0) * stddev),
}


def variance_scaling(
    scale: float,
    mode: str,
    distribution: str,
    *,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    batch_axis: Axes = (),
) -> Initializer:
    """A distribution with the mean 0 and the variance ``scale / fan``.

    Args:
        scale: the numerator of the variance, positive.
        mode: what ``fan`` is: ``"fan_in"``, ``"fan_out"``, ``"fan_avg"`` or ``"fan_geo_avg"``.
        distribution: ``"truncated_normal"`` (cut off at two standard deviations, the variance corrected for it),
            ``"normal"`` or ``"uniform"``.
        in_axis: the axis, or axes, of the inputs.
        out_axis: the axis, or axes, of the outputs.
        batch_axis: axes that hold independent kernels. All other axes are the receptive field.

    Raises:
        OptionError: ``mode`` or ``distribution`` is unknown, or ``scale`` is not positive.

    Example:
        >>> import unimod as um
        >>> init = um.nn.initializers.variance_scaling(1.0, "fan_in", "uniform")
        >>> init(um.random.key(0), (3, 3, 8, 16)).shape == (3, 3, 8, 16)
        True
    """
    _check_option("variance_scaling", "mode", mode, _MODES)
    _check_option("variance_scaling", "distribution", distribution, _DISTRIBUTIONS)
    if not scale > 0:
        raise OptionError(
            "`scale` of an initializer is not positive.",
            got=f"scale = {scale!r}",
            expected="scale > 0",
            fix="pass a positive scale, or use zeros()",
        )
    return _VarianceScaling(scale, mode, distribution, in_axis, out_axis, batch_axis)


def _check_option(function: str, name: str, value: str, known: dict[str, Any]) -> None:
    if value not in known:
        raise OptionError(
            f"{function} does not know this {name}.",
            got=f"{name} = {value!r}",
            expected=f"one of {', '.join(map(repr, known))}",
            fix=f"pass one of these as {name}",
        )


def compute_fans(
    shape: Shape, *, in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = ()
) -> tuple[float, float]:
    """``(fan_in, fan_out)``: how many numbers feed into one output, and out of one input.

    Raises:
        ShapeError: the shape has fewer than two axes, or lacks one that was named.

    Example:
        >>> compute_fans((3, 3, 8, 16))
        (72.0, 144.0)
    """
    if len(shape) < 2:
        raise ShapeError(
            "A fan needs a shape of at least two axes.",
            got=f"shape = {shape}",
            expected="(..., in, out)",
            fix="use zeros, constant, uniform or normal for vectors and scalars",
        )
    inputs, outputs, batch = (_size(shape, axes) for axes in (in_axis, out_axis, batch_axis))
    receptive = math.prod(shape) / max(inputs * outputs * batch, 1)
    return inputs * receptive, outputs * receptive


def _size(shape: Shape, axes: Axes) -> int:
    named = (axes,) if isinstance(axes, int) else tuple(axes)
    if not all(-len(shape) <= axis < len(shape) for axis in named):
        raise ShapeError("An axis of an initializer does not exist.", got=f"shape = {shape}, axes {named}")
    return math.prod(shape[axis] for axis in named)


def lecun_uniform(*, in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = ()) -> Initializer:
    """Uniform with the variance ``1 / fan_in``. Source: LeCun et al., Efficient BackProp (1998), section 4.6.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.lecun_uniform()(um.random.key(0), (2, 3)).shape == (2, 3)
        True
    """
    return _VarianceScaling(1.0, "fan_in", "uniform", in_axis, out_axis, batch_axis)


def lecun_normal(*, in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = ()) -> Initializer:
    """Truncated normal with the variance ``1 / fan_in``. Source: LeCun et al., Efficient BackProp (1998), section 4.6.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.lecun_normal()(um.random.key(0), (2, 3)).shape == (2, 3)
        True
    """
    return _VarianceScaling(1.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis)


def glorot_uniform(*, in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = ()) -> Initializer:
    """Uniform with the variance ``2 / (fan_in + fan_out)``. Source: Glorot, Bengio (2010), equation 16.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.glorot_uniform()(um.random.key(0), (2, 3)).shape == (2, 3)
        True
    """
    return _VarianceScaling(1.0, "fan_avg", "uniform", in_axis, out_axis, batch_axis)


def glorot_normal(*, in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = ()) -> Initializer:
    """Truncated normal with the variance ``2 / (fan_in + fan_out)``. Source: Glorot, Bengio (2010).

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.glorot_normal()(um.random.key(0), (2, 3)).shape == (2, 3)
        True
    """
    return _VarianceScaling(1.0, "fan_avg", "truncated_normal", in_axis, out_axis, batch_axis)


def kaiming_uniform(
    *,
    negative_slope: float = 0.0,
    mode: str = "fan_in",
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    batch_axis: Axes = (),
) -> Initializer:
    """Uniform with the variance ``2 / ((1 + negative_slope**2) * fan)``.

    Args:
        negative_slope: that of the leaky_relu that follows; 0 for relu.
        mode: what ``fan`` is; see :func:`variance_scaling`.
        in_axis: the axis, or axes, of the inputs.
        out_axis: the axis, or axes, of the outputs.
        batch_axis: axes that hold independent kernels.

    Raises:
        OptionError: ``mode`` is unknown.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.kaiming_uniform()(um.random.key(0), (2, 3)).shape == (2, 3)
        True

    Source: He et al. (2015), arXiv:1502.01852, equations 10 and 15.
    """
    scale = gain("leaky_relu", negative_slope) ** 2
    return variance_scaling(scale, mode, "uniform", in_axis=in_axis, out_axis=out_axis, batch_axis=batch_axis)


def kaiming_normal(
    *,
    negative_slope: float = 0.0,
    mode: str = "fan_in",
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    batch_axis: Axes = (),
) -> Initializer:
    """Truncated normal with the variance ``2 / ((1 + negative_slope**2) * fan)``. Options: :func:`kaiming_uniform`.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.kaiming_normal()(um.random.key(0), (2, 3)).shape == (2, 3)
        True

    Source: He et al. (2015), arXiv:1502.01852, equations 10 and 15.

    Differences: PyTorch's is not truncated: ``variance_scaling(2.0, "fan_in", "normal")``.
    """
    scale = gain("leaky_relu", negative_slope) ** 2
    return variance_scaling(scale, mode, "truncated_normal", in_axis=in_axis, out_axis=out_axis, batch_axis=batch_axis)


_GAINS = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2.0), "selu": 0.75}


def gain(activation: str, negative_slope: float = 0.01) -> float:
    """What an activation asks of the standard deviation of the kernel before it; its square is a ``scale``.

    Args:
        activation: ``"linear"``, ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"leaky_relu"`` or ``"selu"``.
        negative_slope: of leaky_relu.

    Raises:
        OptionError: the activation is unknown.

    Example:
        >>> round(gain("relu"), 4), round(gain("leaky_relu", 1.0), 4)
        (1.4142, 1.0)
    """
    if activation == "leaky_relu":
        return math.sqrt(2.0 / (1.0 + negative_slope**2))
    _check_option("gain", "activation", activation, {**_GAINS, "leaky_relu": None})
    return _GAINS[activation]


xavier_uniform, xavier_normal = glorot_uniform, glorot_normal
he_uniform, he_normal = kaiming_uniform, kaiming_normal
