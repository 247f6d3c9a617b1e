"""What a user of named ambient state can do, one row after the other, on each engine; engines are compared."""

from __future__ import annotations

import asyncio
import functools
import io
import pickle
import threading

import numpy as np
import pytest

import unimod as um
import unimod.stateful as sf
from tests.conformance.stateful_runs import Compared, array, batch, numbers, zeros
from unimod.errors import (
    CapturedModuleError,
    DTypeError,
    NotInitializedError,
    OptionError,
    TreeError,
)

pytestmark = pytest.mark.thin(1)  # a quick run takes all of them

compare = Compared()
jit = functools.partial(um.jit, compiler="graph")
ROWS = {}


def row(fn):
    """A scenario: asserts what it can by itself, and gives a tree of arrays that the engines must agree on."""
    ROWS[fn.__name__.upper()] = fn
    return fn


class Model(sf.Module):
    lr: float = 0.1

    def __init__(self, size=1):
        self.size = size
        self.h1 = sf.Layer(um.nn.Linear, None, 4, name="h1")

    def predict(self, x):
        h = um.nn.tanh(self.h1(x))
        return self.get("out", um.nn.Linear, None, self.size, use_bias=False)(h) + self.get("bias", zeros, self.size)

    def loss(self, x, y):
        return um.numpy.mean((self.predict(x) - y) ** 2)

    def train(self, x, y):
        loss, params, grads = sf.grad(self.loss, [self.h1, f"{self.path}/out", f"{self.path}/bias"])(x, y)
        self.put(um.tree.map(lambda p, g: p - self.lr * g, params, grads))
        self.put("steps", self.get("steps", zeros, (), "int32") + 1)
        return loss


def model_and_state(**options):
    model, x = Model(name="m", **options), batch()
    return model, sf.init(model.train)({}, x, x[:, :1], seed=0), x


class Counter(sf.Module):
    def count(self):
        return self.put("n", self.get("n", zeros, (), "int32") + 1)


@row
def nj1():
    model, state, x = model_and_state()
    losses = []
    for _ in range(3):
        state, loss = sf.pure(model.train)(state, x, x[:, :1])
        losses.append(loss)
    assert float(losses[-1]) < float(losses[0])
    assert numbers(state["m/steps"]) == 3
    return state, losses


@row
def nj2():
    model, x = Model(name="m"), batch()
    state, y = sf.pure(model.predict)({}, x, create=True, seed=0)
    assert sorted(state) == ["m/bias", "m/h1/bias", "m/h1/kernel", "m/out/kernel"]
    with pytest.raises(NotInitializedError, match="may be created"):
        sf.pure(model.predict)({}, x, seed=0)
    return state, y


@row
def nj3():
    model, state, x = model_and_state()
    before = set(state)
    for method, args in ((model.predict, (x,)), (model.loss, (x, x[:, :1])), (model.train, (x, x[:, :1]))):
        state, _ = sf.pure(method)(state, *args)
        assert set(state) == before
    return state


class Wrapped(um.Module):
    """A module with the names of Flax; those of Flax itself are in test_interop_stateful.py."""

    def __init__(self, features):
        fill = um.nn.initializers.lecun_normal()
        self.params = {"kernel": um.Parameter(um.Initializer(lambda key: fill(key, (2, features), "float32")))}

    def __call__(self, x):
        return um.numpy.matmul(x, self.params["kernel"])


@row
def nj4():
    with pytest.raises(DTypeError, match="no module of the library"):
        sf.FromFlax(Wrapped)(3, name="lin")
    linear = sf.FromModule(Wrapped)(3, name="lin")
    state, y = sf.pure(linear)({}, batch(), create=True, seed=0)
    assert list(state) == ["lin/params/kernel"]
    assert tuple(state["lin/params/kernel"].shape) == (2, 3)
    return state, y


@row
def nj5():
    assert Model(3, lr=0.01, name="m").lr == 0.01
    assert Model(name="m").lr == 0.1
    assert Model(lr=1, name="m").lr == 1
    with pytest.raises(DTypeError, match="another type"):
        Model(lr="fast", name="m")
    _, state, x = model_and_state(lr=0.5)
    return sf.pure(Model(name="m", lr=0.5).train)(state, x, x[:, :1])


