"""Layers that tell positions apart: added vectors, rotations, and biases of the scores of attention."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.config import describe_value, is_array
from unimod.core.module import Module
from unimod.errors import ShapeError
from unimod.nn import _checks, _leaves, _positions, initializers
from unimod.numpy._dispatch import unary

Array = Any

_NARROW = initializers.normal(0.02)


class SinusoidalPositions(Module):
    """Add a vector of waves to each entry; there is nothing to train. See :func:`unimod.nn.functional.sinusoidal`.

    Args:
        base: the longest wave is about ``2 pi base``.

    Raises:
        ShapeError: the input has less than two axes.
        DTypeError: the input is not floating.

    Example:
        >>> import unimod as um
        >>> y = um.nn.SinusoidalPositions()(um.numpy.zeros((2, 2)))
        >>> [[round(v, 3) for v in row] for row in y.tolist()]
        [[0.0, 1.0], [0.841, 0.54]]

    Source: Vaswani et al. (2017), arXiv:1706.03762, section 3.5.
    """

    def __init__(self, *, base: float = 10000.0) -> None:
        self.base = float(base)

    def __call__(self, x: Array, *, offset: Any = 0) -> Array:
        """Add to ``x``, of shape ``(..., T, D)``, the vectors of the positions from ``offset`` on."""
        engine, x = unary(x)
        _checks.floating("SinusoidalPositions", engine, x)
        _checks.rank("SinusoidalPositions", "x", x, 2)
        return unp.add(x, _positions.waves_at(engine, x, offset, self.base))


class LearnedPositions(Module):
    """Add a trained vector to each entry, one for each position.

    Args:
        max_length: number of positions.
        features: length of each vector; None: taken from the example input at ``init``.
        embedding_init: ``init(key, shape, dtype)`` of the table ``(max_length, features)``.
        dtype: of the table; inputs must have it too.

    Raises:
        ShapeError: the input is longer than the table, or its last axis has another length.
        DTypeError: the input has another dtype.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.LearnedPositions(8, 4).init(0)
        >>> layer(um.numpy.ones((2, 5, 4))).shape == (2, 5, 4)
        True

    Differences: an ``offset`` that is an array is clamped where the table would end, as traced places are.
    """

    def __init__(
        self,
        max_length: int,
        features: int | None = None,
        *,
        embedding_init: _leaves.Fill = _NARROW,
        dtype: str = "float32",
    ) -> None:
        self.max_length, self.features = max_length, features
        self._embedding_init, self._dtype = embedding_init, str(dtype)
        self._declare()

    def _declare(self) -> None:
        shape = (self.max_length, self.features)
        self.embedding: Any = _leaves.parameter(self._embedding_init, shape, self._dtype)

    def infer_sizes(self, x: Array, *, offset: Any = 0) -> None:
        """Take the missing size from an example input."""
        self.features = int(x.shape[-1])
        self._declare()

    def __call__(self, x: Array, *, offset: Any = 0) -> Array:
        """Add to ``x``, of shape ``(..., T, features)``, the vectors of the positions from ``offset`` on."""
        _leaves.check_input(self, x, self.embedding, self.features, "features")
        _checks.rank("LearnedPositions", "x", x, 2)
        length, start = x.shape[-2], 0 if is_array(offset) else offset
        if start < 0 or start + length > self.max_length:
            raise ShapeError(
                "LearnedPositions got more positions than it was built for.",
                got=f"x = {describe_value(x)}, offset = {start}",
                expected=f"offset + length of the second last axis <= {self.max_length}",
                fix=f"build it with max_length={start + length} or more",
            )
        return unp.add(x, unp.dynamic_slice(self.embedding, [offset, 0], (length, x.shape[-1])))


class RotaryPositions(Module):
    """Rotate queries and keys by their positions; there is nothing to train. See :func:`unimod.nn.functional.rotary`.

    Args:
        base: the slowest angle is about ``1 / base``.
        interleaved: pairs are neighbours; else of the two halves.
        features: how many features of a head are rotated, the first ones; None: all.
        offset: is added to all positions.

    Example:
        >>> import unimod as um
        >>> um.nn.RotaryPositions()(um.numpy.ones((2, 5, 4, 6))).shape == (2, 5, 4, 6)
        True

    Source: Su et al. (2021), arXiv:2104.09864.
    """

    def __init__(
        self, *, base: float = 10000.0, interleaved: bool = False, features: int | None = None, offset: int = 0
    ) -> None:
        self.base, self.interleaved, self.features, self.offset = float(base), interleaved, features, offset

    def __call__(self, x: Array, positions: Array | None = None, *, offset: Any = 0) -> Array:
        """Rotate ``x``, of shape ``(..., T, H, D)``, at ``positions`` or at those from ``offset`` on."""
        return _positions.rotary(
            x,
            None if positions is None else self._moved(positions),
            offset=self._moved(offset),
            base=self.base,
            interleaved=self.interleaved,
            features=self.features,
        )

    def _moved(self, place: Any) -> Any:
        return unp.add(place, self.offset) if is_array(place) else place + self.offset
