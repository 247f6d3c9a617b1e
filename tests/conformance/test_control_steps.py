"""What a traced loop keeps for its derivative, and loops whose turns make several steps: against single steps."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from torch.profiler import profile

import unimod as um

jit = functools.partial(um.jit, compiler="graph")
unp = um.numpy
LENGTH = 5


def data(seed=0):
    rng = np.random.default_rng(seed)
    shapes = (3, 3), (3,), (2, 3), (LENGTH, 2, 3)
    return [unp.asarray(rng.normal(size=shape), dtype="float64") for shape in shapes]


def assert_near(found, wanted, backend):
    """In float64 a few roundings: products are added up in another order."""
    found, wanted = um.tree.leaves(found), um.tree.leaves(wanted)
    assert len(found) == len(wanted) > 0
    for x, y in zip(found, wanted, strict=True):
        assert um.engine_of(x).name == backend
        assert (tuple(x.shape), um.dtype_of(x)) == (tuple(y.shape), um.dtype_of(y))
        np.testing.assert_allclose(um.to_backend(x, "numpy"), um.to_backend(y, "numpy"), rtol=1e-12, atol=1e-12)


@pytest.fixture(autouse=True)
def wide():
    with um.use_x64(True):
        yield


@um.custom_vjp
def doubled(x):
    return x * x


doubled.defvjp(lambda x: (x * x, x), lambda x, g: (7.0 * g * x,))


def dense(w, b, c, x):
    c = unp.tanh(unp.matmul(c, w) + unp.matmul(x, unp.permute_dims(w, (1, 0))) + b)
    return c, unp.sin(c)


def stopped(w, b, c, x):
    c = unp.tanh(unp.matmul(c, w) + um.stop_gradient(unp.matmul(x, w)) * b)
    return c, unp.matmul(c, w)


def ruled(w, b, c, x):
    return doubled(unp.tanh(unp.matmul(c, w) + b)), x * c


def again(w, b, c, x):
    c = um.remat(lambda c: unp.tanh(unp.matmul(unp.tanh(unp.matmul(c, w)), w) + b))(c)
    return c + x, c


def inner(w, b, c, x):
    c, ys = um.scan(lambda c, row: (unp.tanh(unp.matmul(c, w) + row), unp.cos(c) * b), c, unp.stack([x, x * b]))
    return c, unp.sum(ys, axis=0)


def chosen(w, b, c, x):
    c = um.cond(unp.sum(x) > 0, lambda c: unp.tanh(unp.matmul(c, w)), lambda c: c * b, c)
    return c, unp.max(c, axis=0)


STEPS = [dense, stopped, ruled, again, inner, chosen]


def loss(step, reverse=False, unroll=1):
    def call(w, b, c, xs):
        number = unp.asarray(0, dtype="int32")
        (c, number), ys = um.scan(
            lambda c, x: (lambda new, y: ((new, c[1] + 1), y))(*step(w, b, c[0], x)),
            (c, number),
            xs,
            reverse=reverse,
            unroll=unroll,
        )
        return unp.sum(unp.square(c)) + unp.sum(unp.square(ys)) + unp.astype(number, "float64")

    return call


def gradients(fn, which=(0, 1, 2, 3)):
    return um.value_and_grad(fn, argnums=which)


@pytest.mark.thin(3)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_a_derivative_from_what_was_kept(backend, step, reverse):
    fn = gradients(loss(step, reverse))
    assert_near(jit(fn)(*data()), fn(*data()), backend)


@pytest.mark.parametrize("which", [(0,), (1,), (2,), (3,), (1, 3)], ids=str)
def test_by_some_of_the_arguments(backend, which):
    fn = gradients(loss(dense), which)
    assert_near(jit(fn)(*data()), fn(*data()), backend)


@pytest.mark.parametrize("unroll", [2, 5, 9])
@pytest.mark.parametrize("reverse", [False, True])
def test_several_steps_in_a_turn(backend, unroll, reverse):
    wanted, fn = gradients(loss(dense, reverse)), gradients(loss(dense, reverse, unroll))
    assert_near(jit(fn)(*data()), wanted(*data()), backend)


def test_several_steps_under_other_transforms(backend):
    def call(unroll):
        return um.vmap(um.grad(loss(dense, unroll=unroll)), in_axes=(None, None, 0, None))

    w, b, c, xs = data()
    starts = unp.stack([c, -c, 2 * c])
    assert_near(jit(call(3))(w, b, starts, xs), call(1)(w, b, starts, xs), backend)
    second = um.grad(lambda *args: unp.sum(unp.square(um.grad(loss(dense, unroll=2))(*args))))
    wanted = um.grad(lambda *args: unp.sum(unp.square(um.grad(loss(dense))(*args))))
    assert_near(jit(second)(w, b, c, xs), wanted(w, b, c, xs), backend)


def products(fn):
    """How many products of matrices a call makes."""
    args = data()
    fn(*args)
    with profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
        fn(*args)
    return sum(event.count for event in seen.key_averages() if event.key in ("aten::mm", "aten::addmm"))


def test_no_product_is_made_twice_and_those_of_weights_are_made_at_once():
    with um.use_backend("torch"):
        # Each step makes two forward and one backward; those of the weights come after the loop.
        assert products(jit(gradients(loss(dense), (0,)))) == LENGTH * 3 + 2


def test_remat_in_a_step_is_heeded():
    def plain(w, b, c, x):
        return unp.tanh(unp.matmul(unp.tanh(unp.matmul(c, w)), w) + b) + x, c

    with um.use_backend("torch"):
        kept, made = products(jit(gradients(loss(plain), (0,)))), products(jit(gradients(loss(again), (0,))))
        assert made - kept >= LENGTH