@row
def nj6():
    with pytest.raises(OptionError, match="needs a name"):
        Model()
    assert Model(name="m").path == "m"
    assert Model(name="m").h1.path == "m/h1"
    with sf.scope("agent"):
        inner = Counter(name="c")
    assert inner.path == "agent/c"
    assert inner.name == "c"
    return sf.pure(inner.count)({}, create=True)[0]


@row
def nj7():
    class Net(sf.Module):
        def __call__(self, x):
            h = self.get("h", sf.FromModule(um.nn.Linear), None, 3)(x)
            again = self.get("h", sf.FromModule(um.nn.Linear), None, 3)(x)
            return h, again, self.get("scale", lambda: {"a": um.numpy.ones((3,))})["a"]

    state, (one, two, _) = sf.pure(Net(name="n"))({}, batch(), create=True, seed=0)
    assert sorted(state) == ["n/h/bias", "n/h/kernel", "n/scale"]
    assert numbers(one) == numbers(two)
    return state, one


@row
def nj8():
    class Pair(sf.Module):
        def swap(self):
            a, b = self.get("a", zeros), self.get("b", um.numpy.ones, ())
            self.put({"a": b, "pair/b": a})
            self.putm(self.getm())
            self.put("c", 3.0)
            return self.read("c")

    state, _ = sf.pure(Pair(name="pair").swap)({}, create=True)
    assert {key: numbers(value) for key, value in state.items()} == {"pair/a": 1.0, "pair/b": 0.0, "pair/c": 3.0}
    return state


@row
def nj9():
    model, state, _ = model_and_state()

    def look():
        assert sorted(model.getm("h1/.*")) == ["m/h1/bias", "m/h1/kernel"]
        assert sorted(model.find("bias$")) == ["m/bias", "m/h1/bias"]
        with pytest.raises(TreeError, match="matches no entry"):
            model.getm("h2/.*")
        with pytest.raises(TreeError, match="matches no entry"):
            model.find("kernels")
        return dict(model.getm("h1/.*"))

    return sf.pure(look)(state)[1]


@row
def nj10():
    counter = Counter(name=["path", "to", "module"][-1])

    def twice():
        counter.count()
        state = counter.getm()
        assert list(state) == ["module/n"]
        state["n"] += 1
        state["module/n"] += 1
        counter.putm(state)
        return counter.getm()["n"], counter.get("n")

    state, (one, other) = sf.pure(twice)({}, create=True)
    assert numbers(one) == numbers(other) == numbers(state["module/n"]) == 3
    return state


@row
def nj11():
    class Noise(sf.Module):
        def __call__(self):
            first, second = um.random.normal(sf.rng(), (3,)), um.random.normal(sf.seed(), (3,))
            many = sf.rng(2)
            return first, second, um.random.key_data(many)

    state, out = sf.pure(Noise(name="n"))({}, seed=0)
    assert not state
    assert numbers(out[0]) != numbers(out[1])
    with pytest.raises(NotInitializedError, match="got no seed"):
        sf.pure(Noise(name="n"))({})
    kernel = sf.pure(lambda: sf.get("h1", um.nn.Linear, 2, 3))({}, seed=7, create=True)
    assert not kernel[0]  # a layer is filled when it is called
    filled, _ = sf.pure(lambda x: sf.get("h1", um.nn.Linear, 2, 3)(x))({}, batch(), seed=7, create=True)

    class Plain(um.Module):
        def __init__(self):
            self.h1 = um.nn.Linear(2, 3)

    assert numbers(filled["h1/kernel"]) == numbers(Plain().init(7).h1.kernel)
    return out, filled


