"""The random generator as three opaque operations, so that a traced graph holds one node for each draw.

Inlined, the 135 operations of Threefry cost inductor 13 s for each draw, and it would leave out the rounding between
the steps of a half-precision distribution (torch 2.13). Each operation has a rule for fake tensors and one for
``torch.func.vmap``; batched keys give batched results. Outside of transforms the functions here go past the dispatcher.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from unimod.backends import _threefry
from unimod.backends._protocol import Shape
from unimod.backends.torch import _private, _sample, _threefry_device
from unimod.backends.torch.dtypes import native

_OPAQUE = (torch.Tag.pt2_compliant_tag,)


def sample(key: Tensor, shape: Shape, kind: str, dtype: str, parameters: tuple[float, ...] = ()) -> Tensor:
    """Values of a distribution of ``_sample``, [*shape]."""
    if _is_plain(key):
        return _sample.sample(key, shape, kind, dtype, parameters)
    result: Tensor = torch.ops.unimod.random_sample.default(key, shape, kind, dtype, parameters)
    return result


def split(key: Tensor, shape: Shape) -> Tensor:
    """New keys, uint32[*shape, 2]."""
    if _is_plain(key):
        return _split(key, shape)
    result: Tensor = torch.ops.unimod.random_split.default(key, shape)
    return result


def fold_in(key: Tensor, data: int | Tensor) -> Tensor:
    """A new key that depends on ``data`` modulo 2**32."""
    if isinstance(data, Tensor):
        result: Tensor = torch.ops.unimod.random_fold_in.default(key, data)
        return result
    if _is_plain(key):
        key0, key1 = key.tolist()
        return torch.from_numpy(np.array(_threefry.block(key0, key1, 0, data & _threefry.MASK), np.uint32))
    return fold_in(key, torch.full((), data & _threefry.MASK, dtype=torch.int64, device=key.device))


def _is_plain(key: Tensor) -> bool:
    """Whether ``key`` has values in the memory of the host, and nobody watches."""
    return (
        type(key) is Tensor
        and key.device.type == "cpu"
        and not _private.is_transforming()
        and not torch.compiler.is_compiling()
    )


def _split(key: Tensor, shape: Shape) -> Tensor:
    if key.device.type != "cpu":
        return _threefry_device.split(key, shape)
    return torch.from_numpy(_threefry.split(key.numpy(), tuple(shape)))


def _fold_in(key: Tensor, data: Tensor) -> Tensor:
    if key.device.type != "cpu":
        return _threefry_device.fold_in(key, data)
    return torch.from_numpy(_threefry.fold_in(key.numpy(), data.numpy().astype(np.uint32)))


def _fake_sample(key: Tensor, shape: Shape, kind: str, dtype: str, parameters: Any) -> Tensor:
    return key.new_empty((*key.shape[:-1], *shape), dtype=native(dtype))


def _fake_split(key: Tensor, shape: Shape) -> Tensor:
    return key.new_empty((*key.shape[:-1], *shape, 2))


def _fake_fold_in(key: Tensor, data: Tensor) -> Tensor:
    shape = torch.broadcast_shapes(key.shape[:-1], data.shape)  # type: ignore[no-untyped-call]
    return key.new_empty((*shape, 2))


def _vmap_sample(info: Any, in_dims: tuple[Any, ...], key: Tensor, *rest: Any) -> tuple[Tensor, int]:
    return sample(key.movedim(in_dims[0], 0), *rest), 0


def _vmap_split(info: Any, in_dims: tuple[Any, ...], key: Tensor, shape: Shape) -> tuple[Tensor, int]:
    return split(key.movedim(in_dims[0], 0), shape), 0


def _vmap_fold_in(info: Any, in_dims: tuple[Any, ...], key: Tensor, data: Tensor) -> tuple[Tensor, int]:
    """Both get the mapped axis first, of length 1 where they are not mapped, so that their ranks stay equal."""
    key, data = (x[None] if dim is None else x.movedim(dim, 0) for x, dim in zip((key, data), in_dims, strict=True))
    return fold_in(key, data), 0


_SAMPLE = "random_sample(Tensor key, SymInt[] shape, str kind, str dtype, float[] parameters) -> Tensor"
_private.define_op(_SAMPLE, _sample.sample, _fake_sample, vmap=_vmap_sample, tags=_OPAQUE)
_SPLIT = "random_split(Tensor key, SymInt[] shape) -> Tensor"
_private.define_op(_SPLIT, _split, _fake_split, vmap=_vmap_split, tags=_OPAQUE)
_FOLD_IN = "random_fold_in(Tensor key, Tensor data) -> Tensor"
_private.define_op(_FOLD_IN, _fold_in, _fake_fold_in, vmap=_vmap_fold_in, tags=_OPAQUE)
