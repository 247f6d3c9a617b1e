"""JAX: gradient transformations, those of optax by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import optax

Array = Any
State = dict[str, Any]
Options = tuple[tuple[str, Any], ...]

_LESS_EXACT = frozenset({"scale_by_adam"})
"""optax computes ``1 - b2**t`` in float32, which loses up to 2e-5 of the correction in the first hundred steps; the
formula of the front is right to rounding."""


def carries_out(name: str) -> bool:
    """What optax has under that name, but for what it does less exactly."""
    return name not in _LESS_EXACT and hasattr(optax, name)


def init(name: str, options: Options, params: list[Array]) -> State:
    """The first state of a transformation, by field name."""
    return _fields(_make(name, options).init(params))


def update(
    name: str,
    options: Options,
    updates: list[Array],
    state: State,
    params: list[Array] | None,
) -> tuple[list[Array], State]:
    """One step of a transformation."""
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
