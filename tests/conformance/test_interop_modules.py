"""Modules of torch, Flax and Haiku as modules of unimod, against the libraries used by hand."""

from __future__ import annotations

import functools
import pickle

import numpy as np
import pytest

import unimod as um
from unimod.errors import (
    CapabilityError,
    CapturedModuleError,
    DTypeError,
    NotInitializedError,
    OptionError,
    TreeError,
)

jit = functools.partial(um.jit, compiler="graph")


def data(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def host(x):
    return np.asarray(um.to_backend(x, "numpy"))


def loss_and_model(model, x):
    return um.numpy.mean(model(x) ** 2), model


# Each gives a module with statistics and dropout, and the paths of its parameters and statistics ----------------------


def torch_module():
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 2)
    )
    paths = ["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"]
    return um.TorchModule(net), paths, ["1.running_mean", "1.running_var", "1.num_batches_tracked"]


def flax_module():
    from flax import linen

    return um.FlaxModule(flax_net(linen)()), FLAX_PARAMS, FLAX_STATISTICS


def flax_net(linen):
    class Net(linen.Module):
        @linen.compact
        def __call__(self, x, train):
            x = linen.Dense(4)(x)
            x = linen.BatchNorm(use_running_average=not train)(x)
            x = linen.Dropout(0.5, deterministic=not train)(x)
            return linen.Dense(2)(x)

    return Net


FLAX_PARAMS = [
    *("params.BatchNorm_0.bias", "params.BatchNorm_0.scale", "params.Dense_0.bias", "params.Dense_0.kernel"),
    *("params.Dense_1.bias", "params.Dense_1.kernel"),
]
FLAX_STATISTICS = ["batch_stats.BatchNorm_0.mean", "batch_stats.BatchNorm_0.var"]


def nnx_module():
    from flax import nnx

    class Net(nnx.Module):
        def __init__(self, rngs):
            self.first = nnx.Linear(3, 4, rngs=rngs)
            self.norm = nnx.BatchNorm(4, rngs=rngs)
            self.dropout = nnx.Dropout(0.5, rngs=rngs)
            self.last = nnx.Linear(4, 2, rngs=rngs)

        def __call__(self, x):
            return self.last(self.dropout(self.norm(self.first(x))))

    params = [f"params.{part}.{name}" for part in ("first", "last") for name in ("bias", "kernel")]
    params += ["params.norm.bias", "params.norm.scale"]
    return um.NNXModule(Net), params, ["batch_stats.norm.mean", "batch_stats.norm.var"]


def haiku_module():
    import haiku

    def net(x, is_training):
        x = haiku.BatchNorm(True, True, 0.9)(haiku.Linear(4)(x), is_training)
        x = haiku.dropout(haiku.next_rng_key(), 0.5, x) if is_training else x
        return haiku.Linear(2)(x)

    paths = [f"params.{part}.{name}" for part in ("linear", "linear_1") for name in ("w", "b")]
    paths += ["params.batch_norm.scale", "params.batch_norm.offset"]
    states = [
        f"state.batch_norm/~0/{kind}_ema.{name}"
        for kind in ("mean", "var")
        for name in ("average", "counter", "hidden")
    ]
    return um.HaikuModule(haiku.transform_with_state(net)), paths, states


MODULES = {
    "torch": pytest.param(torch_module, "torch", marks=pytest.mark.needs("torch"), id="torch"),
    "flax": pytest.param(flax_module, "jax", marks=pytest.mark.needs("jax"), id="flax"),
    "nnx": pytest.param(nnx_module, "jax", marks=pytest.mark.needs("jax"), id="nnx"),
    "haiku": pytest.param(haiku_module, "jax", marks=pytest.mark.needs("jax"), id="haiku"),
}
every = pytest.mark.parametrize(("make", "home"), MODULES.values())


def built(make, home):
    x = um.numpy.asarray(data(6, 3), backend=home)
    return make()[0].init(0, x), x


@every
def test_kinds_and_names(make, home):
    model, x = built(make, home)
    _, params, statistics = make()
    assert sorted(model.filter(um.Parameter).state_dict()) == sorted(params)
    assert sorted(um.filter(model, um.BatchStat).state_dict()) == sorted(statistics)
    rest = set(model.state_dict()) - {*params, *statistics}
    assert rest
    assert sorted(um.filter(model, um.Rng).state_dict()) == sorted(rest)
    out = model(x)
    assert um.engine_of(out).name == home
    assert (tuple(out.shape), um.dtype_of(out)) == ((6, 2), "float32")


