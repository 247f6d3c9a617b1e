"""NumPy: updates added to parameters; the front carries out the transformations by their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def apply_updates(params: list[Array], updates: list[Array]) -> list[Array]:
    """``params + updates``, in the dtypes of the parameters."""
    return [np.asarray(p + u, p.dtype) for p, u in zip(params, updates, strict=True)]
