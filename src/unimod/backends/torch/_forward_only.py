"""PyTorch: the identity, without a derivative in reverse mode."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unimod.backends._reverse import unknown_steps
from unimod.backends.torch import _private


class _ForwardOnly(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing is kept."""

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        raise unknown_steps()

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor) -> Any:
        return tangents[0].view_as(tangents[0])

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], x: Tensor) -> Any:
        return _apply(x), in_dims[0]


def forward_only(x: Tensor) -> Tensor:
    """``x``."""
    if not (x.is_floating_point() or x.is_complex()):
        return x
    return _apply(x) if _private.in_functorch() or _private.any_requires_grad([x]) else x


def _apply(x: Tensor) -> Tensor:
    function: Any = _ForwardOnly
    result: Tensor = function.apply(x)
    return result
