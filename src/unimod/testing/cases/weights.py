"""Initializers that do more than draw: the family of :mod:`unimod.testing.cases.distributions` goes on here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unimod import random
from unimod.nn import initializers
from unimod.testing.bounds import EXACT, Bound
from unimod.testing.case import Case, Data

_QR = Bound(atol=1.2e-6, why="a QR decomposition of normal numbers that are equal within 4 steps")
_SCALED = Bound(ulp=8, why="normal numbers are equal within 4 steps, and one product more")

_ROWS: dict[str, tuple[Callable[..., Any], tuple[int, ...], Bound]] = {
    "symmetric_uniform": (initializers.symmetric_uniform(0.3), (4, 6), EXACT),
    "normal[mean]": (initializers.normal(0.2, mean=3.0), (4, 6), _SCALED),
    "truncated_normal[mean]": (initializers.truncated_normal(0.2, mean=3.0, upper=1.0), (4, 6), _SCALED),
    "kaiming_uniform[slope]": (initializers.kaiming_uniform(negative_slope=0.2, mode="fan_out"), (4, 6), EXACT),
    "orthogonal": (initializers.orthogonal(), (4, 3), _QR),
    "orthogonal[wide]": (initializers.orthogonal(2.0, column_axis=0), (2, 2, 3), _QR.times(2)),
    "delta_orthogonal": (initializers.delta_orthogonal(), (3, 2, 2, 3), _QR),
    "identity": (initializers.identity(2.0), (3, 4), EXACT),
    "dirac": (initializers.dirac(), (3, 2, 4), EXACT),
    "dirac[groups]": (initializers.dirac(groups=2), (2, 3, 2, 4), EXACT),
    "sparse": (initializers.sparse(0.4), (4, 5), _SCALED),
}


def _words(d: Data) -> tuple[Any, ...]:
    return (d.random.integers(0, 2**32, 2, dtype=np.uint32),)


def _drawn(init: Callable[..., Any], shape: tuple[int, ...]) -> Callable[[Any], Any]:
    return lambda words: init(random.wrap_key_data(words), shape, "float32")


CASES = tuple(
    Case(
        f"nn.initializers.{name}",
        _drawn(init, shape),
        _words,
        bound=bound,
        jit_bound=Bound(ulp=8, why="XLA may fuse a product and a sum into one rounding") if bound is EXACT else None,
        widen=False,
    )
    for name, (init, shape, bound) in _ROWS.items()
)
