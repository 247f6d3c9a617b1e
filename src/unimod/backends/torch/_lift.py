"""PyTorch: a function of torch made the engine's, with the dtypes of operands and results as on the other engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from unimod.backends import _complex
from unimod.backends.torch.dtypes import settle, tensors, to_inexact

Op = Callable[..., Tensor]

_BOOL = torch.bool
_FLOATS = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})


class _Simple(Protocol):
    """A function of two operands that has a simpler one for two tensors of one dtype."""

    same_dtype: Op


def fractional(fn: Op, name: str = "") -> Op:
    """Of one tensor, computed in floats; with a ``name`` complex tensors follow the rule for that function."""
    if name:
        return _with_complex(fn, _complex.mended(fn, name, torch, torch.complex))

    def op(x: Tensor) -> Tensor:
        return fn(x if x.dtype in _FLOATS else to_inexact(x))

    return op


def _with_complex(fn: Op, mended: Op) -> Op:
    def op(x: Tensor) -> Tensor:
        if x.dtype in _FLOATS:
            return fn(x)
        return mended(x) if x.is_complex() else fn(to_inexact(x))

    return op


def counting(fn: Op) -> Op:
    """Of one tensor; bools count as int32."""

    def op(x: Tensor) -> Tensor:
        return fn(x if x.dtype is not _BOOL else x.to(torch.int32))

    return op


def _simpler(op: Op, fn: Op) -> Op:
    cast("_Simple", op).same_dtype = fn
    return op


def pair(fn: Op) -> Op:
    """Of two operands, promoted."""

    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype:
            return fn(x, y)
        if type(y) is float and x.dtype in _FLOATS:
            return fn(x, y)
        return fn(*settle(x, y))

    return _simpler(op, fn)


def symmetric(fn: Op) -> Op:
    """Of two operands whose order does not matter."""

    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype:
            return fn(x, y)
        if type(y) is float and x.dtype in _FLOATS:
            return fn(x, y)
        return fn(*(settle(x, y) if isinstance(x, Tensor) else settle(y, x)))

    return _simpler(op, fn)


def tensor_pair(fn: Op) -> Op:
    """Of two operands, where torch takes no Python scalar."""

    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype:
            return fn(x, y)
        return fn(*tensors(x, y))

    return _simpler(op, fn)


def counting_pair(fn: Op, swapped: Op | None = None, *, is_simple: bool = True) -> Op:
    """Of two operands; two bools count as int32.

    Args:
        fn: torch's function.
        swapped: of the operands in the other order, where the first may be a Python scalar.
        is_simple: whether ``fn`` takes two tensors of any one dtype but bool as they are.
    """

    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype is not _BOOL:
            return fn(x, y)
        if type(y) is float and x.dtype in _FLOATS:
            return fn(x, y)
        if swapped is not None and type(x) in (int, float) and y.dtype.is_floating_point:
            return swapped(y, x)
        x, y = settle(x, y)
        if x.dtype is torch.bool:
            x = x.to(torch.int32)
            y = y.to(torch.int32) if isinstance(y, Tensor) else int(y)
        return fn(x, y)

    def simple(x: Tensor, y: Tensor) -> Tensor:
        return op(x, y) if x.dtype is _BOOL else fn(x, y)

    return _simpler(op, simple) if is_simple else op


def fractional_pair(fn: Op, settled: Callable[..., Any] = settle) -> Op:
    """Of two operands, promoted, and at least to float32."""

    def op(x: Any, y: Any) -> Tensor:
        if type(x) is type(y) and x.dtype is y.dtype in _FLOATS:
            return fn(x, y)
        if type(y) is float and x.dtype in _FLOATS and settled is settle:
            return fn(x, y)
        x, y = settled(x, y)
        if not x.dtype.is_floating_point:
            x, y = to_inexact(x), to_inexact(y) if isinstance(y, Tensor) else y
        return fn(x, y)

    def simple(x: Tensor, y: Tensor) -> Tensor:
        return fn(x, y) if x.dtype in _FLOATS else op(x, y)

    return _simpler(op, simple)
