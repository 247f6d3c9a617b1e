"""The layers as modules: their leaves, modes and containers. Their numbers are compared elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod.errors import DTypeError, OptionError, ShapeError


def numbers(x):
    return um.to_backend(x, "numpy").tolist()


@pytest.mark.parametrize(
    ("layer", "parameters", "states"),
    [
        (lambda: um.nn.Linear(2, 3), {"kernel": (2, 3), "bias": (3,)}, {}),
        (lambda: um.nn.Linear(2, 3, use_bias=False), {"kernel": (2, 3)}, {}),
        (lambda: um.nn.Conv(4, 6, (3, 5), groups=2), {"kernel": (3, 5, 2, 6), "bias": (6,)}, {}),
        (lambda: um.nn.Conv(4, 6, 3, use_bias=False), {"kernel": (3, 3, 4, 6)}, {}),
        (lambda: um.nn.Embed(7, 3), {"embedding": (7, 3)}, {}),
        (lambda: um.nn.BatchNorm(3), {"scale": (3,), "bias": (3,)}, {"mean": (3,), "var": (3,)}),
        (lambda: um.nn.BatchNorm(3, use_scale=False, use_bias=False), {}, {"mean": (3,), "var": (3,)}),
        (lambda: um.nn.LayerNorm((2, 3)), {"scale": (2, 3), "bias": (2, 3)}, {}),
        (lambda: um.nn.Dropout(0.5), {}, {"key": (2,)}),
        (lambda: um.nn.Identity(), {}, {}),
        (lambda: um.nn.Flatten(), {}, {}),
    ],
)
def test_leaves_and_their_kinds(any_backend, layer, parameters, states):
    model = layer().init(0)
    assert {n: tuple(x.shape) for n, x in model.parameters().state_dict().items()} == parameters
    assert {n: tuple(x.shape) for n, x in model.states().state_dict().items()} == states
    assert {um.engine_of(x).name for x in um.tree.leaves(model)} <= {any_backend}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_dtype_of_the_leaves(any_backend, dtype):
    for layer in (um.nn.Linear(2, 3, dtype=dtype), um.nn.BatchNorm(2, dtype=dtype), um.nn.LayerNorm(2, dtype=dtype)):
        model = layer.init(0)
        assert {um.dtype_of(x) for x in um.tree.leaves(model)} == {dtype}
        assert um.dtype_of(model(um.numpy.ones((4, 2), dtype=dtype))) == dtype


def test_all_layers_are_on_the_base_namespace():
    # um.functional is a style of its own; the functions behind the layers are in um.nn.functional.
    assert all(getattr(um, name) is getattr(um.nn, name) for name in um.nn.__all__ if name != "functional")


# Modes ----------------------------------------------------------------------------------------------------------------


def test_batch_norm_tracks_in_training_only(any_backend):
    x = um.numpy.asarray([[1.0], [3.0]])
    layer = um.nn.BatchNorm(1).init(0)
    y = layer(x)
    np.testing.assert_allclose(numbers(y), [[-1.0], [1.0]], atol=1e-4)
    np.testing.assert_allclose(numbers(layer.mean), [0.2], rtol=1e-6)
    before = numbers(layer.mean)
    for quiet in (layer.eval(), layer.freeze()):
        quiet(x)
        assert numbers(quiet.mean) == before


def test_dropout_in_training_only(any_backend):
    x = um.numpy.ones((50,))
    layer = um.nn.Dropout(0.5).init(0)
    one, two = numbers(layer(x)), numbers(layer(x))
    assert one != two
    assert {*one, *two} == {0.0, 2.0}
    for quiet in (layer.eval(), layer.freeze(), um.nn.Dropout(0).init(0)):
        assert numbers(quiet(x)) == [1.0] * 50


@pytest.mark.needs("jax", "torch", "numpy")
def test_dropout_drops_the_same_on_every_engine():
    masks = [
        numbers(um.nn.Dropout(0.3).init(5, backend=name)(um.numpy.ones((64,), backend=name)))
        for name in ("jax", "torch", "numpy")
    ]
    assert masks[0] == masks[1] == masks[2]


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_a_rate_is_a_probability(rate):
    with pytest.raises(OptionError):
        um.nn.Dropout(rate)


# Containers -----------------------------------------------------------------------------------------------------------


def test_sequential_is_a_sequence(any_backend):
    net = um.nn.Sequential([um.nn.Linear(2, 3), um.nn.relu, um.nn.Linear(3, 1)]).init(0)
    assert len(net) == 3
    assert list(net)[1] is um.nn.relu
    assert net[-1] is net.layers[2]
    head = net[:2]
    assert isinstance(head, um.nn.Sequential)
    assert head[0] is net[0]
    x = um.numpy.ones((1, 2))
    assert numbers(net(x)) == numbers(net[2](head(x)))


def test_setting_a_layer(any_backend):
    net = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.relu).init(0)
    net[1] = um.nn.Linear(3, 5)
    assert net[1].out_features == 5
    with pytest.raises(IndexError):
        net[7] = um.nn.relu


def test_setting_a_layer_of_a_lazy_copy_leaves_the_original(any_backend):
    net = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.relu).init(0)
    other = net.eval()
    other[1] = um.nn.tanh
    assert net[1] is um.nn.relu


def test_sequential_takes_callables_only():
    with pytest.raises(DTypeError, match="cannot be called") as caught:
        um.nn.Sequential(um.nn.relu, 3)
    assert caught.value.where == "layers[1]"


def test_an_empty_sequential_is_the_identity():
    assert um.nn.Sequential()(3) == 3


def test_lambda_and_identity_and_sequence():
    assert um.nn.Lambda(lambda x, *, n: x * n)(2, n=3) == 6
    assert um.nn.Identity()(2) == 2
    assert um.nn.sequence(lambda x: x + 1, um.nn.Identity())(2) == 3


@pytest.mark.parametrize(("start", "shape"), [(1, (2, 12)), (0, (24,)), (2, (2, 3, 4)), (-2, (2, 12))])
def test_flatten(any_backend, start, shape):
    assert tuple(um.nn.Flatten(start)(um.numpy.ones((2, 3, 4))).shape) == shape


@pytest.mark.parametrize("features", [[3], [2, None], [None, None, 1], []])
def test_mlp_needs_sizes(features):
    with pytest.raises(DTypeError, match="MLP needs"):
        um.nn.MLP(features)


def test_the_last_layer_of_an_mlp_has_no_activation(any_backend):
    model = um.nn.MLP([1, 1], activation=lambda x: x * 0).init(0)
    assert numbers(model(um.numpy.ones((1, 1)))) == numbers(model.layers[0](um.numpy.ones((1, 1))))


def test_embed_attends(any_backend):
    layer = um.nn.Embed(3, 2).init(0)
    query = um.numpy.ones((1, 2))
    expected = np.asarray(numbers(layer.embedding)).sum(1)
    np.testing.assert_allclose(numbers(layer.attend(query))[0], expected, rtol=1e-6)


# Checks ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: um.nn.Linear(3, 4), (2, 5)),
        (lambda: um.nn.Linear(3, 4), ()),
        (lambda: um.nn.Conv(3, 4, (3, 3)), (1, 5, 5, 2)),
        (lambda: um.nn.BatchNorm(3), (4, 2)),
        (lambda: um.nn.LayerNorm(3), (4, 2)),
        (lambda: um.nn.LayerNorm((2, 3)), (4, 4, 3)),
    ],
)
def test_a_wrong_shape_is_refused(any_backend, layer, shape):
    with pytest.raises(ShapeError):
        layer().init(0)(um.numpy.ones(shape))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: um.nn.Linear(3, 4), (2, 3)),
        (lambda: um.nn.Conv(3, 4, (3, 3)), (1, 5, 5, 3)),
        (lambda: um.nn.BatchNorm(3), (4, 3)),
        (lambda: um.nn.LayerNorm(3), (4, 3)),
    ],
)
@pytest.mark.parametrize("dtype", ["float16", "int32"])
def test_a_wrong_dtype_is_refused(any_backend, layer, shape, dtype):
    with pytest.raises(DTypeError):
        layer().init(0)(um.numpy.ones(shape, dtype=dtype))
