"""PyTorch's optimizer kernels, one call for all tensors, as functions that change none of their arguments.

``torch._fused_adam_`` is private (torch 2.1 to 2.13). Where it does not apply, the caller's formula runs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch import _private

Tensors = list[Tensor]

_DTYPES = frozenset({torch.float32, torch.float64})
_adam = getattr(torch, "_fused_adam_", None)


def adam(
    grads: Tensors, mu: Tensors, nu: Tensors, count: Tensor, b1: Any, b2: Any, eps: Any
) -> tuple[Tensors, Tensors, Tensors] | None:
    """Adam's direction and the two new moments for the step ``count``; None where the kernel does not apply."""
    if _adam is None or not all(type(number) is float for number in (b1, b2, eps)):
        return None
    if not _are_plain(*grads, *mu, *nu) or type(count) is not Tensor or _private.in_functorch():
        return None
    found, mu, nu = (list(torch._foreach_clone(xs)) for xs in (grads, mu, nu))
    torch._foreach_zero_(found)
    steps = [count.to(torch.float32)] * len(found)
    # From 0 a step of rate -1 leads to the direction itself.
    options = {"weight_decay": 0.0, "amsgrad": False, "maximize": False}
    with torch.no_grad():
        _adam(found, grads, mu, nu, [], steps, lr=-1.0, beta1=b1, beta2=b2, eps=eps, **options)
    return found, mu, nu


def _are_plain(*xs: Tensor) -> bool:
    """Whether these are tensors with values, of one dtype and device, by which nothing is differentiated."""
    if {*map(type, xs)} != {Tensor} or len({x.dtype for x in xs} | {x.device for x in xs}) != 2:
        return False
    return xs[0].dtype in _DTYPES and not (torch.is_grad_enabled() and any(x.requires_grad for x in xs))
