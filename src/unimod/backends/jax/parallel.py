"""JAX: batching of flat functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from unimod.backends._concrete import value_needed
from unimod.backends._protocol import Array, FlatFn
from unimod.backends.jax.autodiff import VALUE_NEEDED, as_arrays


def vmap(fn: FlatFn, leaves: list[Array], in_axes: Sequence[int | None], size: int) -> tuple[list[Array], Any]:
    """Map ``fn`` over one axis of each leaf (None: not mapped); see the protocol."""
    cell: list[Any] = []

    def mapped(*arguments: Array) -> list[Array]:
        outputs, extra = fn(list(arguments))
        cell[:] = [extra]
        return as_arrays(outputs)

    try:
        return jax.vmap(mapped, in_axes=tuple(in_axes), axis_size=size)(*leaves), cell[0]
    except VALUE_NEEDED as error:
        raise value_needed(error, jax.__file__) from error
