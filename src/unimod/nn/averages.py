"""Exponential moving averages of arrays and of whole trees of parameters."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.core import init, tree
from unimod.core.initializer import Initializer
from unimod.core.kinds import State
from unimod.core.module import Module
from unimod.dtypes import DType
from unimod.errors import NotInitializedError, OptionError
from unimod.transforms.grad import stop_gradient

_HALF = ("float16", "bfloat16")


def running_avg(state: Any, x: Any, weight: Any) -> Any:
    """``(1 - weight) * state + weight * x`` for each floating leaf of two trees; other leaves are those of ``x``.

    Args:
        state: a tree of arrays: the average so far.
        x: a tree of the same structure.
        weight: of the new values, a number or an array of shape ().

    Returns:
        A tree of the structure and the dtypes of ``state``.

    Raises:
        TreeError: the structures differ.

    Example:
        >>> import unimod as um
        >>> um.nn.running_avg({"a": um.numpy.asarray(1.0)}, {"a": um.numpy.asarray(3.0)}, 0.25)["a"].tolist()
        1.5
    """
    return tree.map(lambda old, new: _mixed(old, new, weight), state, x)


def debiased(average: Any, remaining: Any) -> Any:
    """``average / (1 - remaining)`` for each floating leaf of a tree: an average that started from zeros, corrected.

    Args:
        average: a tree of arrays.
        remaining: the weight that the start still has: ``decay**count`` after ``count`` values. Where it is 1, there
            are no values yet, and the average stays.

    Example:
        >>> import unimod as um
        >>> um.nn.debiased(um.numpy.asarray(0.5), 0.75).tolist()
        2.0
    """
    return tree.map(lambda leaf: _corrected(leaf, remaining) if _is_float(leaf) else leaf, average)


class EMA(Module):
    """An exponential moving average of what it is called with: an array, or any tree of arrays.

    ``average = d * average + (1 - d) * values`` with ``d = decay``. Leaves that are not floating are taken as they are.
    The result is held constant by ``grad``. In evaluation mode, or frozen, nothing changes, and a call gives the
    average so far.

    Args:
        decay: how much of the average stays, in [0, 1].
        debias: start from zeros, and divide by the weight of all values so far, so that the average has no bias
            towards the start; without it the start is the example of ``init``.
        warmup: use ``min(decay, (1 + n) / (10 + n))`` for the value ``n = 0, 1, ...``, so that the start is soon left.

    Raises:
        OptionError: ``decay`` is not in [0, 1].
        TreeError: a call has another structure than the example of ``init``.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, 2.0])
        >>> ema = um.nn.EMA(0.9).init(0, x)
        >>> [round(v, 4) for v in ema(x).tolist()]
        [1.0, 2.0]
        >>> [round(v, 4) for v in ema(3 * x).tolist()]
        [2.0526, 4.1053]

    Source: Kingma and Ba, "Adam", 2014, section 3, for the correction of the bias.
    """

    def __init__(self, decay: float = 0.999, *, debias: bool = True, warmup: bool = False) -> None:
        if not 0 <= decay <= 1:
            raise OptionError(
                "The decay of an average is not a fraction.",
                got=f"decay = {decay!r}",
                expected="0 <= decay <= 1",
                fix="0.999 remembers about 1000 values",
            )
        self.decay, self.debias, self.warmup = float(decay), debias, warmup
        self.structure: Any = None
        self.averages: Any = State(Initializer(None))
        self.count: Any = State(Initializer(None, dtype="int32"))
        self.remaining: Any = State(Initializer(None))

    def infer_sizes(self, values: Any = None) -> None:
        """Start from an example of the values."""
        leaves, self.structure = tree.flatten(values)
        self.averages = [State(self._start(leaf)) for leaf in leaves]
        engine = config.engine_of(*(leaf for leaf in leaves if config.is_array(leaf)))
        self.count = State(engine.arrays.full((), 0, "int32"))
        self.remaining = State(engine.arrays.full((), 1.0, "float32"))

    def _start(self, leaf: Any) -> Any:
        is_zero = self.debias and _is_float(leaf)
        return unp.zeros_like(leaf) if is_zero else unp.copy(leaf) if config.is_array(leaf) else leaf

    def __call__(self, values: Any = None) -> Any:
        """Take in new values, in training mode only, and give the average so far."""
        self._check_started()
        is_learning = self.training and not self.frozen and init.state.active is None
        if is_learning and values is not None:
            self._take_in(stop_gradient(values))
        return self.average

    def _take_in(self, values: Any) -> None:
        decay = self._decay_now()
        mixed = running_avg(tree.unflatten(self.structure, list(self.averages)), values, 1.0 - decay)
        self.averages = tree.leaves(mixed)
        self.count = unp.add(self.count, 1)
        self.remaining = unp.multiply(self.remaining, decay)

    def _decay_now(self) -> Any:
        if not self.warmup:
            return self.decay
        count = unp.astype(self.count, "float32")
        return unp.minimum(unp.divide(unp.add(count, 1.0), unp.add(count, 10.0)), self.decay)

    @property
    def average(self) -> Any:
        """The average so far, a tree like the values."""
        self._check_started()
        found = tree.unflatten(self.structure, list(self.averages))
        return debiased(found, self.remaining) if self.debias else found

    def _check_started(self) -> None:
        if isinstance(self.count, Initializer):
            raise NotInitializedError(
                "EMA does not know yet what it averages.",
                fix="ema = ema.init(0, values), with an example of the values",
            )


def _is_float(leaf: Any) -> bool:
    return config.is_array(leaf) and DType(config.dtype_of(leaf)).kind in ("float", "complex")


def _mixed(old: Any, new: Any, weight: Any) -> Any:
    if not _is_float(old):
        return new
    wide, other = _widened(old), _widened(new)
    return unp.astype(unp.add(wide, _scaled(unp.subtract(other, wide), weight)), config.dtype_of(old))


def _corrected(leaf: Any, remaining: Any) -> Any:
    wide = _widened(leaf)
    if isinstance(remaining, (int, float)):
        return leaf if remaining == 1 else unp.astype(unp.multiply(wide, 1.0 / (1.0 - remaining)), leaf.dtype)
    rest = unp.subtract(1.0, remaining)
    factor = unp.divide(1.0, unp.where(unp.equal(rest, 0.0), unp.ones_like(rest), rest))
    return unp.astype(_scaled(wide, factor), config.dtype_of(leaf))


def _scaled(x: Any, factor: Any) -> Any:
    return unp.multiply(x, factor if isinstance(factor, (int, float)) else unp.astype(factor, config.dtype_of(x)))


def _widened(x: Any) -> Any:
    return unp.astype(x, "float32") if config.dtype_of(x) in _HALF else x
