"""The random bit generator as three opaque operations, so that a traced graph holds one node for each draw.

Inlined, the 135 operations of Threefry cost inductor 13 s for each draw (torch 2.13). An operation has a rule for
fake tensors and one for ``torch.func.vmap``; batched keys give batched results. Outside of transforms the functions
here go past the dispatcher.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from unimod.backends import _draws, _threefry
from unimod.backends._protocol import Shape
from unimod.backends.torch import _private, _threefry_device
from unimod.backends.torch.dtypes import native

_LIBRARY = torch.library.Library("unimod", "FRAGMENT")
_OPAQUE = (torch.Tag.pt2_compliant_tag,)


def draw(key: Tensor, shape: Shape, kind: str) -> Tensor:
    """Random values of a kind of ``_draws``, [*shape]."""
    if _is_plain(key):
        return _draw(key, shape, kind)
    result: Tensor = torch.ops.unimod.threefry_draw.default(key, shape, kind)
    return result


def split(key: Tensor, shape: Shape) -> Tensor:
    """New keys, uint32[*shape, 2]."""
    if _is_plain(key):
        return _split(key, shape)
    result: Tensor = torch.ops.unimod.threefry_split.default(key, shape)
    return result


def fold_in(key: Tensor, data: int | Tensor) -> Tensor:
    """A new key that depends on ``data`` modulo 2**32."""
    if isinstance(data, Tensor):
        result: Tensor = torch.ops.unimod.threefry_fold_in.default(key, data)
        return result
    if _is_plain(key):
        words = _threefry.block(*key.tolist(), 0, data & _threefry.MASK)
        return torch.from_numpy(np.array(words, np.uint32))
    return fold_in(key, torch.full((), data & _threefry.MASK, dtype=torch.int64, device=key.device))


def _is_plain(key: Tensor) -> bool:
    """Whether ``key`` has values in the memory of the host, and nobody watches."""
    return (
        type(key) is Tensor
        and key.device.type == "cpu"
        and not _private.is_transforming()
        and not torch.compiler.is_compiling()
    )


def _dtype_of(kind: str) -> torch.dtype:
    return torch.float32 if kind == "normal" else native(kind)


def _draw(key: Tensor, shape: Shape, kind: str) -> Tensor:
    if key.device.type != "cpu":
        return _threefry_device.draw(key, shape, kind)
    out = torch.empty((*key.shape[:-1], *shape), dtype=_dtype_of(kind))
    # numpy has no bfloat16; its bits will do.
    _draws.draw(key.numpy(), tuple(shape), kind, (out.view(torch.uint16) if kind == "bfloat16" else out).numpy())
    return out


def _split(key: Tensor, shape: Shape) -> Tensor:
    if key.device.type != "cpu":
        return _threefry_device.split(key, shape)
    return torch.from_numpy(_threefry.split(key.numpy(), tuple(shape)))


def _fold_in(key: Tensor, data: Tensor) -> Tensor:
    if key.device.type != "cpu":
        return _threefry_device.fold_in(key, data)
    return torch.from_numpy(_threefry.fold_in(key.numpy(), data.numpy().astype(np.uint32)))


def _fake_draw(key: Tensor, shape: Shape, kind: str) -> Tensor:
    return key.new_empty((*key.shape[:-1], *shape), dtype=_dtype_of(kind))


def _fake_split(key: Tensor, shape: Shape) -> Tensor:
    return key.new_empty((*key.shape[:-1], *shape, 2))


def _fake_fold_in(key: Tensor, data: Tensor) -> Tensor:
    return key.new_empty((*torch.broadcast_shapes(key.shape[:-1], data.shape), 2))


def _vmap_draw(info: Any, in_dims: tuple[Any, ...], key: Tensor, shape: Shape, kind: str) -> tuple[Tensor, int]:
    return draw(key.movedim(in_dims[0], 0), shape, kind), 0


def _vmap_split(info: Any, in_dims: tuple[Any, ...], key: Tensor, shape: Shape) -> tuple[Tensor, int]:
    return split(key.movedim(in_dims[0], 0), shape), 0


def _vmap_fold_in(info: Any, in_dims: tuple[Any, ...], key: Tensor, data: Tensor) -> tuple[Tensor, int]:
    """Both with the mapped axis first (of length 1 where it is not mapped), then axes of length 1 for equal ranks."""
    key, data = (x[None] if dim is None else x.movedim(dim, 0) for x, dim in zip((key, data), in_dims, strict=True))
    while data.dim() < key.dim() - 1:
        data = data.unsqueeze(1)
    while key.dim() - 1 < data.dim():
        key = key.unsqueeze(1)
    return fold_in(key, data), 0


def _register(schema: str, fn: Any, fake: Any, vmap: Any) -> None:
    name = f"unimod::{schema.split('(')[0]}"
    _LIBRARY.define(schema, tags=_OPAQUE)
    _LIBRARY.impl(name, fn, "CompositeExplicitAutograd")
    torch.library.register_fake(name, fake, lib=_LIBRARY)
    torch.library.register_vmap(name, vmap, lib=_LIBRARY)


_register("threefry_draw(Tensor key, SymInt[] shape, str kind) -> Tensor", _draw, _fake_draw, _vmap_draw)
_register("threefry_split(Tensor key, SymInt[] shape) -> Tensor", _split, _fake_split, _vmap_split)
_register("threefry_fold_in(Tensor key, Tensor data) -> Tensor", _fold_in, _fake_fold_in, _vmap_fold_in)
