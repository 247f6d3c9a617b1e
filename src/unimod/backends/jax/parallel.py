"""JAX: batching of flat functions, and what mapped calls exchange."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from unimod.backends._concrete import value_needed
from unimod.backends._protocol import Array, FlatFn
from unimod.backends.jax.autodiff import VALUE_NEEDED, as_arrays


def vmap(
    fn: FlatFn, leaves: list[Array], in_axes: Sequence[int | None], size: int, axis_name: Hashable = None
) -> tuple[list[Array], Any]:
    """Map ``fn`` over one axis of each leaf (None: not mapped); see the protocol."""
    cell: list[Any] = []

    def mapped(*arguments: Array) -> list[Array]:
        outputs, extra = fn(list(arguments))
        cell[:] = [extra]
        return as_arrays(outputs)

    try:
        return jax.vmap(mapped, in_axes=tuple(in_axes), axis_size=size, axis_name=axis_name)(*leaves), cell[0]
    except VALUE_NEEDED as error:
        raise value_needed(error, jax.__file__) from error


def axis_size(axis_name: Hashable) -> int | None:
    """The number of mapped calls; None where no axis has this name."""
    try:
        return int(jax.lax.axis_size(axis_name))
    except NameError:
        return None


def axis_index(axis_name: Hashable) -> Array:
    """The number of this call among the mapped ones, int32[]."""
    return jax.lax.axis_index(axis_name)


def all_gather(x: Array, axis_name: Hashable) -> Array:
    """``x`` of all calls, stacked along a new first axis."""
    return jax.lax.all_gather(x, axis_name)


def psum(x: Array, axis_name: Hashable) -> Array:
    """The sum of ``x`` over all calls."""
    return jax.lax.psum(x, axis_name)  # type: ignore[no-untyped-call]


def pmax(x: Array, axis_name: Hashable) -> Array:
    """The largest ``x`` of all calls."""
    return _extreme(jax.lax.pmax, axis_name)(x)


def pmin(x: Array, axis_name: Hashable) -> Array:
    """The smallest ``x`` of all calls."""
    return _extreme(jax.lax.pmin, axis_name)(x)


def psum_scatter(x: Array, axis_name: Hashable) -> Array:
    """The sum of ``x[i]`` over all calls, for the call with the number i."""
    return jax.lax.psum_scatter(x, axis_name)  # type: ignore[no-untyped-call]


def ppermute(x: Array, axis_name: Hashable, sources: tuple[int, ...]) -> Array:
    """``x`` of the call ``sources[i]``, for the call with the number i."""
    pairs = [(source, place) for place, source in enumerate(sources)]
    return jax.lax.ppermute(x, axis_name, pairs)  # type: ignore[no-untyped-call]


def all_to_all(x: Array, axis_name: Hashable) -> Array:
    """``x[i]`` of all calls, stacked along a new first axis, for the call with the number i."""
    # What is the same in each call gets a wrong shape in JAX 0.10, so it is made to depend on the call.
    own = jnp.where(axis_index(axis_name) < 0, jnp.zeros_like(x), x)
    return jax.lax.all_to_all(own, axis_name, 0, 0)  # type: ignore[no-untyped-call]


def _extreme(find: Callable[[Array, Hashable], Array], axis_name: Hashable) -> Callable[[Array], Array]:
    """``find``, with the derivative that JAX has not (0.10): an even share for each call that has the extreme."""

    @jax.custom_jvp
    def extreme(x: Array) -> Array:
        return find(x, axis_name)

    @extreme.defjvp
    def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
        (x,), (slope,) = primals, tangents
        y = extreme(x)
        is_extreme = jnp.asarray(x == y, x.dtype)
        share = is_extreme / psum(is_extreme, axis_name)
        return y, psum(slope * share, axis_name)

    return extreme
