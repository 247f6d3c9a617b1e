"""JAX: a function of jax.numpy made the engine's, with the dtypes of operands and results as on the other engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from unimod.backends import _complex
from unimod.backends._promotion import WEAK
from unimod.backends.jax.dtypes import in_float32, is_bool, is_whole, settle, to_inexact

Op = Callable[..., Any]


def fractional(fn: Op, name: str = "") -> Op:
    """Of one array, computed in floats; with a ``name`` complex arrays follow the rule for that function."""
    rounded_once = in_float32(fn)
    if not name:
        return lambda x: rounded_once(to_inexact(x))
    mended = jax.jit(_complex.mended(fn, name, jnp, jax.lax.complex), inline=True)
    return lambda x: mended(x) if x.dtype.kind == "c" else rounded_once(to_inexact(x))


def counting(fn: Op) -> Op:
    """Of one array; bools count as int32."""
    return lambda x: fn(x.astype("int32") if x.dtype.kind == "b" else x)


def pair(fn: Op) -> Op:
    """Of two operands, promoted."""

    def op(x: Any, y: Any) -> Any:
        if type(x) in WEAK or type(y) in WEAK or x.dtype is not y.dtype:
            x, y = settle(x, y)
        return fn(x, y)

    return op


def counting_pair(fn: Op) -> Op:
    """Of two operands, promoted; two bools count as int32."""

    def op(x: Any, y: Any) -> Any:
        x, y = settle(x, y)
        if is_bool(x) and is_bool(y):
            x, y = jnp.asarray(x, "int32"), jnp.asarray(y, "int32")
        return fn(x, y)

    return op


def fractional_pair(fn: Op) -> Op:
    """Of two operands, promoted, and at least to float32."""

    def op(x: Any, y: Any) -> Any:
        x, y = settle(x, y)
        if is_whole(x) and is_whole(y):
            x, y = jnp.asarray(x, "float32"), jnp.asarray(y, "float32")
        return fn(x, y)

    return op


def arrays(fn: Op) -> Op:
    """``fn`` of two arrays of one dtype; Python scalars become such."""

    def op(x: Any, y: Any) -> Any:
        dtype = jnp.result_type(x, y)
        return fn(jnp.asarray(x, dtype), jnp.asarray(y, dtype))

    return op


def fused(fn: Op) -> Op:
    """``fn`` compiled as one, where it is not part of something that is compiled."""
    return jax.jit(fn, inline=True)


def half_in_float32(fn: Op) -> Op:
    """``fn`` of two arrays, with half precision computed in float32 and rounded once."""

    def op(x: Any, y: Any) -> Any:
        if x.dtype.itemsize == 2 and x.dtype.kind in "fV":
            return fn(x.astype("float32"), y.astype("float32")).astype(x.dtype)
        return fn(x, y)

    return op
