"""NumPy: calls with the dtypes of the other engines; numpy itself would widen ints beside floats to float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unimod.backends import _host
from unimod.backends._promotion import WEAK, promote, promote_scalar

_HALF = frozenset({"float16", "bfloat16"})


def common(*xs: Any) -> str:
    """The dtype in which arrays and Python scalars meet."""
    arrays = [x.dtype.name for x in xs if type(x) not in WEAK]
    found = arrays[0] if arrays else "bool"
    for name in arrays[1:]:
        found = promote(found, name)
    for x in xs:
        if type(x) in WEAK:
            found = promote_scalar(found, type(x))
    return found


def own(xs: Any) -> Any:
    """The arrays, if all are of numpy, which would take in those of others without a word."""
    if all(isinstance(x, (np.ndarray, np.generic)) for x in xs):
        return xs
    raise TypeError("arrays of other frameworks")


def cast(x: Any, name: str) -> Any:
    """``x``, an array or a Python scalar, in the dtype called ``name``."""
    return np.asarray(x).astype(_host.dtype(name), copy=False)


def work(fn: Callable[..., Any], name: str, *xs: Any, result: str | None = None) -> Any:
    """``fn(*xs)`` computed in the dtype ``name`` (half precision: in float32) and given back in ``result``."""
    inner = "float32" if name in _HALF else name
    with np.errstate(all="ignore"):
        return cast(fn(*(cast(x, inner) for x in xs)), name if result is None else result)
