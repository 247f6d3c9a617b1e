"""What a user of modules with declared fields can do, row after row, on each engine; engines are compared."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from typing import Any, List, Optional  # noqa: UP035 (annotations as users write them)

import cloudpickle
import numpy as np
import pytest

import unimod as um
from tests.conformance.stateful_runs import Compared, array, batch, numbers
from unimod.errors import (
    CapturedModuleError,
    DTypeError,
    ImmutableModuleError,
    NotInitializedError,
    OptionError,
    ShapeError,
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


class MLP(um.Module):
    layers: List[um.nn.Linear]  # noqa: UP006

    def __init__(self, features):
        self.layers = [um.nn.Linear(*pair) for pair in itertools.pairwise(features)]

    def __call__(self, x):
        for linear in self.layers[:-1]:
            x = um.nn.relu(linear(x))
        return self.layers[-1](x)


@dataclasses.dataclass
class Pair(um.Module):
    a: Any = um.Parameter.node()  # noqa: RUF009
    b: Any = um.BatchStat.node()  # noqa: RUF009


class Affine(um.Module):
    w: um.Parameter[um.Initializer]
    b: Any = um.Parameter.node()
    name: str = um.static("affine")

    def __init__(self, din, dout):
        self.w = um.Initializer(lambda key: um.random.uniform(key, (din, dout)))
        self.b = um.numpy.zeros((dout,))

    def __call__(self, x):
        return um.numpy.matmul(x, self.w) + self.b


class Average(um.Module):
    count: Any = um.State.node()
    total: Any = um.State.node()

    def __init__(self):
        self.count, self.total = array(0.0), array(0.0)

    def __call__(self, x):
        self.count += float(np.prod(tuple(x.shape)))
        self.total += um.numpy.sum(x)
        return self.total / self.count


def pair():
    return Pair(a=array(1.0), b=array(2.0))


def mlp():
    return MLP([2, 3, 1]).init(42)


def loss_fn(model, x, y):
    return um.numpy.mean((model(x) - y) ** 2)


@row
def tx1():
    model = mlp()
    return model(batch())


@row
def tx2():
    model, x, y = mlp(), batch(), batch()[:, :1]
    grads = um.grad(loss_fn)(model, x, y)
    new = um.tree.map(lambda p, g: p - 0.01 * g, model, grads)
    assert isinstance(new, MLP)
    return new


@row
def tx3():
    class Own(um.Module):
        w: Any = um.field(node=True, kind=um.Parameter)
        s: Any = um.field(node=True, kind=um.State)
        k: Any = um.field(node=True, kind=um.Rng)
        n: Any = um.field(3, node=False)

    own = Own()
    own.w, own.s, own.k = array(1.0), array(2.0), um.random.key(0)
    assert [info.kind for info in um.fields(own)] == [um.Parameter, um.State, um.Rng]
    assert own.field_metadata["n"].node is False
    return own.w, own.s


@row
def tx4():
    model = Affine(2, 1).init(0)
    assert model.field_metadata["w"].kind is model.field_metadata["b"].kind is um.Parameter
    assert model.field_metadata["name"].node is False
    assert um.node() is not um.static()
    return model.parameters().w


@row
def tx4_annotations():
    class Own(um.Module):
        a: Optional["um.Parameter[um.Initializer]"]  # noqa: UP037, UP045
        b: "Optional[um.BatchStat[int]]"  # noqa: UP037, UP045
        c: "um.Cache[Any] | None"  # noqa: UP037
        d: "list[int]"  # noqa: UP037

    assert {name: kind.__name__ for name, kind in Own._um_meta0.kinds} == {
        "a": "Parameter",
        "b": "BatchStat",
        "c": "Cache",
    }
    # This file has all annotations as text; here they are objects, with text inside.
    objects = {"a": Optional["um.Parameter[int]"], "b": List["um.Cache[int]"], "c": Optional[um.Rng[int]]}  # noqa: UP006, UP045
    other = type("Other", (um.Module,), {"__annotations__": objects, "__module__": __name__})
    assert [kind for _, kind in other._um_meta0.kinds] == [um.Parameter, um.Cache, um.Rng]
    own = Own()
    own.a = array(1.0)
    return own.parameters().a


@row
def tx5():
    model = mlp()
    model.table, model.size = array([1.0, 2.0]), 3
    assert model.field_metadata["layers"].node
    assert model.field_metadata["table"].node
    assert not model.field_metadata["size"].node
    assert um.fields(model)[-1].kind is um.State
    return model.states().table


@row
def tx6():
    assert Pair(a=1, b=2).initialized is True
    assert Pair(a=um.Initializer(lambda key: 1), b=2).initialized is False
    return pair()


@row
def tx7():
    # Flax's formulas: lecun_normal kernels, zero biases, and BatchNorm with momentum 0.99 in the running mean.
    layer = um.Linear(3, 5, use_bias=False).init(0)
    assert layer.bias is None
    norm = um.BatchNorm(2, decay=0.99).init(0)
    x = batch()
    norm(x)
    np.testing.assert_allclose(numbers(norm.mean), np.asarray(numbers(x)).mean(0) * 0.01, rtol=1e-4)
    return layer, norm


@row
def tx8():
    for name in ("BatchNorm", "Conv", "Dropout", "Linear", "MLP", "Lambda", "Sequential", "sequence"):
        assert getattr(um, name) is getattr(um.nn, name)
    return um.sequence(um.nn.relu, um.nn.tanh)(batch())


LINEN = {
    "Dense": "Linear", "DenseGeneral": "LinearGeneral", "Conv": "Conv", "ConvTranspose": "ConvTranspose",
    "ConvLocal": "ConvLocal", "Embed": "Embed", "BatchNorm": "BatchNorm", "LayerNorm": "LayerNorm",
    "GroupNorm": "GroupNorm", "RMSNorm": "RMSNorm", "InstanceNorm": "InstanceNorm", "SpectralNorm": "SpectralNorm",
    "WeightNorm": "WeightNorm", "Dropout": "Dropout", "MultiHeadDotProductAttention": "MultiHeadAttention",
    "LSTMCell": "LSTMCell", "GRUCell": "GRUCell", "SimpleCell": "VanillaRNNCell", "ConvLSTMCell": "ConvLSTMCell",
    "Bidirectional": "Bidirectional", "PReLU": "PReLU", "Sequential": "Sequential", "Einsum": "Einsum",
}  # fmt: skip


@row
def tx9():
    assert [ours for ours in LINEN.values() if not hasattr(um.nn, ours)] == []
    return um.numpy.ones(())


@row
def tx10():
    names = ("filter", "update", "map", "apply", "Hashable", "Nothing", "field", "node", "static", "compact", "mutable")
    later = ("toplevel_mutable", "preserve_state", "to_dict", "to_string", "add_field_info", "FlattenMode", "Immutable")
    assert all(name in um.__all__ for name in (*names, *later))
    space: dict[str, Any] = {}
    exec("from unimod import *", space)
    assert space["filter"] is um.filter
    return um.numpy.ones(())


@row
def tx11():
    one, other = mlp(), MLP([2, 3, 1]).init(1)
    one.layers[0].kernel = other.layers[0].kernel
    assert one.parameters().layers[0].kernel is other.layers[0].kernel
    return one


@row
def tx12():
    backbone = mlp()
    model = um.Sequential(backbone, um.Linear(1, 2)).init(7)
    assert model[0].layers[0].kernel is backbone.layers[0].kernel
    return model(batch())


@row
def tx13():
    class Own(um.Module):
        def __init__(self):
            self.key, self.norm, self.cache = um.random.key(0), um.BatchNorm(2), um.Cache(array(1.0))

    own = Own().init(0)
    assert um.tree.paths_of(own.filter(um.State)) == ["key", "norm.mean", "norm.var", "cache"]
    assert um.tree.paths_of(own.filter(um.Rng)) == ["key"]
    assert um.tree.paths_of(own.filter(um.ModelState)) == ["norm.mean", "norm.var", "cache"]
    return own.filter(um.ModelState).norm


@row
def tx14():
    model = MLP([2, 3, 1])
    new = model.init(42)
    assert (model.initialized, new.initialized) == (False, True)
    assert new is not model
    return new


@row
def tx15():
    class Own(um.Module):
        def __init__(self):
            self.w = um.Initializer(lambda key: um.random.uniform(key, (3,)))

    return Own().init(0).parameters().w


class Dependent(um.Module):
    a: Any = um.Parameter.node()
    b: Any = um.Parameter.node(None)

    def __init__(self):
        self.a = um.Initializer(lambda key: um.random.uniform(key, (1,)))

    def rng_init(self, key):
        self.b = 10 * self.a


@row
def tx16():
    model = Dependent().init(42)
    np.testing.assert_allclose(numbers(model.b), 10 * np.asarray(numbers(model.a)), rtol=1e-6)
    return model


@row
def tx17():
    assert repr(Pair(a=1, b=2).filter(um.Parameter)) == "Pair(a=1, b=Nothing)"
    assert repr(Pair(a=1, b=2).filter(um.BatchStat)) == "Pair(a=Nothing, b=2)"
    return pair().filter(um.Parameter).a


@row
def tx18():
    negative = um.tree.map(lambda x: -x, pair().parameters())
    assert negative.b is um.Nothing
    return negative


@row
def tx19():
    class Own(um.Module):
        p: Any = um.Parameter.node()
        s: Any = um.BatchStat.node()
        k: Any = um.Rng.node()
        loss: Any = um.Loss.node()
        m: Any = um.Metric.node()

    own = Own()
    for name in ("p", "s", "loss", "m"):
        setattr(own, name, array(1.0))
    own.k = um.random.key(0)
    expected = {
        "parameters": ["p"], "batch_stats": ["s"], "rngs": ["k"], "model_states": ["s"], "states": ["s", "k"],
        "metrics": ["m"], "losses": ["loss"], "logs": ["loss", "m"],
    }  # fmt: skip
    assert {name: um.tree.paths_of(getattr(own, name)()) for name in expected} == expected
    return own.logs().loss


@row
def tx20():
    model = pair()
    chosen = model.states(lambda field: not issubclass(field.kind, um.OptState))
    assert repr(chosen) == "Pair(a=Nothing, b=f32[])"
    assert model.filter(um.State, um.Parameter).b is um.Nothing
    return chosen


@row
def tx21():
    model = mlp()
    chosen = model.filter(lambda f: f.name == "kernel" and f.module.in_features == 2 and f.value.ndim == 2)
    assert um.tree.paths_of(chosen) == ["layers.0.kernel"]
    return chosen.layers[0].kernel


@row
def tx22():
    model = pair()
    negative = um.tree.map(lambda x: -x, model.parameters())
    later = Pair(a=array(5.0), b=um.Nothing)
    assert numbers(model.update(negative, later).a) == 5.0
    assert numbers(model.update(later, negative).a) == -1.0
    assert model.update(Pair(a=None, b=um.Nothing)).a is None
    new = model.update(negative)
    assert numbers(model.a) == 1.0
    assert model.update(negative, inplace=True) is model
    assert numbers(model.a) == -1.0
    return new


@row
def tx23():
    model = pair().map(lambda x: -x, um.Parameter)
    assert (numbers(model.a), numbers(model.b)) == (-1.0, 2.0)
    return model, pair().map(lambda x: -x)


@row
def tx24():
    tree = {"a": array(1.0), "b": um.Linear(2, 1).init(0)}
    assert um.filter(tree, um.Parameter)["a"] is um.Nothing
    new = um.update(tree, um.map(lambda x: 2 * x, um.filter(tree, um.Parameter)))
    named = um.apply(lambda module: setattr(module, "tag", "x"), tree)
    assert named["b"].tag == "x"
    return new, um.map(lambda x: -x, tree, um.Parameter)


@row
def tx25():
    @functools.partial(um.value_and_grad, has_aux=True)
    def loss(params, model, x, y):
        model = model.update(params)
        return um.numpy.mean((model(x) - y) ** 2), model

    model = um.Sequential(um.Linear(2, 2), um.BatchNorm(2), um.Linear(2, 1)).init(0)
    params = model.filter(um.Parameter, lambda field: field.name == "kernel")
    opt = um.Optimizer(um.optim.adam(1e-1)).init(params)
    (value, model), grads = loss(params, model, batch(), batch()[:, :1])
    assert um.tree.paths_of(grads) == ["layers.0.kernel", "layers.2.kernel"]
    params = opt.update(grads, params)
    new = model.update(params)
    assert numbers(new[0].bias) == numbers(model[0].bias)
    return value, new[1].mean


@row
def tx26():
    def whole(model, x):
        model(x)
        return model.update(um.pmean(model.batch_stats(), "device"))

    def leafwise(model, x):
        model(x)
        return model.map(functools.partial(um.pmean, axis_name="device"), um.BatchStat)

    x = batch(6, 2).reshape((3, 2, 2))
    one, two = (
        um.vmap(f, in_axes=(None, 0), axis_name="device")(um.BatchNorm(2).init(0), x) for f in (whole, leafwise)
    )
    assert numbers(one.mean) == numbers(two.mean)
    assert numbers(one.mean)[0] == numbers(one.mean)[2]
    return one.batch_stats()


@row
def tx27():
    @jit
    def step(model, opt, x, y):
        grads = um.grad(loss_fn)(model, x, y)
        model = opt.update(grads, model)
        return model, opt

    model = mlp()
    opt = um.Optimizer(um.optim.adam(1e-3)).init(model.parameters())
    for _ in range(2):
        model, opt = step(model, opt, batch(), batch()[:, :1])
    return model, opt


@row
def tx28():
    params = {"w": array(1.0)}
    opt = um.Optimizer(um.optim.sgd(0.5)).init(params)
    updates = opt.update({"w": array(2.0)}, params, apply_updates=False)
    assert numbers(updates["w"]) == -1.0
    return updates


@row
def tx30():
    average = Average()
    first, second = average(batch(2, 2)), average(batch(2, 2) * 3)
    assert numbers(average.count) == 8.0
    return first, second, average


class Noise(um.Module):
    key: Any = um.Rng.node()

    def __init__(self, key):
        self.key = key

    def __call__(self, x):
        key, self.key = um.random.split(self.key)
        return x + um.random.normal(key, tuple(x.shape))


@row
def tx31():
    noise = Noise(um.random.key(0))
    first, second = noise(batch()), noise(batch())
    assert numbers(first) != numbers(second)
    return first, second


@row
def tx32():
    @functools.partial(um.value_and_grad, has_aux=True)
    def loss(params, model, x):
        model = model.update(params)
        return um.numpy.sum(model(x)), model

    model = um.BatchNorm(2).init(0)
    (_, new), _ = loss(model.parameters(), model, batch())
    assert numbers(new.mean) != numbers(model.mean)
    with pytest.warns(UnreturnedStateWarning, match="mean"):
        um.grad(lambda model, x: um.numpy.sum(model(x)))(model, batch())
    return new


@row
def tx33():
    model = um.Sequential(um.Dropout(0.5), um.Sequential(um.Dropout(0.5)))
    new = model.eval()
    assert (model.training, new.training, new[1][0].training) == (True, False, False)
    assert model.eval(inplace=True) is model
    assert model[1][0].training is False
    assert model.train()[0].training
    return new(batch())


@row
def tx34():
    model = um.Sequential(um.Linear(2, 2), um.BatchNorm(2), um.Linear(2, 1)).init(0)
    for layer in model.layers[:-1]:
        layer.freeze(inplace=True)
    assert [layer.frozen for layer in model.layers] == [True, True, False]
    model(batch())
    assert numbers(model[1].mean) == [0.0, 0.0]
    assert model.unfreeze()[0].frozen is False
    return um.grad(lambda model, x: um.numpy.sum(model(x)))(model, batch()).layers[2].kernel


@row
def tx35():
    backbone = mlp().freeze()
    model = um.Sequential(backbone, um.Linear(1, 2)).init(42)
    params = model.filter(um.Parameter, lambda field: not field.module.frozen)
    assert um.tree.paths_of(params) == ["layers.1.kernel", "layers.1.bias"]
    assert um.tree.structure(params) is um.tree.structure(model.trainable_parameters())
    return params.layers[1].kernel


@row
def tx36():
    x = um.random.uniform(um.random.key(1), (50, 1))
    y = 1.4 * x - 0.3

    @functools.partial(um.value_and_grad, has_aux=True)
    def loss(params, model, x, y):
        model = model.update(params)
        return um.numpy.mean((model(x) - y) ** 2), model

    @jit
    def train_step(model, x, y, optimizer):
        (value, model), grads = loss(model.parameters(), model, x, y)
        model = optimizer.update(grads, model)
        return value, model, optimizer

    model = Affine(1, 1).init(42)
    optimizer = um.Optimizer(um.optim.adam(0.01)).init(model.parameters())
    for _ in range(1000):
        _, model, optimizer = train_step(model, x, y, optimizer)
    np.testing.assert_allclose(numbers(model.w), [[1.4]], atol=1e-2)
    np.testing.assert_allclose(numbers(model.b), [-0.3], atol=1e-2)
    return array([round(v, 2) for v in (*numbers(model.w)[0], *numbers(model.b))])


@row
def tx38():
    class Own(um.Module):
        def __init__(self):
            self.next_key = um.KeySeq()

        def __call__(self, x):
            return x + um.random.normal(self.next_key(), tuple(x.shape))

    own = Own().init(0)
    first, second = own(batch()), own(batch())
    assert numbers(first) != numbers(second)
    return first, second


@row
def tx39():
    text = mlp().tabulate(batch(), depth=1, signature=True)
    assert "layers" in text
    assert "f32[4, 2]" in text
    return mlp()


class Lazy(um.Module):
    w: Any = um.Parameter.node()
    steps: Any = um.State.node()

    def __init__(self, size):
        self.size = size
        self.seen = [array(0.0)]

    def __call__(self, x):
        if self.initializing():
            self.w = um.random.normal(um.next_key(), (x.shape[-1], self.size))
            self.other = um.random.normal(um.next_key(), (x.shape[-1], self.size))
            self.steps = array(0.0)
        self.seen[0] = self.seen[0] + 1
        return um.numpy.matmul(x, self.w)


@row
def tx40():
    model = Lazy(3).init(42, batch())
    assert tuple(model.w.shape) == (2, 3)
    assert numbers(model.w) != numbers(model.other)
    assert numbers(model.seen[0]) == 0.0  # an example leaves no trace in states, also in those inside of lists
    assert numbers(Lazy(3).init(42, um.Inputs(batch())).w) == numbers(model.w)
    assert numbers(Lazy(3).init(42, x=batch()).w) == numbers(model.w)
    with pytest.raises(NotInitializedError, match="nowhere"):
        um.next_key()
    with um.rng(um.random.key(3)):
        key = um.next_key()
    return model, um.random.uniform(key, (2,))


@row
def tx40_jit():
    class Own(um.Module):
        def __init__(self):
            self.inner = um.Linear(None, 3)
            self.outer = um.Linear(None, 2)

        @functools.partial(um.jit, compiler="graph")
        def hidden(self, x):
            return um.nn.relu(self.inner(x))

        def __call__(self, x):
            return jit(self.outer)(self.hidden(x))

    model = Own().init(0, batch())
    assert model.initialized
    assert tuple(model.outer.kernel.shape) == (3, 2)
    return model(batch())


@row
def tx40_wrong_input():
    class Strict(um.Linear):
        def infer_sizes(self, x):
            raise ShapeError("No such input.", got="x")

    with pytest.raises(ShapeError, match="No such input"):
        um.Sequential(Strict(None, 2)).init(0, batch())
    with pytest.raises(NotInitializedError, match="call model"):
        um.Linear(2, 3)(batch())
    return batch()


class Compact(um.Module):
    def __init__(self, num=2, wrong=False):
        self.num, self.wrong = num, wrong

    @um.compact
    def __call__(self, x):
        first = self.first_run
        for _ in range(self.num):
            x = um.nn.relu(um.Linear(None, 3)(x))
        if self.wrong and not first:
            return um.Dropout(0.5)(x)
        return um.Linear(None, 1)(x)


@row
def tx41():
    model = Compact().init(0, batch())
    assert [name for name in vars(model) if name.startswith("linear")] == ["linear", "linear2", "linear3"]
    fixed = um.Sequential(model.linear, um.relu, model.linear2, um.relu, model.linear3)
    assert numbers(model(batch())) == numbers(fixed(batch()))
    grads = um.grad(lambda model, x: um.numpy.sum(model(x)))(model, batch())
    again = cloudpickle.loads(cloudpickle.dumps(model))
    assert numbers(again(batch())) == numbers(model(batch()))
    return model, jit(model)(batch()), grads.linear3


@row
def tx41_errors():
    model = Compact(wrong=True).init(0, batch())
    with pytest.raises(TreeError, match="other modules than in its first run"):
        model(batch())
    model.wrong, model.num = False, 3
    with pytest.raises(TreeError, match="after 3 modules"):
        model(batch())
    model.num = 1
    with pytest.raises(TreeError, match="other modules"):
        model(batch())
    with pytest.raises(TreeError, match="outside of a compact method"):
        model.first_run  # noqa: B018
    with pytest.raises(OptionError, match="mutable"):
        um.compact(um.mutable(Compact.__call__))
    half = Compact()
    with pytest.raises(NotInitializedError):
        half(batch())
    assert "linear" not in vars(half)  # nothing is half done
    return half.init(0, batch())


@um.compact_module
def Head(x, size=2):
    x = um.Linear(None, 3)(x)
    return um.Linear(None, size)(um.nn.relu(x))


@row
def tx41_module():
    head = Head().init(0, batch())
    assert list(head.state_dict()) == ["linear.kernel", "linear.bias", "linear2.kernel", "linear2.bias"]
    assert Head.__module__ == __name__
    return head(batch())


class Counted(um.Module):
    def __init__(self):
        self.w, self.calls = um.Parameter(array(2.0)), array(0.0)

    @um.preserve_state(um.vmap, in_axes=(None, 0), out_axes=(None, 0))
    def same(self, x):
        self.calls = self.calls + 1
        return self.w * x

    @um.preserve_state(um.vmap, in_axes=(None, 0))
    def __call__(self, x):
        self.calls = self.calls + x
        return self.w * x

    @um.preserve_state(um.jit, compiler="graph")
    def compiled(self, x):
        self.calls = self.calls + 1
        return self.w * x


@row
def tx42():
    module, other = Counted(), Counted()
    y = module.same(array([1.0, 2.0, 3.0]))
    module.compiled(array(1.0))
    assert numbers(module.calls) == 2.0
    other(array([1.0, 2.0, 3.0]))
    assert numbers(other.calls) == [1.0, 2.0, 3.0]
    assert numbers(other.w) == 2.0
    with pytest.raises(DTypeError, match="a module as the first argument"):
        um.preserve_state(um.jit)(lambda x: x)(array(1.0))
    return y, module, other


class Heads(um.Module):
    @um.preserve_state(um.vmap)
    @um.compact
    def forward(self, x):
        return um.Linear(None, 3)(x)

    def __call__(self, x):
        return self.forward(um.numpy.stack([x, 2 * x]))


@row
def tx42_compact():
    model = Heads().init(42, batch())
    assert tuple(model.linear.kernel.shape) == (2, 2, 3)
    return model, model(batch())


@row
def tx43():
    t, p = batch(), batch() * 2 - 0.5
    found = {
        name: getattr(um.losses, name)()(target=t, preds=p)
        for name in ("Huber", "MeanSquaredError", "MeanAbsoluteError", "LogCosh", "CosineSimilarity")
    }
    found["cross"] = um.losses.CrossEntropy()(target=array([0, 1, 0, 1], "int32"), preds=p)
    found["sum"] = um.losses.MeanSquaredError(reduction="sum", weight=0.5)(target=t, preds=p)
    found["on"] = um.losses.MeanSquaredError(on="a")(target={"a": t}, preds={"a": p})
    return found


class Logged(um.Module):
    def __init__(self):
        self.linear = um.Linear(2, 1)
        self.activity, self.size = um.Loss(array(0.0)), um.Metric({"norm": array(0.0)})

    def __call__(self, x):
        y = self.linear(x)
        self.activity = 0.1 * um.numpy.sum(y * y)
        self.size = {"norm": um.numpy.sqrt(um.numpy.sum(y * y))}
        return y


@row
def tx44():
    accuracy = um.metrics.Accuracy(num_classes=10)
    accuracy.update(preds=array([1, 2, 3], "int32"), target=array([1, 2, 0], "int32"))
    model = Logged().init(0)
    logs = um.metrics.LossAndLogs(um.losses.MeanSquaredError(), um.metrics.MeanAbsoluteError())
    loss, values = logs(model(batch()), batch()[:, :1], model=model)
    assert list(values) == ["loss", "mean_squared_error", "activity", "mean_absolute_error", "size.norm"]
    return accuracy.compute(), loss, values


@row
def tx45():
    model = mlp()
    loss = um.regularizers.L2(0.5)(parameters=model.parameters())
    weights = [np.asarray(numbers(leaf)) for leaf in um.tree.leaves(model.parameters())]
    np.testing.assert_allclose(numbers(loss), 0.5 * sum((w**2).sum() for w in weights), rtol=1e-5)
    return loss, um.regularizers.L1(0.5)(parameters=model.parameters())


@row
def tx46():
    @dataclasses.dataclass
    class Table(um.Module):
        a: um.Hashable[np.ndarray]

        def __call__(self, x):
            return x + um.numpy.asarray(self.a.value.astype("float32"))

    table = Table(um.Hashable(np.arange(2.0)))
    assert um.tree.leaves(table) == []
    run = jit(lambda table, x: table(x))
    y = run(table, batch())
    run(table, batch())
    assert run.trace_count == 1
    run(Table(um.Hashable(np.arange(2.0))), batch())
    assert run.trace_count == 2
    with pytest.raises(TreeError, match="static"):
        Table(a=frozenset([um.Linear(2, 1)])).filter(um.State)
    return y


@row
def tx47():
    model = um.Linear(2, 1).init(0)
    model.scale = 2.0
    new = model.update_field_metadata("kernel", kind=um.State)
    assert new.parameters().kernel is um.Nothing
    assert model.parameters().kernel is model.kernel
    noded = model.update_field_metadata("scale", node=True)
    assert um.tree.leaves(noded)[-1] == 2.0
    assert len(um.tree.leaves(noded.update_field_metadata("scale", node=False))) == 2
    with pytest.raises(TreeError, match="static place"):
        model.update_field_metadata("kernel", node=False, inplace=True)
    assert model.field_metadata["kernel"].node
    with pytest.raises(TreeError, match="no attribute"):
        model.update_field_metadata("other", node=False)
    assert model.update_field_metadata("bias", kind=um.Cache, inplace=True) is model
    assert um.add_field_info(model).bias.kind is um.Cache
    assert [info.name for info in um.fields(model, um.FlattenMode.all_fields)][:2] == ["kernel", "bias"]
    assert um.fields(model, "no_fields") == []
    assert um.fields([array(1.0)])[0].kind is object
    return new.states().kernel


@row
def tx48():
    model = mlp()
    copied = model.copy()
    assert copied.layers[0].kernel is not model.layers[0].kernel
    found = um.to_dict(model, type_info=True)
    assert found["__type__"] is MLP
    assert found["layers"][0]["__type__"] is um.Linear
    assert found["layers"][0]["kernel"] is model.layers[0].kernel
    assert list(model.to_dict(static_fields=False)["layers"][0]) == ["kernel", "bias"]
    model.layers[0]._hidden = 1
    assert "_hidden" in model.to_dict(private_fields=True)["layers"][0]
    assert um.to_dict(model, field_info=True)["layers"].value[0]["kernel"].kind is um.Parameter
    assert "kernel: f32[2, 3]" in model.to_string()
    assert "\x1b[" in model.to_string(color=True)
    assert "\x1b[" not in um.to_string(model)
    again = cloudpickle.loads(cloudpickle.dumps(model))
    return copied, again(batch())


@dataclasses.dataclass
class Fixed(um.Module, um.Immutable):
    n: Any = um.State.node()  # noqa: RUF009
    inner: Any = None

    def __call__(self, x):
        self.n = self.n + x
        return self.n

    def deep(self, x):
        return self.inner(x)


class FixedLater(um.Module, um.Immutable):
    def rng_init(self, key):
        self.b = array(1.0)


@row
def tx49():
    model = Fixed(array(1.0))
    with pytest.raises(ImmutableModuleError, match="immutable"):
        model(array(2.0))
    with pytest.raises(AttributeError):
        del model.n
    with pytest.raises(ImmutableModuleError):
        model.eval(inplace=True)
    with pytest.raises(ImmutableModuleError):
        model.init(0, inplace=True)
    with um.rng(um.random.key(0)):
        assert numbers(FixedLater().b) == numbers(FixedLater().init(0).b) == 1.0
    y, new = um.mutable(model)(array(2.0))
    assert (numbers(model.n), numbers(new.n), numbers(y)) == (1.0, 3.0, 3.0)
    assert not new.is_mutable
    assert numbers(model.replace(n=array(7.0)).n) == 7.0
    assert model.eval().training is False
    jitted, after = jit(um.mutable(Fixed.__call__))(model, array(2.0))
    assert numbers(after.n) == 3.0
    return y, new, jitted


@row
def tx49_toplevel():
    def rename(module, x):
        module.n = x
        return module.inner.n

    model = Fixed(array(1.0), Fixed(array(5.0)))
    out, new = um.toplevel_mutable(rename)(model, array(2.0))
    with pytest.raises(ImmutableModuleError):
        um.toplevel_mutable(model.deep)(array(1.0))
    y, deep = um.mutable(model.deep)(array(1.0))
    assert (numbers(deep.inner.n), numbers(model.inner.n)) == (6.0, 5.0)
    with pytest.raises(DTypeError, match="first argument"):
        um.mutable(rename)(3, 4)
    return out, new, y


@row
def tx50():
    model = mlp()
    copies = model.map(lambda x: um.numpy.stack([x, x]))
    y = um.vmap(lambda model, x: model(x))(copies, um.numpy.stack([batch(), batch()]))
    single = copies.map(lambda x: x[0])
    assert numbers(single.layers[0].kernel) == numbers(model.layers[0].kernel)
    return y, single


@pytest.mark.parametrize("name", list(ROWS))
def test_row(name, backend):
    compare(name, backend, ROWS[name]())


@pytest.mark.needs("jax")
def test_tx2_modules_go_through_the_functions_of_jax_untouched(monkeypatch):
    import jax
    import tree

    monkeypatch.setenv("UNIMOD_BACKEND", "jax")
    model, x, y = mlp(), batch(), batch()[:, :1]
    ours, theirs = um.grad(loss_fn)(model, x, y), jax.jit(jax.grad(loss_fn))(model, x, y)
    new = jax.tree.map(lambda p, g: p - 0.01 * g, model, theirs)
    mapped = jax.vmap(lambda model, x: model(x), in_axes=(None, 0))(model, x)
    np.testing.assert_allclose(numbers(mapped), numbers(model(x)), rtol=1e-5)
    np.testing.assert_allclose(numbers(theirs.layers[0].kernel), numbers(ours.layers[0].kernel), rtol=1e-5)
    assert isinstance(new, MLP)
    assert len(tree.flatten(model.to_dict(static_fields=False))) == 4
    assert tree.flatten({"m": model}) == [model]  # dm-tree knows no other library's nodes


@pytest.mark.needs("torch")
def test_tx2_modules_go_through_the_functions_of_torch_untouched(monkeypatch):
    import torch
    from torch.utils import _pytree

    monkeypatch.setenv("UNIMOD_BACKEND", "torch")
    model, x, y = mlp(), batch(), batch()[:, :1]
    ours, theirs = um.grad(loss_fn)(model, x, y), torch.func.grad(loss_fn)(model, x, y)
    mapped = torch.func.vmap(lambda model, x: model(x), in_dims=(None, 0))(model, x)
    np.testing.assert_allclose(numbers(mapped), numbers(model(x)), rtol=1e-5)
    np.testing.assert_allclose(numbers(theirs.layers[0].kernel), numbers(ours.layers[0].kernel), rtol=1e-5)
    assert isinstance(_pytree.tree_map(lambda leaf: -leaf, model), MLP)


@pytest.mark.needs("jax")
def test_tx29_any_optimizer_of_optax(monkeypatch):
    import optax

    monkeypatch.setenv("UNIMOD_BACKEND", "jax")
    found = []
    for optimizer in (um.optim.adam(0.1), optax.adam(0.1)):
        params = {"w": array([1.0, 2.0])}
        opt = um.Optimizer(optimizer).init(params)
        for _ in range(3):
            params = opt.update(um.tree.map(lambda p: 2 * p, params), params)
        found.append(numbers(params["w"]))
    np.testing.assert_allclose(*found, rtol=1e-5)


@pytest.mark.needs("jax")
def test_tx37_modules_of_flax(monkeypatch):
    from flax import linen

    monkeypatch.setenv("UNIMOD_BACKEND", "jax")
    model = um.FlaxModule(linen.Dense(4), sample_inputs=um.Inputs(batch())).init(0)
    assert tuple(model(batch()).shape) == (4, 4)


def test_every_row_is_there():
    numbered = {name.split("-")[0] for name in ROWS}
    assert numbered | {"TX29", "TX37"} == {f"TX{n}" for n in range(1, 51)}


def test_a_captured_module_is_not_changed(backend):
    model = Lazy(3).init(0, batch())
    with pytest.raises(CapturedModuleError):
        jit(lambda x: model(x))(batch())
    assert numbers(model.seen[0]) == 0.0


def test_changes_within_arrays_reach_the_copy_only(backend):
    average = Average()
    after, y = um.call(average, batch())
    out, again = um.mutable(average)(batch())
    um.pure(lambda average, x: (average, average(x)))(average, batch())
    assert (numbers(average.count), numbers(after.count), numbers(again.count)) == (0.0, 8.0, 8.0)
    um.pure(average)(batch())
    assert numbers(average.count) == numbers(after.count)
    assert numbers(y) == numbers(out)


def test_a_model_that_is_returned_with_other_states_is_no_lost_state(backend, recwarn):
    def reset(model, x):
        model(x)
        return model.update(um.tree.map(um.numpy.zeros_like, model.batch_stats()))

    new = jit(reset)(um.BatchNorm(2).init(0), batch())
    assert numbers(new.mean) == [0.0, 0.0]
    assert not [w for w in recwarn if issubclass(w.category, UnreturnedStateWarning)]
