"""PyTorch: gradient transformations over lists of tensors (``torch._foreach_*``, private names of torch 2.13).

Nothing is changed in place, so that a step can be differentiated and traced; in a jitted train step the compiler fuses
the lists away.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

Array = torch.Tensor
State = dict[str, Any]
Options = tuple[tuple[str, Any], ...]
Result = tuple[list[Array], State]


def init(name: str, options: Options, params: list[Array]) -> State:
    """The first state of a transformation, by field name."""
    with torch.no_grad():
        return _INIT.get(name, _stateless)(params)


def update(name: str, options: Options, updates: list[Array], state: State, params: list[Array] | None) -> Result:
    """One step of a transformation."""
    if not updates:
        return [], _UPDATE[name](updates, state, params, **dict(options))[1] if "count" in state else state
    return _UPDATE[name](updates, state, params, **dict(options))


def apply_updates(params: list[Array], updates: list[Array]) -> list[Array]:
    """``params + updates``, in the dtypes of the parameters."""
    if not params:
        return []
    if any(p.dtype != u.dtype for p, u in zip(params, updates, strict=True)):
        return [(p + u).to(p.dtype) for p, u in zip(params, updates, strict=True)]
    return list(torch._foreach_add(params, updates))


# States ---------------------------------------------------------------------------------------------------------------


def _stateless(params: list[Array]) -> State:
    return {}


def _init_adam(params: list[Array]) -> State:
    device = params[0].device if params else None
    return {"count": torch.zeros((), dtype=torch.int32, device=device), "mu": _zeros(params), "nu": _zeros(params)}


def _zeros(params: list[Array]) -> list[Array]:
    return [torch.zeros_like(p) for p in params]


# Updates --------------------------------------------------------------------------------------------------------------


def _scale_by_adam(
    grads: list[Array], state: State, params: Any, *, b1: Any, b2: Any, eps: Any, eps_root: Any, nesterov: bool
) -> Result:
    count = state["count"] + 1
    if not grads:
        return [], {**state, "count": count}
    mu = _decayed(state["mu"], grads, b1)
    nu = _decayed(state["nu"], [_abs_sq(g) for g in grads] if _any_complex(grads) else torch._foreach_mul(grads, grads), b2)
    first = torch._foreach_div(mu, _debias(b1, count))
    if nesterov:
        ahead = torch._foreach_div(torch._foreach_mul(mu, b1), _debias(b1, count + 1))
        first = torch._foreach_add(ahead, torch._foreach_div(torch._foreach_mul(grads, 1 - b1), _debias(b1, count)))
    second = torch._foreach_div(nu, _debias(b2, count))
    if not _is_zero(eps_root):
        second = torch._foreach_add(second, eps_root)
    scale = torch._foreach_add(torch._foreach_sqrt(second), eps)
    return list(torch._foreach_div(first, scale)), {"count": count, "mu": list(mu), "nu": list(nu)}


def _decayed(old: list[Array], new: Any, decay: Any) -> Any:
    return torch._foreach_add(torch._foreach_mul(old, decay), torch._foreach_mul(new, 1 - decay))


def _debias(decay: Any, count: Array) -> Array:
    """``1 - decay**count`` in float64; as a 0-d tensor it leaves the dtype of the list as it is."""
    steps = count.to(torch.float64)
    if isinstance(decay, torch.Tensor):
        return -torch.expm1(steps * torch.log1p(decay.to(torch.float64) - 1))
    return -torch.expm1(steps * math.log1p(decay - 1))


def _trace(grads: list[Array], state: State, params: Any, *, decay: Any, nesterov: bool) -> Result:
    trace = torch._foreach_add(torch._foreach_mul(state["trace"], decay), grads)
    new = torch._foreach_add(torch._foreach_mul(trace, decay), grads) if nesterov else trace
    return list(new), {"trace": list(trace)}


def _add_decayed_weights(grads: list[Array], state: State, params: list[Array] | None, *, weight_decay: Any) -> Result:
    return list(torch._foreach_add(grads, torch._foreach_mul(params, weight_decay))), state


def _scale(grads: list[Array], state: State, params: Any, *, step_size: Any) -> Result:
    return list(torch._foreach_mul(grads, step_size)), state


def _any_complex(tensors: list[Array]) -> bool:
    return any(t.is_complex() for t in tensors)


def _abs_sq(x: Array) -> Array:
    return (x * x.conj()).real if x.is_complex() else x * x


def _is_zero(value: Any) -> bool:
    return isinstance(value, (int, float)) and value == 0


_INIT: dict[str, Callable[[list[Array]], State]] = {
    "scale_by_adam": _init_adam,
    "trace": lambda params: {"trace": _zeros(params)},
}
_UPDATE: dict[str, Callable[..., Result]] = {
    "scale_by_adam": _scale_by_adam,
    "trace": _trace,
    "add_decayed_weights": _add_decayed_weights,
    "scale": _scale,
}
