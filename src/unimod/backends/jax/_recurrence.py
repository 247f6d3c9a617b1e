"""JAX: a recurrent layer as one loop, with a derivative that takes the kernels out of it.

What a small change of the inputs and kernels does to the gates of all steps is a few large products before the loop of
the changes. Transposed, that loop gives the gradients of all gates, and large products after it those of the kernels,
where the loop that JAX derives adds up a small product for each step (a train step takes 0.74 of the time for 128
units, 32 rows and 64 steps; JAX 0.10.2, CPU). The rule is one of forward mode, so derivatives of all modes and orders
come from it.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from unimod.backends.jax._cells import Array, Cell, State

_WIDE = 16
"""The rows of a batch from which on a step computes the gates itself."""

Weights = tuple[Array, Array | None, Array, Array | None]
"""The kernel and bias of the inputs, and those of the state."""


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def recur(cell: Cell, reverse: bool, unroll: int, x: Array, weights: Weights, state: State) -> tuple[Array, State]:
    """The first part of all states, and the last state."""
    xs, step = stepping(cell, x, weights)

    def body(state: State, x: Array) -> tuple[State, Array]:
        new, _ = step(x, state)
        return new, new[0]

    last, ys = lax.scan(body, state, xs, reverse=reverse, unroll=unroll)
    return ys, last


def stepping(cell: Cell, x: Array, weights: Weights) -> tuple[Array, Any]:
    """What the loop reads, and the cell as a function of a row of that and the state.

    On CPUs the loop of XLA (JAX 0.10.2) reads a long stack of gates slowly, at half the speed for 128 units; in each
    step the product is as quick, if the batch makes a matrix of it.
    """
    kernel, bias, recurrent_kernel, recurrent_bias = weights
    is_late = x.shape[1] >= _WIDE and jax.default_backend() == "cpu"

    def step(row: Array, state: State) -> tuple[State, State]:
        gates = _affine(row, kernel, bias) if is_late else row
        return cell.step(gates, _affine(state[0], recurrent_kernel, recurrent_bias), state)

    return (x if is_late else _rows(_affine, x, kernel, bias)), step


def _changed(
    cell: Cell, reverse: bool, unroll: int, primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[tuple[Array, State], tuple[Array, State]]:
    x, weights, state = primals
    xs, step = stepping(cell, x, weights)

    def body(state: State, x: Array) -> tuple[State, tuple[State, State]]:
        new, values = step(x, state)
        return new, (new, values)

    last, (states, values) = lax.scan(body, state, xs, reverse=reverse, unroll=unroll)
    before = tuple(_before(first, later, reverse) for first, later in zip(state, states, strict=True))
    on_gates, on_read, more = cell.slopes(values, before)
    change, changes = tangents[1], tuple(map(_dense, tangents[2]))
    gates = _product_change(x, tangents[0], weights[0], change[0], change[1])
    read = _product_change(before[0], None, weights[2], change[2], change[3])
    drive = on_gates * gates + on_read * read

    def follow(change: State, now: tuple[Array, Array, State]) -> tuple[State, Array]:
        drive, on_read, more = now
        new = cell.collect(drive + on_read * (change[0] @ weights[2]), change, more)
        return new, new[0]

    end, all_changes = lax.scan(follow, changes, (drive, on_read, more), reverse=reverse, unroll=unroll)
    return (states[0], last), (all_changes, end)


recur.defjvp(_changed, symbolic_zeros=True)


def _product_change(x: Array, x_change: Any, kernel: Array, kernel_change: Any, bias_change: Any) -> Array:
    """The change of ``x @ kernel + bias`` for all steps; what does not change is None or a symbolic zero."""
    parts = [] if _is_still(x_change) else [_rows(jnp.matmul, x_change, kernel)]
    parts += [] if _is_still(kernel_change) else [_rows(jnp.matmul, x, kernel_change)]
    parts += [] if _is_still(bias_change) else [bias_change]
    return sum(parts, start=jnp.zeros((), x.dtype))


def _is_still(change: Any) -> bool:
    return change is None or isinstance(change, SymbolicZero)


def _dense(change: Any) -> Array:
    return jnp.zeros(change.shape, change.dtype) if _is_still(change) else change


def _rows(fn: Any, x: Array, *weights: Any) -> Array:
    """``fn`` of the rows of all steps as one matrix."""
    out = fn(x.reshape(x.shape[0] * x.shape[1], x.shape[2]), *weights)
    return out.reshape(*x.shape[:2], out.shape[-1])


def _affine(rows: Array, kernel: Array, bias: Array | None) -> Array:
    return rows @ kernel if bias is None else rows @ kernel + bias


def _before(first: Array, states: Array, reverse: bool) -> Array:
    """The state that each step got."""
    return jnp.concatenate((states[1:], first[None]) if reverse else (first[None], states[:-1]))
