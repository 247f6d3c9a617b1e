"""What later versions and companions brought: optimizers as chains, graphs, growing modules, tree arithmetic, tasks."""

from __future__ import annotations

import functools
import pickle

import numpy as np
import pytest

import unimod as um
from tests.conformance.stateful_runs import Compared, array, batch, numbers
from unimod.errors import (
    CapturedModuleError,
    DTypeError,
    OptionError,
    StateDictError,
    TreeError,
    UnreturnedStateWarning,
)

pytestmark = pytest.mark.thin(1)  # a quick run takes all of them

compare = Compared(rtol=1e-4, atol=1e-5)
jit = functools.partial(um.jit, compiler="graph")
ROWS = {}


def row(fn):
    """A scenario: asserts what it can by itself, and gives a tree of arrays that the engines must agree on."""
    ROWS[fn.__name__.upper().replace("_", "-", 1)] = fn
    return fn


def linear():
    return um.nn.Linear(2, 3).init(0)


def gradients(model, x):
    return um.grad(lambda model, x: um.numpy.sum(model(x) ** 2))(model, x)


@row
def c1():
    model = linear()
    parts = um.optim.clip_by_global_norm(1.0), um.optim.scale_by_adam(), um.optim.scale(1e-2)
    opt = um.optim.chain(*parts).init(model.parameters())
    grads = gradients(model, batch())
    updates, opt = opt.update(grads, model.parameters())
    np.testing.assert_allclose(numbers(opt[0].global_norm), numbers(um.tree.norm(grads)), rtol=1e-5)
    return updates, opt[0].global_norm


@row
def c2():
    model = linear()
    schedule = um.optim.scale_by_schedule(lambda step: 0.5 ** (step + 1))
    opt = um.optim.chain(um.optim.scale_by_adam(), schedule).init(model.parameters())
    rates = []
    for _ in range(2):
        rates.append(array(opt[-1].learning_rate))
        _, opt = opt.update(gradients(model, batch()), model.parameters())
    assert [numbers(rate) for rate in rates] == [0.5, 0.25]
    return rates


@row
def c3():
    model = linear()
    each = um.vmap(gradients, in_axes=(None, 0))(model, batch()[:, None])
    opt = um.optim.differentially_private_aggregate(1e6, 0.0, seed=42).init(model.parameters())
    updates, _ = opt.update(each, model.parameters())
    whole = gradients(model, batch())
    np.testing.assert_allclose(numbers(updates.kernel), np.asarray(numbers(whole.kernel)) / 4, rtol=1e-5)
    return updates


class Counter(um.Module):
    def __init__(self):
        self.count = array(0.0)
        self.inner = [array(1.0)]

    def __call__(self, x):
        self.count = self.count + 1
        self.inner[0] = self.inner[0] * 2
        return x * self.count


@row
def c4_call():
    counter = Counter()
    after, y = um.call(counter, array(3.0))
    assert (numbers(counter.count), numbers(after.count)) == (0.0, 1.0)
    assert (numbers(counter.inner[0]), numbers(after.inner[0])) == (1.0, 2.0)
    return after, y


@row
def c4_pure():
    @um.pure
    def run(counter, x):
        return counter, counter(x)

    counter = Counter()
    after, y = run(counter, array(3.0))
    assert (numbers(counter.count), numbers(after.count)) == (0.0, 1.0)
    bound = um.pure(counter)(array(3.0))
    assert (numbers(counter.count), numbers(bound)) == (1.0, 3.0)
    um.pure(counter.__call__)(array(3.0))
    assert numbers(counter.count) == 2.0
    assert numbers(counter.inner[0]) == 4.0
    return after, y


@row
def c4_lost():
    with pytest.warns(UnreturnedStateWarning, match="count"):
        return um.pure(lambda counter, x: counter(x))(Counter(), array(3.0))


@row
def c4_leak():
    counter = Counter()
    with pytest.raises(CapturedModuleError, match="captured"):
        um.pure(lambda x: counter(x))(array(3.0))
    assert (numbers(counter.count), numbers(counter.inner[0])) == (0.0, 1.0)
    return counter


