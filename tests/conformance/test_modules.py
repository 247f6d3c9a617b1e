"""One model on both engines: training, moving, threads, and shared leaves."""

from __future__ import annotations

import functools
import threading

import numpy as np
import pytest

import unimod as um

jit = functools.partial(um.jit, compiler="graph")
pytestmark = pytest.mark.needs("jax", "torch")


def array(values, backend=None):
    return um.numpy.asarray(values, dtype="float32", backend=backend)


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(16, 3)).astype(np.float32)
    return x, (x[:, :1] * x[:, 1:2]).astype(np.float32)


class Net(um.Module):
    """Layers with states, a shared layer and a tied leaf."""

    def __init__(self):
        self.inner = um.nn.Linear(8, 8)
        self.layers = um.nn.Sequential(um.nn.Linear(None, 8), um.nn.BatchNorm(8), um.nn.tanh, self.inner, self.inner)
        self.drop = um.nn.Dropout(0.1)
        self.head = [um.nn.Linear(8, 1)]
        self.scale = um.Parameter(um.Initializer(lambda key: um.random.uniform(key, (8,))))
        self.head[0].gain = self.share("scale")
        self.calls = um.Initializer(lambda key: um.random.randint(key, (), 0, 1))
        self.register_state("calls", self.calls)

    def __call__(self, x):
        self.calls = self.calls + 1
        h = self.drop(self.layers(x)) * self.scale
        return self.head[0](h * self.head[0].gain)


def loss(model, x, y):
    return um.numpy.mean(um.numpy.square(model(x) - y)), model


@jit
def step(model, opt, x, y):
    (value, model), grads = um.value_and_grad(loss, has_aux=True)(model, x, y)
    model, opt = um.apply_gradients(model, opt, grads)
    return value, model, opt


def train(model, opt, x, y, steps=10):
    values = []
    for _ in range(steps):
        value, model, opt = step(model, opt, x, y)
        values.append(float(value))
    return values, model, opt


def build(backend):
    x, y = (array(v, backend) for v in data())
    model = Net().init(0, x)
    return model, um.optim.adam(1e-2).init(model.parameters()), x, y


@functools.cache
def reference():
    return train(*build("jax"))[0]


# Ten steps of Adam of a small net: the roundings of matrix products, amplified by 1 / sqrt(nu) in the first steps.
BOUND = {"rtol": 2e-3, "atol": 1e-5}


def test_the_same_net_has_the_same_losses_on_both_engines(backend):
    values, model, _ = train(*build(backend))
    np.testing.assert_allclose(values, reference(), **BOUND)
    assert values[-1] < values[0]
    assert int(model.calls) == 10
    assert {um.engine_of(leaf).name for leaf in um.tree.leaves(model)} == {backend}


@pytest.mark.parametrize(("first", "second"), [("jax", "torch"), ("torch", "jax")])
def test_training_goes_on_after_a_move(first, second):
    model, opt, x, y = build(first)
    before, model, opt = train(model, opt, x, y, 5)
    after, model, _ = train(*um.to_backend((model, opt, x, y), second), 5)
    np.testing.assert_allclose(before + after, reference(), **BOUND)
    assert int(model.calls) == 10
    assert model.head[0].gain is model.scale
    assert model.layers[3] is model.layers[4] is model.inner


def test_sharing_survives_a_training_step(backend):
    _, model, _ = train(*build(backend), 2)
    assert model.layers[3] is model.layers[4] is model.inner
    assert model.head[0].gain is model.scale
    names = list(model.state_dict())
    assert len([name for name in names if "kernel" in name]) == 3
    assert "head.0.gain" in names
    assert "scale" not in names


def test_eager_and_jitted_training_agree(backend):
    model, opt, x, y = build(backend)
    values = []
    for _ in range(3):
        (value, model), grads = um.value_and_grad(loss, has_aux=True)(model, x, y)
        model, opt = um.apply_gradients(model, opt, grads)
        values.append(float(value))
    np.testing.assert_allclose(values, reference()[:3], **BOUND)


def test_a_trained_model_comes_back_from_its_state_dict(backend):
    _, model, _ = train(*build(backend), 2)
    x, _ = (array(v) for v in data())
    fresh = Net().init(5, x).load_state_dict(model.state_dict())
    assert um.tree.structure(fresh) is um.tree.structure(model)
    a, b = (um.to_backend(m.eval()(x), "numpy") for m in (fresh, model))
    np.testing.assert_array_equal(a, b)


def test_a_step_as_a_method(backend):
    class Trainer(um.Module):
        def __init__(self, model, opt):
            self.model, self.opt = model, opt

        @jit
        def step(self, x, y):
            (value, self.model), grads = um.value_and_grad(loss, has_aux=True)(self.model, x, y)
            self.model, self.opt = um.apply_gradients(self.model, self.opt, grads)
            return value

    model, opt, x, y = build(backend)
    inner = model.inner
    trainer = Trainer(model, opt)
    values = [float(trainer.step(x, y)) for _ in range(3)]
    np.testing.assert_allclose(values, reference()[:3], **BOUND)
    assert int(trainer.opt[0].count) == 3
    assert trainer.model is model
    assert trainer.model.inner is inner
    assert Trainer.step.trace_count == trainer.step.trace_count


def test_an_ensemble_is_trained_at_once(backend):
    x, y = (array(v) for v in data())
    models = um.vmap(lambda key: um.nn.MLP([3, 4, 1]).init(key))(um.random.split(um.random.key(0), 3))

    def value(model, x, y):
        return um.numpy.mean(um.numpy.square(model(x) - y))

    grads = um.vmap(um.grad(value), in_axes=(0, None, None))(models, x, y)
    for index in range(3):
        single = um.tree.map(lambda leaf, i=index: leaf[i], models)
        expected = um.grad(value)(single, x, y)
        for got, want in zip(um.tree.leaves(grads), um.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(*(um.to_backend(v, "numpy") for v in (got[index], want)), rtol=1e-4, atol=1e-6)


def test_threads_on_alternating_engines():
    results: dict[int, list[float]] = {}

    def work(number):
        results[number] = train(*build(("jax", "torch")[number % 2]), 3)[0]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(results) == list(range(8))
    for values in results.values():
        np.testing.assert_allclose(values, reference()[:3], **BOUND)


def test_threads_share_one_model(backend):
    model, _, x, _ = build(backend)
    model = um.tree.map(lambda leaf: leaf, model.eval())
    expected = um.to_backend(model(x), "numpy")
    found = []

    def work():
        found.append(um.to_backend(jit(lambda m, x: m.eval()(x))(um.tree.map(lambda v: v, model), x), "numpy"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(found) == 4
    for y in found:
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_a_different_backend_choice_in_each_thread():
    found = {}

    def work(name):
        with um.use_backend(name):
            for _ in range(20):
                found.setdefault(name, set()).add(um.engine_of(um.numpy.ones((1,))).name)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("jax", "torch")]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert found == {"jax": {"jax"}, "torch": {"torch"}}
