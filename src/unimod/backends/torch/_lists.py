"""Arithmetic on lists of tensors, all at once.

``torch._foreach_*`` (names that torch 2.13 keeps private) does a list in one call. It has no rule for
``torch.func.vmap``, and a later torch may lack a name: then the tensors are done one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch import _private

Tensors = list[Tensor]


def _fused(name: str, one: Callable[..., Tensor]) -> Callable[..., Tensors]:
    foreach = getattr(torch, f"_foreach_{name}", None)

    def apply(xs: Tensors, *others: Any, **options: Any) -> Tensors:
        if foreach is not None and not _private.in_functorch():
            return list(foreach(xs, *others, **options))
        columns = [other if isinstance(other, list) else [other] * len(xs) for other in others]
        return [one(x, *map(_like(x), rest), **options) for x, *rest in zip(xs, *columns, strict=True)]

    return apply


def _like(x: Tensor) -> Callable[[Any], Any]:
    """An operand in the dtype of ``x``: a batched scalar would promote it, which one without axes does not."""
    return lambda other: other.to(x.dtype) if isinstance(other, Tensor) else other


add = _fused("add", torch.add)
mul = _fused("mul", torch.mul)
div = _fused("div", torch.div)
sqrt = _fused("sqrt", torch.sqrt)
lerp = _fused("lerp", torch.lerp)
addcmul = _fused("addcmul", torch.addcmul)
