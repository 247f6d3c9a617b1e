"""PyTorch: attention, on the fused kernels of ``scaled_dot_product_attention`` where their derivatives suffice.

Those kernels have a first derivative only, and the CPU's has no rule for vmap and jvp (torch 2.13): under a transform
of ``torch.func``, and for a derivative of a derivative, attention is composed of two products and a softmax.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone knows

from unimod.backends.torch import _private
from unimod.backends.torch._runs import is_single

__all__ = ["attention"]

Array = Any

_HALF = (torch.float16, torch.bfloat16)
_LOWEST = -1e30
"""Finite, so that a row without any entry has finite derivatives."""


def attention(
    query: Array, key: Array, value: Array, mask: Array | None, bias: Array | None, *, scale: float, is_causal: bool
) -> Array:
    """``softmax(scale * query @ key.T + bias) @ value`` for each head; see ``_optional``."""
    heads_first = [x.transpose(1, 2) for x in (query, key, value)]
    return _chosen(heads_first, bias)(*heads_first, mask, bias, scale, is_causal).transpose(1, 2)


def _chosen(arrays: list[Array], bias: Array | None) -> Any:
    # The kernels also do not serve where no key is there, or the bias is trained.
    if _private.in_functorch() or arrays[1].shape[2] == 0 or (bias is not None and _private.any_requires_grad([bias])):
        return _composed
    return _fused if is_single() or not _private.any_requires_grad(arrays) else _Fused.apply


def _fused(
    query: Array, key: Array, value: Array, mask: Array | None, bias: Array | None, scale: float, is_causal: bool
) -> Array:
    is_grouped = bool(query.shape[1] != key.shape[1])
    options: dict[str, Any] = {"scale": scale, "is_causal": is_causal, "enable_gqa": is_grouped}
    if mask is None or query.device.type == "cpu":
        return F.scaled_dot_product_attention(query, key, value, _additive(query, mask, bias), **options)
    # Not every kernel of other devices gives 0 where nothing may be attended to: let those rows see everything.
    is_alive = mask.any(-1, keepdim=True)
    additive = _additive(query, mask | ~is_alive, bias)
    out = F.scaled_dot_product_attention(query, key, value, additive, **options)
    return torch.where(is_alive, out, torch.zeros((), dtype=out.dtype, device=out.device))


def _additive(query: Array, mask: Array | None, bias: Array | None) -> Array | None:
    """The one mask that the kernels take: of bools, or of numbers to add."""
    if bias is None:
        return mask
    bias = bias.to(query.dtype)
    return bias if mask is None else torch.where(mask, bias, torch.full((), -torch.inf, dtype=bias.dtype).to(bias))


def _composed(
    query: Array, key: Array, value: Array, mask: Array | None, bias: Array | None, scale: float, is_causal: bool
) -> Array:
    key, value = (_repeated(x, query.shape[1]) for x in (key, value))
    logits = (_widen(query) * scale) @ _widen(key).mT
    logits = logits if bias is None else logits + bias.to(logits.dtype)
    if is_causal:
        mask = torch.ones(logits.shape[-2:], dtype=torch.bool, device=logits.device).tril()
    weights = torch.softmax(logits if mask is None else torch.where(mask, logits, _LOWEST), -1)
    weights = weights if mask is None else torch.where(mask, weights, 0.0)
    return (weights @ _widen(value)).to(query.dtype)


def _repeated(x: Array, heads: int) -> Array:
    """Each key or value as often as there are neighbouring heads that share it."""
    return x if x.shape[1] == heads else x.repeat_interleave(heads // x.shape[1], 1)


def _widen(x: Array) -> Array:
    return x.float() if x.dtype in _HALF else x


class _Fused(torch.autograd.Function):
    """The fused kernels, with the derivative of the composed function where that is to be differentiated again."""

    @staticmethod
    def forward(ctx: Any, query: Array, key: Array, value: Array, *rest: Any) -> Array:
        """Run the kernel, and keep what its derivative needs."""
        ctx.save_for_backward(query, key, value)
        ctx.rest = rest
        with torch.enable_grad():
            ctx.inputs = [x.detach().requires_grad_() for x in (query, key, value)]
            ctx.out = _fused(*ctx.inputs, *rest)
        return ctx.out.detach()

    @staticmethod
    def backward(ctx: Any, cotangent: Array) -> tuple[Array | None, ...]:
        """The derivatives by query, key and value."""
        nothing = (None,) * len(ctx.rest)
        if not torch.is_grad_enabled():
            return *torch.autograd.grad(ctx.out, ctx.inputs, cotangent, retain_graph=True), *nothing
        # Aliases, because one array may stand in several places, or one be computed from another.
        aliases = [x.view_as(x) for x in ctx.saved_tensors]
        out = _composed(*aliases, *ctx.rest)
        wanted = [x for x in aliases if x.requires_grad]
        found = iter(torch.autograd.grad(out, wanted, cotangent, create_graph=True))
        return *(next(found) if x.requires_grad else None for x in aliases), *nothing