@row
def c4_stateful():
    class Model(um.stateful.Module):
        def step(self):
            return self.put("n", self.get("n", um.numpy.zeros, ()) + 1)

    state, out = um.pure(Model(name="m").step)({}, create=True)
    assert list(state) == ["m/n"]
    return state, out


@row
def c5():
    model = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.relu, um.nn.Linear(3, 1)).init(0)
    new = model.replace_node(model[-1], um.nn.Linear(3, 5).init(1))
    assert tuple(new(batch()).shape) == (4, 5)
    changed = model[0].replace(kernel=um.numpy.ones((2, 3)))
    assert changed.parameters().kernel is changed.kernel
    with pytest.raises(TreeError, match="no attribute"):
        model[0].replace(weight=1)
    return new, changed


@row
def c6():
    one, other = linear(), um.nn.Linear(2, 3).init(1)
    loaded = other.load_state_dict(pickle.loads(pickle.dumps(one.state_dict())))
    assert numbers(loaded.kernel) == numbers(one.kernel)
    wrong = {**one.state_dict(), "kernel": um.numpy.ones((3, 2))}
    with pytest.raises(StateDictError, match="kernel"):
        other.load_state_dict(wrong)
    return loaded


@row
def c7():
    text = linear().summary()
    assert "Linear" in text
    assert "9" in text
    return linear()


@row
def c8_scan():
    cell, x = um.nn.GRUCell(2, 3).init(0), batch(4, 6).reshape((4, 3, 2))
    last, out = um.scan(cell, cell.initial_state(4), x, time_major=False)
    assert tuple(out.shape) == (4, 3, 3)
    return last, out


def regression(model, x, y):
    loss = um.numpy.mean((model(x) - y) ** 2)
    return loss, (loss, model)


@row
def c8_update():
    update = jit(um.build_update_fn(regression))
    model, losses = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.BatchNorm(3)).init(0), []
    opt = um.optim.sgd(0.1).init(model.parameters())
    for _ in range(3):
        model, opt, loss = update(model, opt, batch(), batch()[:, :1])
        losses.append(loss)
    assert numbers(losses[-1]) < numbers(losses[0])
    assert any(value != 0 for value in numbers(model[1].mean))
    return losses, model


@row
def c8_scan_mode():
    update = um.build_update_fn(lambda model, pair: regression(model, *pair), scan_mode=True)
    model = linear()
    opt = um.optim.sgd(0.1).init(model.parameters())
    x = batch(6, 2).reshape((3, 2, 2))
    (model, opt), losses = um.scan(update, (model, opt), (x, x[..., :1]))
    assert tuple(losses.shape) == (3,)
    return model, losses


@row
def c8_errors():
    model = linear()
    opt = um.optim.sgd(0.1).init(model.parameters())
    with pytest.raises(DTypeError, match="than an update needs"):
        um.build_update_fn(lambda model, x: (um.numpy.sum(model(x)), model))(model, opt, batch())
    with pytest.raises(TreeError, match="another structure"):
        um.build_update_fn(lambda model, x: (um.numpy.sum(model(x)), (1, um.nn.Identity())))(model, opt, batch())
    return model


class Grown(um.Module):
    def __init__(self, size=None):
        self.size = size

    def __call__(self, x):
        x = um.nn.relu(self.get_or_create("fc1", lambda: um.nn.Linear(self.size, 3))(x))
        return self.get_or_create("fc2", lambda: um.nn.Linear(self.size and 3, 1))(x)


@row
def c9_lazy():
    net = Grown().init(0, batch())
    assert list(net.state_dict()) == ["fc1.kernel", "fc1.bias", "fc2.kernel", "fc2.bias"]
    fixed = um.nn.Sequential(um.nn.Linear(2, 3)).init(0)
    assert net.fc1.kernel.shape == fixed[0].kernel.shape
    return net, jit(lambda net, x: net(x))(net, batch())


@row
def c9_lazy_ambient():
    with um.rng(um.random.key(0)):
        net, y = um.call(Grown(2), batch())
    assert isinstance(net.fc1, um.nn.Linear)
    return net, y


