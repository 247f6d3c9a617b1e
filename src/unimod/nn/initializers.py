"""Initializers: ``init(key, shape, dtype="float32") -> array``, the same numbers from the same key on every engine.

Each function here builds an initializer, a small frozen object: two that were built alike are equal, and they can be
hashed and pickled. The numbers are those of ``jax.nn.initializers`` within 4 ULP; from engine to engine the uniform
family, drawn as ``(2u - 1) * bound``, is equal to the last bit.

A dense kernel is ``(in, out)`` and a convolution kernel ``(spatial..., in, out)``; other layouts name their axes.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod import random
from unimod.errors import OptionError, ShapeError
from unimod.numpy._dispatch import unary

Array = Any
Shape = tuple[int, ...]
Axes = int | tuple[int, ...]
Initializer = Callable[..., Array]

_STD_OF_TRUNCATED = 0.87962566103423978
"""The standard deviation of a standard normal that is cut off at -2 and 2."""


@dataclasses.dataclass(frozen=True)
class _Constant:
    value: float

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        if key is None:
            return unp.full(tuple(shape), self.value, dtype=dtype)
        engine, data = unary(random.key_data(key))
        # Made from the key, so that it is on the device of the key, and batched where the key is.
        single = engine.arrays.full_like(engine.arrays.reshape(data[:1], ()), self.value, dtype)
        return engine.arrays.copy(engine.arrays.broadcast_to(single, tuple(shape)))


@dataclasses.dataclass(frozen=True)
class _Uniform:
    scale: float

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        return unp.multiply(random.uniform(key, tuple(shape), dtype=dtype), self.scale)


@dataclasses.dataclass(frozen=True)
class _Normal:
    stddev: float

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        return unp.multiply(random.normal(key, tuple(shape), dtype=dtype), self.stddev)


@dataclasses.dataclass(frozen=True)
class _TruncatedNormal:
    stddev: float
    lower: float
    upper: float

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        drawn = random.truncated_normal(key, self.lower, self.upper, tuple(shape), dtype=dtype)
        return unp.multiply(drawn, self.stddev)


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


@dataclasses.dataclass(frozen=True)
class _SymmetricUniform:
    bound: float

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        # 2u - 1 is exact, with or without a fused multiply-add; u * span + low is not.
        drawn = random.uniform(key, tuple(shape), dtype=dtype)
        return unp.multiply(unp.subtract(unp.multiply(drawn, 2.0), 1.0), self.bound)


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


def zeros() -> Initializer:
    """All 0, on the engine of the key.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.zeros()(um.random.key(0), (2,)).tolist()
        [0.0, 0.0]
    """
    return _Constant(0.0)


def ones() -> Initializer:
    """All 1, on the engine of the key.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.ones()(um.random.key(0), (2,)).tolist()
        [1.0, 1.0]
    """
    return _Constant(1.0)


def constant(value: float) -> Initializer:
    """All ``value``, on the engine of the key.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.constant(0.5)(um.random.key(0), (2,)).tolist()
        [0.5, 0.5]
    """
    return _Constant(value)


def uniform(scale: float = 1e-2) -> Initializer:
    """Uniform in [0, ``scale``).

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.uniform(0.1)(um.random.key(0), (2, 3)).shape == (2, 3)
        True
    """
    return _Uniform(scale)


def normal(stddev: float = 1e-2) -> Initializer:
    """Normal with the mean 0 and the standard deviation ``stddev``.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.normal()(um.random.key(0), (2, 3)).shape == (2, 3)
        True
    """
    return _Normal(stddev)


def truncated_normal(stddev: float = 1e-2, *, lower: float = -2.0, upper: float = 2.0) -> Initializer:
    """``stddev`` times a standard normal that is cut off at ``lower`` and ``upper``.

    The bounds count in units of ``stddev``, which is the standard deviation before the cut, as in JAX.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.truncated_normal()(um.random.key(0), (2, 3)).shape == (2, 3)
        True
    """
    return _TruncatedNormal(stddev, lower, upper)


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
    _check_option("mode", mode, _MODES)
    _check_option("distribution", distribution, _DISTRIBUTIONS)
    if not scale > 0:
        raise OptionError("`scale` of an initializer is not positive.", got=f"scale = {scale!r}", expected="scale > 0")
    return _VarianceScaling(scale, mode, distribution, in_axis, out_axis, batch_axis)


def _check_option(name: str, value: str, known: dict[str, Any]) -> None:
    if value not in known:
        raise OptionError(
            f"variance_scaling does not know this {name}.",
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


def kaiming_uniform(*, in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = ()) -> Initializer:
    """Uniform with the variance ``2 / fan_in``. Source: He et al. (2015), arXiv:1502.01852, equation 10.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.kaiming_uniform()(um.random.key(0), (2, 3)).shape == (2, 3)
        True
    """
    return _VarianceScaling(2.0, "fan_in", "uniform", in_axis, out_axis, batch_axis)


def kaiming_normal(*, in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = ()) -> Initializer:
    """Truncated normal with the variance ``2 / fan_in``. Source: He et al. (2015), arXiv:1502.01852, equation 10.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.kaiming_normal()(um.random.key(0), (2, 3)).shape == (2, 3)
        True
    """
    return _VarianceScaling(2.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis)


xavier_uniform, xavier_normal = glorot_uniform, glorot_normal
he_uniform, he_normal = kaiming_uniform, kaiming_normal
