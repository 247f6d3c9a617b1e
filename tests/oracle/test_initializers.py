"""Initializers against jax.nn.initializers with the same key, and against the properties of torch.nn.init."""

from __future__ import annotations

import math

import numpy as np
import pytest

import unimod as um
from unimod.nn import initializers
from unimod.testing.assertions import assert_native

pytestmark = pytest.mark.thin(3)


def drawn(backend, init, shape, seed=11, dtype="float32"):
    with um.use_backend(backend):
        out = init(um.random.key(seed), shape, dtype)
    assert_native(out, backend)
    host = um.to_backend(out, "numpy")
    assert host.shape == shape
    assert host.dtype.name == dtype
    return host


ORTHOGONAL = [
    ("orthogonal", (6, 4), {}),
    ("orthogonal", (4, 6), {}),
    ("orthogonal", (2, 3, 4), {"scale": 2.0}),
    ("orthogonal", (5, 2, 3), {"column_axis": 0}),
    ("delta_orthogonal", (3, 2, 4), {}),
    ("delta_orthogonal", (4, 3, 2, 2), {"scale": 0.5}),
    ("delta_orthogonal", (1, 2, 3, 2, 4), {}),
]


@pytest.mark.needs("jax")
@pytest.mark.parametrize(("name", "shape", "options"), ORTHOGONAL)
def test_orthogonal_matrices_are_those_of_jax(any_backend, name, shape, options):
    import jax

    expected = getattr(jax.nn.initializers, name)(**options)(jax.random.key(11, impl="threefry2x32"), shape, "float32")
    actual = drawn(any_backend, getattr(initializers, name)(**options), shape)
    np.testing.assert_allclose(actual, np.asarray(expected), rtol=0, atol=1.2e-6 * options.get("scale", 1.0))


@pytest.mark.needs("jax")
def test_options_are_those_of_jax(any_backend):
    import jax

    key = jax.random.key(11, impl="threefry2x32")
    expected = jax.nn.initializers.variance_scaling(2 / (1 + 0.3**2), "fan_out", "uniform")(key, (4, 6), "float32")
    actual = drawn(any_backend, initializers.kaiming_uniform(negative_slope=0.3, mode="fan_out"), (4, 6))
    np.testing.assert_allclose(actual, np.asarray(expected), rtol=5e-7)
    expected = jax.nn.initializers.truncated_normal(0.2, lower=-1.0, upper=0.5)(key, (4, 6), "float32")
    actual = drawn(any_backend, initializers.truncated_normal(0.2, lower=-1.0, upper=0.5), (4, 6))
    np.testing.assert_allclose(actual, np.asarray(expected), rtol=1e-6, atol=1e-7)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("shape", [(3, 2, 4), (4, 3, 2, 4), (3, 1, 3, 2, 2), (5, 4, 2)])
def test_dirac_is_that_of_torch(any_backend, shape, groups):
    import torch

    weight = torch.empty(shape[-1], shape[-2], *shape[:-2])
    expected = torch.nn.init.dirac_(weight, groups=groups).movedim((0, 1), (-1, -2)).numpy()
    assert drawn(any_backend, initializers.dirac(groups=groups), shape).tolist() == expected.tolist()


@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    ("name", "theirs"), [("tanh", "tanh"), ("relu", "relu"), ("selu", "selu"), ("linear", "linear")]
)
def test_gains_are_those_of_torch(name, theirs):
    import torch

    assert math.isclose(initializers.gain(name), torch.nn.init.calculate_gain(theirs))
    assert math.isclose(initializers.gain("leaky_relu", 0.3), torch.nn.init.calculate_gain("leaky_relu", 0.3))


@pytest.mark.needs("torch")
@pytest.mark.parametrize("sparsity", [0.0, 0.35, 0.9, 1.0])
def test_sparse_has_the_zeros_of_torch(any_backend, sparsity):
    import torch

    native = torch.nn.init.sparse_(torch.empty(7, 5), sparsity).numpy()
    actual = drawn(any_backend, initializers.sparse(sparsity), (5, 7))
    assert (actual == 0).sum(1).tolist() == (native == 0).sum(0).tolist()


@pytest.mark.needs("torch")
@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2)])
def test_the_identity_is_that_of_torch(any_backend, shape):
    import torch

    assert drawn(any_backend, initializers.eye(), shape).tolist() == torch.nn.init.eye_(torch.empty(shape)).tolist()
