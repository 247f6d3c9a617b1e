"""Arithmetic on lists of tensors, all at once.

``torch._foreach_*`` (names that torch 2.13 keeps private) does a list in one call. It has no rule for
``torch.func.vmap``, and a later torch may lack a name: then the tensors are done one after the other.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch import _private

Tensors = list[Tensor]


_REAL = frozenset({torch.float32, torch.float64})
EXACT = _REAL | {torch.complex64, torch.complex128}
"""The dtypes in which a number may be rounded before it is used, and two operations joined into one."""
dtype_of = operator.attrgetter("dtype")

_WITH_NUMBERS = frozenset({"mul", "div"})
"""Those whose second operand may be a tensor without axes for the whole list; that of ``add`` would read it."""


def _fused(name: str, one: Callable[..., Tensor]) -> Callable[..., Tensors]:
    foreach = getattr(torch, f"_foreach_{name}", None)
    takes_number = name in _WITH_NUMBERS

    def apply(xs: Tensors, *others: Any, **options: Any) -> Tensors:
        if not xs:
            return []
        is_plain = all(takes_number and _fits(other, xs) for other in others if isinstance(other, Tensor))
        if foreach is not None and is_plain and not _private.in_functorch():
            return list(foreach(xs, *[operand(other, xs) for other in others], **options))
        columns = [other if isinstance(other, list) else [other] * len(xs) for other in others]
        return [one(x, *map(_like(x), rest), **options) for x, *rest in zip(xs, *columns, strict=True)]

    return apply


def _fits(number: Tensor, xs: Tensors) -> bool:
    """Whether it changes no dtype: beside a tensor without axes a wider one would; torch 2.13 cannot derive by it."""
    return not number.requires_grad and all(x.ndim > 0 or x.dtype is number.dtype for x in xs)


def operand(other: Any, xs: Tensors) -> Any:
    """A number as a tensor for all, where torch would make one for each: on a CPU that takes longer than to compute."""
    if not isinstance(other, (int, float)) or not xs[0].is_cpu or _private.is_transforming():
        return other
    dtypes = set(map(dtype_of, xs))
    if len(dtypes) > 1 or not dtypes <= _REAL:
        return other
    return [torch.tensor(other, dtype=xs[0].dtype, device="cpu")] * len(xs)


def _like(x: Tensor) -> Callable[[Any], Any]:
    """An operand in the dtype of ``x``: a batched scalar would promote it, which one without axes does not."""
    return lambda other: other.to(x.dtype) if isinstance(other, Tensor) else other


def _between(fn: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """``fn`` of two tensors, also where the second is a number."""
    return lambda x, y: fn(x, y if isinstance(y, Tensor) else torch.full_like(x, y))


def add_scaled(xs: Tensors, ys: Tensors, factor: float) -> Tensors:
    """``x + factor * y``."""
    if set(map(dtype_of, ys)) <= EXACT:
        return FUNCTIONS["add"](xs, ys, alpha=factor)
    return FUNCTIONS["add"](xs, FUNCTIONS["mul"](ys, factor))


def apply_scaled(params: Tensors, updates: Tensors, factor: float) -> Tensors | None:
    """``params + factor * updates``; None where that would change a dtype."""
    dtypes = {*map(dtype_of, params), *map(dtype_of, updates)}
    if not dtypes <= EXACT or (len(dtypes) > 1 and list(map(dtype_of, params)) != list(map(dtype_of, updates))):
        return None
    return FUNCTIONS["add"](params, updates, alpha=factor)


FUNCTIONS: dict[str, Callable[..., Tensors]] = {
    "add": _fused("add", torch.add),
    "sub": _fused("sub", torch.sub),
    "mul": _fused("mul", torch.mul),
    "div": _fused("div", torch.div),
    "maximum": _fused("maximum", _between(torch.maximum)),
    "minimum": _fused("minimum", _between(torch.minimum)),
    "neg": _fused("neg", torch.neg),
    "abs": _fused("abs", torch.abs),
    "sqrt": _fused("sqrt", torch.sqrt),
    "reciprocal": _fused("reciprocal", torch.reciprocal),
    "lerp": _fused("lerp", torch.lerp),
    "addcmul": _fused("addcmul", torch.addcmul),
    "add_scaled": add_scaled,
}