def residual(x):
    y = x >> um.nn.Linear(x.shape[-1], x.shape[-1])
    y >>= um.nn.relu
    return (x | y) >> um.numpy.add


@row
def c9_graph():
    net = um.build_graph_module(residual)(batch()).init(0)
    assert "Linear" in net.summary()
    assert list(net.state_dict()) == ["layers.0.kernel", "layers.0.bias"]
    x = batch()
    expected = um.numpy.add(x, um.nn.relu(net.layers[0](x)))
    assert numbers(net(x)) == numbers(expected)
    grads = um.grad(lambda net, x: um.numpy.sum(net(x)))(net, x)
    return net, jit(net)(x), grads


@row
def c9_graph_groups():
    x = um.input_node(batch())
    y = x >> um.nn.Linear(2, 4).init(0) >> um.nn.relu
    joined = x & y >> (lambda v: 2 * v) & x
    assert len(joined.parents) == 3
    assert (x & (y & y)).parents == (x, y, y)
    assert ((y & y) & (x & x)).parents == (y, y, x, x)
    assert ((x | y) | (y | x)).parents == (x, y, y, x)
    t = joined >> functools.partial(um.numpy.concat, axis=-1)
    assert (t.shape, t.dtype) == ((4, 8), "float32")
    net = um.GraphModule([x], t)
    assert numbers(net(batch())) == numbers(t.value)
    return net(batch()), pickle.loads(pickle.dumps(um.GraphModule([x], y)))(batch())


@row
def c9_graph_shared():
    layer, x, y = um.nn.Linear(2, 2), um.input_node(), um.input_node()
    net = um.GraphModule([x, y], (x >> layer) & (y >> layer)).init(0, batch(), batch())
    assert (len(net.layers), len(net.state_dict())) == (1, 2)
    with pytest.raises(TreeError, match="does not have"):
        um.GraphModule([x], (x | y) >> um.numpy.add)
    with pytest.raises(DTypeError, match="number of inputs"):
        net(batch())
    with pytest.raises(DTypeError, match="functions and modules"):
        x >> 3
    with pytest.raises(DTypeError, match="go together"):
        x | 3
    return net(batch(), 2 * batch())


@row
def c10():
    model = linear()
    flat, restore = um.tree.ravel(model.parameters())
    opt = um.optim.adam(0.1).init(flat)
    grads, _ = um.tree.ravel(gradients(model, batch()))
    new, _ = opt.step(flat, grads)
    plain, _ = um.optim.adam(0.1).init(model.parameters()).step(model.parameters(), gradients(model, batch()))
    np.testing.assert_allclose(numbers(restore(new).kernel), numbers(plain.kernel), rtol=1e-6)
    return restore(new)


@row
def c11():
    one, other = {"a": array([3.0, 0.0])}, {"a": array([0.0, 4.0])}
    assert numbers(um.tree.norm(um.tree.add(one, other))) == 5.0
    assert numbers(um.tree.add(one, other, alpha=0.5)["a"]) == [3.0, 2.0]
    flat, restore = um.tree.ravel(one)
    assert numbers(restore(flat)["a"]) == [3.0, 0.0]
    return flat, um.tree.sub(one, other), um.tree.vdot(one, one), um.tree.neg(one)


@row
def c12():
    um.random.seed(42)
    try:
        model, key = um.nn.Linear(2, 1), um.next_key()
    finally:
        um.random.seed(None)
    keys = um.nn.RngSeq(42)
    drawn = um.random.uniform(keys.next(), (2,))
    assert numbers(drawn) != numbers(um.random.uniform(keys.next(), (2,)))
    return model, um.random.uniform(key, (2,)), drawn


@row
def c13():
    model, scale = linear(), um.DynamicLossScale(array(8.0))
    opt = um.optim.sgd(0.1).init(model.parameters())
    grads = um.grad(lambda model, x: scale.scale(um.numpy.sum(model(x) ** 2)))(model, batch())
    model, opt, scale = um.apply_gradients(model, opt, grads, loss_scale=scale)
    plain, _ = um.apply_gradients(linear(), um.optim.sgd(0.1).init(linear().parameters()), gradients(linear(), batch()))
    np.testing.assert_allclose(numbers(model.kernel), numbers(plain.kernel), rtol=1e-5)
    return model


