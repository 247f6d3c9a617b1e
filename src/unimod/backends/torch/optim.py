"""PyTorch: arithmetic on whole lists of tensors, with which the front carries out gradient transformations.

Nothing is changed in place, so that a step can be differentiated and traced; in a jitted train step the compiler fuses
the lists away. What is donated is the exception: the functions whose names end in ``_`` write into it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from unimod.backends.torch import _fused, _in_place
from unimod.backends.torch import _lists as lists
from unimod.backends.torch._foreign_optim import foreign as foreign
from unimod.backends.torch._foreign_optim import foreign_schedule as foreign_schedule

Array = torch.Tensor


_FUSED: dict[str, Callable[..., Any]] = {
    **lists.FUNCTIONS, "apply_scaled": lists.apply_scaled, **_fused.FUSED, **_in_place.IN_PLACE
}  # fmt: skip


def fused(name: str) -> Callable[..., Any] | None:
    """The function of lists of that name."""
    return _FUSED.get(name)


def apply_updates(params: list[Array], updates: list[Array]) -> list[Array]:
    """``params + updates``, in the dtypes of the parameters."""
    if not params:
        return []
    if any(p.dtype != u.dtype for p, u in zip(params, updates, strict=True)):
        return [(p + u).to(p.dtype) for p, u in zip(params, updates, strict=True)]
    return lists.FUNCTIONS["add"](params, updates)
