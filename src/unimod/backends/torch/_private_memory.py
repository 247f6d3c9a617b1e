"""The private names of PyTorch by which it is seen who shares memory, checked with torch 2.13.0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

_users: Any = getattr(torch._C, "_storage_Use_Count", None)
_followed: Any = getattr(torch._C, "_any_requires_grad", lambda *xs: any(x.requires_grad for x in xs))
_OWN = 2
"""The tensor itself, and the object by which Python asks."""


def are_followed(xs: Sequence[Tensor]) -> bool:
    """Whether one of the tensors has to do with derivatives, also where none are taken at the moment."""
    return bool(_followed(*xs))


def are_alone(xs: Sequence[Tensor]) -> bool:
    """Whether nothing else shares memory with one of these tensors: no view, no other library, no graph.

    Memory that another library or ``Tensor.numpy`` sees cannot be resized. Without the private name: False.
    """
    if _users is None:
        return False
    try:
        memory = [x.untyped_storage() for x in xs]
    except (NotImplementedError, RuntimeError):  # sparse tensors, for one, have none
        return False
    return all(m.resizable() and _users(m._cdata) <= _OWN for m in memory)
