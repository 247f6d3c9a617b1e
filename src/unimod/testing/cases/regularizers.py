"""Penalties of parameters."""

from __future__ import annotations

from typing import Any

from unimod import regularizers
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data

_BOUND = Bound(eps=8, why="sums of squares")
_GRAM = Bound(eps=64, why="products of products")


def _parameters(d: Data) -> tuple[Any, ...]:
    return ({"kernel": d.array(4, 3), "bias": d.array(3)},)


CASES = (
    Case(
        "regularizers.l1",
        lambda p: regularizers.l1(p, rate=0.1),
        _parameters,
        dtypes=("float32", "float64"),
        wrt=(0,),
        bound=_BOUND,
    ),
    Case(
        "regularizers.l2",
        lambda p: regularizers.l2(p, rate=0.1),
        _parameters,
        dtypes=("float32", "float64"),
        wrt=(0,),
        bound=_BOUND,
    ),
    Case("regularizers.l2[filter]", lambda p: regularizers.l2(p, "kernel"), _parameters, wrt=(0,), bound=_BOUND),
    Case("regularizers.l1_l2", lambda p: regularizers.l1_l2(p, l2_rate=0.1), _parameters, wrt=(0,), bound=_BOUND),
    Case(
        "regularizers.orthogonal",
        lambda p: regularizers.orthogonal(p, rate=0.1),
        _parameters,
        dtypes=("float32", "float64"),
        wrt=(0,),
        bound=_GRAM,
        gradient_bound=_GRAM,
    ),
    Case(
        "regularizers.orthogonal[rows]",
        lambda p: regularizers.orthogonal(p, mode="rows"),
        _parameters,
        wrt=(0,),
        bound=_GRAM,
        gradient_bound=_GRAM,
    ),
    Case("regularizers.L1", lambda p: regularizers.L1(0.1)(p), _parameters, wrt=(0,), bound=_BOUND),
    Case("regularizers.L2", lambda p: regularizers.L2(0.1)(p), _parameters, wrt=(0,), bound=_BOUND),
    Case("regularizers.L1L2", lambda p: regularizers.L1L2(0.1, 0.2)(p), _parameters, wrt=(0,), bound=_BOUND),
    Case(
        "regularizers.Orthogonal",
        lambda p: regularizers.Orthogonal(0.1)(p),
        _parameters,
        wrt=(0,),
        bound=_GRAM,
        gradient_bound=_GRAM,
    ),
)
