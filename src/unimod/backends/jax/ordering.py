"""JAX: sorting, and finding places. nan counts as the greatest, equal elements keep their order."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def sort(x: Any, axis: int, descending: bool) -> Any:
    """Sorted along an axis; JAX itself would turn equal zeros of both signs around."""
    return jnp.flip(jnp.sort(jnp.flip(x, axis), axis), axis) if descending else jnp.sort(x, axis)


def argsort(x: Any, axis: int, descending: bool) -> Any:
    """The order that sorts along an axis; equal elements keep theirs."""
    return jnp.argsort(x, axis, descending=descending, stable=True).astype("int32")


def top_k(x: Any, k: int, axis: int) -> tuple[Any, Any]:
    """The ``k`` greatest and their places, of equal ones the first; JAX itself looks at the signs of 0 and nan."""
    plain = jax.lax.stop_gradient(x.astype("uint8") if x.dtype.kind == "b" else x)
    if plain.dtype.kind in "fV":
        plain = jnp.where(plain == 0, 0, jnp.where(plain == plain, plain, jnp.nan))
    _, places = jax.lax.top_k(plain, k, axis=axis)
    places = places.astype("int32")
    return jnp.take_along_axis(x, places, axis), places


def searchsorted(x: Any, values: Any, side: str) -> Any:
    """The places in the sorted ``x`` before which ``values`` belong; both are of one dtype."""
    return jnp.searchsorted(x, values, side=side).astype("int32")


def flatnonzero(mask: Any) -> Any:
    """The places at which a mask of one axis is True; its values have to be known."""
    return jnp.flatnonzero(mask).astype("int32")