@row
def nj12():
    counter = Counter(name="c")
    count = sf.pure(counter.count)
    state, _ = count({}, create=True)
    state, _ = jit(count)(state)
    states, out = um.vmap(lambda s: count(s))({"c/n": array([1, 5], "int32")})
    assert numbers(state["c/n"]) == 2
    assert numbers(states["c/n"]) == [2, 6] == numbers(out)
    loss = sf.pure(lambda x: um.numpy.sum(sf.get("w") * x))
    grads = um.grad(lambda s, x: loss(s, x)[1])({"w": array([1.0, 2.0])}, array([3.0, 4.0]))
    assert numbers(grads["w"]) == [3.0, 4.0]
    (last, _), ns = um.scan(lambda carry, x: ((count(carry[0])[0], carry[1]), carry[0]["c/n"]), (state, 0.0), batch())
    assert numbers(last["c/n"]) == 6
    assert numbers(ns) == [2, 3, 4, 5]
    return state, states, grads, last


@row
def nj13():
    counter = Counter(name="c")
    count = sf.pure(counter.count)
    with pytest.raises(NotInitializedError):
        count({})
    state, _, track = count({"other": array(1.0)}, create=True, track=True)
    assert track == (frozenset({"c/n"}), frozenset({"c/n"}), frozenset({"c/n"}))
    assert "other" in state
    state, _, track = count(state, track=True)
    assert track == sf.Track(frozenset({"c/n"}), frozenset(), frozenset({"c/n"}))
    with pytest.raises(OptionError, match="not to be modified"):
        count(state, modify=False)
    kept, _ = count(state, ignore=True)
    assert numbers(kept["c/n"]) == numbers(state["c/n"]) == 2

    def nested(**flags):
        return sf.pure(lambda: count(sf.state(), **flags)[0])

    for outer, inner in (
        ({}, {"create": True}),
        ({"modify": False}, {"modify": True}),
        ({"ignore": True}, {"ignore": False}),
    ):
        with pytest.raises(OptionError, match="may do less"):
            nested(**inner)(state, **outer)
    with pytest.raises(OptionError, match="not to be modified"):
        nested()(state, modify=False)
    outside, inside = nested(modify=True)(state)
    assert numbers(outside["c/n"]) == 2
    assert numbers(inside["c/n"]) == 3
    return state, kept, inside


@row
def nj14():
    state, out = sf.pure(lambda x: sf.put("y", x) * 2)({}, array(3.0), create=True)
    assert list(state) == ["y"]
    assert numbers(out) == 6.0
    return state, out


@row
def nj15():
    model, x = Model(name="m"), batch()
    state = sf.init(model.predict)({}, x, seed=0)
    more = sf.init(model.train)(state, x, x[:, :1], seed=1)
    assert numbers(more["m/bias"]) == [0.0]
    assert set(more) - set(state) == {"m/steps"}
    assert all(more[key] is state[key] for key in state)
    return more


@row
def nj16():
    counter = Counter(name="c")
    step, state, seen = sf.jit(counter.count, compiler="graph"), {}, []
    for _ in range(3):
        state, n = step(state, seed=0)
        seen.append(numbers(n))
    plain, other = jit(sf.pure(counter.count)), {}
    for _ in range(3):
        other, _ = plain(other, create=True)
    assert seen == [1, 2, 3]
    assert step.trace_count == 1
    assert numbers(other["c/n"]) == 3
    assert plain.trace_count == 2
    return state, other


@row
def nj17():
    class Moded(sf.Module):
        def run(self, x, mode):
            return x * 2 if mode == "double" else x + self.get("b", um.numpy.ones, ())

    run = sf.jit(Moded(name="m").run, static=["mode"], donate=["state"], compiler="graph")
    state, doubled = run({}, array(3.0), mode="double", seed=0)
    state, added = run(state, array(3.0), "add", seed=0)
    state, again = run(state, array(4.0), "add")
    assert (numbers(doubled), numbers(added), numbers(again)) == (6.0, 4.0, 5.0)
    with pytest.raises(OptionError, match="to be donated"):
        sf.jit(Moded(name="m").run, donate="weights")

    # Mapped over devices: in one process a named axis of vmap, with the state the same on all of them.
    def synchronized(x):
        mean = um.pmean(um.numpy.mean(sf.get("w") * x), "devices")
        sf.put("w", sf.get("w") - mean)
        return mean

    spread = um.vmap(sf.pure(synchronized), in_axes=(None, 0), out_axes=(None, 0), axis_name="devices")
    for through in (lambda f: f, jit):
        after, means = through(spread)({"w": array(2.0)}, batch())
        assert numbers(after["w"]) == pytest.approx(2.0 - 2 * 0.5625)
        assert len(set(numbers(means))) == 1
    return state, doubled, added, after, means


