"""Derivatives of recurrent layers without a mask, against those with a mask that holds nothing back."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod.nn import functional
from unimod.testing.assertions import assert_native

TIME, IN, HIDDEN = 4, 3, 2
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def arguments(kind, backend, batch):
    random, width = np.random.default_rng(0), GATES[kind] * HIDDEN
    shapes = (batch, TIME, IN), (IN, width), (HIDDEN, width), (width,)
    return [um.to_backend(random.standard_normal(shape).astype("float32") / 2, backend) for shape in shapes]


def loss(kind, is_masked, reverse):
    def fn(x, *weights):
        mask = um.numpy.ones_like(x[..., 0]) > 0 if is_masked else None
        ys, _ = getattr(functional, kind)(x, *weights, mask=mask, reverse=reverse)
        return um.numpy.sum(um.numpy.sin(ys))

    return fn


def agree(found, expected, backend):
    for one, other in zip(found, expected, strict=True):
        assert_native(one, backend)
        assert um.dtype_of(one) == "float32"
        assert tuple(one.shape) == tuple(other.shape)
        one, other = (np.asarray(um.to_backend(x, "numpy")) for x in (one, other))
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-6)
        assert np.abs(one).max() > 1e-3


def both(kind, reverse, derivative, args):
    for is_masked in (False, True):
        yield um.jit(derivative(loss(kind, is_masked, reverse)), compiler="graph")(*args)


@pytest.mark.parametrize("batch", [2, 17])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", GATES)
def test_gradients(backend, kind, reverse, batch):
    agree(*both(kind, reverse, lambda fn: um.grad(fn, (0, 1, 2, 3)), arguments(kind, backend, batch)), backend)


@pytest.mark.parametrize("places", [(0,), (1,), (2,), (3,)])
def test_gradients_of_some(backend, places):
    agree(*both("lstm", False, lambda fn: um.grad(fn, places), arguments("lstm", backend, 2)), backend)


@pytest.mark.parametrize("kind", GATES)
def test_second_derivatives(backend, kind):
    args = arguments(kind, backend, 2)

    def derivative(fn):
        def total(*args):
            return sum(um.numpy.sum(um.numpy.square(slope)) for slope in um.grad(fn, (0, 1, 2, 3))(*args))

        return um.grad(total, (0, 1, 2, 3))

    agree(*both(kind, True, derivative, args), backend)
