"""NumPy: attention, written for clarity as the reference."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["attention"]

Array = Any


def attention(
    query: Array, key: Array, value: Array, mask: Array | None, bias: Array | None, *, scale: float, is_causal: bool
) -> Array:
    """``softmax(scale * query @ key.T + bias) @ value`` for each head; see ``_optional``."""
    wide = [_widen(x) for x in (query, key, value)]
    # Each key and value serves several neighbouring heads.
    shared = query.shape[2] // key.shape[2]
    q, k, v = wide[0], np.repeat(wide[1], shared, 2), np.repeat(wide[2], shared, 2)
    logits = np.einsum("bthd,bshd->bhts", q, k) * scale
    logits = logits if bias is None else logits + bias.astype(logits.dtype)
    allowed = np.tri(q.shape[1], k.shape[1], dtype=bool) if is_causal else True if mask is None else mask
    peak = np.max(logits, -1, where=allowed, initial=-1e30, keepdims=True)
    weights = np.exp(np.where(allowed, logits - peak, -np.inf))
    total = np.sum(weights, -1, keepdims=True)
    weights = weights / np.where(total == 0, 1, total)
    return np.einsum("bhts,bshd->bthd", weights, v).astype(query.dtype)


def _widen(x: Array) -> Array:
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x
