"""The programs of the README of the predecessor of this style, with imports and names changed and typos mended.

Each runs on each engine; what it prints is compared between the engines, and with the README where numbers can be the
same. Those that depend on the first values of another library's layers cannot.
"""

from __future__ import annotations

import functools

import pytest

import unimod as um
import unimod.numpy as unp
import unimod.stateful as nj
from tests.conformance.stateful_runs import Compared, numbers

compare = Compared(rtol=1e-4, atol=1e-5)
jit = functools.partial(um.jit, compiler="graph")

# Quickstart. FromModule stands where the README has FromFlax, um.optim where it has optax.
Linear = nj.FromModule(functools.partial(um.nn.Linear, None))


class MyModel(nj.Module):
    lr: float = 0.01

    def __init__(self, size):
        self.size = size
        self.opt = um.optim.adam(self.lr)
        # Define submodules upfront
        self.h1 = Linear(128, name="h1")
        self.h2 = Linear(128, name="h2")

    def predict(self, x):
        x = um.nn.relu(self.h1(x))
        x = um.nn.relu(self.h2(x))
        # Define submodules inline
        x = self.get("h3", Linear, self.size, use_bias=False)(x)
        # Create state entries inline
        x += self.get("bias", unp.zeros, self.size)
        return x

    def train(self, x, y):
        # Gradient with respect to submodules or state entries
        keys = [self.h1, self.h2, f"{self.path}/h3", f"{self.path}/bias"]
        loss, params, grads = nj.grad(self.loss, keys)(x, y)
        # Update weights
        optstate = self.get("optstate", self.opt.init, params)
        updates, optstate = optstate.update(grads, params)
        self.put("optstate", optstate)  # missing in the README, whose optimizer forgets
        new_params = um.optim.apply_updates(params, updates)
        self.put(new_params)  # Store the new params
        return loss

    def loss(self, x, y):
        return unp.mean((self.predict(x) - y) ** 2)


def test_quickstart(backend, capsys):
    # Create model and example data
    model = MyModel(3, lr=0.01, name="model")
    x = unp.ones((64, 32), dtype=um.float32)
    y = unp.ones((64, 3), dtype=um.float32)

    # Populate initial state from one or more functions
    state = {}
    state = nj.init(model.train)(state, x, y, seed=0)
    print(numbers(state["model/bias"]))  # [0., 0., 0.]

    # Purify and jit one or more functions
    train = nj.pure(model.train)
    train = jit(train)

    # Training loop
    losses = []
    for batch in [(x, y)] * 10:
        state, loss = train(state, *batch)
        losses.append(loss)
        print("Loss:", float(loss))

    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "[0.0, 0.0, 0.0]"
    assert len(printed) == 11
    assert float(losses[-1]) < 0.2 * float(losses[0])
    assert train.trace_count == 1
    # Look at the parameters
    compare("quickstart", backend, (losses, state["model/bias"]))


class Computes(nj.Module):
    def compute(self, x):
        init = um.nn.initializers.variance_scaling(1, "fan_avg", "uniform")
        weights = self.get("weights", init, nj.rng(), (64, 32))
        bias = self.get("bias", unp.zeros, (32,), dtype=um.float32)
        print(self.getm())  # {'/path/to/module/weights': ..., '/path/to/module/bias': ...}
        return x @ weights + bias


def test_how_can_i_create_state_entries(backend, capsys):
    with nj.scope("path/to"):
        module = Computes(name="module")
    x = unp.ones((2, 64))
    state, first = nj.pure(module.compute)({}, x, create=True, seed=0)
    printed = capsys.readouterr().out
    assert "'path/to/module/weights': " in printed
    assert "'path/to/module/bias': " in printed
    # Later calls return the current value
    _, second = nj.pure(module.compute)(state, x, seed=1)
    assert numbers(first) == numbers(second)
    compare("create", backend, (state, first))


class Counts(nj.Module):
    def counting(self):
        counter = nj.get("counter", unp.zeros, (), dtype=um.int32)
        self.put("counter", counter + 1)
        print(numbers(self.get("counter")))  # 1
        state = self.getm()
        state["counter"] += 1
        self.putm(state)
        print(numbers(self.getm()["counter"]))  # 2
        print(numbers(self.get("counter")))  # 2


def test_how_can_i_update_state_entries(backend, capsys):
    state, _ = nj.pure(Counts(name="module").counting)({}, create=True)
    assert capsys.readouterr().out.split() == ["1", "2", "2"]
    assert list(state) == ["module/counter"]
    compare("update", backend, state)


class Model(nj.Module):
    def train(self, x):
        return self.put("seen", self.get("seen", unp.zeros, ()) + unp.sum(x))


