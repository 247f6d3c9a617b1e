"""JAX: reductions and products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from unimod.backends._promotion import accumulator
from unimod.backends._protocol import Axis
from unimod.backends.jax.dtypes import in_float32, to_inexact


def _accumulator(x: Any) -> str | None:
    return accumulator(x.dtype.name) if x.dtype.kind in "biu" else None


def _accumulating(fn: Callable[..., Any]) -> Callable[..., Any]:
    def op(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
        return fn(x, axis, _accumulator(x), keepdims=keepdims)

    return op


sum = _accumulating(jnp.sum)
prod = _accumulating(jnp.prod)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean, of integers in float32."""
    return jnp.mean(to_inexact(x), axis, keepdims=keepdims)


def _ordering(fn: Callable[..., Any]) -> Callable[..., Any]:
    def op(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
        if x.dtype.kind == "c":
            raise TypeError("complex numbers have no order")
        return fn(x, axis, keepdims=keepdims)

    return op


max = _ordering(jnp.max)
min = _ordering(jnp.min)


def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether some element is not 0."""
    return jnp.any(x, axis, keepdims=keepdims)


def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether no element is 0."""
    return jnp.all(x, axis, keepdims=keepdims)


def var(x: Any, axis: Axis = None, keepdims: bool = False, correction: float = 0.0) -> Any:
    """The two-pass variance."""
    return jnp.var(to_inexact(x), axis, keepdims=keepdims, correction=correction)


def std(x: Any, axis: Axis = None, keepdims: bool = False, correction: float = 0.0) -> Any:
    """The standard deviation; the gradient is 0 where it is 0, where JAX has nan."""
    return _std(to_inexact(x), axis, keepdims, correction)


@in_float32
def _std(x: Any, axis: Axis, keepdims: bool, correction: float) -> Any:
    variance = var(x, axis, keepdims, correction)
    is_zero = variance == 0
    return jnp.where(is_zero, 0, jnp.sqrt(jnp.where(is_zero, 1, variance)))


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))`` without overflow."""
    return in_float32(lambda v: jax.nn.logsumexp(v, axis, keepdims=keepdims))(to_inexact(x))


@_ordering
def argmax(x: Any, axis: int | None, *, keepdims: bool) -> Any:
    """The place of the first greatest element."""
    return jnp.argmax(x, axis, keepdims=keepdims).astype("int32")


@_ordering
def argmin(x: Any, axis: int | None, *, keepdims: bool) -> Any:
    """The place of the first smallest element."""
    return jnp.argmin(x, axis, keepdims=keepdims).astype("int32")


def cumsum(x: Any, axis: int) -> Any:
    """The running sum, of integers in int32."""
    return in_float32(jnp.cumsum)(x, axis, _accumulator(x))


def cumprod(x: Any, axis: int) -> Any:
    """The running product, of integers in int32."""
    return in_float32(jnp.cumprod)(x, axis, _accumulator(x))


def cummax(x: Any, axis: int) -> Any:
    """The running maximum."""
    return _without_bools(jax.lax.cummax, x, axis)


def cummin(x: Any, axis: int) -> Any:
    """The running minimum."""
    return _without_bools(jax.lax.cummin, x, axis)


def _without_bools(fn: Callable[..., Any], x: Any, axis: int) -> Any:
    axis %= x.ndim
    return fn(x.astype("uint8"), axis).astype("bool") if x.dtype.kind == "b" else fn(x, axis)


def cumulative_logsumexp(x: Any, axis: int) -> Any:
    """The running ``logsumexp``; its gradient is nan where it is -inf."""
    return in_float32(jax.lax.cumlogsumexp)(x, axis % x.ndim)


matmul = jnp.matmul


def einsum(subscripts: str, xs: Sequence[Any]) -> Any:
    """The sum of products that ``subscripts`` describe."""
    return jnp.einsum(subscripts, *xs)


def tensordot(x: Any, y: Any, axes: Any) -> Any:
    """The sum of products over pairs of axes."""
    return jnp.tensordot(x, y, axes)
