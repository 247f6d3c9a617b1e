"""Initializers that do not look at the shape: constants, and distributions of a given width."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod import random
from unimod.numpy._dispatch import unary

Array = Any
Shape = tuple[int, ...]
Initializer = Callable[..., Array]


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
    mean: float = 0.0

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        return _shifted(unp.multiply(random.normal(key, tuple(shape), dtype=dtype), self.stddev), self.mean)


@dataclasses.dataclass(frozen=True)
class _TruncatedNormal:
    stddev: float
    lower: float
    upper: float
    mean: float = 0.0

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        drawn = random.truncated_normal(key, self.lower, self.upper, tuple(shape), dtype=dtype)
        return _shifted(unp.multiply(drawn, self.stddev), self.mean)


@dataclasses.dataclass(frozen=True)
class _SymmetricUniform:
    bound: float

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        # 2u - 1 is exact, with or without a fused multiply-add; u * span + low is not.
        drawn = random.uniform(key, tuple(shape), dtype=dtype)
        return unp.multiply(unp.subtract(unp.multiply(drawn, 2.0), 1.0), self.bound)


def _shifted(x: Array, mean: float) -> Array:
    return unp.add(x, mean) if mean else x


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


def symmetric_uniform(bound: float = 1e-2) -> Initializer:
    """Uniform in [-``bound``, ``bound``), drawn as ``(2u - 1) * bound``: equal to the last bit on every engine.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.symmetric_uniform(0.1)(um.random.key(0), (2, 3)).shape == (2, 3)
        True
    """
    return _SymmetricUniform(bound)


def normal(stddev: float = 1e-2, *, mean: float = 0.0) -> Initializer:
    """Normal with the mean ``mean`` and the standard deviation ``stddev``.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.normal()(um.random.key(0), (2, 3)).shape == (2, 3)
        True
    """
    return _Normal(stddev, mean)


def truncated_normal(
    stddev: float = 1e-2, *, mean: float = 0.0, lower: float = -2.0, upper: float = 2.0
) -> Initializer:
    """``mean`` plus ``stddev`` times a standard normal that is cut off at ``lower`` and ``upper``.

    The bounds count in units of ``stddev``, which is the standard deviation before the cut, as in JAX. The absolute
    bounds ``a`` and ``b`` of PyTorch are ``lower=(a - mean) / stddev`` and ``upper=(b - mean) / stddev``.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.truncated_normal()(um.random.key(0), (2, 3)).shape == (2, 3)
        True
    """
    return _TruncatedNormal(stddev, lower, upper, mean)
