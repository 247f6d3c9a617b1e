"""JAX: derivatives of flat functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from unimod.backends._protocol import Array, FlatFn

VALUE_NEEDED = (
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
"""What JAX raises when Python asks a traced array for its value."""


def value_and_grad(fn: FlatFn, leaves: list[Array], which: Sequence[int]) -> tuple[list[Array], Any, list[Array]]:
    """Run ``fn`` and differentiate its first output by the leaves in ``which``; see the protocol.

    The gradient of a complex leaf is that by the conjugate, so that ``p - lr * g`` descends: the conjugate of what
    ``jax.grad`` returns.
    """
    cell: list[Any] = []

    def loss_and_aux(selected: list[Array]) -> tuple[Array, list[Array]]:
        full = list(leaves)
        for i, leaf in zip(which, selected, strict=True):
            full[i] = leaf
        outputs, extra = fn(full)
        cell[:] = [extra]
        loss, *aux = as_arrays(outputs)
        return loss, aux

    (loss, aux), grads = jax.value_and_grad(loss_and_aux, has_aux=True)([leaves[i] for i in which])
    return [loss, *aux], cell[0], [_descent(grad) for grad in grads]


def stop_gradient(x: Array) -> Array:
    """``x``, as a constant for every derivative."""
    return jax.lax.stop_gradient(x)


def as_arrays(outputs: Sequence[Any]) -> list[Array]:
    """The outputs of a flat function, Python numbers among them turned into arrays."""
    return [x if isinstance(x, jax.Array) else jnp.asarray(x) for x in outputs]


def _descent(grad: Array) -> Array:
    return jnp.conj(grad) if jnp.iscomplexobj(grad) else grad