@row
def nj18():
    model, state, x = model_and_state()
    y = x[:, :1]

    def step(keys):
        return lambda: sf.grad(lambda x, y: (model.loss(x, y), x + 1), keys, has_aux=True)(x, y)

    _, (loss, params, grads, aux) = sf.pure(step([model.h1, "m/bias"]))(state)
    assert sorted(params) == sorted(grads) == ["m/bias", "m/h1/bias", "m/h1/kernel"]
    assert numbers(aux) == numbers(x + 1)
    _, (_, by_prefix, _, _) = sf.pure(step("m/h1"))(state)
    assert sorted(by_prefix) == ["m/h1/bias", "m/h1/kernel"]
    expected = um.grad(lambda s: sf.pure(model.loss)(s, x, y)[1], allow_int=True)(state)
    for key, value in grads.items():
        np.testing.assert_allclose(numbers(value), numbers(expected[key]), rtol=1e-5, atol=1e-7)
    with pytest.raises(TreeError, match="Nothing that can be trained"):
        sf.pure(step(["m/h1", "m/nothing"]))(state)
    return loss, grads


@row
def nj19():
    def f(x):
        sf.put("seen", sf.get("seen", zeros) + 1)
        return um.numpy.sum(sf.get("w", um.numpy.ones, (2,)) * x**2)

    x = array([1.0, 3.0])
    state, (_, args, slopes) = sf.pure(lambda x: sf.grad(f, 0)(x))({}, x, create=True)
    assert numbers(slopes) == [2.0, 6.0]
    assert numbers(args) == [1.0, 3.0]
    assert numbers(state["seen"]) == 1.0
    _, (_, _, (by_key, by_place)) = sf.pure(lambda x: sf.grad(f, "w", argnums=[0])(x))(state, x)
    assert numbers(by_key["w"]) == [1.0, 9.0]
    assert numbers(by_place[0]) == [2.0, 6.0]
    plain = sf.pure(lambda x: um.grad(lambda x: um.numpy.sum(sf.get("w") * x**2))(x))(state, x)[1]
    assert numbers(plain) == [2.0, 6.0]
    return state, slopes, by_key


@row
def nj20():
    def loss(x):
        n = sf.put("n", sf.get("n", zeros) + 1)
        noise = um.random.normal(sf.rng(), ())
        return sf.get("w", um.numpy.ones, ()) * x + 0 * n, (noise, n)

    def both(x):
        _, _, _, (inside, n) = sf.grad(loss, "w", has_aux=True)(x)
        return inside, um.random.normal(sf.rng(), ()), n

    state, (inside, after, n) = sf.pure(both)({}, array(2.0), seed=0, create=True)
    assert numbers(state["n"]) == numbers(n) == 1.0
    direct, (_, (first, _)) = sf.pure(loss)(state, array(2.0), seed=0)
    assert numbers(first) == numbers(inside) != numbers(after)
    assert numbers(direct["n"]) == 2.0
    again, _ = jit(sf.pure(both))(state, array(2.0), seed=0)
    assert numbers(again["n"]) == 2.0
    return state, inside, after


@row
def nj21():
    def look():
        sf.put("new", 1.0)
        found = sf.context()
        with pytest.raises(KeyError):
            found["nothing"]
        return sorted(found.keys()), sf.state()

    state = {"a": array(1.0)}
    _, (keys, everything) = sf.pure(look)(state, create=True)
    assert keys == ["a", "new"]
    assert list(state) == ["a"]
    with pytest.raises(NotInitializedError, match="no state here"):
        sf.context()
    return everything


