"""What a user of functions with explicit parameters can do, on every engine; the ids are those of the list."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from tests.conformance.agreement import agree, array
from unimod.functional import (
    AvgPool,
    Batched,
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    FanInConcat,
    FanInSum,
    FanOut,
    GeneralConv,
    GRUCell,
    L1Regularized,
    L2Regularized,
    MaxPool,
    Optimizer,
    Param,
    Parameter,
    Reparametrized,
    Rnn,
    Sequential,
    SumPool,
    flatten,
    glorot,
    load,
    log_softmax,
    ones,
    parallel,
    parameter,
    parametrized,
    randn,
    random_key,
    relu,
    save,
    softmax,
    softplus,
    zeros,
)

pytestmark = pytest.mark.thin(1)  # a quick run takes all of them

ENGINES = ("jax", "torch")
jit = functools.partial(um.jit, compiler="graph")


@pytest.fixture(autouse=True)
def graphs(monkeypatch):
    """What the style jits by itself runs the traced graph, too."""
    monkeypatch.setenv("UNIMOD_TORCH_COMPILER", "graph")


@pytest.fixture
def engines(tested_engines):
    return tuple(name for name in ENGINES if name in tested_engines)


def my_dense(out_dim, kernel_init=glorot(), bias_init=randn()):
    @parametrized
    def dense(
        inputs,
        kernel=Param(lambda inputs: (inputs.shape[-1], out_dim), kernel_init),
        bias=Param(lambda _: (out_dim,), bias_init),
    ):
        return inputs @ kernel + bias

    return dense


def net_and_loss():
    predict = Sequential([Dense(8), relu, Dense(3), log_softmax])

    @parametrized
    def loss(inputs, targets, predict=predict):
        return -um.numpy.mean(predict(inputs) * targets)

    return predict, loss


def batch(seed=0):
    targets = np.eye(3, dtype=np.float32)[np.random.default_rng(seed).integers(0, 3, 6)]
    return array(6, 4, seed=seed), um.numpy.asarray(targets)


def jn1():
    net = Sequential([Dense(3), um.nn.BatchNorm(None), um.nn.Dropout(0.5)])
    x = array(4, 2)
    params = net.init_params(0, x)
    before = {name: um.tree.copy(leaf) for name, leaf in params.state_dict().items()}
    (one, _), (two, _) = (net.apply(params, x, with_state=True) for _ in range(2))
    assert np.array_equal(um.numpy.to_numpy(one), um.numpy.to_numpy(two))
    for name, leaf in params.state_dict().items():
        assert np.array_equal(um.numpy.to_numpy(leaf), um.numpy.to_numpy(before[name])), name
    return one


def jn2():
    net = Sequential([Conv(2, (3, 3)), relu, flatten, Dense(4), softmax])
    x = array(3, 5, 5, 1)
    out = net(net.init_params(um.random.key(0), x), x)
    assert tuple(out.shape) == (3, 4)
    np.testing.assert_allclose(um.numpy.to_numpy(um.numpy.sum(out, axis=-1)), 1, rtol=1e-6)
    return out


def jn3():
    net = Sequential([Conv(2, (3, 3)), relu, flatten, um.nn.Linear(None, 4)])
    params = net.init_params(um.random.key(0), um.numpy.zeros((3, 5, 5, 1)))
    assert {name: tuple(leaf.shape) for name, leaf in params.state_dict().items()} == {
        "layers.0.kernel": (3, 3, 1, 2),
        "layers.0.bias": (2,),
        "layers.3.kernel": (18, 4),
        "layers.3.bias": (4,),
    }
    return dict(params.state_dict())


def jn4():
    net, x = Sequential([Dense(3), um.tanh]), array(2, 4)
    params = net.init_params(0, x)
    compiled = jit(net)
    out = compiled(params, x)
    np.testing.assert_allclose(um.numpy.to_numpy(out), um.numpy.to_numpy(net(params, x)), rtol=1e-6)
    compiled(params, x)
    assert compiled.trace_count == 1
    return out


def jn5():
    net, x = my_dense(3), array(2, 4)
    params = net.init_params(um.random.key(1), x)
    assert repr(params) == "dense(kernel=f32[4, 3], bias=f32[3])"
    out = net(params, x)
    expected = um.numpy.to_numpy(x) @ um.numpy.to_numpy(params.kernel) + um.numpy.to_numpy(params.bias)
    np.testing.assert_allclose(um.numpy.to_numpy(out), expected, rtol=1e-5, atol=1e-6)
    return out


def jn6():
    @parametrized
    def encode(
        input,
        net=Sequential([Dense(5), relu]),
        mean_net=Dense(2),
        variance_net=Sequential([Dense(2), softplus]),
    ):
        input = net(input)
        return mean_net(input), variance_net(input)

    x = array(3, 4)
    params = encode.init_params(0, x)
    assert tuple(params.variance_net.layers[0].kernel.shape) == (5, 2)
    mean, variance = encode(params, x)
    assert tuple(mean.shape) == tuple(variance.shape) == (3, 2)
    return mean, variance


def jn7():
    @parametrized
    def net(x, ws=[Param((4, 3), randn()), Param((3,), ones)], parts={"a": Dense(2), "b": (Dense(1), relu)}):
        h = x @ ws[0] + ws[1]
        return parts["a"](h), parts["b"][1](parts["b"][0](h))

    x = array(2, 4)
    params = net.init_params(0, x)
    assert list(params.state_dict()) == [
        "ws.0", "ws.1", "parts.a.kernel", "parts.a.bias", "parts.b.0.kernel", "parts.b.0.bias",
    ]  # fmt: skip
    grads = um.grad(lambda p, x: um.numpy.sum(net(p, x)[0]))(params, x)
    assert tuple(grads.ws[0].shape) == (4, 3)
    return net(params, x), grads.ws


def jn8():
    def my_relu(input):
        return um.numpy.maximum(input, 0)

    net, x = Sequential([Dense(3), my_relu]), array(2, 4)
    params = net.init_params(0, x)
    assert params.layers[1] is None
    return net(params, x)


def jn9():
    layer = Dense(4)
    net, x = Sequential([layer, relu, layer]), array(2, 4)
    params = net.init_params(0, x)
    assert params.layers[0] is params.layers[2]
    assert len(um.tree.leaves(params)) == 2
    grads = jit(um.grad(lambda p, x: um.numpy.sum(net(p, x) ** 2)))(params, x)
    apart = Sequential([Dense(4), relu, Dense(4)])
    two = apart.params_from({apart.layers[0]: params.layers[0], apart.layers[2]: params.layers[0].copy()})
    both = um.grad(lambda p, x: um.numpy.sum(apart(p, x) ** 2))(two, x)
    total = both.layers[0].kernel + both.layers[2].kernel
    np.testing.assert_allclose(*map(um.numpy.to_numpy, (grads.layers[0].kernel, total)), rtol=1e-4, atol=1e-5)
    return grads.layers[2].kernel


def jn10():
    layer = Dense(4)

    @parametrized
    def shared(input, layer=layer):
        return layer(layer(input))

    x = array(2, 4)
    params = shared.init_params(0, x)
    out = shared(params, x)
    same = Sequential([layer, layer])
    again = same(same.params_from({layer: params.layer}), x)
    assert np.array_equal(um.numpy.to_numpy(out), um.numpy.to_numpy(again))
    return out


def jn11():
    predict, loss = net_and_loss()

    @parametrized
    def accuracy(inputs, targets, predict=predict):
        same = um.numpy.argmax(targets, axis=1) == um.numpy.argmax(predict(inputs), axis=1)
        return um.numpy.mean(um.numpy.astype(same, "float32"))

    params = loss.init_params(um.random.key(0), *batch())
    plain = accuracy.apply_from({loss: params}, *batch(1))
    out = accuracy.apply_from({loss: params}, *batch(1), jit=True)
    assert float(out) == float(plain)
    assert float(out) == float(jit(accuracy)(accuracy.params_from({loss: params}), *batch(1)))
    return out


def jn12():
    sub, other = Dense(3), Dense(2)
    net, x = Sequential([sub, relu, other]), array(2, 4)
    params = net.init_params(0, x)
    built = net.params_from({sub: params.layers[0], other: params.layers[2]})
    assert built.layers[0] is params.layers[0]
    assert um.tree.structure(built) is um.tree.structure(params)
    return net(built, x)


def jn13():
    inputs = um.numpy.zeros((1, 2))
    net = Sequential([Dense(5)])
    net_params = net.init_params(um.random.key(0), inputs)
    transfer = Sequential([net, relu, Dense(2)])
    params = transfer.init_params(um.random.key(1), inputs, reuse={net: net_params})
    assert params.layers[0] is net_params
    return transfer(params, array(3, 2))


def jn14():
    sublayer = Dense(5)
    net, x = Sequential([sublayer, relu, Dense(2)]), array(1, 2)
    assert net.layers[0] is sublayer
    own = sublayer.init_params(3, x)
    params = net.init_params(1, x, reuse={net.layers[0]: own})
    assert params.layers[0] is own
    return net(params, x)


def jn15():
    net = Sequential(
        FanOut(Dense(3), Sequential(Dense(3), relu)),
        parallel(Dense(2), Dense(2)),
        FanOut(FanInSum(), FanInConcat()),
    )
    x = array(2, 4)
    total, both = net(net.init_params(0, x), x)
    assert (tuple(total.shape), tuple(both.shape)) == ((2, 2), (2, 4))
    np.testing.assert_allclose(*map(um.numpy.to_numpy, (both[:, :2] + both[:, 2:], total)), rtol=1e-6)
    return total, both


def jn16():
    seen = []

    @parametrized
    def net(inputs, layer=Dense(2)):
        hidden = layer(inputs)
        seen.append(float(hidden[0, 0]))
        seen.append(repr(hidden) != "")
        return hidden

    x = array(2, 4)
    params = net.init_params(0, x)
    out = net(params, x)
    assert seen[2] == float(out[0, 0])
    return out


def jn17():
    @parametrized
    def net(inputs):
        kernel = parameter((inputs.shape[-1], 2), glorot(), "kernel")
        return inputs @ kernel + parameter((2,), zeros) + parameter((2,), ones) + Parameter((2,), ones)()

    x = array(3, 4)
    params = net.init_params(0, x)
    assert list(params.state_dict()) == ["kernel", "parameter0", "parameter1", "parameter2.value"]
    return net(params, x)


def jn18():
    @parametrized
    def net(x):
        return Dense(x.shape[0])(x)

    x = array(3, 4)
    params = net.init_params(0, x)
    assert tuple(params.dense.kernel.shape) == (4, 3)
    return net(params, x)


def jn19():
    @parametrized
    def net(x):
        return Dense(2)(relu(Dense(3)(x))), Dense(1).named("head")(x)

    x = array(3, 4)
    params = net.init_params(0, x)
    assert tuple(params.dense1.kernel.shape) == (3, 2)
    assert list(params.state_dict())[-1] == "head.bias"
    return net(params, x)


def jn20():
    net = Sequential([Dense(3), relu])

    @parametrized
    def loss(inputs, targets):
        return um.numpy.mean((net(inputs) - targets) ** 2)

    inputs, targets = array(2, 4), array(2, 3)
    params = loss.init_params(0, inputs, targets)
    x = array(5, 4)
    out = net.apply_from({loss.shaped(inputs, targets): params}, x)
    jitted = net.apply_from({loss.shaped(inputs, targets): params}, x, jit=True)
    np.testing.assert_allclose(um.numpy.to_numpy(out), um.numpy.to_numpy(jitted), rtol=1e-6)
    assert np.array_equal(um.numpy.to_numpy(out), um.numpy.to_numpy(net(params.sequential, x)))
    return out


def jn21():
    _, loss = net_and_loss()
    opt = Optimizer(um.optim.adam(um.optim.schedules.exponential_decay(0.1, 2, 0.5)))
    state = opt.init(loss.init_params(0, *batch()))
    losses = []
    for seed in range(4):
        state, value = opt.update_and_get_loss(loss.apply, state, *batch(seed), jit=True)
        losses.append(value)
    state = opt.update(loss, state, *batch())
    assert int(opt.get_step(state)) == 5
    return losses, opt.get_parameters(state)


def jn22(tmp_path):
    _, loss = net_and_loss()
    opt = Optimizer(um.optim.adam(0.1))
    state = opt.init(loss.init_params(0, *batch()))
    state = opt.update(loss.apply, state, *batch())
    save(opt.get_parameters(state), tmp_path / "params.npz")
    save(state, tmp_path / "state.npz")
    params = load(tmp_path / "params.npz")
    assert um.tree.structure(params) is um.tree.structure(state.params)
    fresh = opt.init(loss.init_params(1, *batch()))
    resumed = opt.update(loss.apply, load(tmp_path / "state.npz", like=fresh), *batch(1))
    straight = opt.update(loss.apply, state, *batch(1))
    for one, two in zip(um.tree.leaves(resumed), um.tree.leaves(straight), strict=True):
        assert np.array_equal(um.numpy.to_numpy(one), um.numpy.to_numpy(two))
    return params, resumed.params


def jn23():
    _, loss = net_and_loss()
    x, y = batch()
    params = loss.init_params(0, x, y)
    plain = float(loss(params, x, y))
    squares = sum(float(um.numpy.sum(leaf**2)) for leaf in um.tree.leaves(params))
    sizes = sum(float(um.numpy.sum(um.numpy.abs(leaf))) for leaf in um.tree.leaves(params))
    two, one = L2Regularized(loss, 0.1), L1Regularized(loss, 0.1)
    a = two.apply_from({loss: params}, x, y)
    b = one.apply_from({loss: params}, x, y)
    assert float(a) == pytest.approx(plain + 0.05 * squares, rel=1e-5)
    assert float(b) == pytest.approx(plain + 0.1 * sizes, rel=1e-5)

    def scaled():
        @parametrized
        def learnable_scale(p, log_scale=Param((), zeros)):
            return um.numpy.exp(log_scale) * p

        return learnable_scale

    net = Reparametrized(Dense(2), scaled)
    scaled_params = net.init_params(0, x)
    plain_out = Dense(2)(scaled_params.net, x)
    np.testing.assert_allclose(*map(um.numpy.to_numpy, (net(scaled_params, x), plain_out)), rtol=1e-6)
    grads = um.grad(lambda p: um.numpy.sum(net(p, x)))(scaled_params)

    @parametrized
    def one_example(v, layer=Dense(3)):
        assert len(v.shape) == 1
        return um.numpy.tanh(layer(v))

    batched = Batched(one_example)
    batched_params = batched.init_params(0, x)
    return a, b, grads, batched(batched_params, x)


def jn24():
    net = Sequential([Dense(20), Dropout(0.5), Dropout(0.5), um.nn.Dropout(0.5)])
    x = array(4, 3)
    params = net.init_params(0, x)
    key = um.random.key(7)
    one, two, other = (net.apply(params, x, key=k) for k in (key, key, um.random.key(8)))
    assert np.array_equal(um.numpy.to_numpy(one), um.numpy.to_numpy(two))
    assert not np.array_equal(um.numpy.to_numpy(one), um.numpy.to_numpy(other))
    jitted = jit(lambda p, x, k: net.apply(p, x, key=k))(params, x, key)
    np.testing.assert_allclose(um.numpy.to_numpy(jitted), um.numpy.to_numpy(one), rtol=1e-6)

    @parametrized
    def two_keys(x):
        return um.random.normal(random_key(), (3,)), um.random.normal(random_key(), (3,))

    a, b = two_keys.apply(two_keys.init_params(0, x), x, key=key)
    assert not np.array_equal(um.numpy.to_numpy(a), um.numpy.to_numpy(b))
    return one, a, b


def jn25():
    d, x = Dense(4), array(2, 4)
    compiled = jit(d)
    net, plain = Sequential(d, compiled), Sequential(d, d)
    params = net.init_params(0, x)
    assert params.layers[0] is params.layers[1]
    out, grads = um.value_and_grad(lambda p, x: um.numpy.sum(net(p, x) ** 2))(params, x)
    out2, grads2 = um.value_and_grad(lambda p, x: um.numpy.sum(plain(p, x) ** 2))(params, x)
    np.testing.assert_allclose(*map(um.numpy.to_numpy, (out, out2)), rtol=1e-6)
    np.testing.assert_allclose(*map(um.numpy.to_numpy, (grads.layers[0].kernel, grads2.layers[0].kernel)), rtol=1e-5)
    net(um.tree.map(lambda leaf: leaf * 2, params), x)
    net(um.tree.map(lambda leaf: leaf * 3, params), x)
    assert compiled.trace_count == 1

    @parametrized
    def inside(x, layer=Dense(4)):
        return jit(layer)(x) + layer(x)

    inner = inside.init_params(0, x)
    np.testing.assert_allclose(*map(um.numpy.to_numpy, (inside(inner, x), 2 * Dense(4)(inner.layer, x))), rtol=1e-5)
    return out, grads.layers[1], jit(net)(params, x)


def jn26():
    net, x = Rnn(*GRUCell(3, zeros)), array(2, 5, 4)
    params = net.init_params(0, x)
    assert float(um.numpy.sum(um.numpy.abs(net(params, x)))) == 0.0
    net = Rnn(*GRUCell(3))
    params = net.init_params(0, x)
    out = net(params, x)
    h = np.zeros((2, 3), np.float32)
    w = {
        name: um.numpy.to_numpy(getattr(params.cell, name))
        for name in ("update_params", "reset_params", "compute_params")
    }
    for t in range(5):
        x_t = um.numpy.to_numpy(x)[:, t]
        both = np.concatenate([x_t, h], 1)
        z, r = (1 / (1 + np.exp(-both @ w[name])) for name in ("update_params", "reset_params"))
        h = z * np.tanh(np.concatenate([x_t, r * h], 1) @ w["compute_params"]) + (1 - z) * h
    np.testing.assert_allclose(um.numpy.to_numpy(out)[:, -1], h, rtol=1e-4, atol=1e-5)
    grads = jit(um.grad(lambda p, x: um.numpy.sum(net(p, x) ** 2)))(params, x)
    return out, grads


def jn27():
    net = Sequential(
        Conv(4, (3, 3), padding="SAME"), BatchNorm(), relu, MaxPool((2, 2), 2), ConvTranspose(2, (2, 2), 2),
        AvgPool((2, 2)), SumPool((1, 1)), flatten, Dropout(0.2),
    )  # fmt: skip
    x = array(2, 6, 6, 1)
    params = net.init_params(0, x)
    out, new = net.apply(params, x, key=um.random.key(0), with_state=True)
    quiet = net(new.eval(), x)
    general = GeneralConv(("HWCN", "OIHW", "NHWC"), 4, (3, 2), padding="SAME")
    y = array(5, 6, 2, 1)
    wide = general(general.init_params(0, y), y)
    assert tuple(wide.shape) == (1, 5, 6, 4)
    return out, new.layers[1].layer.mean, quiet, wide


def jn28():
    @parametrized
    def net(inputs, layer=Dense(2)):
        return {"sum": (layer(inputs["a"]), [layer(inputs["b"])])}

    inputs = {"a": array(2, 3), "b": array(1, 3, seed=1)}
    params = net.init_params(0, inputs)
    return net(params, inputs), jit(net)(params, inputs)


def jn29():
    _, loss = net_and_loss()
    opt = Optimizer(um.optim.sgd(0.1))
    x, y = batch()
    state = opt.init(loss.init_params(0, x, y))

    @jit
    def train(state, x, y):
        return um.fori_loop(0, 3, lambda i, state: opt.update(loss.apply, state, x, y), state)

    out = train(state, x, y)
    for _ in range(3):
        state = opt.update(loss.apply, state, x, y)
    for one, two in zip(um.tree.leaves(out), um.tree.leaves(state), strict=True):
        np.testing.assert_allclose(um.numpy.to_numpy(one), um.numpy.to_numpy(two), rtol=1e-5, atol=1e-6)
    return out.params


def jn30():
    """Nothing in the code names a device: what there is beyond the CPU needs hardware to be tested on."""
    net, x = Sequential([Dense(3)]), array(2, 4)
    device = um.numpy.device(x) if hasattr(um.numpy, "device") else x.device
    out = net(net.init_params(0, x), x)
    assert (um.numpy.device(out) if hasattr(um.numpy, "device") else out.device) == device
    return out


ROWS = {f"JN{n}": globals()[f"jn{n}"] for n in range(1, 31)}


@pytest.mark.parametrize("row", ROWS)
def test_feature(row, engines, tmp_path):
    function = ROWS[row]
    agree(engines, functools.partial(function, tmp_path) if row == "JN22" else function)