@every
def test_a_seed_makes_the_values(make, home):
    x = um.numpy.asarray(data(6, 3), backend=home)
    one, two, other = (make()[0].init(seed, x) for seed in (1, 1, 2))
    if make is not torch_module:  # that one has values of its own
        assert any(not np.array_equal(host(a), host(b)) for a, b in zip(leaves(one), leaves(other), strict=True))
    for a, b in zip(leaves(one), leaves(two), strict=True):
        np.testing.assert_array_equal(host(a), host(b))


def leaves(model):
    return list(model.state_dict().values())


@every
def test_modes_and_states(make, home):
    model, x = built(make, home)
    before = {name: host(leaf) for name, leaf in model.state_dict().items()}
    first, second = model(x), model(x)
    assert not np.array_equal(host(first), host(second))  # other masks
    changed = {name for name, leaf in model.state_dict().items() if not np.array_equal(before[name], host(leaf))}
    assert changed == set(model.states().state_dict()) - unchanging(model)
    quiet = model.eval()
    kept = {name: host(leaf) for name, leaf in quiet.state_dict().items()}
    np.testing.assert_array_equal(host(quiet(x)), host(quiet(x)))
    for name, leaf in quiet.state_dict().items():
        np.testing.assert_array_equal(kept[name], host(leaf))
    frozen = model.freeze()
    frozen(x)
    for name, leaf in frozen.state_dict().items():
        np.testing.assert_array_equal(kept[name], host(leaf))


def unchanging(model):
    """Keys of NNX streams: their counters move on."""
    return {name for name in model.state_dict() if name.startswith("rngs.") and name.endswith(".key")}


@every
def test_gradients_jit_and_optimizers(make, home):
    model, x = built(make, home)
    (value, after), grads = um.value_and_grad(loss_and_model, has_aux=True)(model, x)
    (again, traced), slopes = jit(um.value_and_grad(loss_and_model, has_aux=True))(model, x)
    # The statistics of Flax are differences of means; one trace and one eager run differ by some roundings.
    np.testing.assert_allclose(host(again), host(value), rtol=1e-3)
    for one, two in zip(leaves(after), leaves(traced), strict=True):
        assert um.engine_of(two).name == home
        np.testing.assert_allclose(host(two), host(one), rtol=1e-3, atol=1e-4)
    for one, two in zip(um.tree.leaves(grads), um.tree.leaves(slopes), strict=True):
        np.testing.assert_allclose(host(two), host(one), rtol=2e-2, atol=1e-3)

    optimizer = um.optim.adam(1e-2).init(model.parameters())

    @jit
    def step(model, optimizer, x):
        (value, model), grads = um.value_and_grad(loss_and_model, has_aux=True)(model, x)
        model, optimizer = um.apply_gradients(model, optimizer, grads)
        return model, optimizer, value

    start = float(um.numpy.mean(model.eval()(x) ** 2))
    for _ in range(20):
        model, optimizer, _ = step(model, optimizer, x)
    assert step.trace_count == 1
    assert float(um.numpy.mean(model.eval()(x) ** 2)) < start


@every
def test_one_input_at_a_time(make, home):
    model, x = built(make, home)
    quiet = model.eval()
    each = um.vmap(lambda model, x: model(x[None])[0], in_axes=(None, 0))(quiet, x)
    np.testing.assert_allclose(host(each), host(quiet(x)), rtol=1e-5, atol=1e-5)


@every
def test_state_dict_and_replacement(make, home):
    model, x = built(make, home)
    other = make()[0].init(5, x)
    loaded = other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(host(loaded.eval()(x)), host(model.eval()(x)))


@pytest.mark.needs("jax", "torch")
@every
def test_arrays_of_another_engine(make, home):
    model, _ = built(make, home)
    with pytest.raises(CapabilityError, match=f"works on arrays of {home} alone") as caught:
        model(um.numpy.asarray(data(6, 3), backend={"torch": "jax", "jax": "torch"}[home]))
    assert "um.to_backend" in str(caught.value)


@every
def test_a_captured_module_does_not_change(make, home):
    model, x = built(make, home)
    before = {name: host(leaf) for name, leaf in model.state_dict().items()}
    with pytest.raises(CapturedModuleError):
        um.grad(lambda x: um.numpy.sum(model(x)))(x)
    for name, leaf in model.state_dict().items():
        np.testing.assert_array_equal(before[name], host(leaf))


# Of torch -------------------------------------------------------------------------------------------------------------


