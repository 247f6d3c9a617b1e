"""The affine function of the last axis, and the bilinear one of two."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.config import describe_value
from unimod.errors import ShapeError
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


def bilinear(x1: Array, x2: Array, kernel: Array, bias: Array | None = None) -> Array:
    """``y[..., o] = sum_ij x1[..., i] * kernel[i, j, o] * x2[..., j] + bias[o]``.

    Args:
        x1: floating, ``(..., in1)``.
        x2: floating, ``(..., in2)``, with the same axes before the last.
        kernel: ``(in1, in2, out)``.
        bias: ``(out,)``; None for 0.

    Returns:
        ``(..., out)``, in the dtype of the arguments.

    Raises:
        ShapeError: the shapes do not fit.
        DTypeError: the dtypes differ, or are not floating.

    Example:
        >>> import unimod as um
        >>> x1, x2 = um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([3.0, 4.0])
        >>> um.nn.functional.bilinear(x1, x2, um.numpy.ones((2, 2, 1))).tolist()
        [21.0]
    """
    engine, x1, x2, kernel, bias = many(x1, x2, kernel, bias)
    _checks.floating("bilinear", engine, x1)
    ends = [tuple(x.shape[-1:]) for x in (x1, x2)]
    is_fitting = len(kernel.shape) == 3 and ends == [(kernel.shape[0],), (kernel.shape[1],)]
    if not is_fitting or tuple(x1.shape[:-1]) != tuple(x2.shape[:-1]):
        raise ShapeError(
            "bilinear cannot multiply these shapes.",
            got=", ".join(f"{n} = {describe_value(x)}" for n, x in (("x1", x1), ("x2", x2), ("kernel", kernel))),
            expected="x1 = (..., in1), x2 = (..., in2), kernel = (in1, in2, out)",
            fix="pass two arrays that differ in the last axis only, whose lengths are those of the kernel",
        )
    for argument, other in (("x2", x2), ("kernel", kernel)):
        _checks.same_dtype("bilinear", engine, x1, other, argument)
    out = unp.matmul(unp.expand_dims(x1, axis=-2), _mixed(x2, kernel))
    out = unp.squeeze(out, axis=-2)
    if bias is None:
        return out
    _checks.shapes("bilinear", (kernel.shape[2],), bias=bias)
    _checks.same_dtype("bilinear", engine, x1, bias, "bias")
    return unp.add(out, bias)


def _mixed(x2: Array, kernel: Array) -> Array:
    """``sum_j kernel[i, j, o] * x2[..., j]``: one matrix ``(in1, out)`` for each entry of the batch."""
    return unp.tensordot(x2, kernel, axes=((len(x2.shape) - 1,), (1,)))