@row
def nj22():
    class Net(sf.Module):
        dense = functools.partial(sf.Layer, um.nn.Linear)

        def __init__(self):
            self.a = self.dense(None, 3, name="a")

        def __call__(self, x):
            return self.get("b", functools.partial(sf.Layer, um.nn.Linear, None), 2)(um.nn.relu(self.a(x)))

    state, y = sf.pure(Net(name="n"))({}, batch(), create=True, seed=0)
    assert sorted(state) == ["n/a/bias", "n/a/kernel", "n/b/bias", "n/b/kernel"]
    assert tuple(y.shape) == (4, 2)
    return state, y


class Trained(sf.Module):
    def __init__(self, is_swapped=False):
        self.mlp = Model(name="mlp")
        self.opt = sf.OptaxModule(um.optim.sgd, 0.1, momentum=0.5, name="opt")
        self.is_swapped = is_swapped

    def train(self, x, y):
        self.mlp.predict(x)
        keys = self.mlp.getm(".*")
        return self.opt(self.loss, keys, x, y) if self.is_swapped else self.opt(keys, self.loss, x, y)

    def loss(self, x, y):
        return um.numpy.mean((self.mlp.predict(x) - y) ** 2)


@row
def nj23():
    found = []
    for is_swapped in (False, True):
        model, x = Trained(is_swapped, name="t"), batch()
        state, losses = sf.init(model.train)({}, x, x[:, :1], seed=0), []
        step = jit(sf.pure(model.train))
        for _ in range(3 - is_swapped):
            state, metrics = step(state, x, x[:, :1])
            losses.append(numbers(metrics["loss"]))
        assert sorted(metrics) == ["grad_norm", "loss", "param_norm", "update_norm"]
        assert losses == sorted(set(losses), reverse=True)
        assert step.trace_count == 1
        assert any(key.startswith("t/opt/") and key.endswith("trace/t/mlp/h1/kernel") for key in state)
        found.append(losses)
    assert found[0][:2] == found[1]
    return state, metrics


@row
def nj24():
    def body(carry, x):
        n = sf.put("n", sf.get("n", zeros, (), "int32") + 1)
        return carry + x, (n, um.random.uniform(sf.rng(), ()))

    scan = sf.pure(lambda xs: sf.scan(body, 0.0, xs))
    state, (total, (ns, noise)) = scan({}, array([1.0, 2.0, 4.0]), create=True, seed=0)
    assert numbers(ns) == [1, 2, 3]
    assert numbers(total) == 7.0
    assert len(set(numbers(noise))) == 3
    compiled, _ = jit(scan)(state, array([1.0, 2.0]), seed=0)
    assert numbers(state["n"]) == 3
    assert numbers(compiled["n"]) == 5

    def bump(x):
        sf.put("n", sf.get("n") + 10)
        return x

    choose = sf.pure(lambda go, x: sf.cond(go, bump, lambda x: -x, x))
    yes, no = choose(state, array(True, "bool"), array(1.0)), choose(state, array(False, "bool"), array(1.0))
    assert (numbers(yes[0]["n"]), numbers(yes[1]), numbers(no[0]["n"]), numbers(no[1])) == (13, 1.0, 3, -1.0)
    return state, total, noise, yes, no


@row
def nj25():
    def grow(x):
        return sf.put("x", sf.get("x") * 2) + 0 * x

    loop = sf.pure(lambda x: sf.while_loop(lambda x: sf.get("x") < 50.0, grow, x))
    state, last = loop({"x": array(3.0)}, array(0.0))
    assert numbers(state["x"]) == 96.0 == numbers(last)
    state, total = sf.pure(lambda: sf.fori_loop(0, 3, lambda i, total: total + grow(array(0.0)) + i, array(0.0)))(state)
    assert numbers(state["x"]) == 768.0
    assert numbers(total) == 192 + 384 + 768 + 3

    def loss(x):
        n = sf.checkpoint(lambda x: um.numpy.sin(sf.put("x", sf.get("x") * x)))(x)
        return n**2

    gradient = sf.pure(lambda x: sf.grad(loss, "x")(x))
    after, (_, _, grads) = gradient({"x": array(0.5)}, array(2.0))
    assert numbers(after["x"]) == 1.0
    np.testing.assert_allclose(numbers(grads["x"]), 2 * np.sin(1.0) * np.cos(1.0) * 2.0, rtol=1e-6)
    return state, after, grads


