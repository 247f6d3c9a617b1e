"""Windows side by side: the first of equal values, nan, what is left over, and derivatives of all orders."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod.nn import functional as F
from unimod.testing.assertions import assert_native


def on(backend, x):
    return um.to_backend(np.asarray(x, np.float32), backend)


def host(x, backend):
    assert_native(x, backend)
    assert um.dtype_of(x) == "float32"
    return um.to_backend(x, "numpy")


def windows(x, size):
    """(batch, windows, inside, channels) of one spatial axis."""
    count = x.shape[1] // size
    return x[:, : count * size].reshape(x.shape[0], count, size, x.shape[2])


@pytest.mark.parametrize("size", [2, 3, 5])
def test_the_largest_and_the_sum_of_what_is_whole(any_backend, size):
    x = np.random.default_rng(size).standard_normal((2, 11, 3)).astype("float32")
    for pool, reduced in ((F.max_pool, np.max), (F.sum_pool, np.sum)):
        np.testing.assert_allclose(
            host(pool(on(any_backend, x), size), any_backend), reduced(windows(x, size), 2), rtol=1e-6, atol=1e-6
        )


def test_a_nan_is_the_largest(any_backend):
    x = on(any_backend, [[[np.nan], [1.0], [2.0], [np.nan], [-np.inf], [-np.inf], [3.0], [4.0]]])
    found = host(F.max_pool(x, 2), any_backend)[0, :, 0]
    np.testing.assert_array_equal(found, np.asarray([np.nan, np.nan, -np.inf, 4.0], np.float32))


def test_the_derivative_goes_to_the_first_of_equal_values(backend):
    image = np.asarray([[0, 0, 1, 2, 9], [0, 0, 2, 2, 9], [3, 1, 0, 4, 9], [3, 3, 4, 4, 9]], np.float32)[
        None, :, :, None
    ]
    weights = np.arange(1.0, 5.0, dtype=np.float32).reshape(1, 2, 2, 1)

    def total(x):
        return um.numpy.sum(F.max_pool(x, (2, 2)) * on(backend, weights))

    expected = [[1, 0, 0, 2, 0], [0, 0, 0, 0, 0], [3, 0, 0, 4, 0], [0, 0, 0, 0, 0]]
    slope = host(um.grad(total)(on(backend, image)), backend)
    np.testing.assert_array_equal(slope[0, :, :, 0], expected)
    mapped = host(um.vmap(um.grad(total))(on(backend, np.stack([image, image[:, ::-1]]))), backend)
    np.testing.assert_array_equal(mapped[0], slope)
    assert mapped[1].sum() == 10.0


def test_forward_mode_and_second_derivatives(backend):
    x = np.random.default_rng(0).standard_normal((1, 6, 2)).astype("float32")

    def cubes(x):
        return um.numpy.sum(F.max_pool(x, 2) ** 3)

    largest = x == np.repeat(windows(x, 2).max(2), 2, axis=1)
    _, slope = um.jvp(cubes, (on(backend, x),), (um.numpy.ones_like(on(backend, x)),))
    np.testing.assert_allclose(float(slope), (3 * x**2 * largest).sum(), rtol=1e-5)
    second = um.grad(lambda x: um.numpy.sum(um.grad(cubes)(x)))(on(backend, x))
    np.testing.assert_allclose(host(second, backend), 6 * x * largest, rtol=1e-5, atol=1e-6)
