"""JAX: gradient transformations, those of optax by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import optax
import optax.contrib

Array = Any
State = dict[str, Any]
Options = tuple[tuple[str, Any], ...]

_LESS_EXACT = frozenset({"scale_by_adam"})
"""optax computes ``1 - b2**t`` in float32, which loses up to 2e-5 of the correction in the first hundred steps; the
formula of the front is right to rounding."""


def carries_out(name: str) -> bool:
    """What optax or optax.contrib has under that name, but for what it does less exactly."""
    return name not in _LESS_EXACT and (hasattr(optax, name) or hasattr(optax.contrib, name))


def init(name: str, options: Options, params: list[Array]) -> State:
    """The first state of a transformation, by field name."""
    return _fields(_make(name, options).init(params))


def update(
    name: str,
    options: Options,
    updates: list[Array],
    state: State,
    params: list[Array] | None,
    extras: dict[str, Any],
) -> tuple[list[Array], State]:
    """One step of a transformation."""
    transformation = _make(name, options)
    template = jax.eval_shape(transformation.init, updates)
    new, changed = transformation.update(updates, _state_like(template, state), params, **extras)
    return list(new), _fields(changed)


def apply_updates(params: list[Array], updates: list[Array]) -> list[Array]:
    """``params + updates``, in the dtypes of the parameters."""
    return [(p + u).astype(p.dtype) for p, u in zip(params, updates, strict=True)]


def _make(name: str, options: Options) -> optax.GradientTransformation:
    place = optax if hasattr(optax, name) else optax.contrib
    factory: Callable[..., optax.GradientTransformation] = getattr(place, name)
    known = inspect.signature(factory).parameters
    return factory(**{option: value for option, value in options if option in known})


def _fields(state: Any) -> State:
    """The fields of a state; what is a state itself becomes a dict in it."""
    if not hasattr(state, "_asdict"):
        return {}
    return {name: _fields(part) if hasattr(part, "_asdict") else part for name, part in state._asdict().items()}


def _state_like(template: Any, state: State) -> Any:
    if not state:
        return template
    parts = {
        name: _state_like(getattr(template, name), part) if isinstance(part, dict) else part
        for name, part in state.items()
    }
    return type(template)(**parts)
