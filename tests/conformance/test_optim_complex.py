"""Complex parameters: the rows of the table of optimizers that optax takes them in, a few steps of each."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from tests.conformance.optim_making import Optax
from tests.conformance.optim_problem import arrays, host
from tests.conformance.optim_table import MOMENTS, NORMS, ROWS, SQUARES
from unimod.errors import DTypeError

ORDERED = ("rprop", "sm3", "cocob", "adopt", "madgrad", "named_chain", "keep_params_nonnegative")
"""Rows whose formulas compare numbers, or take their third roots."""
REFUSED = [row for row in ROWS if row == "clip" or any(word in row for word in ORDERED)]

# The momentum of Adafactor has a real dtype. In simplified AdEMAMix optax squares complex numbers as they are, not
# their sizes, and so it does before Schatten's norm.
OTHER = ("adafactor[momentum]", "simplified_ademamix", "[schatten]")
IN_OPTAX = [row for row in (MOMENTS | SQUARES | NORMS) if ROWS[row].in_optax]
COMPLEX = [row for row in IN_OPTAX if row not in REFUSED and not any(word in row for word in OTHER)]
SHAPES = {"q": (3,), "r": (2,), "s": (1,), "v": (4, 1), "w": (3, 4)}
TEXTS: dict = {}


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


@pytest.mark.thin(60)
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


@pytest.mark.thin(8)
@pytest.mark.parametrize("row", REFUSED)
def test_formulas_of_real_numbers_refuse_complex_ones(any_backend, row):
    x = {"p": um.numpy.asarray([1.0]), "z": um.numpy.asarray([1.0 + 1.0j])}
    with pytest.raises(DTypeError, match="takes real parameters only") as caught:
        ROWS[row].ours().init(x)
    error = caught.value
    assert (error.where, error.got) == ("params.z", f"c64[1] on {any_backend}")
    assert "split_real_and_imaginary" in error.fix
    assert TEXTS.setdefault(row, error.what) == error.what
    new, _ = um.optim.split_real_and_imaginary(ROWS[row].ours()).init(x).step(x, x)
    assert um.dtype_of(new["z"]) == "complex64"


@pytest.mark.parametrize("preconditioning", ["frobenius", "spectral", "aol", "schatten"])
def test_complex_matrices_become_unitary(any_backend, preconditioning):
    with um.use_x64():
        z = arrays({"z": drawn(0)["w"]}, any_backend, "complex128")["z"]
        # Cubic steps, which lead to the nearest unitary matrix itself.
        opt = um.optim.scale_by_muon(
            beta=0.0, nesterov=False, ns_coeffs=(1.5, -0.5, 0.0), ns_steps=30, preconditioning=preconditioning
        )
        found = host({"z": opt.init(z).update(z)[0]})["z"]
    u, _, v = np.linalg.svd(drawn(0)["w"], full_matrices=False)
    nearest = u @ v
    if preconditioning == "aol":  # of a matrix whose rows were scaled before
        np.testing.assert_allclose(found @ found.conj().T, np.eye(3), atol=1e-12)
    else:
        np.testing.assert_allclose(found, nearest, atol=1e-12)
