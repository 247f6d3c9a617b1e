"""Functions with explicit parameters: names, keys, sharing, reuse, states, and contexts."""

from __future__ import annotations

import asyncio
import concurrent.futures
import copy
import functools
import pickle

import numpy as np
import pytest

import unimod as um
from tests.conformance.agreement import agree, array
from unimod.core.init import key_at
from unimod.errors import UnreturnedStateWarning
from unimod.functional import (
    Dense,
    Optimizer,
    Param,
    Params,
    Sequential,
    load,
    ones,
    parameter,
    parametrized,
    randn,
    random_key,
    relu,
    save,
    zeros,
)

jit = functools.partial(um.jit, compiler="graph")
DRAW = randn(1.0)


@pytest.fixture(autouse=True)
def graphs(monkeypatch):
    """What the style jits by itself runs the traced graph, too."""
    monkeypatch.setenv("UNIMOD_TORCH_COMPILER", "graph")


def same(one, two):
    ones_, twos = um.tree.leaves(one), um.tree.leaves(two)
    return len(ones_) == len(twos) and all(
        np.array_equal(um.numpy.to_numpy(a), um.numpy.to_numpy(b)) for a, b in zip(ones_, twos, strict=True)
    )


def test_the_same_path_gives_the_weights_of_the_module_style(backend):
    class Net(um.Module):
        def __init__(self):
            self.layers = [um.nn.Linear(None, 3), um.nn.BatchNorm(None), um.nn.Linear(None, 2)]

        def __call__(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    x = array(4, 5)
    lecun = um.nn.initializers.lecun_normal()
    mixed = Sequential([um.nn.Linear(None, 3), um.nn.BatchNorm(None), Dense(2, lecun, zeros)])
    values = Net().init(7, x).state_dict()
    found = mixed.init_params(7, x).state_dict()
    assert list(found) == list(values)
    assert all(same(found[name], values[name]) for name in values)


def test_inline_names_decide_on_the_keys(backend):
    @parametrized
    def two(x):
        a = parameter((3,), DRAW)
        b = parameter((3,), DRAW)
        return Dense(2, DRAW, DRAW)(Dense(3, DRAW, DRAW)(x)) + a[0] + b[0]

    key = um.random.key(5)
    params = two.init_params(key, array(2, 4))
    assert list(params.state_dict()) == [
        "parameter0", "parameter1", "dense0.kernel", "dense0.bias", "dense1.kernel", "dense1.bias",
    ]  # fmt: skip
    for name, leaf in params.state_dict().items():
        assert same(leaf, DRAW(key_at(key, tuple(name.split("."))), tuple(leaf.shape))), name


def test_a_new_part_changes_no_other_weights(backend):
    def net(with_more):
        @parametrized
        def body(x, first=Dense(3), more=[Dense(2)] if with_more else None, last=Dense(2)):
            if with_more:
                more[0](x)
            return last(first(x))

        return body

    x = array(2, 4)
    small, large = net(False).init_params(0, x), net(True).init_params(0, x)
    assert same(small.first, large.first)
    assert same(small.last, large.last)


def test_a_second_call_of_a_body_finds_the_same_inline_parts(backend):
    @parametrized
    def block(x):
        return relu(Dense(4)(Dense(4)(x))) + parameter((4,), ones)

    @parametrized
    def net(x, block=block):
        return block(block(x))

    x = array(2, 4)
    params = net.init_params(0, x)
    assert list(params.block.state_dict()) == [
        "dense0.kernel", "dense0.bias", "dense1.kernel", "dense1.bias", "parameter",
    ]  # fmt: skip
    expected = block(params.block, block(params.block, x))
    assert same(net(params, x), expected)


def test_an_object_in_two_bodies_is_one_set_of_parameters(tested_engines):
    layer = Dense(4, DRAW, DRAW)

    @parametrized
    def one(x):
        return layer(x)

    @parametrized
    def two(x, layer=layer):
        return layer(x)

    @parametrized
    def net(x, one=one, two=two):
        return two(one(layer(x)))

    def run():
        x = array(2, 4)
        params = net.init_params(0, x)
        assert params.one.dense is params.two.layer
        assert params.dense is params.two.layer
        assert len(um.tree.leaves(params)) == 2
        again = um.tree.unflatten(um.tree.structure(params), um.tree.leaves(params))
        assert again.one.dense is again.dense
        return um.grad(lambda p, x: um.numpy.sum(net(p, x)))(params, x), net(params, x)

    agree(tuple(e for e in tested_engines if e != "numpy"), run, rtol=1e-4)


def test_a_layer_inside_a_layer_and_beside_it_is_not_split(backend):
    inner = um.nn.Linear(None, 4)
    net = Sequential([um.nn.Sequential(inner, um.nn.relu), inner, Dense(2)])
    x = array(2, 4)
    params = net.init_params(0, x)
    assert params.layers[0].layers[0] is params.layers[1]
    assert len(um.tree.leaves(params)) == 4


def test_a_param_in_two_arguments_is_one_leaf(backend):
    weight = Param((3,), DRAW)

    @parametrized
    def net(x, a=weight, b=weight):
        return um.numpy.sum(x * a + b)

    x = array(3)
    params = net.init_params(0, x)
    assert list(params.state_dict()) == ["a"]
    grads = um.grad(lambda p: net(p, x))(params)
    np.testing.assert_allclose(um.numpy.to_numpy(grads.a), um.numpy.to_numpy(x) + 1, rtol=1e-6)


def test_reused_parameters_keep_their_states_and_are_not_drawn_again(backend):
    inner = Sequential([um.nn.BatchNorm(None), Dense(3)])
    x = array(4, 2)
    _, params = inner.apply(inner.init_params(0, x), x, with_state=True)
    before = pickle.dumps(um.to_backend(params, "numpy"))
    outer = Sequential([inner, relu, Dense(2)])
    found = outer.init_params(1, x, reuse={inner: params})
    assert found.layers[0] is params
    assert pickle.dumps(um.to_backend(params, "numpy")) == before


def test_what_is_reused_is_not_drawn_again_under_another_name(backend):
    layer = um.nn.Dropout(0.5)
    inner = Sequential([layer])

    @parametrized
    def outer(x):
        return Dense(2)(inner(Dense(3)(x))) + Sequential([relu])(x)[0, 0]

    x = array(4, 2)
    params = inner.init_params(9, x)
    before = um.numpy.to_numpy(um.random.key_data(params.layers[0].key)).tolist()
    found = outer.init_params(1, x, reuse={inner: params})
    assert found.sequential0 is params
    assert um.numpy.to_numpy(um.random.key_data(params.layers[0].key)).tolist() == before


def test_reuse_of_a_part_of_a_part_and_of_a_layer(backend):
    layer = um.nn.Linear(2, 3)
    deep = Sequential([Sequential([Dense(3), layer.__class__(None, 2)]), relu])
    x = array(4, 2)
    own = deep.layers[0].layers[0].init_params(3, x)
    assert deep.init_params(0, x, reuse={deep.layers[0].layers[0]: own}).layers[0].layers[0] is own
    net = Sequential([layer, relu])
    ready = layer.init(9)
    assert net.init_params(0, x, reuse={layer: ready}).layers[0] is ready


def test_initialising_leaves_states_alone_and_calls_change_nothing(backend):
    net = Sequential([um.nn.BatchNorm(None)])
    x = array(4, 2)
    params = net.init_params(0, x)
    assert um.numpy.to_numpy(params.layers[0].mean).tolist() == [0.0, 0.0]
    with pytest.warns(UnreturnedStateWarning, match="with_state=True"):
        net(params, x)
    net(params, x)
    assert um.numpy.to_numpy(params.layers[0].mean).tolist() == [0.0, 0.0]
    out, new = net.apply(params, x, with_state=True, jit=True)
    np.testing.assert_allclose(
        um.numpy.to_numpy(new.layers[0].mean), um.numpy.to_numpy(x).mean(0) * 0.1, rtol=1e-4, atol=1e-6
    )
    assert tuple(out.shape) == (4, 2)


def test_states_in_a_jitted_part_are_kept(backend):
    part = Sequential([um.nn.BatchNorm(None), Dense(2)])
    x = array(4, 2)
    net, plain = Sequential([jit(part)]), Sequential([part])
    params = net.init_params(0, x)
    _, one = net.apply(params, x, with_state=True)
    _, two = plain.apply(params, x, with_state=True)
    np.testing.assert_allclose(*(um.numpy.to_numpy(p.layers[0].layers[0].mean) for p in (one, two)), rtol=1e-5)
    assert abs(um.numpy.to_numpy(one.layers[0].layers[0].mean)).sum() > 0


def test_an_optimizer_keeps_the_states_of_layers(backend):
    loss = Sequential([um.nn.BatchNorm(None), Dense(1), um.numpy.mean])
    x = array(4, 2)
    opt = Optimizer(um.optim.sgd(0.1))
    state = opt.init(loss.init_params(0, x))
    for jitted in (False, True):
        new = opt.update(loss.apply, state, x, jit=jitted)
        assert abs(um.numpy.to_numpy(new.params.layers[0].mean)).sum() > 0
    assert abs(um.numpy.to_numpy(state.params.layers[0].mean)).sum() == 0
    plain = opt.update(lambda p, x: um.numpy.mean(p.layers[1].kernel) * um.numpy.mean(x), state, x)
    assert int(plain.step) == 1


def test_parameters_are_a_module(backend, tmp_path):
    net = Sequential([Dense(3), um.nn.Dropout(0.5), Dense(2)])
    x = array(2, 4)
    params = net.init_params(0, x)
    assert isinstance(params, um.Module)
    assert repr(params.layers[0]) == "dense(kernel=f32[4, 3], bias=f32[3])"
    assert same(pickle.loads(pickle.dumps(params)), params)
    assert same(copy.deepcopy(params), params)
    assert params.eval().layers[1].training is False
    assert same(net(params.eval(), x), net(params.eval(), x))
    loaded = net.init_params(1, x).load_state_dict(params.state_dict())
    assert same(loaded, params)
    save(params, tmp_path / "p.npz")
    assert same(load(tmp_path / "p.npz", like=net.init_params(2, x)), params)
    moved = um.to_backend(params, "numpy")
    assert isinstance(moved, Params)
    assert type(moved.layers[0].kernel) is np.ndarray


def test_transforms_in_a_body_while_it_is_initialised(tested_engines):
    @parametrized
    def net(x, layer=Dense(1, DRAW, DRAW), other=Dense(4, DRAW, DRAW)):
        def energy(x):
            return um.numpy.sum(layer(um.numpy.sin(x)))

        h = jit(other)(x)
        return um.grad(energy)(x) + um.vmap(other)(x) + other(h)

    def run():
        x = array(3, 4)
        params = net.init_params(0, x)
        key = um.random.key(0)
        assert same(params.other.kernel, DRAW(key_at(key, ("other", "kernel")), (4, 4)))
        assert same(params.layer.bias, DRAW(key_at(key, ("layer", "bias")), (1,)))
        grads = um.grad(lambda p: um.numpy.sum(net(p, x)))(params)
        jitted = jit(net.init_params)(key, x)
        assert all(um.is_array(leaf) for leaf in um.tree.leaves(jitted))
        return net(params, x), grads, jitted

    agree(tuple(e for e in tested_engines if e != "numpy"), run, rtol=1e-4, atol=1e-5)


def test_the_bodies_of_a_description_do_not_change(backend):
    layers = [Dense(2)]
    net = Sequential(layers)
    first = net.layers[0]
    layers.append(Dense(3))
    net.layers.append(Dense(3))
    assert net.layers == [first]
    assert copy.copy(net) is copy.deepcopy(net) is net
    assert hash(net) == hash(copy.copy(net))


def test_threads_and_tasks_have_contexts_of_their_own(backend):
    engine = backend

    @parametrized
    def net(x):
        return Dense(2, DRAW, DRAW)(Dense(3, DRAW, DRAW)(x)) + um.random.normal(random_key(), (2,))

    def run(seed):
        with um.use_backend(engine):
            x = array(2, 4)
            params = net.init_params(seed, x)
            return um.to_backend((params, net.apply(params, x, key=um.random.key(seed))), "numpy")

    async def task(seed):
        await asyncio.sleep(0)
        return run(seed)

    async def gathered():
        return await asyncio.gather(*(task(seed) for seed in range(4)))

    expected = [run(seed) for seed in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(map(same, pool.map(run, range(4)), expected))
    assert all(map(same, asyncio.run(gathered()), expected))


def test_a_context_ends_with_an_error(backend):
    @parametrized
    def net(x, layer=Dense(2)):
        layer(x)
        raise KeyError("on purpose")

    with pytest.raises(KeyError):
        net.init_params(0, array(2, 3))
    with pytest.raises(um.NotInitializedError):
        random_key()
    x = array(2, 3)
    assert same(Dense(2).init_params(0, x), Dense(2).init_params(0, x))


def test_keys_by_the_call(backend):
    @parametrized
    def noise(x):
        return um.random.normal(random_key(), (3,))

    net = Sequential([lambda x: x, noise])

    @parametrized
    def twice(x, net=net):
        return net(x), net(x), jit(net)(x)

    x = array(2)
    params = twice.init_params(0, x)
    a, b, c = (um.numpy.to_numpy(v) for v in twice.apply(params, x, key=um.random.key(1)))
    assert len({tuple(v) for v in (a, b, c)}) == 3
    again = twice.apply(params, x, key=um.random.key(1), jit=True)
    np.testing.assert_allclose(um.numpy.to_numpy(again[2]), c, rtol=1e-6)


class Net(um.Module):
    """The net of the next test, as a module. The first layer has no bias: its slope would be roundings alone."""

    def __init__(self):
        self.layers = [um.nn.Linear(None, 5, use_bias=False), um.nn.BatchNorm(None), um.tanh, um.nn.Linear(None, 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return um.numpy.mean(x**2)


def test_training_is_that_of_a_module(tested_engines):
    @parametrized
    def loss(x, layers=[um.nn.Linear(None, 5, use_bias=False), um.nn.BatchNorm(None), um.tanh, um.nn.Linear(None, 1)]):
        for layer in layers:
            x = layer(x)
        return um.numpy.mean(x**2)

    def step(model, opt, x):
        (value, model), grads = um.value_and_grad(lambda m, x: (m(x), m), has_aux=True)(model, x)
        return *opt.step(model, grads), value

    def run():
        x = array(6, 4)
        model, opt = Net().init(3, x), um.optim.adam(0.05)
        opt = opt.init(model.parameters())
        train = Optimizer(um.optim.adam(0.05))
        state = train.init(loss.init_params(3, x))
        modules, functions = [], []
        for _ in range(4):
            model, opt, value = step(model, opt, x)
            modules.append(value)
            state, value = train.update_and_get_loss(loss.apply, state, x)
            functions.append(value)
        assert same(modules, functions)
        assert same(model.layers[1], state.params.layers[1])
        assert float(modules[-1]) < float(modules[0])
        return functions, state.params

    agree(tuple(e for e in tested_engines if e != "numpy"), run, rtol=1e-3, atol=1e-4)


@pytest.mark.inductor
@pytest.mark.slow
def test_a_compiled_step(backend, monkeypatch):
    monkeypatch.delenv("UNIMOD_TORCH_COMPILER")
    x = array(6, 4)
    loss = Sequential([Dense(3), relu, Dense(1), um.numpy.mean])
    opt = Optimizer(um.optim.adam(0.05))
    state = opt.init(loss.init_params(3, x))
    compiled, plain = (opt.update(loss.apply, state, x, jit=jitted) for jitted in (True, False))
    for one, two in zip(um.tree.leaves(compiled), um.tree.leaves(plain), strict=True):
        np.testing.assert_allclose(um.numpy.to_numpy(one), um.numpy.to_numpy(two), rtol=1e-4, atol=1e-5)
