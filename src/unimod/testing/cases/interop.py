"""Modules as pairs of functions, which every engine has; what belongs to one library is tested beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from unimod import interop, nn
from unimod.testing.case import Case, Data


def _inputs(data: Data) -> tuple[Any, ...]:
    return data.array(4, 3), data.array(3, 2), data.array(2)


def _applied(x: Any, kernel: Any, bias: Any) -> Any:
    _, apply = interop.as_init_apply(nn.Linear(3, 2))
    return apply({"kernel": kernel, "bias": bias}, {}, x)


def _product(x: Any, kernel: Any, bias: Any) -> Any:
    return np.matmul(x, kernel) + bias, {}


CASES = (Case("interop.as_init_apply", _applied, _inputs, reference=_product, wrt=(0, 1, 2)),)
