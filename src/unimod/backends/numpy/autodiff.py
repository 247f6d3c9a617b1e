"""NumPy: no derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unimod.backends import _host
from unimod.backends._protocol import Array, FlatFn, Shape
from unimod.errors import CapabilityError


def value_and_grad(fn: FlatFn, leaves: list[Array], which: Sequence[int]) -> tuple[list[Array], Any, list[Array]]:
    """Raise: this engine computes values only."""
    raise CapabilityError(
        "The numpy engine has no derivatives.",
        got="a function of numpy arrays to differentiate",
        expected="arrays of an engine that differentiates",
        fix='move the data first: um.to_backend(tree, "jax") or um.to_backend(tree, "torch")',
    )


def stop_gradient(x: Array) -> Array:
    """``x``: there is no gradient to stop."""
    return x


def eval_shape(fn: FlatFn, specs: Sequence[tuple[Shape, str]]) -> tuple[list[tuple[Shape, str]], Any]:
    """The shapes and dtypes of what ``fn`` returns, by running it on ones that take no memory; see the protocol."""
    outputs, extra = fn([np.broadcast_to(np.ones((), _host.dtype(dtype)), shape) for shape, dtype in specs])
    return [(np.shape(x), np.asarray(x).dtype.name) for x in outputs], extra
