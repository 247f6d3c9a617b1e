"""PyTorch: gradient transformations over lists of tensors.

Nothing is changed in place, so that a step can be differentiated and traced; in a jitted train step the compiler fuses
the lists away.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from unimod.backends.torch import _lists as lists

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
    return lists.add(params, updates)


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
    mu, nu = _decayed(state["mu"], grads, b1), _decayed_squares(state["nu"], grads, b2)
    first = lists.div(mu, _debias(b1, count))
    if nesterov:
        ahead = lists.div(lists.mul(mu, b1), _debias(b1, count + 1))
        first = lists.add(ahead, lists.div(lists.mul(grads, 1 - b1), _debias(b1, count)))
    second = lists.div(nu, _debias(b2, count))
    if not _is_zero(eps_root):
        second = lists.add(second, eps_root)
    return lists.div(first, lists.add(lists.sqrt(second), eps)), {"count": count, "mu": mu, "nu": nu}


def _decayed(old: list[Array], new: list[Array], decay: Any) -> list[Array]:
    """``decay * old + (1 - decay) * new``."""
    if isinstance(decay, torch.Tensor):
        return lists.add(lists.mul(old, decay), lists.mul(new, 1 - decay))
    return lists.lerp(old, new, 1 - decay)


def _decayed_squares(old: list[Array], new: list[Array], decay: Any) -> list[Array]:
    """``decay * old + (1 - decay) * |new|**2``."""
    if isinstance(decay, torch.Tensor) or any(x.is_complex() for x in new):
        return _decayed(old, [_abs_sq(x) for x in new], decay)
    return lists.addcmul(lists.mul(old, decay), new, new, value=1 - decay)


def _debias(decay: Any, count: Array) -> Array:
    """``1 - decay**count`` in float64; as a 0-d tensor it leaves the dtype of the list as it is."""
    steps = count.to(torch.float64)
    if isinstance(decay, torch.Tensor):
        return -torch.expm1(steps * torch.log1p(decay.to(torch.float64) - 1))
    return -torch.expm1(steps * math.log1p(decay - 1))


def _trace(grads: list[Array], state: State, params: Any, *, decay: Any, nesterov: bool) -> Result:
    trace = lists.add(lists.mul(state["trace"], decay), grads)
    return lists.add(lists.mul(trace, decay), grads) if nesterov else trace, {"trace": trace}


def _add_decayed_weights(grads: list[Array], state: State, params: list[Array] | None, *, weight_decay: Any) -> Result:
    return lists.add(grads, lists.mul(params or [], weight_decay)), state


def _scale(grads: list[Array], state: State, params: Any, *, step_size: Any) -> Result:
    return lists.mul(grads, step_size), state


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
