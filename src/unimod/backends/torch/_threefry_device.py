"""Threefry2x32 by torch operations, for keys that are not in the memory of the host.

uint32 has neither sums nor shifts in torch 2.13, so the words are int32, which wraps around.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unimod.backends._protocol import Shape
from unimod.backends._threefry import MASK, PARITY, ROTATIONS
from unimod.backends.torch.dtypes import native


def draw(key: Tensor, shape: Shape, kind: str) -> Tensor:
    """Bits or uniform values, as in ``_draws``, [*batch, *shape], from keys uint32[*batch, 2]."""
    x0, x1 = _blocks(key, math.prod(shape))
    return _finish(x0, x1, kind).reshape((*key.shape[:-1], *shape))


def split(key: Tensor, shape: Shape) -> Tensor:
    """New keys, uint32[*batch, *shape, 2]."""
    words = torch.stack(_blocks(key, math.prod(shape)), -1)
    return words.view(torch.uint32).reshape((*key.shape[:-1], *shape, 2))


def fold_in(key: Tensor, data: Tensor) -> Tensor:
    """The keys of the counters ``(0, data)``."""
    words = key.view(torch.int32)
    x1 = _as_int32(data.to(torch.int64)) + words[..., 1]
    x0 = words[..., 0] + torch.zeros_like(x1)
    return torch.stack(_rounds(x0, x1, words[..., 0], words[..., 1]), -1).view(torch.uint32)


def _blocks(key: Tensor, size: int) -> tuple[Tensor, Tensor]:
    words = key.view(torch.int32)
    key0, key1 = words[..., :1], words[..., 1:]
    counts = torch.arange(size, device=key.device)
    return _rounds(_as_int32(counts >> 32) + key0, _as_int32(counts) + key1, key0, key1)


def _as_int32(x: Tensor) -> Tensor:
    """The lower word of int64, wrapped into int32."""
    return x.view(torch.int32)[..., ::2] if x.dim() else _as_int32(x[None])[0]


def _rounds(x0: Tensor, x1: Tensor, key0: Tensor, key1: Tensor) -> tuple[Tensor, Tensor]:
    keys = (key0, key1, key0 ^ key1 ^ PARITY)
    for i in range(5):
        for r in ROTATIONS[i & 1]:
            x0.add_(x1)
            # The shift to the right of an int32 drags the sign along.
            carried = (x1 >> (32 - r)).bitwise_and_((1 << r) - 1)
            x1.bitwise_left_shift_(r).bitwise_or_(carried).bitwise_xor_(x0)
        x0.add_(keys[(i + 1) % 3])
        x1.add_(keys[(i + 2) % 3]).add_(i + 1)
    return x0, x1


def _finish(x0: Tensor, x1: Tensor, kind: str) -> Tensor:
    if kind in ("uint64", "float64"):
        words = (x0.to(torch.int64) << 32) | (x1.to(torch.int64) & MASK)
        return words.view(torch.uint64) if kind == "uint64" else (words >> 12 & (1 << 52) - 1).double() * 2.0**-52
    words = x0.bitwise_xor_(x1)
    if kind.startswith("uint"):
        return _unsigned(words, kind)
    if kind == "float32":
        return _float32(words)
    drawn, kept = (16, 10) if kind == "float16" else (8, 7)
    return ((words >> (drawn - kept) & (1 << kept) - 1).float() * 2.0**-kept).to(native(kind))


def _unsigned(words: Tensor, kind: str) -> Tensor:
    if kind == "uint32":
        return words.view(torch.uint32)
    return (words & 0xFF).to(torch.uint8) if kind == "uint8" else words.to(torch.int16).view(torch.uint16)


def _float32(words: Tensor) -> Tensor:
    return (words >> 9 & 0x7FFFFF | 0x3F800000).view(torch.float32) - 1.0
