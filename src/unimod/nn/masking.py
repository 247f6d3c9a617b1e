"""Masks that are read off arrays: the steps that count, and pairs of them."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.nn import _attention_checks, _axes
from unimod.numpy._dispatch import many, unary

Array = Any


def step_mask(x: Array, *, value: float = 0.0, axis: int = -1) -> Array:
    """True for the steps that are not padding: where an entry along ``axis`` is not ``value``.

    The ``mask`` of recurrent layers, or ``key_mask`` of :func:`attention_mask`. Nothing carries a mask from layer to
    layer by itself: it is passed to those that take one.

    Args:
        x: any dtype, ``(..., features)``.
        value: what padding is filled with; nan is compared as a number, and is no padding.
        axis: that of the features.

    Returns:
        bool, of the shape of ``x`` without ``axis``.

    Raises:
        ShapeError: ``x`` has no such axis.

    Example:
        >>> import unimod as um
        >>> um.nn.step_mask(um.numpy.asarray([[[1.0, 0.0], [2.0, 3.0], [0.0, 0.0]]])).tolist()
        [[True, True, False]]
    """
    _, x = unary(x)
    return unp.any(unp.not_equal(x, value), axis=_axes.resolve(x, axis))


def attention_mask(query_mask: Array, key_mask: Array | None = None) -> Array:
    """True for the pairs of a query and a key that both count, for all heads.

    ``mask[..., 0, i, j] = query_mask[..., i] and key_mask[..., j]``

    Args:
        query_mask: bool, ``(..., Tq)``.
        key_mask: bool, ``(..., Tk)``; None: that of the queries.

    Returns:
        bool, ``(..., 1, Tq, Tk)``, the ``mask`` of :class:`MultiHeadAttention`.

    Raises:
        DTypeError: a mask is not bool.
        ShapeError: a mask has no axes, or the leading axes do not broadcast.

    Example:
        >>> import unimod as um
        >>> um.nn.attention_mask(um.numpy.asarray([[True, True, False]]))[0, 0].tolist()
        [[True, True, False], [True, True, False], [False, False, False]]
    """
    engine, query, key = many(query_mask, query_mask if key_mask is None else key_mask)
    for argument, mask in (("query_mask", query), ("key_mask", key)):
        _attention_checks.is_mask("attention_mask", argument, engine, mask)
        _axes.resolve(mask, -1)
    pairs = unp.logical_and(unp.expand_dims(query, -1), unp.expand_dims(key, -2))
    return unp.expand_dims(pairs, -3)
