"""Larger parts of a step for whole lists of tensors, as functions that change none of their arguments.

What they make themselves they change in place, which is why they apply only where nothing is traced or differentiated;
elsewhere they give None, and the caller's formula runs. ``torch._fused_adam_`` is private (torch 2.1 to 2.13).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch import _private
from unimod.backends.torch._lists import FUNCTIONS, Tensors, dtype_of, operand

_DTYPES = frozenset({torch.float32, torch.float64})
_adam: Any = getattr(torch, "_fused_adam_", None)
_NAMES = ("clone", "zero_", "addcmul_", "add_", "mul_", "div", "rsqrt_", "sign")
_has_names = all(hasattr(torch, f"_foreach_{name}") for name in _NAMES)


def adam(
    mu: Tensors, nu: Tensors, grads: Tensors, count: Tensor, b1: Any, b2: Any, eps: Any
) -> tuple[Tensors, Tensors, Tensors] | None:
    """Adam's direction and the two new moments for the step ``count``; None where the kernel does not apply."""
    if not is_adam(mu, nu, grads, count, b1, b2, eps):
        return None
    # The kernel goes through memory in its own order, whatever the strides are.
    grads, mu, nu = ([x.contiguous() for x in xs] for xs in (grads, mu, nu))
    mu, nu = (list(torch._foreach_clone(xs)) for xs in (mu, nu))
    return direction(mu, nu, grads, count, b1, b2, eps), mu, nu


def is_adam(mu: Tensors, nu: Tensors, grads: Tensors, count: Tensor, *numbers: Any) -> bool:
    if _adam is None or type(count) is not Tensor or not all(type(number) is float for number in numbers):
        return False
    return are_plain(grads, mu, nu)


def direction(mu: Tensors, nu: Tensors, grads: Tensors, count: Tensor, b1: float, b2: float, eps: float) -> Tensors:
    """Adam's direction; writes into the moments. All are contiguous."""
    found = [torch.empty_like(x) for x in grads]
    torch._foreach_zero_(found)
    steps = [count.to(torch.float32)] * len(found)
    # From 0 a step of rate -1 leads to the direction itself.
    options = {"weight_decay": 0.0, "amsgrad": False, "maximize": False}
    with torch.no_grad():
        _adam(found, grads, mu, nu, [], steps, lr=-1.0, beta1=b1, beta2=b2, eps=eps, **options)
    return found


def decayed_squares(old: Tensors, new: Tensors, decay: float) -> Tensors | None:
    """``decay * old + (1 - decay) * new**2``."""
    if not are_plain(old, new):
        return None
    made = FUNCTIONS["mul"](old, decay)
    torch._foreach_addcmul_(made, new, new, value=1 - decay)
    return made


def over_root(xs: Tensors, squares: Tensors, eps: float, eps_root: float) -> Tensors | None:
    """``x / (sqrt(square + eps_root) + eps)``."""
    if not are_plain(xs, squares):
        return None
    if not eps:
        made = FUNCTIONS["add"](squares, eps_root)
        torch._foreach_rsqrt_(made)
        torch._foreach_mul_(made, xs)
        return made
    made = FUNCTIONS["sqrt"](FUNCTIONS["add"](squares, eps_root) if eps_root else squares)
    torch._foreach_add_(made, operand(eps, made))
    return list(torch._foreach_div(xs, made))


def over_positive_root(xs: Tensors, squares: Tensors, eps: float) -> Tensors | None:
    """``x / sqrt(square + eps)``, and 0 where the square is; ``eps`` is positive."""
    if not are_plain(xs, squares):
        return None
    made = FUNCTIONS["add"](squares, eps)
    torch._foreach_rsqrt_(made)
    torch._foreach_mul_(made, torch._foreach_sign(squares))
    torch._foreach_mul_(made, xs)
    return made


def are_plain(*lists: Tensors) -> bool:
    """Whether these are tensors with values, of one dtype and device, by which nothing is differentiated."""
    xs = list(itertools.chain(*lists))
    if not _has_names or {*map(type, xs)} != {Tensor}:
        return False
    if len({*map(dtype_of, xs)}) > 1 or len({*map(Tensor.get_device, xs)}) > 1:
        return False
    return xs[0].dtype in _DTYPES and not _private.any_requires_grad(xs) and not _private.is_transforming()


FUSED: dict[str, Callable[..., Any]] = {
    "adam": adam,
    "decayed_squares": decayed_squares,
    "over_root": over_root,
    "over_positive_root": over_positive_root,
}
