"""Layers that are built inside of ``vmap``: separate draws for each, the same on every engine."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from tests.conformance.stateful_runs import Compared, array, batch, numbers

pytestmark = pytest.mark.usefixtures("backend")
compare = Compared()
near = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
jit = functools.partial(um.jit, compiler="graph")
N = 3


@pytest.fixture(autouse=True)
def no_stream():
    um.seed(None)
    yield
    um.seed(None)


def model(out=1):
    return um.nn.Sequential(um.nn.Linear(2, 4), um.nn.BatchNorm(4), um.tanh, um.nn.Dropout(0.5), um.nn.Linear(4, out))


def rows(stacked):
    """The entries of each leaf; all must differ where something was drawn."""
    return [
        [numbers(leaf[i]) for i in range(N)] for leaf in um.tree.leaves(stacked.filter(lambda f: f.name == "kernel"))
    ]


def assert_separate(stacked):
    for one, two, three in rows(stacked):
        assert one != two != three != one


@pytest.mark.parametrize("through", [lambda f: f, jit], ids=["eager", "jit"])
def test_a_key_for_each(backend, through):
    keys = um.random.split(um.random.key(0), N)
    stacked = through(um.vmap(lambda key: model().init(key)))(keys)
    assert_separate(stacked)
    for i in range(N):
        alone = model().init(keys[i])
        for one, leaf in zip(um.tree.leaves(alone), um.tree.leaves(stacked), strict=True):
            near(numbers(one), numbers(leaf[i]))
    compare("keys", backend, stacked)


def test_sizes_from_an_example(backend):
    keys, x = um.random.split(um.random.key(0), N), batch()
    stacked = um.vmap(lambda key: um.nn.Linear(None, 3).init(key, x))(keys)
    assert tuple(stacked.kernel.shape) == (N, 2, 3)
    assert_separate(stacked)
    compare("lazy", backend, stacked)


def test_a_block_with_a_key_inside(backend):
    def build(key):
        with um.rng(key):
            return model()

    stacked = um.vmap(build)(um.random.split(um.random.key(0), N))
    assert_separate(stacked)
    compare("block inside", backend, stacked)


@pytest.mark.parametrize("through", [lambda f: f, jit], ids=["eager", "jit"])
def test_a_stream_from_outside(backend, through):
    with um.rng(um.random.key(7)):
        stacked = through(um.vmap(lambda _: model()))(um.numpy.arange(N))
        other = um.nn.Linear(2, 4)
    assert_separate(stacked)
    with um.rng(um.random.key(7)):
        key = um.random.next_key()
        again = um.nn.Linear(2, 4)
    # The first layer of entry i: the first key of the stream, folded with i.
    for i in range(N):
        expected = um.nn.Linear(2, 4).init(um.random.fold_in(key, i))
        near(numbers(expected.kernel), numbers(stacked.layers[0].kernel[i]))
    assert numbers(other.kernel) != numbers(again.kernel)
    compare("block outside", backend, stacked)


def test_the_seed_of_the_process(backend):
    um.seed(0)
    stacked = um.vmap(lambda _: model())(um.numpy.arange(N))
    more = um.vmap(lambda _: model())(um.numpy.arange(N))
    assert_separate(stacked)
    assert rows(stacked) != rows(more)
    um.seed(0)
    assert rows(um.vmap(lambda _: model())(um.numpy.arange(N))) == rows(stacked)
    um.seed(0)
    sized = um.vmap(lambda: model(), axis_size=N)()
    assert rows(sized) == rows(stacked)
    compare("seeded", backend, (stacked, more))


def test_two_axes(backend):
    um.seed(0)
    grid = um.vmap(lambda _: um.vmap(lambda _: um.nn.Linear(2, 2))(um.numpy.arange(2)))(um.numpy.arange(N))
    kernels = [numbers(grid.kernel[i, j]) for i in range(N) for j in range(2)]
    assert len({str(kernel) for kernel in kernels}) == 2 * N
    compare("grid", backend, grid)


def test_other_functions_that_are_mapped_draw_nothing():
    um.seed(0)
    first = um.random.key_data(um.random.next_key())
    um.seed(0)
    um.vmap(um.numpy.sin)(array([1.0, 2.0]))
    assert numbers(um.random.key_data(um.random.next_key())) == numbers(first)


def test_an_ensemble_trains(backend):
    keys, x = um.random.split(um.random.key(0), N), batch()
    y = x[:, :1]
    ensemble = um.vmap(lambda key: um.nn.Sequential(um.nn.Linear(2, 4), um.tanh, um.nn.Linear(4, 1)).init(key))(keys)
    opt = um.vmap(lambda params: um.optim.adam(0.05).init(params))(ensemble.parameters())

    def step(net, opt):
        def loss(net):
            return um.numpy.mean((net(x) - y) ** 2)

        value, grads = um.value_and_grad(loss)(net)
        return (*um.apply_gradients(net, opt, grads), value)

    train, losses = jit(um.vmap(step)), []
    for _ in range(20):
        ensemble, opt, value = train(ensemble, opt)
        losses.append(value)
    assert all(b < a for a, b in zip(numbers(losses[0]), numbers(losses[-1]), strict=True))
    assert_separate(ensemble)
    compare("trained", backend, losses)
