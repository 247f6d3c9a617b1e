"""Parts of a step that write into tensors whose values are not needed any more: the first arguments of each.

They give the bits that the functions without an underscore give, or None where something else would notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch import _private, _private_memory
from unimod.backends.torch._fused import direction, is_adam
from unimod.backends.torch._lists import EXACT, Tensors, dtype_of, operand


def apply_scaled(params: Tensors, updates: Tensors, factor: float) -> Tensors | None:
    """``params + factor * updates``."""
    if not _are_spent(params, updates):
        return None
    torch._foreach_add_(params, updates, alpha=factor)
    return params


def adam(
    mu: Tensors, nu: Tensors, grads: Tensors, count: Tensor, b1: Any, b2: Any, eps: Any
) -> tuple[Tensors, Tensors, Tensors] | None:
    """Adam's direction and the two new moments for the step ``count``."""
    if not is_adam(mu, nu, grads, count, b1, b2, eps) or not _are_spent([*mu, *nu], [*grads, *grads]):
        return None
    if not all(map(Tensor.is_contiguous, [*mu, *nu])):
        return None
    return direction(mu, nu, [x.contiguous() for x in grads], count, b1, b2, eps), list(mu), list(nu)


def decayed(old: Tensors, new: Tensors, decay: float) -> Tensors | None:
    """``decay * old + (1 - decay) * new``."""
    if not _are_spent(old, new):
        return None
    torch._foreach_lerp_(old, new, 1 - decay)
    return old


def decayed_squares(old: Tensors, new: Tensors, decay: float) -> Tensors | None:
    """``decay * old + (1 - decay) * new**2``."""
    if not _are_spent(old, new):
        return None
    torch._foreach_mul_(old, operand(decay, old))
    torch._foreach_addcmul_(old, new, new, value=1 - decay)
    return old


def add_squares(xs: Tensors, ys: Tensors) -> Tensors | None:
    """``x + y**2``."""
    if not _are_spent(xs, ys):
        return None
    torch._foreach_addcmul_(xs, ys, ys)
    return xs


def add_scaled(ys: Tensors, xs: Tensors, factor: float) -> Tensors | None:
    """``x + factor * y``, into ``y``."""
    if not _are_spent(ys, xs):
        return None
    # In two steps on whole lists the product would be rounded, which it is not in the function that makes new tensors.
    for x, y in zip(xs, ys, strict=True):
        torch.add(x, y, alpha=factor, out=y)
    return ys


def _are_spent(written: Tensors, read: Tensors) -> bool:
    """Whether tensors are plain, of the dtype and the shapes of those that are read, and seen by nobody else."""
    xs = [*written, *read]
    if {*map(type, xs)} != {Tensor} or len({*map(dtype_of, xs)}) > 1 or xs[0].dtype not in EXACT:
        return False
    if _private.is_transforming() or _private_memory.are_followed(xs):
        return False
    if not all(map(Tensor.is_same_size, written, read)) or any(map(Tensor.is_inference, written)):
        return False
    return _private_memory.are_alone(written)


IN_PLACE: dict[str, Callable[..., Any]] = {
    "apply_scaled_": apply_scaled,
    "adam_": adam,
    "decayed_": decayed,
    "decayed_squares_": decayed_squares,
    "add_squares_": add_squares,
    "add_scaled_": add_scaled,
}