@row
def c14():
    counter, other = Counter(), Counter()
    y = jit(lambda counter, x: counter(x), inplace=True)(counter, array(3.0))
    jit(other)(array(3.0))
    assert numbers(counter.count) == numbers(other.count) == 1.0
    return y, counter


@row
def c15():
    x = batch(4, 8).reshape((2, 4, 4))
    attention = um.nn.MultiHeadAttention(2, 4).init(0)
    image = x.reshape((1, 4, 4, 2))
    assert um.nets.ResNet18(3, 1000)
    return attention(x), um.nn.MaxPool(2)(image), um.nn.AvgPool(2)(image)


@row
def c16():
    ema, model = um.nn.EMA(0.5), linear()
    ema = ema.init(0, model)
    ema(model)
    later = um.tree.map(lambda leaf: leaf * 3, model)
    average = ema(later)
    np.testing.assert_allclose(numbers(average.kernel), np.asarray(numbers(model.kernel)) * 7 / 3, rtol=1e-5)
    return average, um.nn.running_avg(model, later, 0.25)


class SGD(um.Module):
    """An optimizer as a user writes it."""

    def __init__(self, params, rate=0.1, momentum=0.9):
        self.rate, self.momentum = rate, momentum
        self.velocity = um.OptState(um.tree.map(um.numpy.zeros_like, um.tree.leaves(params)))

    def step(self, params, grads):
        self.velocity = [self.momentum * v + g for v, g in zip(self.velocity, um.tree.leaves(grads), strict=True)]
        leaves, structure = um.tree.flatten(params)
        new = [p - self.rate * v for p, v in zip(leaves, self.velocity, strict=True)]
        return um.tree.unflatten(structure, new)


@row
def c17():
    @jit
    def step(model, opt, x):
        return model.update(opt.step(model.parameters(), gradients(model, x))), opt

    model = linear()
    opt = SGD(model.parameters())
    ready = um.optim.sgd(0.1, momentum=0.9).init(model.parameters())
    other = model
    for _ in range(2):
        other, ready = um.apply_gradients(other, ready, gradients(other, batch()))
        model, opt = step(model, opt, batch())
    np.testing.assert_allclose(numbers(model.kernel), numbers(other.kernel), rtol=1e-4)
    assert len(um.tree.leaves(opt.opt_states())) == 2
    return model, opt


def step(loss):
    @jit
    def run(params, data):
        before, grads = um.value_and_grad(loss)(params, data)
        after = um.tree.map(lambda p, g: p - 1e-3 * g, params, grads)
        return after, before, loss(after, data)

    return run


@row
def c18():
    found = {}
    assert um.tasks.names() == ["digits", "iris", "quadratic", "regression", "rosenbrock", "spirals"]
    small = {"digits": {"hidden": ()}, "iris": {"hidden": ()}, "spirals": {"hidden": ()}}
    for name in um.tasks.names():
        task = um.tasks.get(name, **small.get(name, {}))
        params = task.init(0)
        data = None if task.data is None else next(task.batches(32, seed=1))
        after, before, now = step(task.loss)(params, data)
        assert numbers(now) < numbers(before)
        assert task.minimum is None or numbers(now) > task.minimum
        found[name] = (before, now) if task.accuracy is None else (before, now, task.accuracy(after, data))
    return found


@row
def c18_errors():
    with pytest.raises(OptionError, match="did you mean 'quadratic'"):
        um.tasks.get("quadratik")
    with pytest.raises(OptionError, match="register"):
        um.tasks.get("xyz")
    um.tasks.register("mine", lambda: um.tasks.Task("mine", lambda seed: array(1.0), lambda x, batch: x * x))
    try:
        return um.grad(um.tasks.get("mine").loss)(array(3.0), None)
    finally:
        from unimod.tasks import _registry

        del _registry._makers["mine"]


@pytest.mark.parametrize("name", list(ROWS))
def test_row(name, backend):
    compare(name, backend, ROWS[name]())


def test_every_row_is_there():
    assert {name.split("-")[0] for name in ROWS} == {f"C{n}" for n in range(1, 19)}
