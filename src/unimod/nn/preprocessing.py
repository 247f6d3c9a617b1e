"""Layers that bring raw numbers into the range that a model likes: scales, statistics of the data, bins, categories."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

import unimod.numpy as unp
from unimod import config, random
from unimod.core.initializer import Initializer
from unimod.core.kinds import ModelState
from unimod.core.module import Module
from unimod.errors import NotInitializedError, OptionError, ShapeError
from unimod.nn import _axes, _checks, _leaves, initializers
from unimod.nn._precision import entering, leaving
from unimod.numpy._dispatch import many, unary
from unimod.numpy._options import device_of

Array = Any
Values = float | Sequence[float] | None
L = TypeVar("L", bound=Module)


class Rescaling(Module):
    """``x * scale + offset``; ints become float32.

    Args:
        scale: a number, or one for each entry of the last axis.
        offset: likewise.

    Example:
        >>> import unimod as um
        >>> um.nn.Rescaling(1 / 128, -1.0)(um.numpy.asarray([0, 128, 192])).tolist()
        [-1.0, 0.0, 0.5]
    """

    def __init__(self, scale: float | Sequence[float], offset: float | Sequence[float] = 0.0) -> None:
        self.scale, self.offset = _numbers(scale), _numbers(offset)

    def __call__(self, x: Any) -> Any:
        """Rescale ``x``."""
        wide, dtype = entering(x)
        scaled = unp.multiply(wide, _like(wide, self.scale))
        return leaving(unp.add(scaled, _like(wide, self.offset)), dtype)


class Normalization(Module):
    """``(x - mean) / max(sqrt(variance), epsilon)``, with statistics of the data, which are not trained.

    The statistics are given, or taken from the data by :meth:`adapt`; before that they are 0 and 1. Ints become
    float32.

    Args:
        num_features: length of the axis; None: that of the statistics, of the data, or of the example at ``init``.
        axis: the axis whose entries have statistics of their own; None: one for all.
        mean: a number, or one for each entry of the axis.
        variance: likewise.
        invert: go back: ``x * max(sqrt(variance), epsilon) + mean``.
        epsilon: the least standard deviation.
        dtype: of the statistics.

    Raises:
        OptionError: only one of ``mean`` and ``variance`` is given, or their lengths differ.
        ShapeError: the axis has another length.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([[1.0, 10.0], [3.0, 30.0]])
        >>> layer = um.nn.Normalization().adapt(x)
        >>> layer.mean.tolist(), layer(x).tolist()
        ([2.0, 20.0], [[-1.0, -1.0], [1.0, 1.0]])
    """

    def __init__(
        self,
        num_features: int | None = None,
        *,
        axis: int | None = -1,
        mean: Values = None,
        variance: Values = None,
        invert: bool = False,
        epsilon: float = 1e-7,
        dtype: str = "float32",
    ) -> None:
        given = [value for value in map(_numbers, (mean, variance)) if value is not None]
        lengths = {len(value) for value in given if isinstance(value, tuple)} | ({num_features} - {None})
        if len(given) == 1 or len(lengths) > 1 or (axis is None and lengths):
            raise OptionError(
                "Normalization got statistics that do not belong together.",
                got=f"num_features = {num_features}, axis = {axis}, mean = {mean!r}, variance = {variance!r}",
                expected="both or none, of one length; numbers for axis=None",
                fix="pass both, or neither and call adapt(data)",
            )
        self.num_features = next(iter(lengths), None)
        self.axis, self.invert, self.epsilon, self._dtype = axis, invert, epsilon, str(dtype)
        self._given = tuple(_Given(value) for value in given) or (initializers.zeros(), initializers.ones())
        self._declare(is_known=bool(given))

    def _declare(self, *, is_known: bool = False) -> None:
        is_single = self.axis is None or (is_known and self.num_features is None)
        shape = () if is_single else (self.num_features,)
        self.mean: Any = ModelState(_leaves.pending(self._given[0], shape, self._dtype))
        self.variance: Any = ModelState(_leaves.pending(self._given[1], shape, self._dtype))

    def infer_sizes(self, x: Any) -> None:
        """Take the missing size from an example input."""
        self.num_features = None if self.axis is None else int(x.shape[_axes.resolve(x, self.axis)])
        self._declare()

    def adapt(self: L, data: Any, *, inplace: bool = False) -> L:
        """The layer with the mean and the biased variance of the data, over all axes but its own.

        Args:
            data: an array like those that the layer will be called with, with all the data.
            inplace: change the layer itself, and return it.
        """
        layer: Any = self if inplace else self.replace()
        wide, _ = entering(data)
        own = None if layer.axis is None else _axes.resolve(wide, layer.axis)
        axes = tuple(axis for axis in range(len(wide.shape)) if axis != own)
        layer.num_features = None if own is None else int(wide.shape[own])
        layer.mean = unp.astype(unp.mean(wide, axis=axes), layer._dtype)
        layer.variance = unp.astype(unp.var(wide, axis=axes), layer._dtype)
        return layer  # type: ignore[no-any-return]

    def __call__(self, x: Any) -> Any:
        """Normalise ``x``."""
        if isinstance(self.mean, Initializer):
            raise NotInitializedError(
                "Normalization has no statistics yet.", fix="call adapt(data), or model.init(seed, example)"
            )
        wide, dtype = entering(x)
        _, wide, mean, variance = many(wide, self._along(wide, self.mean), self._along(wide, self.variance))
        deviation = unp.maximum(unp.sqrt(variance), self.epsilon)
        if self.invert:
            return leaving(unp.add(unp.multiply(wide, deviation), mean), dtype)
        return leaving(unp.divide(unp.subtract(wide, mean), deviation), dtype)

    def _along(self, x: Array, leaf: Array) -> Array:
        leaf = unp.astype(leaf, x.dtype)
        if self.axis is None or not leaf.shape:
            return leaf
        place = _axes.resolve(x, self.axis)
        if x.shape[place] != leaf.shape[0]:
            raise ShapeError(
                f"Normalization has statistics of {leaf.shape[0]} features, but got {x.shape[place]} on its axis.",
                got=f"x = {config.describe_value(x)}, axis = {self.axis}",
                expected=f"{leaf.shape[0]} on that axis",
                fix="pass another x, or adapt the layer to data like it",
            )
        return unp.reshape(leaf, (-1, *(1 for _ in x.shape[place + 1 :])))


class Discretization(Module):
    """The number of the bin of each element: how many of the boundaries are not larger. int32.

    Args:
        boundaries: ascending numbers, ``n`` for ``n + 1`` bins; those that :meth:`adapt` finds, if there are none.

    Raises:
        OptionError: the boundaries do not ascend.

    Example:
        >>> import unimod as um
        >>> um.nn.Discretization([0.0, 1.0])(um.numpy.asarray([-1.0, 0.0, 0.5, 2.0])).tolist()
        [0, 1, 1, 2]
        >>> um.nn.Discretization().adapt(um.numpy.asarray([1.0, 2.0, 3.0, 4.0, 5.0]), 2).boundaries
        (3.0,)
    """

    def __init__(self, boundaries: Sequence[float] = ()) -> None:
        self.boundaries = tuple(float(edge) for edge in boundaries)
        if list(self.boundaries) != sorted(set(self.boundaries)):
            raise OptionError(
                "Discretization needs boundaries that ascend.",
                got=f"boundaries = {self.boundaries}",
                expected="numbers in ascending order, each once",
                fix="sort them",
            )

    def adapt(self: L, data: Any, num_bins: int, *, inplace: bool = False) -> L:
        """The layer with the boundaries at quantiles of the data, so that all bins hold as many of its elements.

        Args:
            data: an array of any shape, of concrete values.
            num_bins: how many bins; fewer where quantiles fall together.
            inplace: change the layer itself, and return it.
        """
        wide, _ = entering(data)
        edges = unp.quantile(wide, _like(wide, tuple(rank / num_bins for rank in range(1, num_bins))))
        layer: Any = self if inplace else self.replace()
        layer.boundaries = tuple(sorted({float(edge) for edge in unp.to_numpy(edges)}))
        return layer  # type: ignore[no-any-return]

    def __call__(self, x: Any) -> Any:
        """The bins of ``x``, real numbers of any shape."""
        wide, _ = entering(x)
        if not self.boundaries:
            return unp.astype(unp.zeros_like(wide), "int32")
        return unp.digitize(wide, _like(wide, self.boundaries))


class CategoryEncoding(Module):
    """Integers as vectors with an entry for each category.

    Args:
        num_categories: length of the vectors; an integer that is not in ``[0, num_categories)`` counts for none.
        output_mode: ``"one_hot"``: a vector for each integer; ``"multi_hot"``: one for the integers of the last axis,
            1 where one of them is that category; ``"count"``: how many are.

    Raises:
        OptionError: there is no such mode, or weights are given for another mode than ``"count"``.
        DTypeError: the input is not integer.
        ShapeError: the weights have another shape.

    Example:
        >>> import unimod as um
        >>> ids = um.numpy.asarray([[0, 2, 2]])
        >>> um.nn.CategoryEncoding(4)(ids).tolist(), um.nn.CategoryEncoding(4, output_mode="count")(ids).tolist()
        ([[1.0, 0.0, 1.0, 0.0]], [[1.0, 0.0, 2.0, 0.0]])
    """

    def __init__(self, num_categories: int, *, output_mode: str = "multi_hot") -> None:
        if output_mode not in ("one_hot", "multi_hot", "count"):
            raise OptionError(
                "CategoryEncoding has no such mode.",
                got=f"output_mode = {output_mode!r}",
                expected='"one_hot", "multi_hot" or "count"',
                fix='pass output_mode="multi_hot"',
            )
        self.num_categories, self.output_mode = num_categories, output_mode

    def __call__(self, ids: Any, weights: Any = None) -> Any:
        """Encode ``ids``, integers of any shape; ``weights`` of the same shape are added up in the mode ``"count"``."""
        engine, ids, weights = many(ids, weights)
        _checks.integers("CategoryEncoding", "ids", engine, ids)
        each = unp.one_hot(ids, self.num_categories)
        if weights is not None:
            self._check_weights(ids, weights)
            each = unp.multiply(each, unp.expand_dims(weights, -1))
        if self.output_mode == "one_hot":
            return each
        _axes.resolve(ids, -1)
        return unp.max(each, axis=-2) if self.output_mode == "multi_hot" else unp.sum(each, axis=-2)

    def _check_weights(self, ids: Array, weights: Array) -> None:
        if self.output_mode != "count":
            raise OptionError(
                "CategoryEncoding weighs counts only.",
                got=f"weights, with output_mode = {self.output_mode!r}",
                expected='output_mode = "count"',
                fix='build it with output_mode="count", or leave the weights out',
            )
        _checks.shapes("CategoryEncoding", tuple(ids.shape), weights=weights)


@dataclasses.dataclass(frozen=True)
class _Given:
    """An initializer that gives numbers, on the engine of the key."""

    values: float | tuple[float, ...]

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: str) -> Array:
        engine, data = unary(random.key_data(key))
        return unp.broadcast_to(engine.arrays.asarray(self.values, dtype, device_of(engine, data)), shape)


def _numbers(value: Any) -> Any:
    """Numbers that can be compared and hashed, as statics of a module are."""
    if value is None or isinstance(value, (int, float)):
        return value
    return tuple(float(number) for number in value)


def _like(x: Array, values: Any) -> Array:
    engine, x = unary(x)
    return engine.arrays.asarray(values, engine.arrays.dtype_name(x), device_of(engine, x))
