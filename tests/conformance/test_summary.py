"""A summary is the same text on every engine, and leaves the module as it was."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod import nn
from unimod.core import init, record, walk

unp = um.numpy


def floats(*shape):
    return unp.ones(shape, dtype="float32")


def filled(net, backend, *shapes):
    """With values, made by the engine that needs no warming up."""
    return um.to_backend(net.init(0, *(np.ones(shape, np.float32) for shape in shapes), backend="numpy"), backend)


class Convolutional(um.Module):
    def __init__(self):
        self.body = [nn.Conv(3, 4, (3, 3)), nn.BatchNorm(4), nn.Dropout(0.5)]
        self.heads = {"b": nn.Linear(4, 2).freeze(), "a": nn.Linear(None, 1)}

    def __call__(self, x, *, head="a"):
        for layer in self.body:
            x = layer(x)
        return self.heads[head](unp.mean(x, axis=(1, 2)))


class Sharing(um.Module):
    def __init__(self):
        self.layer = nn.Linear(3, 3)
        self.again = [self.layer, nn.Linear(3, 3)]
        self.again[1].kernel = self.layer.share("kernel")

    def __call__(self, x):
        for _ in range(2):
            x = self.again[1](self.layer(x))
        return {"x": x, "n": x.shape[0]}


CONVOLUTIONAL = """\
path     module         inputs           outputs          parameters  bytes  notes
-----------------------------------------------------------------------------------------------
(root)   Convolutional  f32[2, 5, 5, 3]  f32[2, 1]                 0      0
body.0   Conv           f32[2, 5, 5, 3]  f32[2, 5, 5, 4]         112    448
body.1   BatchNorm      f32[2, 5, 5, 4]  f32[2, 5, 5, 4]           8     64
body.2   Dropout        f32[2, 5, 5, 4]  f32[2, 5, 5, 4]           0      8
heads.a  Linear         f32[2, 4]        f32[2, 1]                 5     20
heads.b  Linear                                                   10     40  not called, frozen
-----------------------------------------------------------------------------------------------
total                                                            135    580

trainable  125 parameters  500 bytes
frozen      10 parameters   40 bytes
BatchStat    8 numbers      32 bytes
Rng          2 numbers       8 bytes"""

SHARING = """\
path     module   inputs     outputs                   parameters  bytes  notes
------------------------------------------------------------------------------------------------------------------
(root)   Sharing  f32[2, 3]  {'x': f32[2, 3], 'n': 2}           0      0
layer    Linear   f32[2, 3]  f32[2, 3]                         12     48  2 calls
again.0  Linear                                                 0      0  shared with layer
again.1  Linear   f32[2, 3]  f32[2, 3]                          3     12  kernel shared with layer.kernel, 2 calls
------------------------------------------------------------------------------------------------------------------
total                                                          15     60

