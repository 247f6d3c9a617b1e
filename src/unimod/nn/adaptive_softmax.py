"""Logarithms of the probabilities of many classes, of which some are much more frequent than others."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import unimod.numpy as unp
from unimod import config
from unimod.core.module import Module
from unimod.errors import OptionError, ShapeError
from unimod.nn import _affine, _checks, _leaves, initializers
from unimod.nn.activations import log_softmax


class TargetsAndLoss(NamedTuple):
    """What ``AdaptiveLogSoftmax`` gives: the log-probability of each target, and the negative of their mean."""

    log_probs: Any
    loss: Any


class AdaptiveLogSoftmax(Module):
    """Log-probabilities of classes in clusters, of which those of rare classes see fewer features.

    The head is a softmax over the classes below ``cutoffs[0]`` and over the clusters; each cluster has a softmax of its
    own, behind a projection to ``in_features / div_value ** i`` features.

    Args:
        in_features: length of the last axis of the input; None: taken from the example input at ``init``.
        num_classes: number of classes, in the order of their frequency.
        cutoffs: the first class of each cluster, ascending.
        div_value: by how much fewer features each cluster has than the one before.
        use_head_bias: whether the head has a bias.
        kernel_init: ``init(key, shape, dtype)`` of all kernels.
        bias_init: of the bias.
        dtype: of the leaves; inputs must have it too.

    Raises:
        OptionError: the cutoffs do not ascend, or are no classes.
        ShapeError: the last axis of the input has another length, or the targets do not fit.
        DTypeError: the input has another dtype, or the targets are not integers.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.AdaptiveLogSoftmax(8, 20, [4, 10]).init(0)
        >>> x = um.numpy.ones((3, 8))
        >>> layer(x, um.numpy.asarray([0, 5, 19])).log_probs.shape == (3,), layer.log_prob(x).shape == (3, 20)
        (True, True)

    Source: Grave et al. (2016), arXiv:1609.04309.
    Differences: torch's computes a cluster for its own examples only. Shapes that depend on values cannot be compiled:
    here each cluster is computed for all of them. What is saved are the parameters.
    """

    def __init__(
        self,
        in_features: int | None,
        num_classes: int,
        cutoffs: Sequence[int],
        *,
        div_value: float = 4.0,
        use_head_bias: bool = False,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.in_features, self.num_classes, self.cutoffs = in_features, num_classes, _ascending(cutoffs, num_classes)
        self.div_value, self.use_head_bias = float(div_value), use_head_bias
        self._kernel_init, self._bias_init, self._dtype = kernel_init, bias_init, str(dtype)
        self._declare()

    def _declare(self) -> None:
        head, size = self.cutoffs[0] + len(self.cutoffs), self.in_features
        self.head: Any = self._kernel((size, head))
        self.head_bias: Any = _leaves.parameter(self._bias_init, (head,), self._dtype) if self.use_head_bias else None
        ends = (*self.cutoffs[1:], self.num_classes)
        hidden = [None if size is None else max(int(size // self.div_value ** (i + 1)), 1) for i in range(len(ends))]
        self.projections: Any = [self._kernel((size, few)) for few in hidden]
        self.outputs: Any = [
            self._kernel((few, end - start)) for few, start, end in zip(hidden, self.cutoffs, ends, strict=True)
        ]

    def _kernel(self, shape: tuple[int | None, ...]) -> Any:
        return _leaves.parameter(self._kernel_init, shape, self._dtype)

    def infer_sizes(self, x: Any, target: Any = None) -> None:
        """Take the missing size from an example input."""
        self.in_features = int(x.shape[-1])
        self._declare()

    def __call__(self, x: Any, target: Any) -> TargetsAndLoss:
        """The log-probabilities of ``target``, classes ``(...)``, of ``x``, ``(..., in_features)``; and their loss.

        A target that is no class gets NaN.
        """
        head, clusters = self._parts(x)
        _check_target(x, target)
        first = self.cutoffs[0]
        value = _pick(head, unp.where(unp.less(target, first), target, 0))
        for i, cluster in enumerate(clusters):
            place = unp.subtract(target, self.cutoffs[i])
            size = int(cluster.shape[-1])
            is_inside = unp.logical_and(unp.greater_equal(place, 0), unp.less(place, size))
            inside = unp.add(head[..., first + i], _pick(cluster, unp.where(is_inside, place, 0)))
            value = unp.where(is_inside, inside, value)
        is_known = unp.logical_and(unp.greater_equal(target, 0), unp.less(target, self.num_classes))
        value = unp.where(is_known, value, unp.nan)
        return TargetsAndLoss(value, unp.negative(unp.mean(value)))

    def log_prob(self, x: Any) -> Any:
        """The log-probabilities of all classes: ``(..., num_classes)``."""
        head, clusters = self._parts(x)
        first = self.cutoffs[0]
        rest = [unp.add(part, head[..., first + i : first + i + 1]) for i, part in enumerate(clusters)]
        return unp.concat([head[..., :first], *rest], axis=-1)

    def predict(self, x: Any) -> Any:
        """The class of the highest probability, int32 ``(...)``."""
        return unp.argmax(self.log_prob(x), axis=-1)

    def _parts(self, x: Any) -> tuple[Any, list[Any]]:
        """The log-probabilities of the head, and those within each cluster."""
        _leaves.check_input(self, x, self.head, self.in_features, "in_features")
        head = log_softmax(_affine.linear(x, self.head, self.head_bias))
        pairs = zip(self.projections, self.outputs, strict=True)
        return head, [log_softmax(_affine.linear(_affine.linear(x, few), out)) for few, out in pairs]


def _pick(scores: Any, places: Any) -> Any:
    """The entry of the last axis at each place; one outside is nobody's, and gives the first."""
    safe = unp.where(unp.less(places, 0), 0, places)
    return unp.squeeze(unp.take_along_axis(scores, unp.expand_dims(safe, axis=-1), axis=-1), axis=-1)


def _check_target(x: Any, target: Any) -> None:
    _checks.integers("AdaptiveLogSoftmax", "target", config.engine_of(target), target)
    if tuple(target.shape) != tuple(x.shape[:-1]):
        raise ShapeError(
            "AdaptiveLogSoftmax got targets that do not fit the input.",
            got=f"x = {config.describe_value(x)}, target = {config.describe_value(target)}",
            expected=f"targets of the shape {tuple(x.shape[:-1])}",
            fix="pass one class for each vector",
        )


def _ascending(cutoffs: Sequence[int], num_classes: int) -> tuple[int, ...]:
    found = tuple(cutoffs)
    ends = (0, *found, num_classes)
    if found and all(isinstance(cut, int) for cut in found) and all(a < b for a, b in itertools.pairwise(ends)):
        return found
    raise OptionError(
        "The cutoffs of AdaptiveLogSoftmax are no ascending classes.",
        got=f"cutoffs = {found}, num_classes = {num_classes}",
        expected=f"at least one number, ascending, from 1 to {num_classes - 1}",
        fix="leave num_classes out of them: it is the end of the last cluster",
    )