@pytest.mark.needs("torch")
def test_the_results_are_those_of_torch():
    import torch

    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))
    model, x = um.TorchModule(net), torch.from_numpy(data(6, 3))
    weight = net[0].weight.detach().clone()
    (_, after), grads = um.value_and_grad(loss_and_model, has_aux=True)(model, x)
    value = net(x).pow(2).mean()
    value.backward()
    for name, parameter in net.named_parameters():
        np.testing.assert_allclose(host(grads.state_dict()[name]), parameter.grad.numpy(), rtol=1e-5, atol=1e-6)
    for name, buffer in net.named_buffers():
        np.testing.assert_allclose(host(after.state_dict()[name]), buffer.numpy(), rtol=1e-6)
    assert torch.equal(net[0].weight, weight)
    with torch.no_grad():
        net[0].weight.add_(1.0)
    assert torch.equal(model.state_dict()["0.weight"], weight)


@pytest.mark.needs("torch")
def test_a_class_of_torch_is_built_from_the_seed():
    import torch

    state = torch.random.get_rng_state()
    model = um.TorchModule(torch.nn.LSTM, 3, 4, num_layers=2)
    with pytest.raises(NotInitializedError, match="no values yet"):
        model(torch.ones(5, 2, 3))
    one, two = model.init(1), model.init(1)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert list(one.state_dict()) == [name for name, _ in torch.nn.LSTM(3, 4, num_layers=2).named_parameters()]
    assert torch.equal(one.weight_hh_l1, two.weight_hh_l1)
    assert not torch.equal(one.weight_hh_l1, model.init(2).weight_hh_l1)
    x = torch.from_numpy(data(5, 2, 3))
    net = torch.nn.LSTM(3, 4, num_layers=2)
    net.load_state_dict(dict(one.state_dict()))
    np.testing.assert_allclose(host(one(x)[0]), net(x)[0].detach().numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.needs("torch")
def test_ties_and_parameters_that_are_not_trained():
    import torch

    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = torch.nn.Linear(3, 3, bias=False), torch.nn.Linear(3, 3, bias=False)
            self.two.weight = self.one.weight
            self.scale = torch.nn.Parameter(torch.ones(3), requires_grad=False)

        def forward(self, x):
            return self.two(self.one(x)) * self.scale

    net, x = Tied(), torch.from_numpy(data(2, 3))
    model = um.TorchModule(net)
    assert list(model.state_dict()) == ["scale", "one.weight"]
    assert list(model.parameters().state_dict()) == ["one.weight"]
    grads = um.grad(lambda model: um.numpy.sum(model(x) ** 2))(model)
    net(x).pow(2).sum().backward()
    np.testing.assert_allclose(host(grads.one["weight"]), net.one.weight.grad.numpy(), rtol=1e-5)


@pytest.mark.needs("torch")
def test_random_numbers_are_those_of_the_key():
    import torch

    net = torch.nn.Dropout(0.25)
    forward, key = um.functional_module(net), um.random.key(3, backend="torch")
    x = torch.ones(1000)
    out, _ = forward({}, x, key=key)
    assert torch.equal(out, forward({}, x, key=key)[0])
    assert torch.equal(out, jit(lambda x, key: forward({}, x, key=key)[0])(x, key))
    assert set(out.tolist()) == {0.0, float(torch.tensor(1.0) / 0.75)}
    assert 650 < int((out > 0).sum()) < 850
    assert torch.equal(forward({}, x, is_training=False)[0], x)
    with pytest.raises(CapabilityError, match="has no key"):
        um.functional_module(net)({}, x)


@pytest.mark.needs("torch")
def test_random_numbers_of_mapped_calls():
    import torch

    forward, key = um.functional_module(torch.nn.Dropout(0.5)), um.random.key(3, backend="torch")
    rows = um.vmap(lambda x: forward({}, x, key=key)[0])(torch.ones(3, 50))
    assert not torch.equal(rows[0], rows[1])
    with pytest.raises(CapabilityError, match="mapped over keys"):
        um.vmap(lambda x, key: forward({}, x, key=key)[0])(torch.ones(3, 5), um.random.split(key, 3))


@pytest.mark.needs("torch")
def test_a_module_of_one_engine_in_assert_conformant():
    import torch

    net, x = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh()), torch.from_numpy(data(5, 3))
    um.testing.assert_conformant(um.functional_module(net), um.get_params(net), x, check_vmap=False)
    um.testing.assert_conformant(um.TorchModule(net), x)


@pytest.mark.needs("torch")
def test_a_module_that_draws_in_a_function_of_its_own():
    import torch

    class Noise(torch.nn.Module):
        def forward(self, x):
            return x + torch.randn_like(x)

    x = torch.zeros(4)
    with pytest.raises(CapabilityError, match="is_random=True"):
        um.TorchModule(Noise())(x)
    model = um.TorchModule(Noise(), is_random=True).init(0)
    one, two = model(x), model(x)
    assert not torch.equal(one, two)
    expected = um.random.normal(um.random.fold_in(um.random.split(fresh_key(Noise), 2)[1], 1), (4,))
    assert torch.equal(one, expected)


