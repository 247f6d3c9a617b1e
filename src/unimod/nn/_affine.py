"""The affine function of the last axis."""

from __future__ import annotations

from typing import Any

from unimod.nn import _checks
from unimod.numpy._dispatch import many

Array = Any


def linear(x: Array, kernel: Array, bias: Array | None = None) -> Array:
    """``x @ kernel + bias`` on the last axis.

    Args:
        x: floating, ``(..., in)``.
        kernel: ``(in, out)``.
        bias: ``(out,)``; None for 0.

    Returns:
        ``(..., out)``, in the dtype of the arguments.

    Raises:
        ShapeError: the shapes do not fit.
        DTypeError: the dtypes differ, or are not floating.

    Example:
        >>> import unimod as um
        >>> kernel = um.numpy.asarray([[1.0, 0.0], [0.0, 2.0]])
        >>> um.nn.functional.linear(um.numpy.asarray([3.0, 4.0]), kernel, um.numpy.ones((2,))).tolist()
        [4.0, 9.0]
    """
    engine, x, kernel, bias = many(x, kernel, bias)
    _checks.product("linear", engine, x, kernel, bias)
    return engine.nn.linear(x, kernel, bias)
