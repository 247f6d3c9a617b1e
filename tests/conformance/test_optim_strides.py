"""Gradients and parameters that do not lie in memory one after the other, as views and sums make them."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um

DRAWS = np.random.default_rng(0).normal(size=(3, 2, 2)).astype("float32")

VIEWS = {
    "every second": lambda x: x[..., 0],
    "transposed": lambda x: um.numpy.matrix_transpose(x[:, :, 1]),
    "broadcast": lambda x: um.numpy.broadcast_to(x[0, 0, 0], (3, 2)),
}


@pytest.mark.parametrize("make", VIEWS)
@pytest.mark.parametrize("name", ["adam", "rmsprop", "sgd", "lion", "adagrad"])
def test_strides_do_not_matter(any_backend, name, make):
    x = VIEWS[make](um.numpy.asarray(DRAWS))
    plain = um.numpy.asarray(np.ascontiguousarray(um.to_backend(x, "numpy")))
    opt, same = (getattr(um.optim, name)(0.1).init(y) for y in (x, plain))
    results = []
    for step in (1.0, -0.5):
        found, opt = opt.update(x * 0 + step * x if step < 0 else x, x)
        expected, same = same.update(plain * step, plain)
        results.append((found, expected))
    for found, expected in [*results, *zip(um.tree.leaves(opt), um.tree.leaves(same), strict=True)]:
        np.testing.assert_allclose(
            um.to_backend(found, "numpy"), um.to_backend(expected, "numpy"), rtol=1e-5, atol=1e-6
        )
