"""The code of JAXnet's introduction, block by block, with the imports and names of this library."""

from __future__ import annotations

import numpy as onp
import pytest

import unimod as um
import unimod.numpy as np
from tests.conformance.agreement import agree, array
from unimod import jit
from unimod.functional import *  # noqa: F403
from unimod.functional import (
    Conv,
    Dense,
    Param,
    Sequential,
    flatten,
    glorot,
    logsoftmax,
    parametrized,
    randn,
    relu,
    softmax,
    softplus,
)
from unimod.random import key as PRNGKey

NAMES = tuple(name for name in dir() if not name.startswith("_"))


@pytest.fixture(autouse=True)
def graphs(monkeypatch):
    """``jit`` runs the traced graph, so that the test is quick."""
    monkeypatch.setenv("UNIMOD_TORCH_COMPILER", "graph")


@pytest.fixture
def check(tested_engines):
    return lambda block: agree(tuple(name for name in tested_engines if name != "numpy"), block, rtol=1e-4)


def test_overview(check):
    def block():
        net = Sequential([Conv(2, (3, 3)), relu, flatten, Dense(4), softmax])

        inputs = np.zeros((3, 5, 5, 1))
        params = net.init_params(PRNGKey(0), inputs)

        bias = params.layers[3].bias
        assert tuple(bias.shape) == (4,)
        assert 0 < float(np.max(np.abs(bias))) < 0.05  # randn() has the deviation 0.01

        output = net(params, inputs)
        accelerated = jit(net)(params, inputs)
        assert onp.allclose(np.to_numpy(output), np.to_numpy(accelerated), rtol=1e-6)
        # Of images of zeros comes the softmax of the biases alone, those of the convolution through the dense layer.
        hidden = np.maximum(np.broadcast_to(params.layers[0].bias, (3, 3, 3, 2)), 0)
        logits = np.reshape(hidden, (3, 18)) @ params.layers[3].kernel + bias
        assert onp.allclose(np.to_numpy(output), np.to_numpy(softmax(logits)), rtol=1e-5)
        return bias, output

    check(block)


def test_defining_modules(check):
    def block():
        def Dense(out_dim, kernel_init=glorot(), bias_init=randn()):
            @parametrized
            def dense(
                inputs,
                kernel=Param(lambda inputs: (inputs.shape[-1], out_dim), kernel_init),
                bias=Param(lambda _: (out_dim,), bias_init),
            ):
                return np.matmul(inputs, kernel) + bias

            return dense

        net = Dense(3)
        params = net.init_params(PRNGKey(0), array(2, 4))
        assert repr(params) == "dense(kernel=f32[4, 3], bias=f32[3])"
        return net(params, array(2, 4))

    check(block)


def test_nesting_modules(check):
    def block():
        @parametrized
        def encode(
            input,
            net=Sequential([Dense(512), relu]),
            mean_net=Dense(10),
            variance_net=Sequential([Dense(10), softplus]),
        ):
            input = net(input)
            return mean_net(input), variance_net(input)

        params = encode.init_params(PRNGKey(0), array(2, 6))
        mean, variance = encode(params, array(2, 6))
        assert tuple(mean.shape) == tuple(variance.shape) == (2, 10)
        assert float(np.min(variance)) > 0
        return mean, variance

    check(block)


def test_collections(check):
    def block():
        def Sequential(layers):
            @parametrized
            def sequential(inputs, layers=layers):
                for module in layers:
                    inputs = module(inputs)
                return inputs

            return sequential

        def relu(input):
            return np.maximum(input, 0)

        layer = Sequential([Dense(10), relu])
        params = layer.init_params(PRNGKey(0), array(2, 6))
        out = layer(params, array(2, 6))
        assert float(np.min(out)) == 0
        return out

    check(block)


def test_parameter_sharing(check):
    def block():
        layer = Dense(6)
        first = Sequential([layer, layer])

        @parametrized
        def shared_net(input, layer=layer):
            return layer(layer(input))

        inputs = array(2, 6)
        params = first.init_params(PRNGKey(0), inputs)
        one = first(params, inputs)
        two = shared_net.apply_from({first: params}, inputs)
        assert onp.array_equal(np.to_numpy(one), np.to_numpy(two))
        assert len(um.tree.leaves(params)) == 2
        return one

    check(block)


def test_parameter_reuse(check):
    def block():
        predict = Sequential([Dense(1024), relu, Dense(10), logsoftmax])

        @parametrized
        def loss(inputs, targets, predict=predict):
            return -np.mean(predict(inputs) * targets)

        @parametrized
        def accuracy(inputs, targets, predict=predict):
            hits = np.argmax(targets, axis=1) == np.argmax(predict(inputs), axis=1)
            return np.mean(np.astype(hits, "float32"))

        targets = np.asarray(onp.eye(10, dtype="float32")[[1, 2, 3, 4]])
        inputs = array(4, 6), targets
        params = loss.init_params(PRNGKey(0), *inputs)

        # train params...
        grads = um.grad(loss)(params, *inputs)
        params = um.tree.map(lambda p, g: p - 10 * g, params, grads)

        test_acc = accuracy.apply_from({loss: params}, *inputs, jit=True)

        accuracy_params = accuracy.params_from({loss: params})
        again = jit(accuracy)(accuracy_params, *inputs)
        assert float(test_acc) == float(again) == 1.0
        return test_acc, loss(params, *inputs)

    check(block)


def test_reusing_parts(check):
    def block():
        inputs = np.zeros((1, 2))
        net = Sequential([Dense(5)])
        net_params = net.init_params(PRNGKey(0), inputs)

        # train net_params...

        transfer_net = Sequential([net, relu, Dense(2)])
        transfer_net_params = transfer_net.init_params(PRNGKey(1), inputs, reuse={net: net_params})

        assert transfer_net_params.layers[0] is net_params

        by_place = transfer_net.init_params(PRNGKey(1), inputs, reuse={transfer_net.layers[0]: net_params})
        assert by_place.layers[0] is net_params

        # train transfer_net_params...
        return transfer_net(transfer_net_params, inputs), transfer_net(by_place, inputs)

    check(block)


def test_all_names_come_with_a_star():
    assert {"Sequential", "Dense", "Conv", "parametrized", "Param", "glorot", "randn", "relu"} <= set(NAMES)
