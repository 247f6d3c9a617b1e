"""NumPy: reductions and products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unimod.backends._promotion import accumulator, inexact
from unimod.backends._protocol import Axis
from unimod.backends.numpy.dtypes import common, work

Rule = Callable[[str], str]


def _reduction(fn: Callable[..., Any], inner: Rule = str, result: str | None = None) -> Callable[..., Any]:
    def op(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
        return work(lambda v: fn(v, axis=axis, keepdims=keepdims), inner(x.dtype.name), x, result=result)

    return op


def _real(name: str) -> str:
    if name.startswith("complex"):
        raise TypeError("complex numbers have no order")
    return name


sum = _reduction(np.sum, accumulator)
prod = _reduction(np.prod, accumulator)
mean = _reduction(np.mean, inexact)
max = _reduction(np.max, _real)
min = _reduction(np.min, _real)
any = _reduction(np.any, result="bool")
all = _reduction(np.all, result="bool")
argmax = _reduction(np.argmax, _real, result="int32")
argmin = _reduction(np.argmin, _real, result="int32")


def var(x: Any, axis: Axis = None, keepdims: bool = False, correction: float = 0.0) -> Any:
    """The two-pass variance."""
    return work(lambda v: np.var(v, axis, ddof=correction, keepdims=keepdims), inexact(x.dtype.name), x)


def std(x: Any, axis: Axis = None, keepdims: bool = False, correction: float = 0.0) -> Any:
    """The standard deviation."""
    return work(lambda v: np.std(v, axis, ddof=correction, keepdims=keepdims), inexact(x.dtype.name), x)


def _logsumexp(x: Any, *, axis: Axis, keepdims: bool) -> Any:
    greatest = np.max(x, axis=axis, keepdims=True)
    shift = np.where(np.isfinite(greatest), greatest, 0)
    total = np.log(np.sum(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return total if keepdims else np.squeeze(total, tuple(range(x.ndim)) if axis is None else axis)


logsumexp = _reduction(_logsumexp, inexact)


def cumsum(x: Any, axis: int) -> Any:
    """The running sum, of integers in int32."""
    return work(lambda v: np.cumsum(v, axis, v.dtype), accumulator(x.dtype.name), x)


def cumprod(x: Any, axis: int) -> Any:
    """The running product, of integers in int32."""
    return work(lambda v: np.cumprod(v, axis, v.dtype), accumulator(x.dtype.name), x)


def cummax(x: Any, axis: int) -> Any:
    """The running maximum."""
    return work(lambda v: np.maximum.accumulate(v, axis), x.dtype.name, x)


def cummin(x: Any, axis: int) -> Any:
    """The running minimum."""
    return work(lambda v: np.minimum.accumulate(v, axis), x.dtype.name, x)


def cumulative_logsumexp(x: Any, axis: int) -> Any:
    """The running ``logsumexp``."""
    return work(lambda v: np.logaddexp.accumulate(v, axis), inexact(x.dtype.name), x)


def matmul(x: Any, y: Any) -> Any:
    """The matrix product."""
    return work(np.matmul, common(x, y), x, y)


def einsum(subscripts: str, xs: Sequence[Any]) -> Any:
    """The sum of products that ``subscripts`` describe."""
    return work(lambda *operands: np.einsum(subscripts, *operands), common(*xs), *xs)


def tensordot(x: Any, y: Any, axes: Any) -> Any:
    """The sum of products over pairs of axes."""
    return work(lambda left, right: np.tensordot(left, right, axes), common(x, y), x, y)
