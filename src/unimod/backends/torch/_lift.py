"""PyTorch: a function of torch made the engine's, with the dtypes of operands and results as on the other engines."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from unimod.backends import _complex
from unimod.backends._protocol import Plain
from unimod.backends.torch.dtypes import DTYPES, settle, tensors, to_inexact

Op = Callable[..., Tensor]

_BOOL = torch.bool
FLOATS = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})
NUMBERS = DTYPES - {_BOOL}


class _HasPlain(Protocol):
    plain: Plain


def plainly(op: Op, fn: Op, alike: Collection[torch.dtype], beside_float: Collection[torch.dtype] = ()) -> Op:
    """``op``, which is no more than ``fn`` for tensors of these dtypes."""
    cast("_HasPlain", op).plain = Plain(fn, alike, beside_float)
    return op


def fractional(fn: Op, name: str = "") -> Op:
    """Of one tensor, computed in floats; with a ``name`` complex tensors follow the rule for that function."""
    if name:
        return _with_complex(fn, _complex.mended(fn, name, torch, torch.complex))

    def op(x: Tensor) -> Tensor:
        return fn(x if x.dtype in FLOATS else to_inexact(x))

    return plainly(op, fn, FLOATS)


def _with_complex(fn: Op, mended: Op) -> Op:
    def op(x: Tensor) -> Tensor:
        if x.dtype in FLOATS:
            return fn(x)
        return mended(x) if x.is_complex() else fn(to_inexact(x))

    return plainly(op, fn, FLOATS)


def counting(fn: Op) -> Op:
    """Of one tensor; bools count as int32."""

    def op(x: Tensor) -> Tensor:
        return fn(x if x.dtype is not _BOOL else x.to(torch.int32))

    return plainly(op, fn, NUMBERS)


def pair(fn: Op) -> Op:
    """Of two operands, promoted."""

    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype:
            return fn(x, y)
        if type(y) is float and x.dtype in FLOATS:
            return fn(x, y)
        return fn(*settle(x, y))

    return plainly(op, fn, DTYPES, FLOATS)


def symmetric(fn: Op) -> Op:
    """Of two operands whose order does not matter."""

    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype:
            return fn(x, y)
        if type(y) is float and x.dtype in FLOATS:
            return fn(x, y)
        return fn(*(settle(x, y) if isinstance(x, Tensor) else settle(y, x)))

    return plainly(op, fn, DTYPES, FLOATS)


def tensor_pair(fn: Op) -> Op:
    """Of two operands, where torch takes no Python scalar."""

    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype:
            return fn(x, y)
        return fn(*tensors(x, y))

    return plainly(op, fn, DTYPES)


def counting_pair(fn: Op, swapped: Op | None = None) -> Op:
    """Of two operands; two bools count as int32.

    Args:
        fn: torch's function.
        swapped: of the operands in the other order, where the first may be a Python scalar.
    """

    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype is not _BOOL:
            return fn(x, y)
        if type(y) is float and x.dtype in FLOATS:
            return fn(x, y)
        if swapped is not None and type(x) in (int, float) and y.dtype.is_floating_point:
            return swapped(y, x)
        x, y = settle(x, y)
        if x.dtype is torch.bool:
            x = x.to(torch.int32)
            y = y.to(torch.int32) if isinstance(y, Tensor) else int(y)
        return fn(x, y)

    return plainly(op, fn, NUMBERS, FLOATS)


def fractional_pair(fn: Op, settled: Callable[..., Any] = settle) -> Op:
    """Of two operands, promoted, and at least to float32."""

    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype in FLOATS:
            return fn(x, y)
        if type(y) is float and x.dtype in FLOATS and settled is settle:
            return fn(x, y)
        x, y = settled(x, y)
        if not x.dtype.is_floating_point:
            x, y = to_inexact(x), to_inexact(y) if isinstance(y, Tensor) else y
        return fn(x, y)

    return plainly(op, fn, FLOATS, FLOATS if settled is settle else ())