@pytest.mark.parametrize("how", ["jit of pure", "jit of the style"])
def test_how_can_i_use_jit_compilation(how, backend):
    model = Model(name="model")
    if how == "jit of pure":
        train = functools.partial(jit(nj.pure(model.train)), create=True)
    else:
        train = functools.partial(nj.jit(model.train, compiler="graph"), seed=0)
    params = {}
    for _ in range(2):
        params, result = train(params, unp.ones((3,)))  # the README has them the other way round here
    assert numbers(result) == numbers(params["model/seen"]) == 6.0
    compare("jit", backend, (params, result))


class Descends(nj.Module):
    def train(self, x, y):
        self.loss(x, y)
        params = self.getm(".*")
        loss, params, grads = nj.grad(self.loss, params.keys())(x, y)  # two results in the README, three in its code
        params = um.tree.map(lambda p, g: p - 0.01 * g, params, grads)
        self.putm(params)
        return loss

    def loss(self, x, y):
        return unp.mean((self.get("w", unp.ones, (2,)) * x - y) ** 2)


def test_how_can_i_compute_gradients(backend):
    x, y = unp.asarray([1.0, 2.0]), unp.asarray([0.0, 1.0])
    state, loss = nj.pure(Descends(name="m").train)({}, x, y, create=True)
    assert float(loss) == 1.0
    # 1 - 0.01 * (w * x - y) * x
    assert [round(v, 6) for v in numbers(state["m/w"])] == [0.99, 0.98]
    compare("gradients", backend, state)


class Compact(nj.Module):
    def __call__(self, x):
        x = um.nn.relu(self.get("h1", Linear, 128)(x))
        x = um.nn.relu(self.get("h2", Linear, 128)(x))
        x = self.get("h3", Linear, 32)(x)
        return x


def test_how_can_i_define_modules_compactly(backend):
    state, y = nj.pure(Compact(name="m"))({}, unp.ones((4, 16)), create=True, seed=0)
    assert [tuple(state[f"m/h{n}/kernel"].shape) for n in (1, 2, 3)] == [(16, 128), (128, 128), (128, 32)]
    compare("compact", backend, y)


class Networks(nj.Module):
    def __init__(self):
        self.mlp = nj.Layer(um.nn.MLP, [16, 128, 128, 32], name="mlp")
        self.linear = nj.Layer(um.nn.Linear, None, 128, name="linear")

    def __call__(self, x):
        return self.linear(self.mlp(x))


def test_how_can_i_use_modules_of_other_libraries(backend):
    """The README has modules of Haiku and Flax; here they are those of um.nn, wrapped in the same way."""
    state, y = nj.pure(Networks(name="m"))({}, unp.ones((4, 16)), create=True, seed=0)
    assert tuple(y.shape) == (4, 128)
    compare("networks", backend, (state, y))


def test_aliases(backend):
    Dense = functools.partial(nj.Layer, um.nn.Linear)
    Conv = functools.partial(nj.Layer, um.nn.Conv)
    MLP = functools.partial(nj.Layer, um.nn.MLP)
    x = unp.ones((2, 8, 3))

    def run(x):
        x = Conv(3, 4, (3,), name="conv")(x)
        x = Dense(None, 5, name="dense")(x)
        return MLP([5, 6, 1], name="mlp")(x)

    state, y = nj.pure(run)({}, x, create=True, seed=0)
    assert {key.partition("/")[0] for key in state} == {"conv", "dense", "mlp"}
    compare("aliases", backend, y)


class Optimizes(nj.Module):
    def __init__(self):
        self.mlp = nj.Layer(um.nn.MLP, [4, 8, 1], name="mlp")
        self.opt = nj.OptaxModule(um.optim.adam, 1e-3, name="opt")

    def train(self, x, y):
        self.mlp(x)  # Ensure parameters are created.
        metrics = self.opt(self.mlp.getm(".*"), self.loss, x, y)
        return metrics  # {'loss': ..., 'grad_norm': ...}

    def loss(self, x, y):
        return unp.mean((self.mlp(x) - y) ** 2)


def test_how_can_i_use_optimizers(backend):
    x, y = unp.ones((4, 4)), unp.zeros((4, 1))
    step, state, losses = nj.jit(Optimizes(name="m").train, compiler="graph"), {}, []
    for _ in range(3):
        state, metrics = step(state, x, y, seed=0)
        assert {"loss", "grad_norm"} <= set(metrics)
        losses.append(metrics["loss"])
    assert float(losses[2]) < float(losses[1]) < float(losses[0])
    compare("optimizers", backend, (losses, metrics))
