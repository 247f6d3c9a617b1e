"""Loops in branches in loops, under derivatives and maps: traced against step by step, on both engines."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um

jit = functools.partial(um.jit, compiler="graph")
unp = um.numpy


def cell(w, c):
    return um.scan(lambda c, row: (unp.tanh(unp.matmul(c, w) + row), unp.sum(c)), c, w)


def chosen(w, c):
    return um.cond(unp.sum(c) > 0, lambda c: cell(w, c)[0], lambda c: unp.sin(c) - 0.5, c)


def counted(w, h):
    return um.fori_loop(0, 3, lambda i, c: chosen(w, c) + i, h)


def conditional(w, h):
    step = lambda pair: (pair[0] + 1, chosen(w, pair[1]))  # noqa: E731
    return um.while_loop(lambda pair: (pair[0] < 4) & (unp.sum(pair[1]) > -9), step, (0, h))[1]


def loss(fn):
    return lambda w, hs: unp.sum(unp.square(um.vmap(fn, in_axes=(None, 0))(w, hs)))


def data():
    rng = np.random.default_rng(3)
    return [unp.asarray(rng.normal(size=shape), dtype="float64") for shape in ((3, 3), (4, 3))]


def assert_near(found, wanted, backend):
    found, wanted = um.tree.leaves(found), um.tree.leaves(wanted)
    assert len(found) == len(wanted) > 0
    for x, y in zip(found, wanted, strict=True):
        assert um.engine_of(x).name == backend
        assert (tuple(x.shape), um.dtype_of(x)) == (tuple(y.shape), um.dtype_of(y))
        np.testing.assert_allclose(um.to_backend(x, "numpy"), um.to_backend(y, "numpy"), rtol=1e-12, atol=1e-12)


def test_the_gradient_of_a_map_of_loops_in_branches_in_loops(backend):
    with um.use_x64(True):
        fn = um.value_and_grad(loss(counted), argnums=(0, 1))
        wanted = fn(*data())
        assert_near(jit(fn)(*data()), wanted, backend)
        assert float(wanted[0]) != 0


@pytest.mark.parametrize("wrap", [lambda f: f, um.vmap], ids=["alone", "mapped"])
def test_tangents_of_loops_in_branches_in_a_loop_with_a_condition(backend, wrap):
    with um.use_x64(True):
        w, hs = data()
        h = hs if wrap is um.vmap else hs[0]

        def moved(w, h, t):
            return um.jvp(wrap(lambda h: conditional(w, h)), (h,), (t,))

        assert_near(jit(moved)(w, h, unp.cos(h)), moved(w, h, unp.cos(h)), backend)
