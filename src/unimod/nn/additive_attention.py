"""Attention by a small network instead of a product."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.config import describe_value
from unimod.core.module import Module
from unimod.errors import ShapeError
from unimod.nn import _attention_checks, _checks, _leaves, activations, initializers
from unimod.nn._precision import entering
from unimod.nn.stochastic import Dropout
from unimod.numpy._dispatch import many

Array = Any


def _as_kernel(key: Any, shape: tuple[int, ...], dtype: str) -> Array:
    """The numbers of a kernel with one output, so that scores are of the order of 1 whatever the number of features."""
    return unp.reshape(initializers.lecun_normal()(key, (*shape, 1), dtype), shape)


class AdditiveAttention(Module):
    """``softmax(score(q, k)) @ v`` with ``score(q, k) = sum(scale * tanh(q + k))``, without heads.

    Queries and keys come as they are: linear layers before it make them of one size. A query that may see no key gets
    0, with derivatives of 0. Half precision is computed in float32.

    Args:
        features: last axis of queries and keys; None: taken from the example input at ``init``.
        use_scale: whether there is a trained scale; without it the sum is over plain values.
        dropout_rate: the probability of dropping a weight, in training.
        scale_init: ``init(key, shape, dtype)`` of the scale, of shape ``(features,)``; by default it is drawn as the
            kernel of a linear layer with one output.
        dtype: of the scale; inputs must have it too.

    Raises:
        ShapeError: the shapes do not belong together.
        DTypeError: the dtypes differ, or the mask is not bool.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.AdditiveAttention(4).init(0)
        >>> layer(um.numpy.ones((2, 3, 4)), um.numpy.ones((2, 5, 4))).shape == (2, 3, 4)
        True

    Source: Bahdanau, Cho and Bengio (2014), arXiv:1409.0473, section 3.1.
    """

    def __init__(
        self,
        features: int | None = None,
        *,
        use_scale: bool = True,
        dropout_rate: float = 0.0,
        scale_init: _leaves.Fill = _as_kernel,
        dtype: str = "float32",
    ) -> None:
        self.features, self.use_scale = features, use_scale
        self._scale_init, self._dtype = scale_init, str(dtype)
        self.dropout: Any = Dropout(dropout_rate) if dropout_rate else None
        self._declare()

    def _declare(self) -> None:
        init = self._scale_init
        self.scale: Any = _leaves.parameter(init, (self.features,), self._dtype) if self.use_scale else None

    def infer_sizes(self, query: Any, *others: Any, **options: Any) -> None:
        """Take the missing size from an example input."""
        self.features = int(query.shape[-1])
        self._declare()

    def __call__(
        self,
        query: Array,
        key: Array,
        value: Array | None = None,
        *,
        mask: Array | None = None,
        return_weights: bool = False,
    ) -> Any:
        """Attend from ``query``.

        Args:
            query: ``(..., Tq, features)``.
            key: ``(..., Tk, features)``.
            value: ``(..., Tk, n)``; None: ``key``.
            mask: bool, broadcastable to ``(..., Tq, Tk)``: True where a query attends to a key.
            return_weights: return ``(result, weights)`` with the weights ``(..., Tq, Tk)``.

        Returns:
            ``(..., Tq, n)``.
        """
        engine, query, key, value, mask = many(query, key, key if value is None else value, mask)
        _leaves.check_input(self, query, self.scale, self.features, "features")
        _check_operands(engine, query, key, value, mask)
        weights = activations.softmax(self._scores(query, key), where=mask)
        weights = weights if self.dropout is None else self.dropout(weights)
        dtype = engine.arrays.dtype_name(query)
        out = unp.astype(unp.matmul(weights, entering(value)[0]), dtype)
        return (out, unp.astype(weights, dtype)) if return_weights else out

    def _scores(self, query: Array, key: Array) -> Array:
        pairs = unp.add(unp.expand_dims(entering(query)[0], -2), unp.expand_dims(entering(key)[0], -3))
        bent = activations.tanh(pairs)
        return unp.sum(bent if self.scale is None else unp.multiply(bent, entering(self.scale)[0]), axis=-1)


def _check_operands(engine: Any, query: Array, key: Array, value: Array, mask: Array | None) -> None:
    name = "AdditiveAttention"
    _checks.floating(name, engine, query)
    for argument, array in (("key", key), ("value", value)):
        _checks.same_dtype(name, engine, query, array, argument)
    q, k, v = (tuple(array.shape) for array in (query, key, value))
    if len(q) < 2 or q[:-2] != k[:-2] or q[-1] != k[-1] or k[:-1] != v[:-1]:
        raise ShapeError(
            "AdditiveAttention got shapes that do not belong together.",
            got=f"query = {describe_value(query)}, key = {describe_value(key)}, value = {describe_value(value)}",
            expected="query (..., Tq, features), key (..., Tk, features) and value (..., Tk, n)",
            fix="bring queries and keys to one size with um.nn.Linear",
        )
    _attention_checks.is_mask(name, "mask", engine, mask)
    _attention_checks.broadcasts(name, "mask", mask, (*q[:-1], k[-2]))
