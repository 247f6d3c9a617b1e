"""Optimizers of optax.contrib against optax and each other: fifty steps, runs that change engines, errors."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from tests.conformance.optim_further import CASES, START, STEPS, needed, slope, trained

pytestmark = pytest.mark.thin(10)

# 50 steps, each of which rounds parameters and moments; optax computes 1 - b2**t in float32, which costs those with
# Adam's moments up to 2e-5 of their updates.
RTOL32 = 3e-4
RTOL64 = 1e-12
# optax computes the weights of MADGRAD in float32 whatever the dtype.
RTOL64_OF_FLOAT32 = 1e-6
# Mechanic divides distances by its small scale, and the iteration of Muon multiplies small singular values: roundings
# grow by 1e5; a moment in float32 rounds otherwise where the other numbers differ in their last place.
GROWING = (5e-2, 1e-8)
# optax computes singular vectors in float32 whatever the dtype.
BOUNDS = {
    **dict.fromkeys(("madgrad", "madgrad[schedule]", "galore", "galore[base_optimizer]"), (RTOL32, RTOL64_OF_FLOAT32)),
    **dict.fromkeys(("mechanize", "mechanize[num_betas]", "muon[dimension numbers]", "muon[function]"), GROWING),
    "optimistic_adam_v2[mu_dtype]": (RTOL32, 1e-6),
    # A schedule of an int gives float32 on torch.
    "inject_hyperparams": (RTOL32, 1e-5),
    # Without a learning rate that falls, steps of one size go to and fro, and roundings grow.
    "scale_by_factored_rms[decay_rate_fn]": (5e-2, 1e-7),
}


@functools.cache
def expected(case, dtype):
    import jax
    import jax.numpy as jnp
    import optax

    class Both:
        def __getattr__(self, name):
            return getattr(optax, name, None) or getattr(optax.contrib, name)

    x = {name: jnp.asarray(leaf, dtype) for name, leaf in START.items()}
    ours = CASES[case](um.optim)
    opt = optax.with_extra_args_support(CASES[case](Both()))
    state = opt.init(x)

    @jax.jit
    def step(x, state):
        updates, state = opt.update(slope(x), state, x, **needed(ours, x))
        return optax.apply_updates(x, updates), state

    for _ in range(STEPS):
        x, state = step(x, state)
    return {name: np.asarray(leaf) for name, leaf in x.items()}


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", CASES)
def test_fifty_steps_are_those_of_optax(backend, case):
    import jax

    narrow, wide = BOUNDS.get(case, (RTOL32, RTOL64))
    for dtype, bound in (("float64", wide), ("float32", narrow)):
        with jax.enable_x64(dtype == "float64"):
            got, want = trained(CASES[case](um.optim), dtype)[0], expected(case, dtype)
        for name, x in got.items():
            assert (um.dtype_of(x), tuple(x.shape), um.engine_of(x).name) == (dtype, START[name].shape, backend)
            np.testing.assert_allclose(um.to_backend(x, "numpy"), want[name], rtol=bound, atol=bound, err_msg=name)