@row
def nj26():
    class Held(sf.Module):
        def __init__(self):
            self.v = sf.Variable(um.numpy.ones, (2,), name="v")
            self.t = sf.Tree(lambda: {"a": zeros(), "b": (zeros((2,)),)}, name="t")

        def run(self):
            self.v.write(self.v.read() + 1)
            self.t.write(um.tree.map(lambda x: x + 2, self.t.read()))
            self.write("w", 3.0)
            inner = self.sub("inner", Counter)
            inner.count()
            return self.value("u", zeros), self.read("w"), self.values()

    state, (_, _, values) = sf.pure(Held(name="h").run)({}, create=True)
    assert sorted(state) == ["h/inner/n", "h/t/a", "h/t/b/0", "h/u", "h/v", "h/w"]
    assert numbers(state["h/v"]) == [2.0, 2.0]
    assert numbers(state["h/t/b/0"]) == [2.0, 2.0]
    assert sorted(values) == ["inner/n", "t/a", "t/b/0", "u", "v", "w"]
    return state


@row
def nj27():
    counter, found, errors = Counter(name="c"), {}, []
    count, barrier = sf.pure(counter.count), threading.Barrier(2, timeout=20)
    start, backend = {"c/n": array(0, "int32")}, um.backend_info().name

    def slow():
        barrier.wait()
        for _ in range(5):
            counter.count()
            barrier.wait()
        return counter.get("n")

    def work(name, first):
        try:
            with um.use_backend(backend):
                found[name] = sf.pure(slow)({"c/n": first})[0]
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i, start["c/n"] + 10 * i)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert [numbers(found[i]["c/n"]) for i in range(2)] == [5, 15]

    async def task(first):
        state = {"c/n": first}
        for _ in range(3):
            with sf.scope("elsewhere"):
                await asyncio.sleep(0)
                state, _ = count(state)
            await asyncio.sleep(0)
        return state

    async def tasks():
        return await asyncio.gather(task(start["c/n"]), task(start["c/n"] + 100))

    one, two = asyncio.run(tasks())
    assert (numbers(one["c/n"]), numbers(two["c/n"])) == (3, 103)
    with pytest.raises(DTypeError, match="no coroutine"):
        sf.pure(task)
    return found[0], found[1], one, two


@row
def nj28():
    model, state, x = model_and_state()
    again = pickle.loads(pickle.dumps(model))
    assert again.path == "m"
    assert again.h1.path == "m/h1"
    assert again.lr == model.lr
    trained = pickle.loads(pickle.dumps(Trained(name="t")))
    assert trained.opt.path == "t/opt"
    loaded = pickle.loads(pickle.dumps(state))
    return sf.pure(again.predict)(loaded, x)


@row
def nj29():
    model, x = Trained(name="t"), batch()
    state = sf.init(model.train)({}, x, x[:, :1], seed=0)
    state, _ = sf.pure(model.train)(state, x, x[:, :1])
    file = io.BytesIO()
    np.savez(file, **{key: np.asarray(value) for key, value in state.items()})
    file.seek(0)
    loaded = dict(np.load(file))
    fresh = Trained(name="t")  # as in a new process: it has not been called
    one, two = sf.pure(model.train)(state, x, x[:, :1])[0], sf.pure(fresh.train)(loaded, x, x[:, :1])[0]
    assert all(numbers(one[key]) == numbers(two[key]) for key in state)
    return two


@row
def nj30():
    # A claim about how the predecessor is installed; here the style is a part of the package that stands by itself.
    assert sf.Module.__module__.startswith("unimod.stateful")
    return sf.pure(Counter(name="c").count)({}, create=True)


@pytest.mark.parametrize("name", [f"NJ{n}" for n in range(1, 31)])
def test_row(name, backend):
    compare(name, backend, ROWS[name]())


def test_a_plain_grad_that_would_lose_what_it_writes_is_refused(backend):
    def f(x):
        sf.put("n", sf.get("n") + 1)
        return x**2

    with pytest.raises(CapturedModuleError, match="captured it"):
        sf.pure(lambda x: um.grad(f)(x))({"n": array(0.0)}, array(1.0))
