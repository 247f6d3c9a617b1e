"""Modules of unimod in the hands of other libraries: as modules of torch and Flax, and as pairs of functions."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import unimod as um
from unimod.errors import NotInitializedError, StateDictError


def data(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def host(x):
    return np.asarray(um.to_backend(x, "numpy"))


def network(in_features=3):
    return um.nn.Sequential(
        [um.nn.Linear(in_features, 4), um.nn.BatchNorm(4), um.nn.Dropout(0.5), um.nn.relu, um.nn.Linear(4, 2)]
    )


PARAMS = ["layers.0.kernel", "layers.0.bias", "layers.1.scale", "layers.1.bias", "layers.4.kernel", "layers.4.bias"]
STATES = ["layers.1.mean", "layers.1.var", "layers.2.key"]


def assert_changed(before, after, names):
    for name in before:
        assert np.array_equal(host(before[name]), host(after[name])) == (name not in names), name


# A pair of functions --------------------------------------------------------------------------------------------------


def test_init_and_apply(backend):
    init, apply = um.as_init_apply(network(None))
    x = um.numpy.asarray(data(6, 3))
    params, state = init(0, x)
    assert list(params) == PARAMS
    assert list(state) == STATES
    model = network().init(0)
    for name, leaf in model.state_dict().items():
        np.testing.assert_array_equal(host({**params, **state}[name]), host(leaf))
    out, after = apply(params, state, x)
    assert (tuple(out.shape), um.engine_of(out).name) == ((6, 2), backend)
    np.testing.assert_array_equal(host(out), host(model(x)))
    assert_changed(state, after, STATES)
    quiet, same = apply(params, after, x, is_training=False)
    np.testing.assert_array_equal(host(quiet), host(model.eval()(x)))
    assert_changed(after, same, [])


def test_init_and_apply_under_transforms(backend):
    init, apply = um.as_init_apply(network())
    x = um.numpy.asarray(data(6, 3))
    params, state = init(0)

    def loss(params, state):
        out, state = apply(params, state, x)
        return um.numpy.mean(out**2), state

    (value, after), grads = um.value_and_grad(loss, has_aux=True)(params, state)
    step = um.jit(um.value_and_grad(loss, has_aux=True), compiler="graph")
    (again, traced), slopes = step(params, state)
    np.testing.assert_allclose(host(again), host(value), rtol=1e-5)
    assert sorted(grads) == sorted(PARAMS)
    for name in PARAMS:
        np.testing.assert_allclose(host(slopes[name]), host(grads[name]), rtol=1e-3, atol=1e-5)
    for name in STATES:
        np.testing.assert_allclose(host(traced[name]), host(after[name]), rtol=1e-5, atol=1e-6)


def test_other_entries(any_backend):
    init, apply = um.as_init_apply(um.nn.Linear(3, 2))
    params, state = init(0)
    with pytest.raises(StateDictError, match="missing: bias; extra: more"):
        apply({"kernel": params["kernel"], "more": params["bias"]}, state, um.numpy.ones((1, 3)))
    with pytest.raises(NotInitializedError, match="without the size"):
        um.as_init_apply(um.nn.Linear(None, 2)).apply(params, state, um.numpy.ones((1, 3)))


# torch ----------------------------------------------------------------------------------------------------------------


@pytest.mark.needs("torch")
def test_as_a_module_of_torch(backend):
    import torch

    model = network().init(0)
    net, x = um.as_torch_module(model), torch.from_numpy(data(6, 3))
    assert isinstance(net, torch.nn.Module)
    assert [name for name, _ in net.named_parameters()] == PARAMS
    assert [name for name, _ in net.named_buffers()] == STATES
    before = copy.deepcopy(net.state_dict())
    out = net(x)
    np.testing.assert_allclose(host(out.detach()), host(model(um.numpy.asarray(x.numpy()))), rtol=1e-5, atol=1e-6)
    assert_changed(before, net.state_dict(), STATES)
    net.eval()
    kept = copy.deepcopy(net.state_dict())
    quiet = net(x)
    np.testing.assert_allclose(host(quiet.detach()), host(model.eval()(um.numpy.asarray(x.numpy()))), rtol=1e-5)
    assert_changed(kept, net.state_dict(), [])


@pytest.mark.needs("torch")
def test_trained_by_torch():
    import torch

    model = um.nn.Sequential([um.nn.Linear(3, 8), um.nn.tanh, um.nn.Linear(8, 1)]).init(0)
    start = {name: host(leaf) for name, leaf in model.state_dict().items()}
    net, x = um.as_torch_module(model), torch.from_numpy(data(16, 3))
    target = torch.from_numpy(data(16, 1, seed=1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = (net(x) - target).pow(2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    # The same steps in unimod.
    own = um.to_backend(model, "torch")
    optimizer = um.optim.sgd(0.1).init(own.parameters())
    for expected in losses:
        value, grads = um.value_and_grad(lambda m: um.numpy.mean((m(x) - target) ** 2))(own)
        own, optimizer = um.apply_gradients(own, optimizer, grads)
        assert float(value) == pytest.approx(expected, rel=1e-4)
    trained = model.load_state_dict({name: value.detach() for name, value in net.state_dict().items()})
    np.testing.assert_allclose(host(trained.layers[0].kernel), host(own.layers[0].kernel), rtol=1e-4, atol=1e-6)
    for name, leaf in model.state_dict().items():
        np.testing.assert_array_equal(host(leaf), start[name])


@pytest.mark.needs("torch")
def test_copies_pickles_and_dtypes_of_a_module_of_torch():
    import torch

    net, x = um.as_torch_module(network().init(0)).eval(), torch.from_numpy(data(6, 3))
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(other(x), net(x))
    fresh = um.as_torch_module(network().init(1)).eval()
    fresh.load_state_dict(net.state_dict())
    assert torch.equal(fresh(x), net(x))
    # Words of keys keep their bits, which torch stores in signed numbers.
    assert net.state_dict()["layers.2.key"].dtype == torch.int32
    frozen = um.as_torch_module(network().init(0).freeze())
    assert list(frozen.parameters()) == []
    with pytest.raises(NotInitializedError, match="no values yet"):
        um.as_torch_module(network())


@pytest.mark.needs("torch")
def test_under_torch_compile():
    import torch

    net = um.as_torch_module(um.nn.Sequential([um.nn.Linear(3, 8), um.nn.tanh]).init(0)).eval()
    x = torch.from_numpy(data(4, 3))
    torch.testing.assert_close(torch.compile(net, backend="eager")(x), net(x))


# Flax -----------------------------------------------------------------------------------------------------------------


@pytest.mark.needs("jax")
def test_as_a_module_of_flax():
    import jax
    import jax.numpy as jnp

    net, x = um.as_flax_module(network(None)), jnp.asarray(data(6, 3))
    variables = net.init(jax.random.key(0), x)
    assert set(variables) == {"params", "state"}
    assert variables["params"]["layers"]["0"]["kernel"].shape == (3, 4)
    out, changed = net.apply(variables, x, mutable=["state"])
    assert out.shape == (6, 2)
    before, after = variables["state"]["layers"], changed["state"]["layers"]
    assert not np.array_equal(before["1"]["mean"], after["1"]["mean"])
    assert not np.array_equal(before["2"]["key"], after["2"]["key"])
    model = network().init(0).load_state_dict(named(variables))
    quiet = net.apply(variables, x, is_training=False)
    np.testing.assert_array_equal(host(quiet), host(model.eval()(x)))
    np.testing.assert_array_equal(host(out), host(model(x)))

    def loss(params):
        return jnp.sum(net.apply({**variables, "params": params}, x, is_training=False) ** 2)

    grads = jax.jit(jax.grad(loss))(variables["params"])
    fresh = network().init(0).load_state_dict(named(variables)).eval()
    own = um.grad(lambda model: um.numpy.sum(model(x) ** 2))(fresh)
    np.testing.assert_allclose(grads["layers"]["0"]["kernel"], host(own.layers[0].kernel), rtol=1e-4, atol=1e-5)


def named(variables):
    import jax

    leaves, _ = jax.tree_util.tree_flatten_with_path({**variables["params"]})
    others, _ = jax.tree_util.tree_flatten_with_path({**variables["state"]})
    return {".".join(part.key for part in path): leaf for path, leaf in (*leaves, *others)}


@pytest.mark.needs("jax")
def test_values_that_the_module_has_are_the_first_ones():
    import jax
    import jax.numpy as jnp

    model = um.nn.Linear(3, 2).init(7, backend="jax")
    variables = um.as_flax_module(model).init(jax.random.key(0), jnp.ones((1, 3)))
    np.testing.assert_array_equal(variables["params"]["kernel"], host(model.kernel))
