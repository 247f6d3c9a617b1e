"""JAX: gradient transformations, those of optax by name.

``scale_by_adam`` is written out, because optax computes ``1 - b2**t`` in float32, which loses up to 2e-5 of the bias
correction in the first hundred steps; ``-expm1(t * log1p(b2 - 1))`` is right to rounding.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

Array = Any
State = dict[str, Any]
Options = tuple[tuple[str, Any], ...]


def init(name: str, options: Options, params: list[Array]) -> State:
    """The first state of a transformation, by field name."""
    if name == "scale_by_adam":
        return {
            "count": jnp.zeros((), jnp.int32),
            "mu": [jnp.zeros_like(p) for p in params],
            "nu": [jnp.zeros_like(p) for p in params],
        }
    return _fields(_make(name, options).init(params))


def update(
    name: str, options: Options, updates: list[Array], state: State, params: list[Array] | None
) -> tuple[list[Array], State]:
    """One step of a transformation."""
    if name == "scale_by_adam":
        return _scale_by_adam(updates, state, **dict(options))
    transformation = _make(name, options)
    template = jax.eval_shape(transformation.init, updates)
    new, changed = transformation.update(updates, _state_like(template, state), params)
    return list(new), _fields(changed)


def apply_updates(params: list[Array], updates: list[Array]) -> list[Array]:
    """``params + updates``, in the dtypes of the parameters."""
    return [(p + u).astype(p.dtype) for p, u in zip(params, updates, strict=True)]


def _make(name: str, options: Options) -> optax.GradientTransformation:
    factory: Callable[..., optax.GradientTransformation] = getattr(optax, name)
    known = inspect.signature(factory).parameters
    return factory(**{option: value for option, value in options if option in known})


def _fields(state: Any) -> State:
    return dict(state._asdict()) if hasattr(state, "_asdict") else {}


def _state_like(template: Any, state: State) -> Any:
    return type(template)(**state) if state else template


def _scale_by_adam(
    grads: list[Array], state: State, *, b1: Any, b2: Any, eps: Any, eps_root: Any, nesterov: bool
) -> tuple[list[Array], State]:
    count = state["count"] + 1
    mu = [b1 * m + (1 - b1) * g for m, g in zip(state["mu"], grads, strict=True)]
    nu = [b2 * v + (1 - b2) * jnp.real(g * jnp.conj(g)) for v, g in zip(state["nu"], grads, strict=True)]
    first = [m / _debias(b1, count, m.dtype) for m in mu]
    if nesterov:
        ahead = [b1 * m / _debias(b1, count + 1, m.dtype) for m in mu]
        first = [m + (1 - b1) * g / _debias(b1, count, g.dtype) for m, g in zip(ahead, grads, strict=True)]
    second = [v / _debias(b2, count, v.dtype) for v in nu]
    new = [m / (jnp.sqrt(v + eps_root) + eps) for m, v in zip(first, second, strict=True)]
    return new, {"count": count, "mu": mu, "nu": nu}


def _debias(decay: Any, count: Array, dtype: Any) -> Array:
    own = jnp.real(jnp.zeros((), dtype)).dtype
    wide = jnp.promote_types(own, jnp.float32)
    return (-jnp.expm1(count.astype(wide) * jnp.log1p(jnp.asarray(decay - 1, wide)))).astype(own)
