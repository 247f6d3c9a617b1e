"""Layers that draw random numbers: dropout in several forms, and noise; in training only.

The key of each is an ``Rng`` leaf, split at each call, so that the same seed gives the same draws on every engine. In
evaluation mode, or frozen, these layers return their input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unimod import random
from unimod.core.initializer import Initializer
from unimod.core.kinds import Rng
from unimod.core.module import Module
from unimod.errors import ShapeError
from unimod.nn import _axes, _checks, _noise


class Stochastic(Module):
    """Base of the layers that draw: a key, and whether to draw at all."""

    def _declare_key(self) -> None:
        self.key: Any = Rng(Initializer(_itself, (2,), "uint32"))

    def _is_drawing(self, amount: float) -> bool:
        return self.training and not self.frozen and amount != 0

    def _next_key(self) -> Any:
        self.key, key = random.split(self.key)
        return key


class Dropout(Stochastic):
    """Set each element to zero with probability ``rate`` and scale the others by ``1 / (1 - rate)``; in training only.

    The key is an ``Rng`` leaf, split at each call, so that the same seed gives the same masks on every engine.

    Args:
        rate: the probability of dropping, in [0, 1].
        broadcast_axes: axes along which one draw holds for all entries.

    Raises:
        OptionError: the rate is not in [0, 1].

    Example:
        >>> import unimod as um
        >>> layer = um.nn.Dropout(0.5).init(0)
        >>> sorted({float(v) for v in layer(um.numpy.ones((100,)))})
        [0.0, 2.0]
        >>> float(um.numpy.sum(layer.eval()(um.numpy.ones((4,)))))
        4.0

    Source: Srivastava et al., "Dropout", 2014.
    """

    def __init__(self, rate: float, *, broadcast_axes: int | Sequence[int] = ()) -> None:
        _checks.rate(rate)
        self.rate = float(rate)
        self.broadcast_axes = (broadcast_axes,) if isinstance(broadcast_axes, int) else tuple(broadcast_axes)
        self._declare_key()

    def __call__(self, x: Any) -> Any:
        """Drop elements of ``x``."""
        if not self._is_drawing(self.rate):
            return x
        return _noise.dropout(x, self._next_key(), self.rate, broadcast_axes=self.broadcast_axes)


class _ByChannel(Stochastic):
    def __init__(self, rate: float, *, axis: int = -1) -> None:
        _checks.rate(rate)
        self.rate, self.axis = float(rate), axis
        self._declare_key()

    def _spatial(self, x: Any) -> tuple[int, ...]:
        """All axes but those of the batch (the first) and of the channels."""
        place = _axes.resolve(x, self.axis)
        if len(x.shape) < 2 or place == 0:
            raise ShapeError(
                f"{type(self).__name__} got an array without an axis of channels after that of the batch.",
                got=f"x of the shape {tuple(x.shape)}, axis = {self.axis}",
                expected="(batch, spatial..., channels), or axis = 1 for channels first",
                fix="add an axis for the batch, or use Dropout",
            )
        return tuple(axis for axis in range(1, len(x.shape)) if axis != place)


class SpatialDropout(_ByChannel):
    """Dropout of whole channels of each example, for 1, 2 or more spatial axes; in training only.

    Args:
        rate: the probability of dropping, in [0, 1].
        axis: that of the channels, 1 for channels first.

    Raises:
        OptionError: the rate is not in [0, 1].
        ShapeError: ``x`` has no axis of channels beside that of the batch.

    Example:
        >>> import unimod as um
        >>> y = um.nn.SpatialDropout(0.5).init(0)(um.numpy.ones((4, 3, 8)))
        >>> {len(set(column)) for example in y.tolist() for column in zip(*example)}
        {1}

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.
    """

    def __call__(self, x: Any) -> Any:
        """Drop channels of ``x``, of shape ``(batch, spatial..., channels)``."""
        axes = self._spatial(x)
        return _noise.dropout(x, self._next_key(), self.rate, broadcast_axes=axes) if self._is_drawing(self.rate) else x


class AlphaDropout(Stochastic):
    """Dropout that keeps the mean 0 and the variance 1 of what selu gives; in training only.

    Args:
        rate: the probability of dropping, in [0, 1].

    Raises:
        OptionError: the rate is not in [0, 1].

    Example:
        >>> import unimod as um
        >>> layer = um.nn.AlphaDropout(0.5).init(0)
        >>> sorted({round(float(v), 4) for v in layer(um.numpy.zeros((50,)))})
        [-0.7792, 0.7792]

    Source: Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """

    def __init__(self, rate: float) -> None:
        _checks.rate(rate)
        self.rate = float(rate)
        self._declare_key()

    def __call__(self, x: Any) -> Any:
        """Drop elements of ``x``."""
        return _noise.alpha_dropout(x, self._next_key(), self.rate) if self._is_drawing(self.rate) else x


class FeatureAlphaDropout(_ByChannel):
    """AlphaDropout of whole channels of each example; in training only.

    Args:
        rate: the probability of dropping, in [0, 1].
        axis: that of the channels, 1 for channels first.

    Raises:
        OptionError: the rate is not in [0, 1].
        ShapeError: ``x`` has no axis of channels beside that of the batch.

    Example:
        >>> import unimod as um
        >>> y = um.nn.FeatureAlphaDropout(0.5).init(0)(um.numpy.zeros((4, 3, 8)))
        >>> {len(set(column)) for example in y.tolist() for column in zip(*example)}
        {1}
    """

    def __call__(self, x: Any) -> Any:
        """Drop channels of ``x``, of shape ``(batch, spatial..., channels)``."""
        axes = self._spatial(x)
        if not self._is_drawing(self.rate):
            return x
        return _noise.alpha_dropout(x, self._next_key(), self.rate, broadcast_axes=axes)


class GaussianNoise(Stochastic):
    """Add normal noise; in training only.

    Args:
        stddev: its standard deviation.

    Raises:
        OptionError: the standard deviation is negative.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.GaussianNoise(0.1).init(0)
        >>> x = um.numpy.ones((2, 3))
        >>> layer(x).shape == (2, 3), layer.eval()(x).tolist() == x.tolist()
        (True, True)
    """

    def __init__(self, stddev: float) -> None:
        _noise.check_stddev(stddev)
        self.stddev = float(stddev)
        self._declare_key()

    def __call__(self, x: Any) -> Any:
        """Add noise to ``x``."""
        return _noise.gaussian_noise(x, self._next_key(), self.stddev) if self._is_drawing(self.stddev) else x


class GaussianDropout(Stochastic):
    """Multiply by normal noise of the mean 1 and the variance ``rate / (1 - rate)``; in training only.

    Args:
        rate: that of the dropout with the same mean and variance, in [0, 1).

    Raises:
        OptionError: the rate is not in [0, 1).

    Example:
        >>> import unimod as um
        >>> layer = um.nn.GaussianDropout(0.1).init(0)
        >>> x = um.numpy.ones((2, 3))
        >>> layer(x).shape == (2, 3), layer.eval()(x).tolist() == x.tolist()
        (True, True)

    Source: Srivastava et al., "Dropout", 2014, section 10.
    """

    def __init__(self, rate: float) -> None:
        _noise.check_below_one(rate)
        self.rate = float(rate)
        self._declare_key()

    def __call__(self, x: Any) -> Any:
        """Multiply ``x`` by noise."""
        return _noise.gaussian_dropout(x, self._next_key(), self.rate) if self._is_drawing(self.rate) else x


class StochasticDepth(Stochastic):
    """Drop whole examples of the output of a residual branch, and scale the others; in training only.

    Args:
        rate: the probability of dropping, in [0, 1].

    Raises:
        OptionError: the rate is not in [0, 1].

    Example:
        >>> import unimod as um
        >>> branch = um.nn.Sequential(um.nn.Linear(3, 3), um.nn.StochasticDepth(0.2))
        >>> um.nn.Residual(branch).init(0)(um.numpy.ones((4, 3))).shape == (4, 3)
        True

    Source: Huang et al., "Deep Networks with Stochastic Depth", 2016.
    """

    def __init__(self, rate: float) -> None:
        _checks.rate(rate)
        self.rate = float(rate)
        self._declare_key()

    def __call__(self, x: Any) -> Any:
        """Drop examples of ``x``, of shape ``(batch, ...)``."""
        return _noise.stochastic_depth(x, self._next_key(), self.rate) if self._is_drawing(self.rate) else x


DropPath = StochasticDepth


def _itself(key: Any) -> Any:
    return key
