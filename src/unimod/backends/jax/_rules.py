"""JAX: functions with derivatives of their own, and functions whose values are computed again for their derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import ad_checkpoint

from unimod.backends._protocol import Array, FlatFn


def custom_vjp(
    fn: FlatFn, forward: Callable[..., Any], backward: Callable[..., Any], leaves: list[Array]
) -> tuple[list[Array], Any]:
    """``fn(leaves)``, whose derivative is what ``backward`` says; see the protocol."""
    cell: list[Any] = []

    def primal(*inputs: Array) -> list[Array]:
        outputs, extra = fn(list(inputs))
        cell[:] = [extra]
        return as_arrays(outputs)

    def run(*inputs: Array) -> tuple[list[Array], list[Array]]:
        outputs, residuals, extra = forward(list(inputs))
        cell[:] = [extra]
        return as_arrays(outputs), as_arrays(residuals)

    def pull(residuals: list[Array], cotangents: list[Array]) -> tuple[Array | None, ...]:
        found = backward(residuals, [adjoint(x) if is_inexact(x) else None for x in cotangents])
        return tuple(None if x is None else adjoint(x) for x in found)

    ruled = jax.custom_vjp(primal)
    ruled.defvjp(run, pull)
    return ruled(*leaves), cell[0]


def custom_jvp(fn: FlatFn, rule: Callable[..., Any], leaves: list[Array]) -> tuple[list[Array], Any]:
    """``fn(leaves)``, whose derivative is what ``rule`` says; see the protocol."""
    cell: list[Any] = []

    @jax.custom_jvp
    def ruled(*inputs: Array) -> list[Array]:
        outputs, extra = fn(list(inputs))
        cell[:] = [extra]
        return as_arrays(outputs)

    @ruled.defjvp
    def _(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[list[Array], list[Any]]:
        given = [t if is_inexact(x) else None for x, t in zip(primals, tangents, strict=True)]
        outputs, moved, extra = rule(list(primals), given)
        cell[:] = [extra]
        outputs = as_arrays(outputs)
        return outputs, [no_tangent(x) if t is None else t for x, t in zip(outputs, moved, strict=True)]

    return ruled(*leaves), cell[0]


def remat(
    fn: FlatFn, leaves: list[Array], policy: tuple[str, tuple[str, ...]] | None, prevent_cse: bool
) -> tuple[list[Array], Any]:
    """``fn(leaves)``, computed again for its derivative; see the protocol."""
    cell: list[Any] = []

    def run(*inputs: Array) -> list[Array]:
        outputs, extra = fn(list(inputs))
        cell[:] = [extra]
        return as_arrays(outputs)

    return jax.checkpoint(run, prevent_cse=prevent_cse, policy=_policy(policy))(*leaves), cell[0]


def checkpoint_name(x: Array, name: str) -> Array:
    """``x``, which a policy knows under this name."""
    return ad_checkpoint.checkpoint_name(x, name)  # type: ignore[no-untyped-call]


def as_arrays(outputs: Sequence[Any]) -> list[Array]:
    """The outputs of a flat function, Python numbers among them turned into arrays."""
    return [x if isinstance(x, jax.Array) else jnp.asarray(x) for x in outputs]


def adjoint(x: Array) -> Array:
    """From JAX's gradient by a complex array to ours, and back: the conjugate."""
    return jnp.conj(x) if jnp.iscomplexobj(x) else x


def is_inexact(x: Any) -> bool:
    """Whether there are tangents of ``x``."""
    return bool(x.dtype != jax.dtypes.float0 and jnp.issubdtype(x.dtype, jnp.inexact))


def no_tangent(x: Array) -> Any:
    """What JAX wants for the tangent of an array of integers."""
    return np.zeros(x.shape, jax.dtypes.float0)


def _policy(policy: tuple[str, tuple[str, ...]] | None) -> Any:
    if policy is None:
        return None
    name, names = policy
    found = getattr(jax.checkpoint_policies, name)
    return found(*names) if names or name.startswith("save_only") else found
