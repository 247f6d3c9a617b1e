"""JAX: dtypes by name, and operands made strong, so that no result depends on how JAX is configured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from unimod.backends import _host
from unimod.backends._promotion import WEAK, promote_scalar
from unimod.errors import DTypeError

_WIDE = frozenset({"int64", "uint64", "float64", "complex128"})
_UNCHANGED = {bool: "biufcV", int: "iufcV", float: "fcV", complex: "c"}
"""The kinds of dtypes that a Python scalar leaves as they are; V are the small floats."""


def native(name: str) -> Any:
    """The dtype called ``name``; JAX would silently give the 32-bit one where 64 bits are switched off.

    Raises:
        DTypeError: the dtype has 64 bits, and JAX has not been told to allow them.
    """
    if name in _WIDE and not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        raise DTypeError(
            f"JAX makes no {name} unless it is told to.",
            got=f"dtype {name!r}",
            expected="a dtype of at most 32 bits",
            fix="um.enable_x64() at the start, or `with um.use_x64():` around",
        )
    return _host.dtype(name)


def settle(x: Any, y: Any) -> tuple[Any, Any]:
    """Two operands, of which Python scalars change no dtype any more: the array is cast first."""
    if type(y) in WEAK:
        if type(x) in WEAK:
            x = jnp.asarray(x, promote_scalar("bool", type(x)))
        return _widened(x, y), y
    if type(x) in WEAK:
        return x, _widened(y, x)
    return (x.astype("float32"), y.astype("float32")) if _mixes_uint64(x.dtype, y.dtype) else (x, y)


def _mixes_uint64(one: Any, other: Any) -> bool:
    """Whether signed integers meet uint64, for which JAX takes the widest float that is allowed."""
    return bool((one.name == "uint64" and other.kind == "i") or (other.name == "uint64" and one.kind == "i"))


def _widened(x: Any, scalar: Any) -> Any:
    if x.dtype.kind in _UNCHANGED[type(scalar)]:
        return x
    return x.astype(promote_scalar(x.dtype.name, type(scalar)))


def to_inexact(x: Any) -> Any:
    """``x`` in a dtype that has fractions: float32 for bools and integers."""
    return x.astype("float32") if x.dtype.kind in "biu" else x


def in_float32(fn: Callable[..., Any]) -> Callable[..., Any]:
    """``fn(x, ...)`` with half precision computed in float32 and rounded once, where JAX would round at every step."""

    def op(x: Any, *args: Any) -> Any:
        if x.dtype.itemsize == 2 and x.dtype.kind in "fV":
            return fn(x.astype("float32"), *args).astype(x.dtype)
        return fn(x, *args)

    return op


def is_whole(x: Any) -> bool:
    """Whether ``x``, an array or a Python scalar, is a bool or an integer."""
    return type(x) in (bool, int) if type(x) in WEAK else x.dtype.kind in "biu"


def is_bool(x: Any) -> bool:
    """Whether ``x``, an array or a Python scalar, is a bool."""
    return type(x) is bool if type(x) in WEAK else x.dtype.kind == "b"
