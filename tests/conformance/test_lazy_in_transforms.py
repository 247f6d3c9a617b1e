"""Layers without sizes inside of transforms: ``init`` finds their sizes, in each style."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
import unimod.functional as uf
from tests.conformance.stateful_runs import Compared, batch, numbers
from unimod.errors import NotInitializedError

pytestmark = pytest.mark.usefixtures("backend")
compare = Compared()
near = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
jit = functools.partial(um.jit, compiler="graph")


def over(layer, x):
    return um.scan(lambda carry, row: (carry, layer(row)), 0.0, x)[1]


CALLS = {
    "jit": lambda layer, x: jit(layer)(x),
    "jit of a function": lambda layer, x: jit(lambda x: layer(x))(x),
    "vmap": lambda layer, x: um.vmap(layer)(x),
    "vmap along 1": lambda layer, x: um.vmap(layer, in_axes=1, out_axes=1)(um.numpy.stack([x, x], axis=1)),
    "vmap of an argument": lambda layer, x: um.vmap(lambda m, x: m(x), in_axes=(None, 0))(layer, x),
    "remat": lambda layer, x: um.remat(layer)(x),
    "scan": over,
    "fori_loop": lambda layer, x: um.fori_loop(0, 2, lambda i, y: y + um.numpy.sum(layer(x)), 0.0),
    "while_loop": lambda layer, x: um.while_loop(lambda y: y < 1.0, lambda y: y + 1 + um.numpy.sum(layer(x)) * 0, 0.0),
    "cond": lambda layer, x: um.cond(um.numpy.sum(x) < 0, lambda x: layer(x), lambda x: -layer(x), x),
    "grad": lambda layer, x: um.grad(lambda x: um.numpy.sum(layer(x) ** 2))(x),
    "jvp": lambda layer, x: um.jvp(lambda x: layer(x), (x,), (x,)),
    "jacfwd": lambda layer, x: um.jacfwd(lambda x: layer(x))(x[0]),
    "two deep": lambda layer, x: um.vmap(lambda x: um.remat(layer)(x))(x),
}


class Net(um.Module):
    """Calls a layer in some way."""

    def __init__(self, name, inputs=None):
        self.layer, self.name = um.nn.Linear(inputs, 3), name

    def __call__(self, x):
        return CALLS[self.name](self.layer, x)


@pytest.mark.parametrize("name", CALLS)
def test_a_module(backend, name):
    x = batch()
    net = Net(name).init(0, x)
    sized = Net(name, 2).init(0)
    assert net.layer.in_features == 2
    assert numbers(net.layer.kernel) == numbers(sized.layer.kernel)
    compare(name, backend, (net, net(x)))


@pytest.mark.parametrize("name", CALLS)
def test_a_function_with_parameters(backend, name):
    @uf.parametrized
    def net(x, layer=um.nn.Linear(None, 3)):  # noqa: B008
        return CALLS[name](layer, x)

    x = batch()
    params = net.init_params(0, x)
    assert numbers(params.layer.kernel) == numbers(Net(name).init(0, x).layer.kernel)
    compare(f"functional {name}", backend, (params, net(params, x)))


@pytest.mark.parametrize("through", [jit, um.vmap, um.remat], ids=["jit", "vmap", "remat"])
def test_a_transformed_layer_as_a_part(backend, through):
    x, layer = batch(), um.nn.Linear(None, 2)
    net = uf.Sequential([um.nn.Linear(None, 3), through(um.nn.Linear(None, 2)), uf.relu])
    plain = uf.Sequential([um.nn.Linear(None, 3), um.nn.Linear(None, 2), uf.relu])
    params, expected = net.init_params(0, x), plain.init_params(0, x)
    for one, other in zip(um.tree.leaves(params), um.tree.leaves(expected), strict=True):
        assert numbers(one) == numbers(other)
    near(numbers(net(params, x)), numbers(plain(expected, x)))
    slopes = um.grad(lambda params: um.numpy.sum(net(params, x)))(params)
    tied = uf.Sequential([layer, through(layer)])
    shared = tied.init_params(0, x)
    assert shared.layers[0] is shared.layers[1]
    assert len(um.tree.leaves(shared)) == 2
    reused = net.init_params(1, x, reuse={net.layers[0]: params.layers[0], net.layers[1]: params.layers[1]})
    assert numbers(reused.layers[1].kernel) == numbers(params.layers[1].kernel)
    assert numbers(net.apply_from({net: params}, x)) == numbers(net(params, x))
    compare(f"part {through}"[:12], backend, (slopes, tied(shared, x)))


def test_parts_made_in_the_body_keep_their_names(backend):
    @uf.parametrized
    def net(x, layer=um.nn.Linear(None, 3)):  # noqa: B008
        mapped = um.vmap(lambda x: uf.Dense(2)(layer(x)))(x)
        return uf.Dense(1)(mapped)

    params = net.init_params(0, batch())
    assert [name for name in ("dense", "dense0", "dense1") if hasattr(params, name)] == ["dense0", "dense1"]
    compare("inline", backend, (params, net(params, batch())))


class Branches(um.Module):
    """Calls one of two layers."""

    def __init__(self):
        self.a, self.b = um.nn.Linear(None, 2), um.nn.Linear(None, 2)

    def __call__(self, x):
        return um.cond(um.numpy.sum(x) > 0, lambda x: self.a(x), lambda x: self.b(x), x)


def test_both_branches_get_their_sizes(backend):
    net = Branches().init(0, batch())
    assert net.b.in_features == 2
    compare("branches", backend, (net, net(-batch())))


def test_states_and_counts_stay_as_they_were():
    class Net(um.Module):
        def __init__(self):
            self.layer, self.norm, self.calls = um.nn.Linear(None, 3), um.nn.BatchNorm(None), um.numpy.asarray(0)

        def block(self, x):
            self.calls = self.calls + 1
            return self.norm(self.layer(x))

        def __call__(self, x):
            return um.remat(self.block)(x) + um.remat(lambda net, x: net.layer(x))(self, x)

    net = Net().init(0, batch())
    assert numbers(net.norm.mean) == [0.0, 0.0, 0.0]
    assert numbers(net.calls) == 0


def test_a_layer_that_is_not_reached_is_said():
    class Net(um.Module):
        def __init__(self):
            self.a, self.b = um.nn.Linear(None, 2), um.nn.Linear(None, 2)

        def __call__(self, x):
            return um.vmap(self.a)(x)

    with pytest.raises(NotInitializedError, match="do not reach it"):
        Net().init(0, batch())


def test_example_inputs_of_a_model_with_known_sizes_change_and_cost_nothing():
    net = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.BatchNorm(3), um.nn.Dropout(0.5), um.nn.Linear(3, 1))
    key, x = um.random.key(0), batch()
    without, with_call = net.init(key), net.init(key, x)
    for one, other in zip(um.tree.leaves(without), um.tree.leaves(with_call), strict=True):
        assert numbers(one) == numbers(other)
    programs = [
        jit(lambda key: net.init(key)).lower(key).as_text(),
        jit(lambda key, x: net.init(key, x)).lower(key, x).as_text(),
    ]
    assert len(programs[0].splitlines()) == len(programs[1].splitlines())
