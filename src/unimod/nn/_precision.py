"""In and out of the precision of computing: half precision in float32, ints and bools as float32."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.dtypes import is_inexact
from unimod.numpy._dispatch import unary

Array = Any

_HALF = ("float16", "bfloat16")


def entering(x: Array) -> tuple[Array, str]:
    """``x`` in the dtype to compute in, and the dtype of the result."""
    engine, x = unary(x)
    dtype = engine.arrays.dtype_name(x)
    if not is_inexact(dtype):
        return engine.arrays.astype(x, "float32"), "float32"
    return engine.arrays.astype(x, "float32") if dtype in _HALF else x, dtype


def leaving(x: Array, dtype: str) -> Array:
    """A result, rounded once."""
    return unp.astype(x, dtype) if dtype in _HALF else x
