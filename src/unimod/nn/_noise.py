"""Random changes of the data during training: dropout in several forms, and noise, as pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
from unimod import random
from unimod.backends._protocol import Engine
from unimod.errors import OptionError
from unimod.nn import _axes, _checks
from unimod.numpy._dispatch import unary

Array = Any
Shape = tuple[int, ...]

# What selu tends to for -inf: -scale * alpha.
_SATURATED = -1.7580993408473766


def dropout(x: Array, key: Any, rate: float, *, broadcast_axes: Sequence[int] = ()) -> Array:
    """Set each value to 0 with the probability ``rate``, and scale the others by ``1 / (1 - rate)``.

    Args:
        x: floating, any shape.
        key: draws the mask; the same key and shape give the same mask on every engine.
        rate: the probability of dropping, in [0, 1].
        broadcast_axes: axes along which one draw holds for all entries.

    Returns:
        The shape and dtype of ``x``. What is dropped is 0 also where ``x`` is inf or NaN.

    Raises:
        OptionError: ``rate`` is outside of [0, 1].
        ShapeError: ``x`` has no such axis.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.ones((3,))
        >>> um.nn.functional.dropout(x, um.random.key(0), 1.0).tolist()
        [0.0, 0.0, 0.0]

    Source: Srivastava et al. (2014), JMLR 15.
    """
    engine, x = _checked("dropout", x, rate)
    if rate == 0:
        return x
    if rate == 1:
        return unp.zeros_like(x)
    mask = random.bernoulli(key, 1.0 - rate, _drawn_shape(x, broadcast_axes))
    # The reciprocal is taken here: XLA turns a division by a constant into it, other compilers do not.
    return engine.arrays.where(mask, unp.multiply(x, 1.0 / (1.0 - rate)), unp.zeros_like(x))


def alpha_dropout(x: Array, key: Any, rate: float, *, broadcast_axes: Sequence[int] = ()) -> Array:
    """Dropout that keeps the mean 0 and the variance 1 of what :func:`unimod.nn.selu` gives.

    ``y = a * where(kept, x, -1.7581) + b`` with ``a = ((1 - rate) (1 + rate * 1.7581^2))^(-1/2)`` and
    ``b = 1.7581 * a * rate``.

    Args:
        x: floating, any shape.
        key: draws the mask, which is that of :func:`dropout`.
        rate: the probability of dropping, in [0, 1]; for 1 all is 0.
        broadcast_axes: axes along which one draw holds for all entries.

    Raises:
        OptionError: ``rate`` is outside of [0, 1].
        ShapeError: ``x`` has no such axis.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> y = um.nn.functional.alpha_dropout(um.numpy.zeros((50,)), um.random.key(0), 0.5)
        >>> sorted({round(v, 4) for v in y.tolist()})
        [-0.7792, 0.7792]

    Source: Klambauer et al. (2017), arXiv:1706.02515, section 3.
    """
    engine, x = _checked("alpha_dropout", x, rate)
    if rate == 0:
        return x
    if rate == 1:
        return unp.zeros_like(x)
    a = 1.0 / math.sqrt((1.0 - rate) * (1.0 + rate * _SATURATED**2))
    mask = random.bernoulli(key, 1.0 - rate, _drawn_shape(x, broadcast_axes))
    kept = engine.arrays.where(mask, x, unp.full_like(x, _SATURATED))
    return unp.add(unp.multiply(kept, a), -a * _SATURATED * rate)


def gaussian_noise(x: Array, key: Any, stddev: float = 1.0) -> Array:
    """``x + stddev * noise`` with standard normal noise.

    Args:
        x: floating, any shape.
        key: draws the noise.
        stddev: its standard deviation, at least 0.

    Raises:
        OptionError: ``stddev`` is negative.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> um.nn.functional.gaussian_noise(um.numpy.ones((2,)), um.random.key(0), 0.0).tolist()
        [1.0, 1.0]
    """
    engine, x = unary(x)
    _checks.floating("gaussian_noise", engine, x)
    check_stddev(stddev)
    return x if stddev == 0 else unp.add(x, unp.multiply(_noise(engine, x, key), stddev))


def gaussian_dropout(x: Array, key: Any, rate: float) -> Array:
    """``x * (1 + s * noise)`` with standard normal noise and ``s = sqrt(rate / (1 - rate))``, the ``s`` of dropout.

    Args:
        x: floating, any shape.
        key: draws the noise.
        rate: that of the dropout with the same mean and variance, in [0, 1).

    Raises:
        OptionError: ``rate`` is outside of [0, 1).
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> um.nn.functional.gaussian_dropout(um.numpy.ones((2,)), um.random.key(0), 0.0).tolist()
        [1.0, 1.0]

    Source: Srivastava et al. (2014), JMLR 15, section 10.
    """
    engine, x = _checked("gaussian_dropout", x, rate)
    check_below_one(rate)
    if rate == 0:
        return x
    scale = math.sqrt(rate / (1.0 - rate))
    return unp.multiply(x, unp.add(unp.multiply(_noise(engine, x, key), scale), 1.0))


def stochastic_depth(x: Array, key: Any, rate: float) -> Array:
    """Drop whole examples (the first axis) of the output of a residual branch: :func:`dropout` with one draw for each.

    Args:
        x: floating, ``(batch, ...)``.
        key: draws the mask.
        rate: the probability of dropping, in [0, 1].

    Raises:
        OptionError: ``rate`` is outside of [0, 1].
        ShapeError: ``x`` is a scalar.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> y = um.nn.functional.stochastic_depth(um.numpy.ones((20, 3)), um.random.key(0), 0.5)
        >>> sorted({tuple(row) for row in y.tolist()})
        [(0.0, 0.0, 0.0), (2.0, 2.0, 2.0)]

    Source: Huang et al. (2016), arXiv:1603.09382.
    """
    _, x = _checked("stochastic_depth", x, rate)
    _checks.rank("stochastic_depth", "x", x, 1)
    return dropout(x, key, rate, broadcast_axes=range(1, len(x.shape)))


def check_stddev(stddev: float) -> None:
    """``stddev`` is a standard deviation."""
    if not stddev >= 0:
        raise OptionError(
            "A standard deviation is negative.",
            got=f"stddev = {stddev!r}",
            expected="stddev >= 0",
            fix="pass the width of the noise",
        )


def check_below_one(rate: float) -> None:
    """``rate`` leaves something."""
    if not 0 <= rate < 1:
        raise OptionError(
            "The rate of Gaussian dropout is not below 1.",
            got=f"rate = {rate!r}",
            expected="0 <= rate < 1",
            fix="the noise has the variance rate / (1 - rate): 0.5 makes it 1",
        )


def _checked(name: str, x: Array, rate: float) -> tuple[Engine, Array]:
    engine, x = unary(x)
    _checks.floating(name, engine, x)
    _checks.rate(rate)
    return engine, x


def _drawn_shape(x: Array, broadcast_axes: Sequence[int]) -> Shape:
    single = {_axes.resolve(x, axis) for axis in broadcast_axes}
    return tuple(1 if axis in single else size for axis, size in enumerate(x.shape))


def _noise(engine: Engine, x: Array, key: Any) -> Array:
    return random.normal(key, tuple(x.shape), dtype=engine.arrays.dtype_name(x))
