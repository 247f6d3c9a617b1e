"""PyTorch: random numbers, equal to those of ``jax.random``. Keys are uint32[2]."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unimod.backends import _samplers
from unimod.backends._protocol import Shape
from unimod.backends.torch import _randint, _random_ops, arrays
from unimod.backends.torch._random_ops import sample
from unimod.backends.torch._sample import OPS, distribute
from unimod.backends.torch.dtypes import name_of


def key(high: int, low: int, device: str | None = None) -> Tensor:
    """The key of the 64-bit seed ``(high, low)``."""
    return arrays.asarray(np.array([high, low], np.uint32), "uint32", device)


def split(key: Tensor, shape: Shape) -> Tensor:
    """New keys, uint32[*shape, 2]."""
    return _random_ops.split(key, shape)


def fold_in(key: Tensor, data: Any) -> Tensor:
    """A new key that depends on ``data`` modulo 2**32."""
    return _random_ops.fold_in(key, data)


def bits(key: Tensor, shape: Shape, width: int) -> Tensor:
    """Random bits in unsigned integers."""
    return sample(key, shape, "bits", f"uint{width}")


def uniform(key: Tensor, shape: Shape, dtype: str, minval: Any, maxval: Any) -> Tensor:
    """Uniform values in [minval, maxval)."""
    if isinstance(minval, Tensor) or isinstance(maxval, Tensor):
        return distribute(sample(key, shape, "uniform", dtype), "uniform", dtype, minval, maxval)
    return sample(key, shape, "uniform", dtype, () if (minval, maxval) == (0, 1) else (float(minval), float(maxval)))


def normal(key: Tensor, shape: Shape, dtype: str) -> Tensor:
    """Standard normal values."""
    return sample(key, shape, "normal", dtype)


def truncated_normal(key: Tensor, lower: Any, upper: Any, shape: Shape, dtype: str) -> Tensor:
    """Standard normal values inside (lower, upper)."""
    if isinstance(lower, Tensor) or isinstance(upper, Tensor):
        return distribute(sample(key, shape, "uniform", dtype), "truncated_normal", dtype, lower, upper)
    return sample(key, shape, "truncated_normal", dtype, (float(lower), float(upper)))


def bernoulli(key: Tensor, p: Any, shape: Shape) -> Tensor:
    """True with probability ``p``."""
    if isinstance(p, Tensor):
        return sample(key, shape, "uniform", name_of(p.dtype)) < p
    return sample(key, shape, "uniform", "float32") < float(_samplers.number(p, "float32"))


def gumbel(key: Tensor, shape: Shape, dtype: str) -> Tensor:
    """Standard Gumbel values."""
    return sample(key, shape, "gumbel", dtype)


def exponential(key: Tensor, shape: Shape, dtype: str) -> Tensor:
    """Exponential values of rate 1."""
    return sample(key, shape, "exponential", dtype)


def randint(key: Tensor, shape: Shape, minval: Any, maxval: Any, dtype: str) -> Tensor:
    """Integers in [minval, maxval)."""
    return _randint.randint(split(key, (2,)), shape, minval, maxval, dtype)


def permutation(key: Tensor, x: Any, axis: int, independent: bool) -> Tensor:
    """A permutation of ``x`` along an axis; an int stands for that many numbers."""
    values = _elements(key, x)
    if independent or values.dim() == 1:
        return _shuffle(key, values, axis)
    return values.index_select(axis, _shuffle(key, _numbers(key, values.shape[axis]), 0))


def _elements(key: Tensor, x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else _numbers(key, x)


def _numbers(key: Tensor, size: int) -> Tensor:
    return torch.arange(size, dtype=torch.int32, device=key.device)


def _shuffle(key: Tensor, x: Tensor, axis: int) -> Tensor:
    for _ in range(_samplers.num_sorts(x.numel())):
        keys = split(key, (2,))
        key = keys[0]
        # With the sign flipped, the order of int32 is that of uint32.
        values = sample(keys[1], x.shape, "bits", "uint32").view(torch.int32) ^ -(2**31)
        x = torch.take_along_dim(x, torch.argsort(values, dim=axis, stable=True), axis)
    return x


def categorical(key: Tensor, logits: Tensor, axis: int, shape: Shape) -> Tensor:
    """Indices along ``axis`` with probabilities softmax(logits); ``shape`` ends with the batch shape of ``logits``."""
    axis = axis % logits.dim() - logits.dim()
    full = (*shape[: len(shape) + 1 + axis], logits.shape[axis], *shape[len(shape) + 1 + axis :])
    return torch.argmax(gumbel(key, full, name_of(logits.dtype)) + logits, dim=axis).to(torch.int32)


def choice(key: Tensor, x: Any, shape: Shape, replace: bool, p: Tensor | None, axis: int) -> Tensor:
    """Elements of ``x`` along ``axis``; an int stands for that many numbers."""
    values = _elements(key, x)
    axis, draws = axis % values.dim(), math.prod(shape)
    full = (*values.shape[:axis], *shape, *values.shape[axis + 1 :])
    if draws == 0:
        return values.new_zeros(full)
    if p is None and not replace:
        return permutation(key, values, axis, False).narrow(axis, 0, draws).reshape(full)
    chosen = _indices(key, values.shape[axis], shape, replace, p)
    return values.index_select(axis, chosen.reshape(-1)).reshape(full)


def _indices(key: Tensor, size: int, shape: Shape, replace: bool, p: Tensor | None) -> Tensor:
    if p is None:
        return randint(key, shape, 0, size, "int32")
    dtype = name_of(p.dtype)
    if replace:
        sums = _samplers.cumsum(OPS, p)
        return torch.searchsorted(sums, sums[-1] * (1 - sample(key, shape, "uniform", dtype)))
    scores = gumbel(key, (size,), dtype) + torch.log(p)
    return torch.argsort(scores, descending=True, stable=True)[: math.prod(shape)]