def fresh_key(cls):
    return um.TorchModule(cls(), is_random=True).init(0).rng


@pytest.mark.needs("torch")
def test_names_that_are_taken():
    import torch

    class Bad(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.filter = torch.nn.Linear(2, 2)

    with pytest.raises(TreeError, match="modules of unimod use themselves"):
        um.TorchModule(Bad())


@pytest.mark.needs("torch")
def test_pickled():
    import torch

    model = um.TorchModule(torch.nn.Linear(3, 2)).init(0)
    again = pickle.loads(pickle.dumps(model))
    x = torch.from_numpy(data(2, 3))
    assert torch.equal(again(x), model(x))
    step = jit(lambda model, x: model(x))
    step(model, x)
    step(again, x)
    assert step.trace_count == 1


# Of Flax and Haiku ----------------------------------------------------------------------------------------------------


@pytest.mark.needs("jax")
def test_the_results_are_those_of_flax():
    import jax.numpy as jnp
    from flax import linen

    net, x = flax_net(linen)(), jnp.asarray(data(6, 3))
    model = um.FlaxModule(net).init(0, x)
    variables = {"params": model.params, "batch_stats": model.batch_stats}
    np.testing.assert_array_equal(host(model.eval()(x)), host(net.apply(variables, x, train=False)))
    again = um.FlaxModule(net, variables=variables, sample_inputs=um.Inputs(x)).init(3)
    np.testing.assert_array_equal(host(again.eval()(x)), host(model.eval()(x)))
    assert tuple(um.random.key_data(again.rng).shape) == (2,)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("name", ["TX37"])
def test_sample_inputs(name):
    import jax.numpy as jnp
    from flax import linen

    x = jnp.ones((2, 3))
    model = um.FlaxModule(linen.Dense(4), sample_inputs=um.Inputs(x)).init(0)
    assert repr(model) == "FlaxModule(params={'bias': f32[4], 'kernel': f32[3, 4]})"
    pretrained = um.FlaxModule(linen.Dense(4), variables={"params": model.params})
    np.testing.assert_array_equal(host(pretrained(x)), host(model(x)))
    with pytest.raises(NotInitializedError, match="no example inputs"):
        um.FlaxModule(linen.Dense(4)).init(0)
    assert pickle.loads(pickle.dumps(model))(x).shape == (2, 4)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("name", ["NJ22"])
def test_aliases(name):
    import haiku
    import jax.numpy as jnp
    from flax import linen

    Dense = functools.partial(um.FlaxModule, linen.Dense)
    MLP = functools.partial(um.HaikuModule, haiku.nets.MLP)
    x = jnp.ones((2, 3))
    model = um.nn.Sequential([Dense(4), um.nn.relu, MLP([5, 1])]).init(0, x)
    assert model(x).shape == (2, 1)
    assert [tuple(leaf.shape) for leaf in leaves(model.layers[0])] == [(4,), (3, 4)]
    assert sorted(model.layers[2].params) == ["mlp/~/linear_0", "mlp/~/linear_1"]


@pytest.mark.needs("jax")
def test_haiku_without_state():
    import haiku
    import jax
    import jax.numpy as jnp

    run, x = haiku.transform(lambda x: haiku.Linear(2)(x)), jnp.asarray(data(4, 3))
    model = um.HaikuModule(run).init(0, x)
    np.testing.assert_array_equal(host(model(x)), host(run.apply(model.params, None, x)))
    params = run.init(jax.random.key(1), x)
    np.testing.assert_array_equal(host(um.HaikuModule(run, variables=params)(x)), host(run.apply(params, None, x)))


@pytest.mark.needs("jax")
def test_an_nnx_module_stays_as_it_is():
    import jax.numpy as jnp
    from flax import nnx

    net, x = nnx.BatchNorm(3, rngs=nnx.Rngs(0)), jnp.asarray(data(4, 3))
    model = um.NNXModule(net)
    model(x)
    np.testing.assert_array_equal(host(net.mean[...]), np.zeros(3))
    assert np.any(host(model.batch_stats["mean"]) != 0)


@pytest.mark.parametrize("make", [um.TorchModule, um.FlaxModule, um.NNXModule, um.HaikuModule, um.functional_module])
def test_what_is_no_module(make, any_backend):
    with pytest.raises(DTypeError, match="no module of the library"):
        make(um.nn.Linear(2, 3))


@pytest.mark.needs("torch")
def test_arguments_for_a_module_that_is_made():
    import torch

    with pytest.raises(OptionError, match="made already"):
        um.TorchModule(torch.nn.Linear(2, 3), 4)
