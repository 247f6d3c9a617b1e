"""PyTorch: who the engine is, which arrays are its own, and what it can do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
import torch.utils._pytree as pytree

from unimod.backends import _capabilities as has

NAME = "torch"
CAPABILITIES = frozenset(
    {has.GRAD, has.JIT, has.VMAP, has.FLOAT64, has.BFLOAT16, has.OPTIM, has.STRICT, has.STRIDES, has.EAGER}
)
DIVERGENCES: dict[str, str] = {
    "unsigned": "torch holds and moves uint16, uint32 and uint64, and has no arithmetic for them",
}


def owns(cls: type) -> bool:
    """Whether instances of ``cls`` are tensors: parameters, fake and functorch-wrapped tensors included."""
    return issubclass(cls, torch.Tensor)


def version() -> str:
    """The version of PyTorch."""
    return str(torch.__version__)


def device_kinds() -> tuple[str, ...]:
    """The device types that can be used, the default first; ``"cuda:1"`` names one device of several."""
    found = ["cpu"]
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return tuple(found)


def has_x64() -> bool:
    """64 bits are always there."""
    return True


def set_x64(enabled: bool) -> None:
    """There is no such switch."""


def use_x64(enabled: bool) -> contextlib.AbstractContextManager[None]:
    """There is no such switch."""
    return contextlib.nullcontext()


def register_node(
    cls: type,
    flatten: Callable[[Any], tuple[list[Any], Any]],
    unflatten: Callable[[Any, list[Any]], Any],
) -> None:
    """Let ``torch.func`` and ``torch.utils._pytree`` see through instances of ``cls``.

    The registry is semi-private; its signature is that of torch 2.4 to 2.13.
    """
    pytree.register_pytree_node(cls, flatten, lambda leaves, aux: unflatten(aux, list(leaves)))
