"""The programs of the README of the second predecessor, with imports and names changed and typos mended.

Each runs on each engine, and what comes out is compared. Optimizers of optax are written as those of ``um.optim``.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import Any, List, Union  # noqa: UP035 (annotations as users write them)

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from tests.conformance.stateful_runs import Compared, array, batch, numbers

compare = Compared(rtol=1e-4, atol=1e-5)
jit = functools.partial(um.jit, compiler="graph")
random = np.random.default_rng(0)
X = random.uniform(-1, 1, size=(100, 1)).astype("float32")
Y = (1.4 * X**2 - 0.3 + random.normal(scale=0.1, size=(100, 1))).astype("float32")


class MLP(um.Module):
    layers: List[um.Linear]  # noqa: UP006

    def __init__(self, features: Sequence[int]):
        self.layers = [um.Linear(din, dout) for din, dout in itertools.pairwise(features)]

    def __call__(self, x):
        for linear in self.layers[:-1]:
            x = um.nn.relu(linear(x))
        return self.layers[-1](x)


def test_getting_started(backend):
    @jit
    @um.grad
    def loss_fn(model, x, y):
        y_pred = model(x)
        return unp.mean((y_pred - y) ** 2)

    # in reality use um.optim
    def sgd(param, grad):
        return param - 0.01 * grad

    model = MLP([1, 12, 8, 1]).init(42)
    x, y = unp.asarray(X), unp.asarray(Y)
    before = unp.mean((model(x) - y) ** 2)

    # training loop, 10_000 steps in the README
    for _ in range(200):
        grads = loss_fn(model, x, y)
        model = um.tree.map(sgd, model, grads)

    model = model.eval()
    y_pred = model(x)
    after = unp.mean((y_pred - y) ** 2)
    assert float(after) < float(before)
    compare("getting started", backend, y_pred)


class Linear(um.Module):
    # din: int # annotation not needed, inferred as static
    w: Union[um.Initializer, Any] = um.Parameter.node()  # noqa: UP007
    b: Any = um.Parameter.node()

    def __init__(self, din, dout):
        self.w = um.Initializer(lambda key: um.random.uniform(key, shape=(din, dout)))
        self.b = unp.zeros(shape=(dout,))

    def __call__(self, x):
        return unp.matmul(x, self.w) + self.b


def test_defining_modules(backend):
    class Long(um.Module):
        some_field: Any = um.field(node=True, kind=um.Parameter)

    class Short(um.Module):
        some_field: Any = um.Parameter.node()

    for cls in (Long, Short):
        module = cls()
        module.some_field = array(1.0)
        assert um.tree.paths_of(module.filter(um.Parameter)) == ["some_field"]
    linear = Linear(3, 5).init(42)
    x = batch(4, 3)
    compare("defining modules", backend, (linear(x), MLP([3, 5, 2]).init(42)(x)))


def test_predefined_layers(backend):
    for name in ("BatchNorm", "Conv", "Dropout", "FlaxModule", "Linear", "MLP", "Lambda", "Sequential", "sequence"):
        assert hasattr(um, name)


def test_kinds(backend):
    above = {
        um.State: um.TreePart, um.Parameter: um.TreePart, um.Rng: um.State, um.ModelState: um.State,
        um.OptState: um.State, um.BatchStat: um.ModelState, um.Cache: um.ModelState, um.Log: um.TreePart,
        um.Loss: um.Log, um.Metric: um.Log,
    }  # fmt: skip
    assert all(kind.__bases__ == (base,) for kind, base in above.items())
    model = um.Sequential(um.BatchNorm(2), um.Dropout(0.5)).init(0)
    rngs = model.filter(um.Rng)
    batch_stats = model.filter(um.BatchStat)
    all_states = model.filter(um.State)
    assert um.tree.paths_of(rngs) + um.tree.paths_of(batch_stats) == ["layers.1.key", "layers.0.mean", "layers.0.var"]
    assert len(um.tree.leaves(all_states)) == 3
    compare("kinds", backend, batch_stats)


class Initialized(um.Module):
    a: Union[um.Initializer, Any] = um.Parameter.node()  # noqa: UP007
    b: int = um.node()  # we are not setting a kind for this field for no reason

    def __init__(self):
        self.a = um.Initializer(lambda key: um.random.uniform(key, shape=(1,)), shape=(1,))
        self.b = 2


class Dependent(um.Module):
    a: Union[Any, um.Initializer] = um.Parameter.node()  # noqa: UP007
    b: Union[Any, None] = um.Parameter.node()  # noqa: UP007

    def __init__(self):
        self.a = um.Initializer(lambda key: um.random.uniform(key, shape=(1,)))
        self.b = None

    def rng_init(self, key):
        # self.a is already initialized at this point
        self.b = 10.0 * self.a + um.random.normal(key, shape=(1,))


def test_initialization(backend):
    module = Initialized()
    assert repr(module) == "Initialized(a=Initializer(f32[1]), b=2)"
    assert module.initialized is False
    module = module.init(42)
    assert repr(module) == "Initialized(a=f32[1], b=2)"
    assert module.initialized is True
    dependent = Dependent().init(42)
    compare("initialization", backend, (module.a, dependent))


@dataclasses.dataclass
class MyModule(um.Module):
    a: Any = um.Parameter.node()  # noqa: RUF009
    b: Any = um.BatchStat.node()  # noqa: RUF009


def test_filter(backend):
    module = MyModule(a=1, b=2)
    assert repr(module.filter(um.Parameter)) == "MyModule(a=1, b=Nothing)"
    assert repr(module.filter(um.BatchStat)) == "MyModule(a=Nothing, b=2)"
    assert repr(um.tree.map(lambda x: -x, module.filter(um.Parameter))) == "MyModule(a=-1, b=Nothing)"
    assert repr(um.tree.map(lambda x: -x, module.filter(um.BatchStat))) == "MyModule(a=Nothing, b=-2)"


def test_shortcuts(backend):
    module = MyModule(a=1, b=2)
    assert repr(module.parameters()) == "MyModule(a=1, b=Nothing)"
    assert repr(module.batch_stats()) == "MyModule(a=Nothing, b=2)"
    kinds = {
        "parameters": um.Parameter, "batch_stats": um.BatchStat, "rngs": um.Rng, "model_states": um.ModelState,
        "states": um.State, "metrics": um.Metric, "losses": um.Loss, "logs": um.Log,
    }  # fmt: skip
    assert all(repr(getattr(module, name)()) == repr(module.filter(kind)) for name, kind in kinds.items())


def test_filter_predicates_and_several_filters(backend):
    module = MyModule(a=1, b=2)
    # all States that are not OptStates
    chosen = (
        module.filter(lambda field: issubclass(field.kind, um.State) and not issubclass(field.kind, um.OptState)),
        module.filter(um.State, lambda field: not issubclass(field.kind, um.OptState)),
        module.states(lambda field: not issubclass(field.kind, um.OptState)),
    )
    assert [repr(one) for one in chosen] == ["MyModule(a=Nothing, b=2)"] * 3


def test_update(backend):
    module = MyModule(a=1, b=2)
    params = module.parameters()
    negative = um.tree.map(lambda x: -x, params)
    assert repr(module.update(negative)) == "MyModule(a=-1, b=2)"


def test_map(backend):
    module = MyModule(a=1, b=2)
    params = module.parameters()
    negative = params.map(lambda x: -x)
    assert repr(negative) == "MyModule(a=-1, b=Nothing)"
    assert repr(module.update(negative)) == "MyModule(a=-1, b=2)"
    assert repr(module.map(lambda x: -x, um.Parameter)) == "MyModule(a=-1, b=2)"


def test_functional_api(backend):
    tree = {"x": MyModule(a=1, b=2)}
    assert repr(um.filter(tree, um.Parameter)["x"]) == "MyModule(a=1, b=Nothing)"
    assert repr(um.update(tree, {"x": MyModule(a=5, b=um.Nothing)})["x"]) == "MyModule(a=5, b=2)"
    assert repr(um.map(lambda x: -x, tree, um.BatchStat)["x"]) == "MyModule(a=1, b=-2)"
    assert um.apply(lambda module: setattr(module, "b", 7), tree, inplace=True) is tree
    assert tree["x"].b == 7


def test_grad_and_optimizers(backend):
    model, x, y = MLP([1, 3, 1]).init(0), unp.asarray(X), unp.asarray(Y)
    params = model.parameters()
    optimizer = um.Optimizer(um.optim.adam(1e-3))
    optimizer = optimizer.init(params)

    @um.grad
    def loss_fn(params, model, x, y):
        # update traced arrays by `grad` from `params`
        model = model.update(params)
        return unp.mean((model(x) - y) ** 2)

    grads = loss_fn(params, model, x, y)
    params = optimizer.update(grads, params)
    compare("grad and optimizers", backend, params)


def test_synchronizing_distributed_state(backend):
    def whole(model, x):
        model(x)
        batch_stats = model.batch_stats()
        batch_stats = um.pmean(batch_stats, axis_name="device")
        return model.update(batch_stats)

    def leaves(model, x):
        model(x)
        return model.map(lambda x: um.pmean(x, axis_name="device"), um.BatchStat)

    x = batch(6, 2).reshape((3, 2, 2))
    one, other = (
        um.vmap(f, in_axes=(None, 0), axis_name="device")(um.BatchNorm(2).init(0), x) for f in (whole, leaves)
    )
    assert numbers(one.mean)[0] == numbers(one.mean)[1] == numbers(other.mean)[2]
    compare("distributed state", backend, one)


def test_optimizer(backend):
    @jit  # no static_argnums needed
    def train_step(model, x, y, optimizer):
        params = model.parameters()
        loss, grads = um.value_and_grad(lambda p: unp.mean((model.update(p)(x) - y) ** 2))(params)
        params = optimizer.update(grads, params)
        model = model.update(params)
        return model, loss, optimizer

    model, x, y = MLP([1, 3, 1]).init(0), unp.asarray(X), unp.asarray(Y)
    optimizer = um.Optimizer(um.optim.adam(1e-3)).init(model.parameters())
    losses = []
    for _ in range(3):
        model, loss, optimizer = train_step(model, x, y, optimizer)
        losses.append(loss)
    assert train_step.trace_count == 1
    compare("optimizer", backend, (losses, model))


class Average(um.Module):
    count: Any = um.State.node()
    total: Any = um.State.node()

    def __init__(self):
        self.count = unp.asarray(0)
        self.total = unp.asarray(0.0)

    def __call__(self, x):
        self.count += int(np.prod(x.shape))
        self.total += unp.sum(x)
        return self.total / self.count


class Dropout(um.Module):
    key: Any = um.Rng.node()

    def __init__(self, key):
        self.key = key

    def __call__(self, x):
        key, self.key = um.random.split(self.key)
        return unp.where(um.random.bernoulli(key, 0.5, x.shape), x / 0.5, 0.0)


class Optimizer(um.Module):
    opt_state: Any = um.OptState.node(None)
    optimizer: Any = um.static()

    def __init__(self, rate):
        self.rate = rate
        self.optimizer = None

    def update(self, grads, params):
        self.opt_state = um.tree.map(lambda v, g: 0.9 * v + g, self.opt_state, grads)
        return um.tree.map(lambda p, v: p - self.rate * v, params, self.opt_state)


def test_state_management(backend):
    average = Average()
    first, second = average(batch(2, 2)), average(3 * batch(2, 2))
    assert int(average.count) == 8
    dropout = Dropout(um.random.key(0))
    one, two = dropout(batch()), dropout(batch())
    assert numbers(one) != numbers(two)
    optimizer, params = Optimizer(0.1), {"w": array(1.0)}
    optimizer.opt_state = um.tree.map(unp.zeros_like, params)
    for _ in range(2):
        params = optimizer.update({"w": array(1.0)}, params)
    assert numbers(params["w"]) == pytest.approx(1 - 0.1 - 0.19)
    compare("state management", backend, (first, second, one, two, params))


def test_what_is_the_catch(backend):
    @functools.partial(um.value_and_grad, has_aux=True)
    def loss_fn(params, model, x, y):
        model = model.update(params)

        y_pred = model(x)
        loss = unp.mean((y_pred - y) ** 2)

        return loss, model

    model = um.Sequential(um.Linear(2, 2), um.BatchNorm(2)).init(0)
    params = model.parameters()
    (loss, model), _ = loss_fn(params, model, batch(), batch())
    assert any(value != 0 for value in numbers(model[1].mean))
    compare("the catch", backend, (loss, model))


def test_training_state(backend):
    model = um.Sequential(um.Linear(2, 2), um.Dropout(0.5)).init(0)
    model(batch())
    model = model.eval()
    assert model.training is model[1].training is False
    y_pred = model(batch())
    assert numbers(y_pred) == numbers(model(batch()))
    compare("training state", backend, y_pred)


def conv_block(din, dout):
    return um.Sequential(um.Conv(din, dout, (3, 3)), um.BatchNorm(dout), um.nn.relu)


def test_freezing_layers(backend):
    model = um.Sequential(conv_block(1, 2), conv_block(2, 2), conv_block(2, 1)).init(0)

    # freeze some layers
    for layer in model.layers[:-1]:
        layer.freeze(inplace=True)

    assert [layer.frozen for layer in model.layers] == [True, True, False]
    assert um.tree.paths_of(model.parameters())[0] == "layers.2.layers.0.kernel"
    compare("freezing layers", backend, model(batch(2, 16).reshape((2, 4, 4, 1))))


def test_freezing_a_backbone(backend):
    backbone = MLP([2, 3]).init(0)
    backbone.output_features = 3
    backbone = backbone.freeze()

    model = um.Sequential(backbone, um.Linear(backbone.output_features, 10)).init(42)

    @functools.partial(um.value_and_grad, has_aux=True)
    def loss_fn(params, model, x, y):
        model = model.update(params)
        return um.losses.cross_entropy(model(x), y), model

    @jit
    def train_step(model, x, y, optimizer):
        # only differentiate w.r.t. parameters whose module is not frozen
        params = model.filter(
            um.Parameter,
            lambda field: not field.module.frozen,
        )
        (loss, model), grads = loss_fn(params, model, x, y)
        model = model.update(optimizer.update(grads, params))
        return loss, model, optimizer

    before = numbers(model[0].layers[0].kernel)
    optimizer = um.Optimizer(um.optim.adam(1e-3)).init(model.trainable_parameters())
    loss, model, optimizer = train_step(model, batch(), array([0, 3, 5, 9], "int32"), optimizer)
    assert numbers(model[0].layers[0].kernel) == before
    compare("a backbone", backend, (loss, model[1]))


class FullLinear(um.Module):
    w: um.Parameter[um.Initializer, Any]
    b: um.Parameter[Any]

    def __init__(self, din, dout):
        self.w = um.Initializer(lambda key: um.random.uniform(key, shape=(din, dout)))
        self.b = unp.zeros(shape=(dout,))

    def __call__(self, x):
        return unp.matmul(x, self.w) + self.b


def test_full_example(backend, capsys):
    source = np.random.default_rng(1)
    data = source.uniform(size=(500, 1)).astype("float32")
    x, y = unp.asarray(data), unp.asarray((1.4 * data - 0.3).astype("float32"))

    model = FullLinear(1, 1).init(42)
    optimizer = um.Optimizer(um.optim.adam(0.01))
    optimizer = optimizer.init(model.parameters())

    @functools.partial(um.value_and_grad, has_aux=True)
    def loss_fn(params, model, x, y):
        model = model.update(params)

        y_pred = model(x)
        loss = unp.mean((y_pred - y) ** 2)

        return loss, model

    @jit
    def train_step(model, x, y, optimizer):
        params = model.parameters()
        (loss, model), grads = loss_fn(params, model, x, y)

        # here model == params
        model = optimizer.update(grads, model)

        return loss, model, optimizer

    for step in range(1000):
        loss, model, optimizer = train_step(model, x, y, optimizer)
        if step % 100 == 0:
            print(f"loss: {float(loss):.4f}")

    model = model.eval()

    x_test = unp.asarray(np.linspace(data.min(), data.max(), 100)[:, None].astype("float32"))
    y_pred = model(x_test)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 10
    assert printed[-1] == "loss: 0.0000"
    np.testing.assert_allclose(numbers(y_pred), 1.4 * np.asarray(numbers(x_test)) - 0.3, atol=2e-3)
    assert PRINTED.setdefault("full example", printed) == printed


PRINTED: dict[str, list[str]] = {}


def test_copies_share_no_state(backend):
    average = Average()
    other = copy.deepcopy(average)
    other(batch())
    assert int(average.count) == 0