trainable  15 parameters  60 bytes
frozen      0 parameters   0 bytes"""


@pytest.mark.parametrize("is_filled", [False, True])
def test_a_convolutional_net(any_backend, is_filled):
    net, x = Convolutional(), floats(2, 5, 5, 3)
    text = (filled(net, any_backend, x.shape) if is_filled else net).summary(x)
    assert text == CONVOLUTIONAL + ("" if is_filled else "\nwithout values yet: 11 leaves")


def test_shared_layers(any_backend):
    assert Sharing().init(0).summary(floats(2, 3)) == SHARING


def test_a_transformer(any_backend):
    layer = nn.TransformerEncoderLayer(2, 4, 8, dropout_rate=0.5)
    net = filled(nn.Sequential(nn.Embed(5, 4), layer, nn.Linear(4, 5)), any_backend)
    found = um.summarize(net, unp.zeros((2, 3), dtype="int32"))
    called = {m.path.removeprefix("layers."): (*m.signatures[0], m.calls) for m in found if m.calls}
    assert called["0"] == ("i32[2, 3]", "f32[2, 3, 4]", 1)
    assert called["1.attention"] == ("f32[2, 3, 4], decode=False", "f32[2, 3, 4]", 1)
    assert called["1.attention.dropout"] == ("f32[2, 2, 3, 3]", "f32[2, 2, 3, 3]", 1)
    assert called["1.feed_forward.up"] == ("f32[2, 3, 4]", "f32[2, 3, 8]", 1)
    assert called["1.dropout"] == ("f32[2, 3, 4]", "f32[2, 3, 4]", 2)
    assert called["2"] == ("f32[2, 3, 4]", "f32[2, 3, 5]", 1)
    assert found.totals == {"trainable": (217, 868), "frozen": (0, 0), "Rng": (6, 24)}


@pytest.mark.parametrize("size", [None, 3])
def test_a_recurrent_net(any_backend, size):
    found = um.summarize(nn.GRU(size, 4), floats(2, 5, 3))
    assert found.signatures == (("f32[2, 5, 3]", "f32[2, 5, 4]"),)
    assert [(m.class_name, m.calls) for m in found] == [("GRU", 1), ("GRUCell", 0)]
    assert found.num_parameters == 100


class Transforming(um.Module):
    """Transforms inside of a model call copies of its layers."""

    def __init__(self):
        self.layers = [nn.Linear(3, 3) for _ in range(3)]
        self.last = nn.Sequential(nn.Linear(3, 2))

    def __call__(self, x):
        for _ in range(2):
            x = um.vmap(self.layers[1])(x)
        x = um.vmap(lambda row, layer: layer(row), in_axes=(0, None))(x, self.layers[2])
        return um.jit(self.last, compiler="graph")(x)


def test_calls_of_copies(any_backend):
    found = um.summarize(Transforming().init(0), floats(2, 3))
    row, last = (("f32[3]", "f32[3]"),), (("f32[2, 3]", "f32[2, 2]"),)
    assert [m.signatures for m in list(found)[1:]] == [(), row, row, last, last]
    assert [m.calls for m in found] == [1, 0, 1, 1, 1, 1]


def test_nothing_is_said_of_copies_that_cannot_be_told_apart(any_backend):
    class Twins(um.Module):
        def __init__(self):
            self.layers, self.other = [nn.Linear(3, 3), nn.Linear(3, 3)], nn.Linear(3, 4)

        def __call__(self, x):
            return um.jit(self.layers[1], compiler="graph")(x)

    first, second, other = um.summarize(Twins().init(0), floats(2, 3)).children
    assert other.calls == 0
    assert second.calls in (None, 1)
    assert first.calls in (None, 0)
    assert (first.calls is None) == (second.calls is None)
    assert first.signatures == ()


class Asking(um.Module):
    """A model that no engine can trace."""

    def __init__(self):
        self.layers = [nn.Linear(2, 2), nn.BatchNorm(2)]

    def __call__(self, x):
        return self.layers[float(unp.sum(x)) > 0](x)


def test_a_model_that_asks_for_values(any_backend):
    assert [m.calls for m in um.summarize(Asking().init(0), floats(2, 2))] == [1, 0, 1]
    assert [m.calls for m in um.summarize(Asking().init(0), -floats(2, 2))] == [1, 1, 0]


class Stateful(um.Module):
    """All that a call changes: states, keys, an array in place where arrays can be changed, and its structure."""

    def __init__(self, is_asking):
        self.norm, self.drop, self.lazy = nn.BatchNorm(2), nn.Dropout(0.5), nn.Linear(None, 2)
        self.count, self.seen, self.is_asking = unp.zeros((2,)), [], is_asking

    def __call__(self, x):
        self.count += 1
        if self.is_asking:
            float(unp.sum(self.count))
        self.seen.append(1)
        self.extra = x
        return self.lazy(self.drop(self.norm(x)))


@pytest.mark.parametrize("is_asking", [False, True])
@pytest.mark.parametrize("is_filled", [False, True])
def test_nothing_is_changed(any_backend, is_asking, is_filled):
    x = floats(3, 2)
    model = Stateful(is_asking).init(0, x) if is_filled else Stateful(is_asking)
    leaves, structure = walk.flatten(model)
    calls = list(model.seen)
    values = [np.array(um.to_backend(leaf, "numpy")) if um.is_array(leaf) else leaf for leaf in leaves]
    text = model.summary(x)
    again, new_structure = walk.flatten(model)
    assert new_structure is structure
    assert all(new is old for new, old in zip(again, leaves, strict=True))
    for old, new in zip(values, again, strict=True):
        if um.is_array(new):
            np.testing.assert_array_equal(old, um.to_backend(new, "numpy"))
    assert model.seen == calls
    assert init.state.active is None
    assert model.summary(x) == text
    assert (model.init(0, x) if not is_filled else model)(x).shape == (3, 2)


def test_nothing_is_computed_where_the_engine_traces(backend):
    class Probe(um.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

        def __call__(self, x):
            concrete.append(um.engine_of(x).arrays.is_concrete(self.layer(x)))
            return x

    concrete = []
    um.summarize(Probe().init(0), floats(2, 2))
    assert concrete == [False]


def test_errors_are_those_of_a_call(any_backend):
    net, x = nn.Sequential(nn.Linear(3, 4)).init(0), floats(2, 5)
    with pytest.raises(um.ShapeError) as plain:
        net(x)
    with pytest.raises(um.ShapeError) as summarized:
        net.tabulate(x)
    assert str(summarized.value) == str(plain.value)
    assert init.state.active is None


def test_inside_of_a_traced_function(any_backend):
    net, x = nn.MLP([3, 4, 1]).init(0), floats(2, 3)
    texts = []

    def call(net, x):
        texts.append(net.summary(x))
        return net(x)

    um.jit(call, compiler="graph")(net, x)
    assert texts == [net.summary(x)]


def test_host_data_go_to_the_engine_of_the_module(any_backend):
    net = nn.Linear(3, 2).init(0)
    assert um.summarize(net, np.ones((2, 3), np.float32)).signatures == (("f32[2, 3]", "f32[2, 2]"),)


@pytest.mark.needs("jax", "torch")
def test_arrays_of_two_engines():
    with pytest.raises(um.MixedBackendError):
        nn.Linear(3, 2).init(0, backend="jax").summary(unp.ones((2, 3), backend="torch"))


def test_the_recorder_is_there_while_it_records_only(any_backend):
    class Probe(um.Module):
        def __call__(self, x):
            active.append(type(init.state.active))
            return x

    active = []
    model = Probe()
    model(floats(1))
    model.summary(floats(1))
    model(floats(1))
    assert active == [type(None), record.Recording, type(None)]
