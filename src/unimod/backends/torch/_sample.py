"""Values of the distributions that need nothing but a key, a shape and numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unimod.backends import _draws, _samplers
from unimod.backends._protocol import Shape
from unimod.backends._threefry import CHUNK
from unimod.backends.torch import _threefry_device
from unimod.backends.torch.dtypes import native

OPS = _samplers.Ops(
    xp=torch,
    cast=lambda x, name: x.to(native(name)),
    is_array=lambda x: isinstance(x, Tensor),
    scalar=lambda x: x if isinstance(x, Tensor) else float(x),
    erf64=torch.special.erf,
    nextafter=lambda x, limit: torch.nextafter(x.detach(), torch.full_like(x, limit)),
    concat=lambda xs: torch.cat(xs, -1),
)


def sample(key: Tensor, shape: Shape, kind: str, dtype: str, parameters: tuple[float, ...]) -> Tensor:
    """Random values, [*batch, *shape], from keys uint32[*batch, 2].

    Args:
        key: the keys, with values.
        shape: the shape drawn from each key.
        kind: ``bits``, ``uniform``, ``normal``, ``truncated_normal``, ``gumbel`` or ``exponential``.
        dtype: the dtype of the values.
        parameters: the two bounds of ``uniform`` (none: 0 and 1) and of ``truncated_normal``.
    """
    is_host = key.device.type == "cpu"
    if is_host and kind == "normal" and dtype == "float32":
        return _host_draw(key, shape, "normal", dtype)
    drawn = _host_draw(key, shape, dtype, dtype) if is_host else _threefry_device.draw(key, shape, dtype)
    is_done = kind == "bits" or (kind == "uniform" and not parameters)
    return drawn if is_done else _distribute_in_parts(drawn, kind, dtype, *parameters)


def _distribute_in_parts(unit: Tensor, kind: str, dtype: str, *parameters: float) -> Tensor:
    """In place, in parts for which the intermediate values stay in the cache; on a device in one."""
    size = CHUNK if unit.device.type == "cpu" else max(1, unit.numel())
    for part in torch.split(unit.reshape(-1), size):
        part.copy_(distribute(part, kind, dtype, *parameters))
    return unit


def distribute(unit: Tensor, kind: str, dtype: str, low: Any = None, high: Any = None) -> Tensor:
    """A distribution from values that are uniform in [0, 1)."""
    made = unit
    if kind == "uniform" and low is not None:
        made = _samplers.between(OPS, unit, low, high, dtype)
    elif kind == "truncated_normal":
        made = _samplers.truncated_normal(OPS, unit, low, high, dtype)
    elif kind == "exponential":
        made = _samplers.exponential(OPS, unit)
    elif kind in ("gumbel", "normal"):
        made = (_samplers.gumbel if kind == "gumbel" else _samplers.normal)(OPS, unit, dtype)
    return made


def _host_draw(key: Tensor, shape: Shape, kind: str, dtype: str) -> Tensor:
    out = torch.empty((*key.shape[:-1], *shape), dtype=native(dtype))
    # numpy has no bfloat16; its bits will do.
    _draws.draw(key.numpy(), tuple(shape), kind, (out.view(torch.uint16) if dtype == "bfloat16" else out).numpy())
    return out
