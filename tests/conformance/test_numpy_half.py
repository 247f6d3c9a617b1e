"""Half precision is computed in float32 and rounded once, on every engine."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import unimod.numpy as unp

pytestmark = pytest.mark.thin(2)

EPSILON = {"bfloat16": 2.0**-8, "float16": 2.0**-11}
"""The distance from 1 to the number below: twice what one rounding may add, so that a tie may go either way."""

X = np.random.default_rng(7).normal(size=(6, 64)).astype(np.float32)
POSITIVE = np.abs(X) + np.float32(0.01)
NEAR_ONE = np.exp(X / 10)

ELEMENTWISE = {
    **{name: (getattr(np, name), X) for name in ("exp", "expm1", "sin", "cos", "sinh", "cosh", "tanh")},
    **{name: (getattr(np, name), POSITIVE) for name in ("log1p", "sqrt", "reciprocal", "square")},
    "log": (np.log, POSITIVE + 2),
    "log2": (np.log2, POSITIVE + 2),
    "log10": (np.log10, POSITIVE + 2),
    "rsqrt": (lambda x: 1 / np.sqrt(x), POSITIVE),
    "atan": (np.arctan, X),
    "asinh": (np.arcsinh, X),
    "acosh": (np.arccosh, POSITIVE + 2),
    "erf": (np.vectorize(math.erf), X),
}
REDUCTIONS = {
    "sum": (lambda x: x.sum(-1), POSITIVE),
    "prod": (lambda x: x.prod(-1), NEAR_ONE),
    "mean": (lambda x: x.mean(-1), POSITIVE),
    "var": (lambda x: x.var(-1), X),
    "std": (lambda x: x.std(-1), X),
    "logsumexp": (lambda x: np.log(np.exp(x).sum(-1)), X),
    "cumsum": (lambda x: x.cumsum(-1), POSITIVE),
    "cumprod": (lambda x: x.cumprod(-1), NEAR_ONE),
}


def assert_rounded_once(call: Callable[[Any], Any], reference: Callable[..., Any], x: np.ndarray, dtype: str) -> None:
    given = unp.asarray(x, dtype=dtype)
    result = call(given)
    assert str(unp.dtype_of(result)) == dtype
    answer = reference(np.asarray(unp.to_numpy(given)).astype(np.float64))
    error = np.abs(np.asarray(unp.to_numpy(result)).astype(np.float64) - answer)
    assert np.max(error / np.abs(answer)) <= 1.01 * EPSILON[dtype]


@pytest.mark.parametrize("dtype", EPSILON)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name, dtype, any_backend):
    assert_rounded_once(getattr(unp, name), *ELEMENTWISE[name], dtype)


@pytest.mark.parametrize("dtype", EPSILON)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name, dtype, any_backend):
    assert_rounded_once(lambda x: getattr(unp, name)(x, axis=-1), *REDUCTIONS[name], dtype)


@pytest.mark.parametrize("dtype", EPSILON)
def test_products_of_many_terms(dtype, any_backend):
    assert_rounded_once(lambda x: unp.matmul(x, unp.matrix_transpose(x)), lambda x: x @ x.T, POSITIVE, dtype)
    assert_rounded_once(lambda x: unp.einsum("ik,jk->ij", x, x), lambda x: x @ x.T, POSITIVE, dtype)
