"""NumPy: gradient transformations, one array after the other, as the formulas have them. The reference."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
State = dict[str, Any]
Options = tuple[tuple[str, Any], ...]


def init(name: str, options: Options, params: list[Array]) -> State:
    """The first state of a transformation, by field name."""
    if name == "scale_by_adam":
        return {"count": np.zeros((), np.int32), "mu": _zeros(params), "nu": _zeros(params)}
    return {"trace": _zeros(params)} if name == "trace" else {}


def update(
    name: str, options: Options, updates: list[Array], state: State, params: list[Array] | None
) -> tuple[list[Array], State]:
    """One step of a transformation."""
    o = dict(options)
    if name == "scale_by_adam":
        return _scale_by_adam(updates, state, **o)
    if name == "trace":
        trace = [g + _like(o["decay"], g) * t for g, t in zip(updates, state["trace"], strict=True)]
        ahead = [g + _like(o["decay"], g) * t for g, t in zip(updates, trace, strict=True)]
        return (ahead if o["nesterov"] else trace), {"trace": trace}
    if name == "add_decayed_weights":
        return [g + _like(o["weight_decay"], p) * p for g, p in zip(updates, params or [], strict=True)], state
    return [g * _like(o["step_size"], g) for g in updates], state


def apply_updates(params: list[Array], updates: list[Array]) -> list[Array]:
    """``params + updates``, in the dtypes of the parameters."""
    return [np.asarray(p + u, p.dtype) for p, u in zip(params, updates, strict=True)]


def _zeros(params: list[Array]) -> list[Array]:
    return [np.zeros_like(p) for p in params]


def _like(value: Any, x: Array) -> Array:
    return np.asarray(value, x.dtype)


def _scale_by_adam(
    grads: list[Array], state: State, *, b1: Any, b2: Any, eps: Any, eps_root: Any, nesterov: bool
) -> tuple[list[Array], State]:
    t = int(state["count"]) + 1
    mu = [_like(b1, g) * m + _like(1 - b1, g) * g for m, g in zip(state["mu"], grads, strict=True)]
    nu = [_like(b2, v) * v + _like(1 - b2, v) * np.abs(g) ** 2 for v, g in zip(state["nu"], grads, strict=True)]
    new = []
    for m, v, g in zip(mu, nu, grads, strict=True):
        first = m / _like(1 - b1**t, m)
        if nesterov:
            first = _like(b1 / (1 - b1 ** (t + 1)), m) * m + _like((1 - b1) / (1 - b1**t), m) * g
        new.append(first / (np.sqrt(v / _like(1 - b2**t, v) + _like(eps_root, v)) + _like(eps, v)))
    return new, {"count": np.asarray(t, np.int32), "mu": mu, "nu": nu}
