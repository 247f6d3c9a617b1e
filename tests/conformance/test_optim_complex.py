"""Complex parameters: the rows of the table of optimizers that optax takes them in, a few steps of each."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from tests.conformance.optim_making import Optax
from tests.conformance.optim_problem import arrays, host
from tests.conformance.optim_table import MOMENTS, NORMS, ROWS, SQUARES

# Clipped step sizes, covers of absolute values, matrices that are made orthogonal: of real numbers. The momentum of
# Adafactor has a real dtype. In simplified AdEMAMix optax squares complex numbers as they are, not their sizes.
REAL = ("rprop", "sm3", "adafactor[momentum]", "muon", "simplified_ademamix")
COMPLEX = [row for row in (MOMENTS | SQUARES | NORMS) if not any(word in row for word in REAL)]
SHAPES = {"q": (3,), "r": (2,), "s": (1,), "v": (4, 1), "w": (3, 4)}


def drawn(seed):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape) + 1j * rng.normal(size=shape) for name, shape in SHAPES.items()}


@functools.cache
def expected(row):
    import jax
    import optax

    with jax.enable_x64(True), um.use_x64():
        opt = optax.with_extra_args_support(ROWS[row].make(Optax(), ROWS[row].rate))
        x = arrays(drawn(0), "jax", "complex128")
        state, update = opt.init(x), jax.jit(opt.update)
        for seed in range(1, 4):
            updates, state = update(arrays(drawn(seed), "jax", "complex128"), state, x)
            x = optax.apply_updates(x, updates)
        return host(x)


@pytest.mark.thin(24)
@pytest.mark.needs("jax")
@pytest.mark.parametrize("row", COMPLEX)
def test_complex_parameters_are_those_of_optax(any_backend, row):
    with um.use_x64():
        x = arrays(drawn(0), any_backend, "complex128")
        opt = ROWS[row].ours().init(x)
        for seed in range(1, 4):
            x, opt = opt.step(x, arrays(drawn(seed), any_backend, "complex128"))
    for name, leaf in host(x).items():
        assert leaf.dtype == "complex128"
        np.testing.assert_allclose(leaf, expected(row)[name], rtol=1e-12, atol=1e-12, err_msg=name)
