"""JAX: gradient transformations, those of optax by name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import optax
import optax.contrib

from unimod.backends.jax._foreign_optim import foreign as foreign
from unimod.backends.jax._foreign_optim import foreign_schedule as foreign_schedule

Array = Any
State = dict[str, Any]
Options = tuple[tuple[str, Any], ...]

_LESS_EXACT = frozenset(
    {"scale_by_adam", "scale_by_amsgrad", "scale_by_adamax", "scale_by_adan", "scale_by_belief", "scale_by_radam"}
    | {"scale_by_rms", "scale_by_stddev", "scale_by_yogi", "scale_by_novograd", "scale_by_sm3"}
)
"""optax computes ``1 - b2**t`` in float32, which loses up to 2e-5 of the correction in the first hundred steps, and of
``scale_by_radam`` 6e-5; the formulas of the front are right to rounding. It has no derivative of ``scale_by_novograd``
at a gradient of 0, and no ``scale_by_sm3`` of an array without axes."""

_UNFIT = {
    "add_noise": "its state holds a typed key, which no other engine can read",
    "clip_by_global_norm": "keeps no norm; nan of a norm and a bound of 0",
    "dadapt_adamw": "1 - b**t in float32, off by up to 2e-5; nan for ever after a first gradient of 0",
    "ema": "1 - b**t in float32, off by up to 2e-5",
    "hutchinson_estimator_diag_hessian": "its state holds a raw key, and it conjugates nothing",
    "momo": "no state of parameters of bfloat16 beside float16",
    "momo_adam": "1 - b**t in float32, off by up to 2e-5",
    "normalize": "nan of gradients of 0",
    "prodigy": "1 - b**t in float32, off by up to 2e-5; nan for ever after a first gradient of 0",
    "scale_by_acprop": "1 - b**t in float32, off by up to 2e-5",
    "scale_by_ademamix": "1 - b**t in float32, off by up to 2e-5",
    "scale_by_adopt": "takes no bound for one step, only a function of the step",
    "scale_by_distance_over_gradients": "gives a parameter without axes an update of shape (1,)",
    "scale_by_factored_rms": "computes the decay in float32 for float64 too: off by 1e-8",
    "scale_by_madgrad": "computes the weights in float32 for float64 too: off by 1e-8",
    "scale_by_muon": "1 - b**t in float32, off by up to 2e-5",
    "scale_by_simplified_ademamix": "1 - b**t in float32, off by up to 2e-5",
}
"""What optax has, but the formulas of the front do better, and why."""

_LOOPING = frozenset({"scale_by_lbfgs"})
"""What has loops in it, which JAX would compile anew at each step that is not jitted itself."""


def carries_out(name: str) -> bool:
    """What optax or optax.contrib has under that name, but for what the front does better."""
    if name in _LESS_EXACT or name in _UNFIT:
        return False
    return hasattr(optax, name) or hasattr(optax.contrib, name)


def init(name: str, options: Options, params: list[Array]) -> State:
    """The first state of a transformation, by field name."""
    # Arrays that optax makes of Python numbers have weak types, which the second step would be traced again for.
    return dict(
        jax.tree.map(lambda x: jax.lax.convert_element_type(x, x.dtype), _fields(_make(name, options).init(params)))
    )


def update(
    name: str,
    options: Options,
    updates: list[Array],
    state: State,
    params: list[Array] | None,
    extras: dict[str, Any],
) -> tuple[list[Array], State]:
    """One step of a transformation."""
    if name in _LOOPING:
        return _compiled(name, options)(updates, state, params)
    return _update(name, options, updates, state, params, extras)


def _update(
    name: str,
    options: Options,
    updates: list[Array],
    state: State,
    params: list[Array] | None,
    extras: dict[str, Any],
) -> tuple[list[Array], State]:
    transformation = _make(name, options)
    template = jax.eval_shape(transformation.init, updates)
    new, changed = transformation.update(updates, _state_like(template, state), params, **extras)
    return list(new), _fields(changed)


@functools.lru_cache(maxsize=64)
def _compiled(name: str, options: Options) -> Callable[..., tuple[list[Array], State]]:
    return jax.jit(lambda updates, state, params: _update(name, options, updates, state, params, {}))


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
