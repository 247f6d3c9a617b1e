"""Loss scales against those of jmp."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um

pytestmark = pytest.mark.thin(3)


@pytest.mark.needs("jax")
@pytest.mark.parametrize(("first", "period", "factor"), [(2.0**15, 3, 2), (2.0**126, 1, 4), (2.0, 2, 2)])
def test_against_jmp(any_backend, first, period, factor):
    import jax.numpy as jnp
    import jmp

    mine = um.DynamicLossScale(first, period=period, factor=factor)
    theirs = jmp.DynamicLossScale(jnp.asarray(first), period=period, factor=factor)
    rng = np.random.default_rng(0)
    for is_finite in rng.random(40) < 0.8:
        mine = mine.adjust(um.numpy.asarray(bool(is_finite)))
        theirs = theirs.adjust(jnp.asarray(is_finite))
        assert float(mine.loss_scale) == float(theirs.loss_scale)
        assert int(mine.counter) == int(theirs.counter)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("name", ["StaticLossScale", "DynamicLossScale"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_scaling_against_jmp(any_backend, name, dtype):
    import jax.numpy as jnp
    import jmp

    # With an array of jax without a dtype of its own, jmp would scale in half precision.
    values = np.linspace(-2.0, 3.0, 7)
    mine, theirs = getattr(um, name)(2.0**10), getattr(jmp, name)(jnp.asarray(2.0**10, "float32"))
    x, y = um.numpy.asarray(values, dtype=dtype), jnp.asarray(values, dtype)
    for method in ("scale", "unscale"):
        got, want = getattr(mine, method)({"x": x})["x"], getattr(theirs, method)({"x": y})["x"]
        assert um.dtype_of(got) == str(want.dtype)
        np.testing.assert_array_equal(um.to_backend(got, "numpy"), np.asarray(want))


@pytest.mark.needs("jax")
def test_finite_against_jmp(any_backend):
    import jax.numpy as jnp
    import jmp

    for values in ([1.0, 2.0], [np.nan, 1.0], [np.inf, -np.inf]):
        x = np.asarray(values, "float32")
        assert bool(um.all_finite([um.numpy.asarray(x)])) == bool(jmp.all_finite([jnp.asarray(x)]))
