"""PyTorch: dtypes by name, and promotion by the rules of the Array API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unimod.backends._promotion import WEAK, add_weak, promote, promote_scalar
from unimod.dtypes import ALL

_NATIVE = {str(name): getattr(torch, name) for name in ALL}
_NAMES = {native: name for name, native in _NATIVE.items()}
_REAL = frozenset({float, int})
DTYPES = frozenset(_NAMES)
"""Every dtype that unimod names."""
SCALARS = frozenset({bool, int, float, complex})
"""Python's own numbers."""
_BESIDE = {(dtype, cls): _NATIVE[promote_scalar(name, cls)] for dtype, name in _NAMES.items() for cls in SCALARS}
"""The dtype of a result, by that of a tensor and the type of the Python scalar beside it."""
OPEN_NUMBERS = {torch.SymBool: bool, torch.SymInt: int, torch.SymFloat: float}
"""The numbers that a trace with open sizes does not know, and what they stand for."""
for _open, _known in OPEN_NUMBERS.items():
    add_weak(_open, _known)


def native(name: str) -> torch.dtype:
    """The torch dtype called ``name``."""
    found = _NATIVE.get(name)
    return found if found is not None else _other(name)


def _other(name: str) -> torch.dtype:
    found: torch.dtype = getattr(torch, name)
    return found


def name_of(dtype: torch.dtype) -> str:
    """The name of a torch dtype."""
    return _NAMES.get(dtype) or str(dtype).removeprefix("torch.")


def settle(x: Any, y: Any) -> tuple[Tensor, Any]:
    """Two operands, cast so far that torch promotes the rest as the Array API does.

    torch keeps the dtype of the array with axes when a wider array without axes meets it, and takes Python ints
    beside bools for int64 and Python floats beside ints for its own default dtype.
    """
    if isinstance(x, Tensor):
        if x.dtype.is_floating_point and type(y) in _REAL:
            return x, y
        return _settle_tensors(x, y) if isinstance(y, Tensor) else settle_scalar(x, y)
    y, x = settle_scalar(y, x)
    return torch.scalar_tensor(x, dtype=y.dtype, device=y.device), y


def _settle_tensors(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    if x.dtype is y.dtype:
        return x, y
    common = common_dtype(x, y)
    return x.to(common), y.to(common)


def settle_scalar(x: Tensor, y: Any) -> tuple[Tensor, Any]:
    """A tensor and a Python scalar, cast so far that torch promotes the rest as the Array API does."""
    dtype = x.dtype
    wanted = _BESIDE.get((dtype, type(y))) or native(promote_scalar(name_of(dtype), type(y)))
    x = x if wanted is dtype else x.to(wanted)
    return x, int(y) if type(y) is bool and wanted is not torch.bool else y


def common_dtype(*xs: Tensor) -> torch.dtype:
    """The dtype in which all of these meet; torch itself has no rule for its wider unsigned integers."""
    found = name_of(xs[0].dtype)
    for x in xs[1:]:
        found = promote(found, name_of(x.dtype))
    return native(found)


def tensors(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Two operands of one dtype as tensors, for functions that take no Python scalars."""
    if type(x) in WEAK and type(y) in WEAK:
        return _both_scalars(x, y)
    x, y = settle(x, y)
    return x, y if isinstance(y, Tensor) else torch.scalar_tensor(y, dtype=x.dtype, device=x.device)


def _both_scalars(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    name = promote_scalar(promote_scalar("bool", type(x)), type(y))
    return torch.scalar_tensor(x, dtype=native(name)), torch.scalar_tensor(y, dtype=native(name))


def moved(fn: Callable[..., Tensor], *xs: Tensor) -> Tensor:
    """``fn``, which only moves elements, of tensors of one dtype; the wide unsigned ones are taken for signed ones.

    torch 2.13 has no flip, gather and tril for them, and inductor no where.
    """
    signed = _SIGNED.get(xs[0].dtype)
    return fn(*xs) if signed is None else fn(*(x.view(signed) for x in xs)).view(xs[0].dtype)


_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
WIDE_UNSIGNED = frozenset(_SIGNED)
"""The dtypes that torch holds and for which it has hardly any functions."""


def to_inexact(x: Tensor) -> Tensor:
    """``x`` in a dtype that has fractions: float32 for bools and integers."""
    return x if x.dtype.is_floating_point or x.dtype.is_complex else x.to(torch.float32)
