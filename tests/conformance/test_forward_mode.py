"""Forward mode of every layer and loss: on torch the transpose of reverse mode, in float64, and the same on JAX."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod.testing import checks
from unimod.testing.cases import CASES

unp = um.numpy

ROWS = [case for case in CASES if case.has_gradient and case.target.startswith(("nn.", "nets.", "losses."))]


def is_wide(x):
    return um.is_array(x) and um.dtype_of(x) == "float64"


def total(pairs):
    return sum(float(unp.real(unp.sum(x * y))) for x, y in pairs)


class Problem:
    """A row as a function of what it is differentiated by, with a tangent and a cotangent, the same on each engine."""

    def __init__(self, case, engine):
        self.random = np.random.default_rng(1)
        fn, args = checks.subject(case, engine, case.dtypes[0])
        args = um.tree.map(self.widened, args)
        self.fn, self.args, self.places = fn, args, checks.places(case)
        self.chosen = tuple(args[place] for place in self.places)
        self.tangents = tuple(um.tree.map(self.direction, self.parameters(x)) for x in self.chosen)

    @staticmethod
    def widened(x):
        return unp.astype(x, "float64") if um.is_array(x) and um.dtype_of(x) == "float32" else x

    @staticmethod
    def parameters(x):
        return x.parameters() if isinstance(x, um.Module) else x

    def direction(self, x):
        return unp.asarray(self.random.normal(size=tuple(x.shape)), dtype="float64") if is_wide(x) else um.Nothing

    def __call__(self, *chosen):
        full = list(self.args)
        for place, value in zip(self.places, chosen, strict=True):
            # A copy: what a layer counts is not looked at here.
            full[place] = um.tree.map(lambda x: x, value)
        return [x for x in um.tree.leaves(self.fn(*full)) if is_wide(x)]


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.name)
@pytest.mark.parametrize("backend", ["torch"])
@pytest.mark.thin(20)
def test_forward_mode_is_the_transpose_of_reverse_mode(case, backend):
    with um.use_x64(True):
        problem = Problem(case, backend)
        out, moved = um.jvp(problem, problem.chosen, problem.tangents)
        again, pull = um.vjp(problem, *problem.chosen)
        assert len(out) == len(again) > 0
        cotangents = [problem.direction(x) for x in out]
        pulled = pull(cotangents)
        for x, slope in zip(out, moved, strict=True):
            assert um.engine_of(slope).name == backend
            assert (tuple(slope.shape), um.dtype_of(slope)) == (tuple(x.shape), "float64")
            assert not getattr(slope, "requires_grad", False)
        left = total(zip(cotangents, moved, strict=True))
        right = total(zip(um.tree.leaves(pulled), um.tree.leaves(problem.tangents), strict=True))
        # Sums of some hundred products in float64.
        assert abs(left - right) <= 1e-9 * max(1.0, abs(left))


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.name)
@pytest.mark.needs("jax", "torch")
@pytest.mark.thin(60)
def test_tangents_of_both_engines(case):
    found = []
    with um.use_x64(True):
        for engine in ("jax", "torch"):
            with um.use_backend(engine):
                problem = Problem(case, engine)
                moved = um.jvp(problem, problem.chosen, problem.tangents)[1]
                found.append([um.to_backend(x, "numpy") for x in moved])
    on_jax, on_torch = found
    assert len(on_jax) == len(on_torch) > 0
    for x, y in zip(on_jax, on_torch, strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-9, atol=1e-9)
