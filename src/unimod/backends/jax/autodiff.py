"""JAX: derivatives of flat functions.

Cotangents of complex arrays are the conjugates of JAX's, so that a gradient is the direction of ascent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from unimod.backends._forward import no_forward_mode
from unimod.backends._terms import Array, FlatFn, SplitFn
from unimod.backends.jax._rules import (
    adjoint,
    checkpoint_name,
    custom_jvp,
    custom_vjp,
    remat,
)
from unimod.backends.jax._rules import as_arrays as as_arrays

__all__ = [
    "checkpoint_name",
    "custom_jvp",
    "custom_vjp",
    "eval_shape",
    "jvp",
    "linearize",
    "remat",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]

VALUE_NEEDED = (
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
"""What JAX raises when Python asks a traced array for its value."""

Push = Callable[[list[Array]], list[Array]]


def value_and_grad(fn: FlatFn, leaves: list[Array], which: Sequence[int]) -> tuple[list[Array], Any, list[Array]]:
    """Run ``fn`` and differentiate its first output by the leaves in ``which``; see the protocol.

    The gradient of a complex leaf is that by the conjugate, so that ``p - lr * g`` descends: the conjugate of what
    ``jax.grad`` returns.
    """
    cell: list[Any] = []

    def loss_and_aux(selected: list[Array]) -> tuple[Array, list[Array]]:
        outputs, extra = fn(_replaced(leaves, which, selected))
        cell[:] = [extra]
        loss, *aux = as_arrays(outputs)
        return loss, aux

    (loss, aux), grads = jax.value_and_grad(loss_and_aux, has_aux=True)([leaves[i] for i in which])
    return [loss, *aux], cell[0], [adjoint(grad) for grad in grads]


def vjp(fn: SplitFn, leaves: list[Array], which: Sequence[int]) -> tuple[list[Array], list[Array], Any, Push]:
    """Run ``fn``, and get the function that takes cotangents of its outputs to those of the leaves in ``which``."""
    run, cell = _of_selected(fn, leaves, which)
    outputs, pull, aux = jax.vjp(run, [leaves[i] for i in which], has_aux=True)

    def pulled(cotangents: list[Array]) -> list[Array]:
        return [adjoint(x) for x in pull([adjoint(x) for x in cotangents])[0]]

    return outputs, aux, cell[0], pulled


def jvp(
    fn: SplitFn, leaves: list[Array], which: Sequence[int], tangents: list[Array]
) -> tuple[list[Array], list[Array], Any, list[Array]]:
    """Run ``fn``, and push tangents of the leaves in ``which`` forward to its outputs."""
    run, cell = _of_selected(fn, leaves, which)
    try:
        outputs, moved, aux = jax.jvp(run, ([leaves[i] for i in which],), (tangents,), has_aux=True)
    except TypeError as error:
        raise (no_forward_mode() if _is_refused(error) else error) from error
    return outputs, aux, cell[0], moved


def linearize(fn: SplitFn, leaves: list[Array], which: Sequence[int]) -> tuple[list[Array], list[Array], Any, Push]:
    """Run ``fn``, and get the function that pushes tangents forward."""
    run, cell = _of_selected(fn, leaves, which)
    try:
        outputs, push, aux = jax.linearize(run, [leaves[i] for i in which], has_aux=True)
    except TypeError as error:
        raise (no_forward_mode() if _is_refused(error) else error) from error

    def pushed(tangents: list[Array]) -> list[Array]:
        try:
            return list(push(tangents))
        except TypeError as error:
            raise (no_forward_mode() if _is_refused(error) else error) from error

    return outputs, aux, cell[0], pushed


def stop_gradient(x: Array) -> Array:
    """``x``, as a constant for every derivative."""
    return jax.lax.stop_gradient(x)


def eval_shape(fn: FlatFn, specs: Sequence[tuple[tuple[int, ...], str]]) -> tuple[list[tuple[Any, str]], Any]:
    """The shapes and dtypes of what ``fn`` returns, without computing it."""
    cell: list[Any] = []

    def run(leaves: list[Array]) -> list[Array]:
        outputs, extra = fn(list(leaves))
        cell[:] = [extra]
        return as_arrays(outputs)

    found = jax.eval_shape(run, [_spec(shape, dtype) for shape, dtype in specs])
    return [(x.shape, x.dtype.name) for x in found], cell[0]


def _spec(shape: tuple[int, ...], dtype: str) -> Any:
    spec: Any = jax.ShapeDtypeStruct
    return spec(shape, dtype)


def _of_selected(fn: SplitFn, leaves: list[Array], which: Sequence[int]) -> tuple[Callable[..., Any], list[Any]]:
    """``fn`` of the leaves in ``which``, a pair of outputs and further ones; and where it puts what is beside them."""
    cell: list[Any] = []

    def run(selected: list[Array]) -> tuple[list[Array], list[Array]]:
        outputs, aux, extra = fn(_replaced(leaves, which, selected))
        cell[:] = [extra]
        return as_arrays(outputs), as_arrays(aux)

    return run, cell


def _replaced(leaves: list[Array], which: Sequence[int], values: Sequence[Array]) -> list[Array]:
    full = list(leaves)
    for i, value in zip(which, values, strict=True):
        full[i] = value
    return full


def _is_refused(error: TypeError) -> bool:
    """Whether JAX says that a ``custom_vjp`` stands in the way of forward mode (jax 0.10)."""
    return "custom_vjp" in str(error) and "forward-mode" in str(error)
