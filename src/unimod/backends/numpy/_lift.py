"""NumPy: from a function of numpy to the engine's, with the dtypes of operands and results as on the other engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unimod.backends._promotion import inexact
from unimod.backends.numpy.dtypes import common, work

Op = Callable[..., Any]


def number(name: str) -> str:
    """The dtype in which a dtype counts."""
    return "int32" if name == "bool" else name


def fractional(fn: Op) -> Op:
    """Promoted, and at least to float32."""
    return lambda *xs: work(fn, inexact(common(*xs)), *xs)


def counting(fn: Op) -> Op:
    """Promoted; bools count as int32."""
    return lambda *xs: work(fn, number(common(*xs)), *xs)


def plain(fn: Op) -> Op:
    """Promoted."""
    return lambda *xs: work(fn, common(*xs), *xs)


def question(fn: Op) -> Op:
    """Promoted, with a bool for an answer."""
    return lambda *xs: work(fn, common(*xs), *xs, result="bool")


def each(fn: Callable[[float], float]) -> Op:
    """A function of Python's, of one float, for arrays; computed in float64."""
    return lambda x: np.asarray(np.frompyfunc(fn, 1, 1)(x.astype("float64")), "float64").astype(x.dtype)
