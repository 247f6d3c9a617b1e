"""Private names of PyTorch that rules for derivatives in forward mode use (torch 2.13)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def unpack_dual(x: Tensor) -> tuple[Tensor, Tensor | None]:
    """A tensor without the tangent that it has at the innermost ``jvp``, and that."""
    unpack: Any = torch.autograd.forward_ad.unpack_dual
    found: tuple[Tensor, Tensor | None] = unpack(x)
    return found


def primals(ctx: Any) -> tuple[Any, ...]:
    """What an ``autograd.Function`` saved, without the tangents that its own derivative gave it."""
    return tuple(x if x is None else _primal(x) for x in ctx.saved_tensors)


def _primal(x: Tensor) -> Tensor:
    native: Any = torch._C._functorch
    if native.is_batchedtensor(x):
        place, level = native.maybe_get_bdim(x), native.maybe_get_level(x)
        return native._add_batch_dim(_primal(native.get_unwrapped(x)), place, level)  # type: ignore[no-any-return]
    return unpack_dual(x)[0] if x.is_floating_point() or x.is_complex() else x


def differentiable_rule(jvp: Callable[..., Any]) -> Callable[..., Any]:
    """The ``jvp`` of an ``autograd.Function``, in which derivatives around see operations.

    torch 2.13 calls it with forward mode switched off, so that second derivatives would miss what it does.
    """

    @functools.wraps(jvp)
    def rule(*args: Any) -> Any:
        with torch.autograd.forward_ad._set_fwd_grad_enabled(True):
            return jvp(*args)

    return rule


def has_no_memory(x: Tensor) -> bool:
    """Whether ``x`` is one of the zeros that forward mode makes, which a dispatch mode must not read (torch 2.13)."""
    tensor: Any = x
    return x.is_meta or bool(hasattr(tensor, "_is_zerotensor") and tensor._is_zerotensor())
