"""Every elementwise function: arrays without axes, without elements, of one element, and broadcast ones."""

from __future__ import annotations

import inspect
import zlib

import numpy as np
import pytest

import unimod.numpy as unp
from unimod.testing import assert_native

pytestmark = pytest.mark.thin(2)

ELEMENTWISE = {name: getattr(unp, name) for name in unp.__all__ if hasattr(getattr(unp, name), "__wrapped__")}
ARITY = {name: len(inspect.signature(function).parameters) for name, function in ELEMENTWISE.items()}
UNARY = sorted(name for name, count in ARITY.items() if count == 1)
BINARY = sorted(name for name, count in ARITY.items() if count == 2)
SHAPES = [(), (0,), (2, 0, 3), (1,), (2, 3)]
PAIRS = [((), ()), ((0,), ()), ((), (2, 3)), ((2, 1), (3,)), ((2, 0, 1), (1, 4)), ((1,), (2, 3)), ((2, 1, 3), (4, 1))]
WHOLE = ("bitwise", "gcd", "lcm")


def data(name: str, *shape: int):
    """Numbers between 0.2 and 0.9, where nearly all functions are defined; small integers for those of integers."""
    random = np.random.default_rng(zlib.crc32(f"{name}{shape}".encode()))
    if name.startswith(WHOLE):
        return random.integers(1, 9, shape).astype(np.int32)
    return random.uniform(0.2, 0.9, shape).astype(np.float32)


def check(function, inputs, backend: str):
    expected = function(*inputs)
    found = function(*(unp.asarray(x, backend=backend) if isinstance(x, np.ndarray) else x for x in inputs))
    assert_native(found, backend)
    assert tuple(found.shape) == np.shape(expected)
    assert found.dtype == unp.dtype_of(expected)
    np.testing.assert_allclose(unp.to_numpy(found), expected, rtol=2e-5, atol=2e-6)


def test_the_functions_are_found():
    assert {"exp", "abs", "isnan", "floor"} <= set(UNARY)
    assert {"add", "atan2", "less", "logical_and"} <= set(BINARY)
    assert len(UNARY) + len(BINARY) == len(ELEMENTWISE)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", UNARY)
def test_one_array(name, shape, backend):
    check(ELEMENTWISE[name], [data(name, *shape)], backend)


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
@pytest.mark.parametrize("name", BINARY)
def test_two_arrays(name, shapes, backend):
    left, right = shapes
    check(ELEMENTWISE[name], [data(name, *left), data(name, *right)], backend)


@pytest.mark.parametrize("name", BINARY)
def test_a_scalar_on_either_side(name, backend):
    x, scalar = data(name, 2, 3), 2 if name.startswith(WHOLE) else 0.75
    check(ELEMENTWISE[name], [x, scalar], backend)
    check(ELEMENTWISE[name], [scalar, x], backend)
