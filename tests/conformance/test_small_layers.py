"""Small layers and activations in pieces: kinks, draws, padding, containers, averages, streams of keys, refusals."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from unimod.errors import DTypeError, NotInitializedError, OptionError, ShapeError, TreeError
from unimod.nn import functional as F
from unimod.testing.assertions import assert_native

pytestmark = pytest.mark.thin(3)

jit = functools.partial(um.jit, compiler="graph")

NARROW = {"float64": "float32", "int64": "int32"}


def on(backend, x, dtype=None):
    x = np.asarray(x)
    x = um.to_backend(x.astype(NARROW.get(x.dtype.name, x.dtype)), backend)
    return x if dtype is None else um.numpy.astype(x, dtype)


def host(x, backend, *, dtype="float32"):
    assert_native(x, backend)
    assert um.dtype_of(x) == dtype
    return um.to_backend(x, "numpy")


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# Activations ----------------------------------------------------------------------------------------------------------

KINKS = {
    "soft_shrink": (um.nn.soft_shrink, [-0.5, 0.5], [0.0, 0.0]),
    "hard_shrink": (um.nn.hard_shrink, [-0.5, 0.5], [0.0, 0.0]),
    "threshold": (lambda x: um.nn.threshold(x, threshold=1.0, value=3.0), [1.0], [0.0]),
    "sparse_plus": (um.nn.sparse_plus, [-1.0, 1.0], [0.0, 1.0]),
    "sparse_sigmoid": (um.nn.sparse_sigmoid, [-1.0, 1.0], [0.0, 0.0]),
    "squareplus": (um.nn.squareplus, [0.0], [0.5]),
    "prelu": (lambda x: um.nn.prelu(x, um.numpy.asarray(0.25)), [0.0], [0.25]),
    "tanh_shrink": (um.nn.tanh_shrink, [0.0], [0.0]),
}


@pytest.mark.parametrize("name", KINKS)
def test_derivatives_at_kinks(backend, name):
    fn, places, slopes = KINKS[name]
    found = um.grad(lambda x: um.numpy.sum(fn(x)))(on(backend, np.float32(places)))
    assert host(found, backend).tolist() == slopes


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", [*KINKS, "log1mexp"])
def test_half_precision_is_rounded_once(any_backend, name, dtype):
    fn = KINKS[name][0] if name in KINKS else um.nn.log1mexp
    x = on(any_backend, np.linspace(0.05, 3, 40, dtype=np.float32), dtype)
    wide = fn(um.numpy.astype(x, "float32"))
    assert np.array_equal(
        host(fn(x), any_backend, dtype=dtype), host(um.numpy.astype(wide, dtype), any_backend, dtype=dtype)
    )


def test_ints_are_taken_as_floats(any_backend):
    x = on(any_backend, [-2, 3], "int32")
    assert host(um.nn.soft_shrink(x), any_backend).tolist() == [-1.5, 2.5]
    assert host(um.nn.logsumexp(on(any_backend, [0], "int32")), any_backend).tolist() == 0.0


def test_log1mexp_has_finite_derivatives_at_both_ends(backend):
    x = on(backend, np.float32([1e-6, 0.69, 0.7, 80.0, 1e4]))
    slope = host(um.grad(lambda v: um.numpy.sum(um.nn.log1mexp(v)))(x), backend)
    np.testing.assert_allclose(slope, 1 / np.expm1(np.float64([1e-6, 0.69, 0.7, 80.0, 700.0])), rtol=1e-5, atol=1e-30)


def test_squareplus_does_not_cancel(any_backend):
    out = host(um.nn.squareplus(on(any_backend, np.float32([-1e4]))), any_backend)
    np.testing.assert_allclose(out, [1e-4], rtol=1e-6)


def test_a_slice_without_any_entry(backend):
    x, mask = on(backend, numbers(0, 2, 3)), on(backend, np.array([[True, True, False], [False] * 3]))
    assert host(um.nn.log_softmax(x, where=mask), backend)[1].tolist() == [-np.inf] * 3
    slope = um.grad(lambda v: um.numpy.sum(um.numpy.where(mask, um.nn.log_softmax(v, where=mask), 0.0) ** 2))(x)
    assert np.all(np.isfinite(host(slope, backend)))
    assert host(slope, backend)[1].tolist() == [0.0] * 3


@pytest.mark.parametrize(
    "call",
    [
        lambda x: um.nn.soft_shrink(x, threshold=-1.0),
        lambda x: um.nn.hard_shrink(x, threshold=-1.0),
        lambda x: um.nn.squareplus(x, b=0.0),
        lambda x: um.nn.EMA(1.5),
        lambda x: um.nn.GaussianNoise(-1.0),
        lambda x: um.nn.GaussianDropout(1.0),
        lambda x: um.nn.AlphaDropout(1.1),
        lambda x: um.nn.SpatialDropout(-0.1),
        lambda x: um.nn.StochasticDepth(2),
        lambda x: um.nn.Einsum("ab,bc", (2, 3)),
        lambda x: um.nn.Einsum("a,bc->c", (2,)),
        lambda x: um.nn.LinearGeneral((2, 3), 4),
        lambda x: um.nn.LinearGeneral((2, 2), 4, axis=(1, -1)).init(0)(um.numpy.ones((2, 2))),
    ],
)
def test_wrong_options_are_refused(any_backend, call):
    with pytest.raises(OptionError) as caught:
        call(um.numpy.ones((2,)))
    assert caught.value.got
    assert caught.value.expected
    assert caught.value.fix


# Draws ----------------------------------------------------------------------------------------------------------------


def test_spatial_dropout_drops_whole_channels(any_backend):
    for axis, order in ((-1, (0, 3, 1, 2)), (1, (0, 1, 2, 3))):
        y = host(um.nn.SpatialDropout(0.5, axis=axis).init(0)(um.numpy.ones((4, 6, 5, 6))), any_backend)
        channels = y.transpose(order).reshape(24, -1)
        assert np.all(channels == channels[:, :1])
        assert set(channels[:, 0]) == {0.0, 2.0}


def test_alpha_dropout_keeps_mean_and_variance(any_backend):
    x = on(any_backend, numbers(1, 20_000))
    y = host(um.nn.AlphaDropout(0.3).init(0)(x), any_backend)
    # 20 000 draws: the standard errors are 0.007 and 0.01.
    assert abs(y.mean()) < 0.04
    assert abs(y.var() - 1) < 0.06


def test_gaussian_dropout_has_the_variance_of_dropout(any_backend):
    y = host(um.nn.GaussianDropout(0.2).init(0)(um.numpy.ones((20_000,))), any_backend)
    assert abs(y.mean() - 1) < 0.015
    assert abs(y.var() - 0.25) < 0.02


def test_the_derivative_of_gaussian_dropout_is_its_noise(backend):
    key, x = um.random.key(3), on(backend, numbers(2, 5))
    noise = host(F.gaussian_dropout(um.numpy.ones((5,)), key, 0.4), backend)
    slope = host(um.grad(lambda v: um.numpy.sum(F.gaussian_dropout(v, key, 0.4)))(x), backend)
    np.testing.assert_allclose(slope, noise, rtol=1e-6)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_rates_at_the_ends(any_backend, rate):
    x = on(any_backend, np.float32([[1.0, np.inf], [2.0, np.nan]]))
    for fn in (F.dropout, F.alpha_dropout, F.stochastic_depth):
        y = host(fn(x, um.random.key(0), rate), any_backend)
        assert np.array_equal(y, np.zeros((2, 2)) if rate else host(x, any_backend), equal_nan=True)


NOISY = {
    "SpatialDropout": lambda: um.nn.SpatialDropout(0.5),
    "AlphaDropout": lambda: um.nn.AlphaDropout(0.5),
    "FeatureAlphaDropout": lambda: um.nn.FeatureAlphaDropout(0.5),
    "GaussianNoise": lambda: um.nn.GaussianNoise(0.5),
    "GaussianDropout": lambda: um.nn.GaussianDropout(0.5),
    "StochasticDepth": lambda: um.nn.StochasticDepth(0.5),
}


@pytest.mark.parametrize("name", NOISY)
def test_draws_in_training_only(any_backend, name):
    x = on(any_backend, numbers(3, 16, 2, 8))
    layer = NOISY[name]().init(0)
    assert list(layer.rngs().state_dict()) == ["key"]
    one, two = host(layer(x), any_backend), host(layer(x), any_backend)
    assert not np.array_equal(one, two)
    for quiet in (layer.eval(), layer.freeze()):
        assert np.array_equal(host(quiet(x), any_backend), host(x, any_backend))


@pytest.mark.parametrize("name", ["SpatialDropout", "FeatureAlphaDropout"])
def test_draws_for_channels_need_channels(any_backend, name):
    for quiet in (False, True):
        layer = NOISY[name]().init(0).train(not quiet)
        with pytest.raises(ShapeError, match="without an axis of channels"):
            layer(um.numpy.ones((4,)))


def test_draws_along_an_axis_that_is_not_there(any_backend):
    with pytest.raises(ShapeError, match="no axis 2"):
        um.nn.Dropout(0.5, broadcast_axes=2).init(0)(um.numpy.ones((2, 2)))


# Embeddings and linear layers -----------------------------------------------------------------------------------------


def test_padding_starts_as_zeros_and_stays(backend):
    layer = um.nn.Embed(5, 3, padding_idx=-2).init(0)
    table = host(layer.embedding, backend)
    assert table[3].tolist() == [0.0] * 3
    assert np.all(np.delete(table, 3, 0) != 0)
    ids = on(backend, [[3, 0], [-2, 1]], "int32")
    slope = um.grad(lambda m: um.numpy.sum(m(ids)))(layer).embedding
    assert host(slope, backend)[:, 0].tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("ids", [[0, 5], [-6]])
def test_an_index_that_is_none(any_backend, ids):
    layer = um.nn.Embed(5, 3).init(0)
    with pytest.raises(ShapeError, match="5 rows got an index that is none of them"):
        layer(on(any_backend, ids, "int32"))
    assert tuple(layer(on(any_backend, np.zeros((0,), np.int32))).shape) == (0, 3)


def test_indices_are_not_looked_at_under_transforms(backend):
    layer, ids = um.nn.Embed(5, 3).init(0), on(backend, [[0, 4], [1, 2]], "int32")
    expected = host(layer(ids), backend)
    for fn in (jit(lambda m, i: m(i)), um.vmap(lambda m, i: m(i), in_axes=(None, 0))):
        assert np.array_equal(host(fn(layer, ids), backend), expected)


@pytest.mark.parametrize("index", [3, -4])
def test_padding_that_is_not_there(index):
    with pytest.raises(ShapeError, match="no such row"):
        um.nn.Embed(3, 2, padding_idx=index)


def test_attend_checks_its_query(any_backend):
    layer = um.nn.Embed(5, 3).init(0)
    with pytest.raises(ShapeError, match="was built for 3"):
        layer.attend(um.numpy.ones((2, 4)))
    with pytest.raises(DTypeError):
        layer.attend(um.numpy.ones((2, 3), dtype="float16"))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: um.nn.Bilinear(3, 2, 4).init(0)(um.numpy.ones((2, 3)), um.numpy.ones((2, 3))), "was built for 2"),
        (lambda: um.nn.Bilinear(3, 2, 4).init(0)(um.numpy.ones((2, 3)), um.numpy.ones((3, 2))), "cannot multiply"),
        (lambda: um.nn.LinearGeneral((3, 4), 2, axis=(0, 1)).init(0)(um.numpy.ones((4, 3))), "was built for"),
        (lambda: um.nn.LinearGeneral(3, 2, axis=4).init(0)(um.numpy.ones((4, 3))), "no axis 4"),
        (lambda: um.nn.PReLU(3).init(0)(um.numpy.ones((2, 4))), "3 slopes"),
        (lambda: um.nn.Flatten(2, 1)(um.numpy.ones((2, 3, 4))), "no axes to flatten"),
        (lambda: um.nn.Unflatten(1, (2, 2))(um.numpy.ones((2, 3))), "cannot make this shape"),
        (lambda: um.nn.Unflatten(1, (-1, -1))(um.numpy.ones((2, 4))), "cannot make this shape"),
        (lambda: um.nn.Reshape((5, -1))(um.numpy.ones((2, 4))), "cannot make this shape"),
        (lambda: um.nn.Residual(um.nn.Flatten())(um.numpy.ones((2, 3, 4))), "cannot add"),
    ],
)
def test_wrong_shapes_are_refused(any_backend, call, text):
    with pytest.raises(ShapeError, match=text) as caught:
        call()
    assert caught.value.got
    assert caught.value.expected


def test_the_fans_of_a_general_layer_count_all_its_axes(any_backend):
    init = um.nn.initializers.lecun_normal()
    layer = um.nn.LinearGeneral((40, 10), (5, 20), axis=(-2, -1), kernel_init=init).init(0)
    assert tuple(layer.kernel.shape) == (40, 10, 5, 20)
    # 40 000 draws with the variance 1 / 400: the standard error is 0.7 %.
    assert abs(host(layer.kernel, any_backend).var() * 400 - 1) < 0.04


def test_bilinear_draws_by_all_its_inputs(any_backend):
    kernel = host(um.nn.Bilinear(20, 30, 40).init(0).kernel, any_backend)
    assert abs(kernel.var() * 600 - 1) < 0.05


# Containers -----------------------------------------------------------------------------------------------------------


def test_sequential_grows_in_place(any_backend):
    net = um.nn.Sequential(um.nn.Linear(2, 3))
    assert net.append(um.nn.relu) is net
    assert net.extend([um.nn.Linear(3, 3), um.nn.tanh]) is net
    assert net.insert(1, um.nn.Dropout(0.1)) is net
    assert [type(layer).__name__ for layer in net] == ["Linear", "Dropout", "function", "Linear", "function"]
    del net[1]
    assert len(net) == 4
    assert tuple(net.init(0)(um.numpy.ones((1, 2))).shape) == (1, 3)
    with pytest.raises(DTypeError, match="cannot be called"):
        net.append(3)
    assert len(net) == 4


def test_parallel_takes_several_inputs(any_backend):
    net = um.nn.Parallel([um.nn.Bilinear(2, 3, 4), lambda a, b: a], merge=list).init(0)
    first, second = net(um.numpy.ones((1, 2)), um.numpy.ones((1, 3)))
    assert (tuple(first.shape), tuple(second.shape)) == ((1, 4), (1, 2))


def test_mlp_options(any_backend):
    model = um.nn.MLP([None, 6, 5, 2], norm=um.nn.LayerNorm, dropout=0.5, out_activation=um.nn.softmax)
    model = model.init(0, um.numpy.ones((3, 4)))
    assert [tuple(norm.scale.shape) for norm in model.norms] == [(6,), (5,)]
    y = host(model(on(any_backend, numbers(4, 3, 4))), any_backend)
    np.testing.assert_allclose(y.sum(-1), 1.0, rtol=1e-6)
    assert len(model.rngs().state_dict()) == 2
    half = um.nn.MLP([2, 2], dtype="float16", use_bias=False).init(0)
    assert {str(um.dtype_of(leaf)) for leaf in um.tree.leaves(half)} == {"float16"}


# Averages and keys ----------------------------------------------------------------------------------------------------


def test_ema_of_a_model(backend):
    models = [um.nn.MLP([2, 3, 1]).init(seed) for seed in range(3)]
    ema = um.nn.EMA(0.75, debias=False).init(0, models[0].parameters())
    assert not um.tree.leaves(ema.parameters())
    for model in models[1:]:
        found = ema(model.parameters())
    kernels = [host(model.layers[0].kernel, backend) for model in models]
    expected = 0.75 * (0.75 * kernels[0] + 0.25 * kernels[1]) + 0.25 * kernels[2]
    np.testing.assert_allclose(host(found.layers[0].kernel, backend), expected, rtol=1e-6)
    averaged = models[2].update(ema.average)
    assert tuple(averaged(um.numpy.ones((1, 2))).shape) == (1, 1)
    assert np.array_equal(host(models[2].layers[0].kernel, backend), kernels[2])


@pytest.mark.parametrize("debias", [True, False])
@pytest.mark.parametrize("warmup", [True, False])
def test_ema_by_hand(any_backend, debias, warmup):
    values = numbers(5, 6, 2).astype(np.float64)
    ema = um.nn.EMA(0.4, debias=debias, warmup=warmup).init(0, on(any_backend, np.float32(values[0])))
    average, remaining = np.zeros(2) if debias else np.float32(values[0]).astype(np.float64), 1.0
    for step, value in enumerate(values):
        decay = min(0.4, (1 + step) / (10 + step)) if warmup else 0.4
        average, remaining = decay * average + (1 - decay) * value, remaining * decay
        found = host(ema(on(any_backend, np.float32(value))), any_backend)
        np.testing.assert_allclose(found, average / (1 - remaining) if debias else average, rtol=1e-5, atol=1e-6)
    before = host(ema.average, any_backend).tolist()
    for quiet in (ema.eval(), ema.freeze()):
        assert host(quiet(on(any_backend, np.float32(values[0]))), any_backend).tolist() == before
        assert int(quiet.count) == 6


def test_ema_under_jit_traces_once_and_takes_no_derivatives(backend):
    ema = um.nn.EMA(0.9).init(0, {"a": um.numpy.zeros((2,)), "n": um.numpy.zeros((), dtype="int32")})
    step = jit(lambda e, tree: (e(tree), e))
    tree = {"a": on(backend, np.float32([1, 2])), "n": on(backend, np.int32(7))}
    for _ in range(3):
        found, ema = step(ema, tree)
    assert step.trace_count == 1
    np.testing.assert_allclose(host(found["a"], backend), [1, 2], rtol=1e-5)
    assert int(found["n"]) == 7
    slope = um.grad(lambda x: um.numpy.sum(um.nn.EMA(0.9).init(0, x)(x) * x))(on(backend, np.float32([1.0, 2.0])))
    np.testing.assert_allclose(host(slope, backend), [1.0, 2.0], rtol=1e-5)


def test_ema_refuses(any_backend):
    with pytest.raises(NotInitializedError):
        um.nn.EMA(0.9)(um.numpy.ones((2,)))
    with pytest.raises(NotInitializedError):
        _ = um.nn.EMA(0.9).average
    ema = um.nn.EMA(0.9).init(0, {"a": um.numpy.ones((2,))})
    with pytest.raises(TreeError):
        ema({"b": um.numpy.ones((2,))})
    assert int(ema.count) == 0


def test_before_the_first_value_an_average_is_zero(any_backend):
    assert host(um.nn.EMA(0.9).init(0, um.numpy.ones((2,))).average, any_backend).tolist() == [0.0, 0.0]


@pytest.mark.needs("jax", "torch", "numpy")
def test_a_stream_of_keys_is_the_same_on_every_engine():
    def words(name):
        stream = um.nn.RngSeq().init(5, backend=name)
        keys = [stream.next(), stream(), *stream.next(2)]
        return [um.to_backend(um.random.key_data(key), "numpy").tolist() for key in keys]

    found = [words(name) for name in ("jax", "torch", "numpy")]
    assert found[0] == found[1] == found[2]
    assert len({tuple(pair) for pair in found[0]}) == 4


def test_a_stream_moves_on_in_every_mode(any_backend):
    stream = um.nn.RngSeq(0)
    for quiet in (stream, stream.eval(), stream.freeze()):
        one, two = (um.random.key_data(quiet()).tolist() for _ in range(2))
        assert one != two
    assert list(stream.rngs().state_dict()) == ["key"]
    assert um.nn.KeySeq is um.nn.RngSeq


def test_a_stream_under_jit_and_without_a_key(backend):
    stream = um.nn.RngSeq(3)
    step = jit(lambda s: (um.random.uniform(s.next(), (2,)), s))
    (one, stream), expected = step(stream), um.nn.RngSeq(3)
    assert host(one, backend).tolist() == host(um.random.uniform(expected.next(), (2,)), backend).tolist()
    two, stream = step(stream)
    assert host(two, backend).tolist() == host(um.random.uniform(expected.next(), (2,)), backend).tolist()
    with pytest.raises(NotInitializedError):
        um.nn.RngSeq().next()
