"""JAX: loops and branches of flat functions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import jax
from jax import lax

from unimod.backends._concrete import value_needed
from unimod.backends._protocol import Array, FlatFn
from unimod.backends.jax._forward_only import forward_only
from unimod.backends.jax.autodiff import VALUE_NEEDED, as_arrays


def scan(
    fn: FlatFn, carry: list[Array], xs: list[Array], *, length: int, reverse: bool, unroll: int
) -> tuple[list[Array], list[Array], Any]:
    """``fn([*carry, *x]) -> ([*carry, *y], extra)`` for each row of ``xs``; see the protocol."""
    count = len(carry)
    cell: list[Any] = []

    def step(carry: list[Array], x: list[Array]) -> tuple[list[Array], list[Array]]:
        outputs, extra = fn([*carry, *x])
        cell[:] = [extra]
        outputs = as_arrays(outputs)
        return outputs[:count], outputs[count:]

    with _values_needed():
        last, ys = lax.scan(step, carry, xs, length=length, reverse=reverse, unroll=unroll)
    return last, ys, cell[0]


def while_loop(cond: FlatFn, body: FlatFn, carry: list[Array]) -> list[Array]:
    """``body(carry)`` while ``cond(carry)``; see the protocol."""
    with _values_needed():
        last: list[Array] = lax.while_loop(
            lambda carry: as_arrays(cond(carry)[0])[0], lambda carry: as_arrays(body(carry)[0]), carry
        )
    return [forward_only(x) for x in last]


def switch(index: Array, branches: Sequence[FlatFn], operands: list[Array]) -> tuple[list[Array], Any]:
    """``branches[index](operands)``; see the protocol."""
    cell: list[Any] = []

    def kept(branch: FlatFn) -> Any:
        def call(operands: list[Array]) -> list[Array]:
            outputs, extra = branch(operands)
            cell[:] = [extra]
            return as_arrays(outputs)

        return call

    with _values_needed():
        outputs: list[Array] = lax.switch(index.astype("int32"), [kept(branch) for branch in branches], operands)
    return outputs, cell[0]


@contextlib.contextmanager
def _values_needed() -> Iterator[None]:
    try:
        yield
    except VALUE_NEEDED as error:
        raise value_needed(error, jax.__file__) from error
