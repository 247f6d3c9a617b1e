"""Gradients cut back, by element, by array, by unit or all together, and brought to one length."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists

_LEAST = 1e-6
"""What a norm is divided by at least, in the clipping of units."""


def norm_dtype(xs: Arrays) -> str:
    """The dtype of a norm of all arrays: float64 where one of them has it, else float32."""
    return "float64" if any(str(config.dtype_of(x)) in ("float64", "complex128") for x in xs) else "float32"


def global_norm(lists: Lists, xs: Arrays) -> Array:
    """The root of the sum of ``|x|**2`` over all arrays, of gradient 0 where it is 0."""
    dtype, astype = norm_dtype(xs), lists.engine.arrays.astype
    if not xs:
        return lists.engine.arrays.full((), 0, dtype)
    is_half = any(str(config.dtype_of(x)) in ("float16", "bfloat16") for x in xs)
    squares = lists.squares([_widened(lists, x) for x in xs] if is_half else xs)
    sums = [astype(unp.sum(square), dtype) for square in squares]
    return root(unp.sum(unp.stack(sums)) if len(sums) > 1 else sums[0])


def root(x: Array) -> Array:
    """The square root, of gradient 0 at 0."""
    is_zero = unp.equal(x, 0)
    return unp.where(is_zero, x, unp.sqrt(unp.where(is_zero, unp.ones_like(x), x)))


def _widened(lists: Lists, x: Array) -> Array:
    return lists.engine.arrays.astype(x, "float32") if str(config.dtype_of(x)) in ("float16", "bfloat16") else x


@formula(is_real=True)
def clip(lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, max_delta: Any) -> Result:
    """``min(max(u, -max_delta), max_delta)``."""
    return lists.minimum(lists.maximum(updates, -max_delta), max_delta), state


def _norm(lists: Lists, params: Arrays, **options: Any) -> State:
    # Made of a counter, which is on the device of the parameters.
    return {"global_norm": lists.engine.arrays.astype(lists.count(params), norm_dtype(params))}


@formula(_norm)
def clip_by_global_norm(lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, max_norm: Any) -> Result:
    """``u / norm * max_norm`` where the norm of all updates together is not below ``max_norm``."""
    norm = global_norm(lists, updates)
    is_kept = unp.logical_or(unp.less(norm, lists.like(max_norm, norm)), unp.equal(norm, 0))
    divisor = unp.where(is_kept, unp.ones_like(norm), norm)
    factor = unp.where(is_kept, unp.ones_like(norm), lists.like(max_norm, norm))
    return lists.mul(lists.div(updates, divisor), factor), {"global_norm": norm}


@formula()
def clip_by_block_rms(lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, threshold: Any) -> Result:
    """``u / max(1, rms(u) / threshold)``, for each array by itself."""
    ratios = lists.div([root(unp.mean(square)) for square in lists.squares(updates)], threshold)
    return [unp.divide(u, r) for u, r in zip(updates, lists.maximum(ratios, 1.0), strict=True)], state


@formula(needs_params=True)
def adaptive_grad_clip(
    lists: Lists, updates: Arrays, state: State, params: Arrays, *, clipping: Any, eps: Any, axis: Any = None
) -> Result:
    """``u * limit / norm(u)`` where that norm is above ``limit = clipping * max(norm(p), eps)``, for each unit."""
    norms = [unit_norm(u, axis) for u in updates]
    limits = lists.mul(lists.maximum([unit_norm(p, axis) for p in params], eps), clipping)
    factors = lists.div(limits, lists.maximum(norms, _LEAST))
    clipped = [unp.multiply(u, factor) for u, factor in zip(updates, factors, strict=True)]
    rows = zip(norms, limits, updates, clipped, strict=True)
    return [unp.where(unp.less(norm, limit), u, cut) for norm, limit, u, cut in rows], state


def unit_axes(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The axes over which the norm of a unit is taken; None: all of them."""
    if sum(size != 1 for size in shape) <= 1:
        return None
    return (0,) if len(shape) <= 3 else tuple(range(len(shape) - 1))


def unit_norm(x: Array, axis: Any) -> Array:
    """The norm of each unit, with axes of length 1."""
    axes = unit_axes(tuple(x.shape)) if axis is None else axis
    is_complex = config.dtype_of(x).kind == "complex"
    square = unp.real(unp.multiply(x, unp.conj(x))) if is_complex else unp.multiply(x, x)
    return root(unp.sum(square, axis=axes, keepdims=True))


@formula()
def normalize_by_update_norm(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, scale_factor: Any, eps: Any
) -> Result:
    """``u * scale_factor / (norm + eps)``, by the norm of all updates together."""
    norm = global_norm(lists, updates)
    divisor = unp.divide(unp.add(norm, lists.like(eps, norm)), lists.like(scale_factor, norm))
    return lists.div(updates, divisor), state
