"""Folding, unpooling, bags, distances, rare classes and further losses: refusals, empty bags, ties, states, jit."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.nn import functional as F
from unimod.testing.assertions import assert_native

pytestmark = pytest.mark.thin(3)

jit = functools.partial(um.jit, compiler="graph")


def on(backend, x):
    x = np.asarray(x)
    return um.to_backend(x.astype({"float64": "float32", "int64": "int32"}.get(x.dtype.name, x.dtype)), backend)


def host(x, backend, *, dtype="float32"):
    assert_native(x, backend)
    assert um.dtype_of(x) == dtype
    return um.to_backend(x, "numpy")


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# Refusals -------------------------------------------------------------------------------------------------------------

IMAGE, TABLE = np.ones((1, 4, 4, 2), np.float32), np.ones((5, 2), np.float32)
IDS, FLOATS = np.zeros((2, 3), np.int32), np.ones((2, 3), np.float32)

REFUSED = {
    "unfold[rank]": (ShapeError, lambda a: F.unfold(a(np.ones(3)), 2)),
    "unfold[size]": (ShapeError, lambda a: F.unfold(a(IMAGE), 5)),
    "unfold[window]": (OptionError, lambda a: F.unfold(a(IMAGE), 0)),
    "fold[places]": (ShapeError, lambda a: F.fold(a(np.ones((1, 8, 8))), (4, 4), 2)),
    "fold[features]": (ShapeError, lambda a: F.fold(a(np.ones((1, 9, 7))), (4, 4), 2)),
    "fold[dtype]": (DTypeError, lambda a: F.fold(a(np.ones((1, 9, 8), np.int32)), (4, 4), 2)),
    "fold[axes]": (ShapeError, lambda a: F.fold(a(np.ones((1, 9, 8))), (2, 2, 2, 2), 2)),
    "fold[rank]": (ShapeError, lambda a: F.fold(a(np.ones(8)), (4, 4), 2)),
    "channel_shuffle[groups]": (ShapeError, lambda a: F.channel_shuffle(a(IMAGE), 3)),
    "channel_shuffle[axis]": (ShapeError, lambda a: F.channel_shuffle(a(IMAGE), 2, axis=4)),
    "cosine_similarity[shapes]": (ShapeError, lambda a: F.cosine_similarity(a(np.ones((2, 3))), a(np.ones((2, 4))))),
    "cosine_similarity[dtype]": (DTypeError, lambda a: F.cosine_similarity(a(IDS), a(IDS))),
    "cosine_similarity[dtypes]": (DTypeError, lambda a: F.cosine_similarity(a(FLOATS), a(IDS))),
    "cosine_similarity[epsilon]": (OptionError, lambda a: F.cosine_similarity(a(FLOATS), a(FLOATS), epsilon=0.0)),
    "pairwise_distance[p]": (OptionError, lambda a: F.pairwise_distance(a(FLOATS), a(FLOATS), p=-1.0)),
    "pairwise_distance[shapes]": (ShapeError, lambda a: F.pairwise_distance(a(np.ones((2, 3))), a(np.ones((2, 4))))),
    "embedding[norm]": (OptionError, lambda a: F.embedding(a(TABLE), a(IDS), max_norm=-1.0)),
    "embedding_bag[mode]": (OptionError, lambda a: F.embedding_bag(a(TABLE), a(IDS), mode="min")),
    "embedding_bag[weights]": (OptionError, lambda a: F.embedding_bag(a(TABLE), a(IDS), weights=a(FLOATS))),
    "embedding_bag[shape]": (
        ShapeError, lambda a: F.embedding_bag(a(TABLE), a(IDS), mode="sum", weights=a(np.ones(3))),
    ),
    "embedding_bag[weight dtype]": (
        DTypeError, lambda a: F.embedding_bag(a(TABLE), a(IDS), mode="sum", weights=a(IDS)),
    ),
    "embedding_bag[rank]": (ShapeError, lambda a: F.embedding_bag(a(TABLE), a(IDS), a(np.array([0, 1])))),
    "embedding_bag[offsets]": (DTypeError, lambda a: F.embedding_bag(a(TABLE), a(IDS[0]), a(np.ones(2)))),
    "embedding_bag[table]": (ShapeError, lambda a: F.embedding_bag(a(np.ones(3)), a(IDS))),
    "embedding_bag[row]": (ShapeError, lambda a: F.embedding_bag(a(TABLE), a(IDS + 5))),
    "embedding_bag[padding]": (ShapeError, lambda a: F.embedding_bag(a(TABLE), a(IDS), padding_idx=5)),
    "EmbeddingBag[mode]": (OptionError, lambda a: um.nn.EmbeddingBag(5, 2, mode="all")),
    "EmbeddingBag[norm]": (OptionError, lambda a: um.nn.EmbeddingBag(5, 2, max_norm=0.0)),
    "Embed[norm]": (OptionError, lambda a: um.nn.Embed(5, 2, max_norm=1.0, norm_type=0.0)),
    "max_pool_with_indices[dtype]": (DTypeError, lambda a: F.max_pool_with_indices(a(np.ones((1, 4, 1), int)), 2)),
    "max_unpool[shape]": (ShapeError, lambda a: F.max_unpool(a(IMAGE), a(IDS), 2)),
    "max_unpool[dtype]": (DTypeError, lambda a: F.max_unpool(a(IMAGE), a(IMAGE), 2)),
    "max_unpool[padding]": (
        OptionError, lambda a: F.max_unpool(a(IMAGE), a(IMAGE.astype(np.int32)), 2, padding="SAME"),
    ),
    "max_unpool[size]": (OptionError, lambda a: F.max_unpool(a(IMAGE), a(IMAGE.astype(np.int32)), 2, size=(3,))),
    "max_unpool[nothing]": (
        ShapeError, lambda a: F.max_unpool(a(np.ones((1, 1, 1))), a(np.zeros((1, 1, 1), int)), 2, padding=1),
    ),
    "fractional_max_pool[room]": (ShapeError, lambda a: F.fractional_max_pool(a(IMAGE), None, 3, size=3)),
    "fractional_max_pool[both]": (OptionError, lambda a: um.nn.FractionalMaxPool(2, size=2, ratio=0.5)),
    "fractional_max_pool[none]": (OptionError, lambda a: um.nn.FractionalMaxPool(2)),
    "fractional_max_pool[ratio]": (OptionError, lambda a: um.nn.FractionalMaxPool(2, ratio=(0.5, 1.5))),
    "fractional_max_pool[dtype]": (DTypeError, lambda a: F.fractional_max_pool(a(IMAGE.astype(int)), None, 2, size=2)),
    "fractional_max_pool[axes]": (OptionError, lambda a: F.fractional_max_pool(a(IMAGE), None, 2, ratio=(0.5,))),
    "rrelu[range]": (OptionError, lambda a: um.nn.RReLU(0.5, 0.2)),
    "AdaptiveLogSoftmax[order]": (OptionError, lambda a: um.nn.AdaptiveLogSoftmax(4, 9, [5, 3])),
    "AdaptiveLogSoftmax[end]": (OptionError, lambda a: um.nn.AdaptiveLogSoftmax(4, 9, [5, 9])),
    "AdaptiveLogSoftmax[none]": (OptionError, lambda a: um.nn.AdaptiveLogSoftmax(4, 9, [])),
    "AdaptiveLogSoftmax[target]": (ShapeError, lambda a: _rare()(a(np.ones((3, 4))), a(np.array([1])))),
    "AdaptiveLogSoftmax[dtype]": (DTypeError, lambda a: _rare()(a(np.ones((1, 4))), a(np.ones(1)))),
    "AdaptiveLogSoftmax[features]": (ShapeError, lambda a: _rare()(a(np.ones((1, 5))), a(np.array([1])))),
    "multi_label_margin[dtype]": (DTypeError, lambda a: um.losses.multi_label_margin(a(FLOATS), a(FLOATS))),
    "multi_label_margin[shape]": (ShapeError, lambda a: um.losses.multi_label_margin(a(FLOATS), a(IDS[:1]))),
    "multi_label_soft_margin[weight]": (
        ShapeError, lambda a: um.losses.multi_label_soft_margin(a(FLOATS), a(IDS), class_weight=a(np.ones(2))),
    ),
    "soft_margin[shape]": (ShapeError, lambda a: um.losses.soft_margin(a(FLOATS), a(FLOATS[0]))),
    "hinge_embedding[dtype]": (DTypeError, lambda a: um.losses.hinge_embedding(a(IDS), a(IDS))),
    "nll[dtype]": (DTypeError, lambda a: um.losses.nll(a(FLOATS), a(FLOATS))),
    "nll[shape]": (ShapeError, lambda a: um.losses.nll(a(FLOATS), a(IDS))),
    "nll[check]": (OptionError, lambda a: um.losses.nll(a(FLOATS), a(np.array([0, 3])), check=True)),
    "triplet_margin_with_distance[distance]": (
        ShapeError,
        lambda a: um.losses.triplet_margin_with_distance(*[a(FLOATS)] * 3, distance=lambda one, other: one - other),
    ),
    "GeneralConv[mode]": (
        OptionError,
        lambda a: um.nn.GeneralConv(("NWC", "WIO", "NWC"), 2, 3, in_features=1, padding_mode="ODD").init(0)(
            a(np.ones((1, 4, 1)))
        ),
    ),
}  # fmt: skip


def _rare():
    return um.nn.AdaptiveLogSoftmax(4, 9, [3, 5]).init(0)


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_in_four_parts_and_of_one_text(any_backend, name):
    error, call = REFUSED[name]
    with pytest.raises(error) as caught:
        call(lambda x: on(any_backend, x))
    assert caught.value.got
    assert caught.value.expected
    assert caught.value.fix
    with pytest.raises(error) as again, um.use_backend("numpy"):
        call(lambda x: on("numpy", x))
    assert str(caught.value).replace(f"on {any_backend}", "on numpy") == str(again.value)


# Windows --------------------------------------------------------------------------------------------------------------


def test_windows_that_do_not_overlap_come_back(any_backend):
    x = numbers(0, 2, 4, 6, 3)
    for data_format, image in ((None, x), ("NCHW", x.transpose(0, 3, 1, 2))):
        rows = F.unfold(on(any_backend, image), (2, 3), stride=(2, 3), data_format=data_format)
        assert tuple(rows.shape) == ((2, 4, 18) if data_format is None else (2, 18, 4))
        back = F.fold(rows, (4, 6), (2, 3), stride=(2, 3), data_format=data_format)
        assert host(back, any_backend).tolist() == image.tolist()


def test_unfolding_keeps_batch_axes_and_dtypes(any_backend):
    x = on(any_backend, np.arange(24, dtype=np.int32).reshape(2, 3, 4, 1))
    rows = F.unfold(x, (2,))
    assert host(rows, any_backend, dtype="int32")[1, 2].tolist() == [[20, 21], [21, 22], [22, 23]]
    assert host(F.fold(um.numpy.astype(rows, "float32"), (4,), 2), any_backend)[0, 0, :, 0].tolist() == [0, 2, 4, 3]


def test_folding_of_half_precision_adds_in_float32(any_backend):
    rows = um.numpy.astype(on(any_backend, np.tile([[256.0], [1.0]], (1, 1))[None].repeat(2, 2)), "bfloat16")
    out = F.fold(rows, (1,), 2, padding=((0, 2),))
    assert host(out, any_backend, dtype="bfloat16").astype(np.float32).tolist() == [[[256.0]]]
    many = um.numpy.astype(on(any_backend, np.float32([[[0, 0, 256], [0, 1, 0], [1, 0, 0]]])), "bfloat16")
    # 256 + 1 + 1: one by one bfloat16 would stay at 256.
    assert float(F.fold(many, (5,), 3)[0, 2, 0]) == 258.0


def test_the_place_of_a_maximum_where_all_is_minus_infinity(any_backend):
    x = np.full((1, 3, 1), -np.inf, np.float32)
    values, places = F.max_pool_with_indices(on(any_backend, x), 2, stride=1, padding=1)
    assert host(values, any_backend)[0, :, 0].tolist() == [-np.inf] * 4
    assert set(host(places, any_backend, dtype="int32")[0, :, 0].tolist()) <= {0, 1, 2}


def test_unpooling_undoes_pooling(any_backend):
    x = on(any_backend, numbers(0, 2, 4, 6, 3))
    values, places = um.nn.MaxPoolWithIndices(2)(x)
    image = host(um.nn.MaxUnpool(2)(values, places), any_backend)
    assert image.shape == (2, 4, 6, 3)
    given = host(x, any_backend)
    assert np.array_equal(image, np.where(image == given, given, 0))
    assert (image == given).sum() == values.shape[1] * values.shape[2] * 6
    again, _ = um.nn.MaxPoolWithIndices(2)(on(any_backend, np.where(image == given, given, -9)))
    assert np.array_equal(host(again, any_backend), host(values, any_backend))


def test_unpooling_leaves_out_what_lies_outside(any_backend):
    x, places = on(any_backend, np.float32([[[1.0], [2.0]]])), on(any_backend, np.int32([[[-1], [4]]]))
    assert host(F.max_unpool(x, places, 2), any_backend).tolist() == [[[0.0]] * 4]


def test_overlapping_windows_name_a_place_twice(backend):
    x, places = on(backend, np.float32([[[5.0], [5.0]]])), on(backend, np.int32([[[1], [1]]]))
    assert host(F.max_unpool(x, places, 2, stride=1), backend)[0, :, 0].tolist() == [0.0, 5.0, 0.0]
    slope = um.grad(lambda v: um.numpy.sum(F.max_unpool(v, places, 2, stride=1)))(x)
    assert host(slope, backend)[0, :, 0].tolist() == [0.0, 1.0]


def test_fractional_pooling_draws_in_training_only(any_backend):
    layer, x = um.nn.FractionalMaxPool(2, size=6).init(0), on(any_backend, numbers(0, 3, 13, 13, 2))
    one, two = (host(layer(x), any_backend) for _ in range(2))
    assert one.shape == two.shape == (3, 6, 6, 2)
    assert not np.array_equal(one, two)
    quiet = [host(mode(x), any_backend) for mode in (layer.eval(), layer.freeze(), layer.eval())]
    assert np.array_equal(quiet[0], quiet[1])
    assert np.array_equal(quiet[0], quiet[2])
    # Each value is one of the image, and the last window ends where the image does.
    assert set(one.ravel().tolist()) <= set(host(x, any_backend).ravel().tolist())
    assert np.array_equal(quiet[0][:, -1, -1], host(x, any_backend)[:, -2:, -2:].max((1, 2)))


# Embeddings -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_empty_bags_are_zero_and_have_no_derivative(backend, mode):
    table, ids = on(backend, numbers(0, 4, 2)), on(backend, np.array([1, 1, 1]))
    offsets = on(backend, np.array([0, 0, 3]))
    out = host(F.embedding_bag(table, ids, offsets, mode=mode), backend)
    assert out[[0, 2]].tolist() == [[0.0, 0.0]] * 2
    padded = on(backend, np.array([[1, 1], [1, 0]]))
    fn = lambda t: F.embedding_bag(t, padded, mode=mode, padding_idx=1)  # noqa: E731
    assert host(fn(table), backend)[0].tolist() == [0.0, 0.0]
    slope = host(um.grad(lambda t: um.numpy.sum(fn(t)))(table), backend)
    assert slope.tolist() == [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    nothing = on(backend, np.zeros((2, 0), np.int32))
    assert host(F.embedding_bag(table, nothing, mode=mode), backend).tolist() == [[0.0, 0.0]] * 2


def test_rows_that_are_the_maximum_together_share_its_derivative(backend):
    table, ids = on(backend, np.float32([[1.0], [1.0], [0.0]])), on(backend, np.array([[0, 1, 2]]))
    slope = um.grad(lambda t: um.numpy.sum(F.embedding_bag(t, ids, mode="max")))(table)
    assert host(slope, backend).tolist() == [[0.5], [0.5], [0.0]]
    flat, start = on(backend, np.array([0, 1, 2])), on(backend, np.array([0]))
    slope = um.grad(lambda t: um.numpy.sum(F.embedding_bag(t, flat, start, mode="max")))(table)
    assert host(slope, backend).tolist() == [[0.5], [0.5], [0.0]]


def test_bags_of_both_forms_are_the_same(any_backend):
    table, ids = on(any_backend, numbers(0, 6, 3)), np.array([[0, 2, 5], [1, -1, 4]])
    for mode in ("sum", "mean", "max"):
        one = F.embedding_bag(table, on(any_backend, ids), mode=mode, padding_idx=1)
        starts = on(any_backend, np.array([0, 3]))
        other = F.embedding_bag(table, on(any_backend, ids.reshape(-1)), starts, mode=mode, padding_idx=1)
        np.testing.assert_allclose(host(one, any_backend), host(other, any_backend), rtol=1e-6)


def test_bags_of_half_precision_and_under_jit(backend):
    table = um.numpy.astype(on(backend, np.float32([[256.0], [1.0]])), "bfloat16")
    ids = on(backend, np.array([[0, 1, 1]]))
    assert host(F.embedding_bag(table, ids, mode="sum"), backend, dtype="bfloat16").astype(float).tolist() == [[258.0]]
    fn = jit(lambda t, i, o: F.embedding_bag(t, i, o, mode="sum"))
    flat = on(backend, np.array([0, 1, 1]))
    for starts, expected in (([0, 1], [[256.0], [2.0]]), ([0, 3], [[258.0], [0.0]])):
        found = host(fn(table, flat, on(backend, np.array(starts))), backend, dtype="bfloat16")
        assert found.astype(float).tolist() == expected
    assert fn.trace_count == 1


def test_the_greatest_norm_bounds_every_row(backend):
    layer = um.nn.Embed(7, 3, max_norm=0.5, padding_idx=2).init(0)
    layer.embedding = on(backend, numbers(0, 7, 3))
    rows = host(layer(on(backend, np.arange(7))), backend)
    given = host(layer.embedding, backend)
    lengths = np.linalg.norm(given, axis=1)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), np.minimum(lengths, 0.5), rtol=1e-5)
    assert np.array_equal(given, numbers(0, 7, 3))
    # Along the row itself there is nothing to gain where it is cut.
    slope = um.grad(lambda m: um.numpy.sum(m(on(backend, np.arange(7))) * on(backend, rows)))(layer).embedding
    along = (host(slope, backend) * given).sum(1)
    assert np.abs(along[(lengths > 0.5) | (np.arange(7) == 2)]).max() < 1e-6


def test_a_bag_has_zeros_in_the_row_of_its_padding(any_backend):
    layer = um.nn.EmbeddingBag(4, 2, padding_idx=-1).init(0)
    assert host(layer.embedding, any_backend)[3].tolist() == [0.0, 0.0]
    assert list(layer.parameters().state_dict()) == ["embedding"]


# Distances, rectifiers, rare classes ----------------------------------------------------------------------------------


def test_derivatives_of_distances_are_finite_at_zero(backend):
    zero, one = on(backend, np.zeros((2, 3))), on(backend, np.ones((2, 3)))
    for fn in (F.cosine_similarity, F.pairwise_distance):
        for pair in ((zero, zero), (zero, one)):
            slope = um.grad(lambda x, y, fn=fn: um.numpy.sum(fn(x, y)))(*pair)
            assert np.all(np.isfinite(host(slope, backend)))


def test_rectifier_draws_in_training_only(any_backend):
    layer, x = um.nn.RReLU(0.2, 0.4).init(0), on(any_backend, np.float32([[-1.0] * 50 + [2.0]]))
    one, two = (host(layer(x), any_backend) for _ in range(2))
    assert one.tolist() != two.tolist()
    assert np.all((-one[0, :50] >= 0.2) & (-one[0, :50] < 0.4))
    assert len(set(one[0, :50].tolist())) > 40
    for quiet in (layer.eval(), layer.freeze()):
        np.testing.assert_allclose(host(quiet(x), any_backend)[0], [-0.3] * 50 + [2.0], rtol=1e-6)
    assert list(layer.rngs().state_dict()) == ["key"]


@pytest.mark.needs("jax", "torch", "numpy")
def test_slopes_are_the_same_on_every_engine():
    x = numbers(0, 5, 6)
    found = [um.to_backend(um.nn.RReLU().init(3, backend=b)(on(b, x)), "numpy") for b in ("jax", "torch", "numpy")]
    np.testing.assert_array_max_ulp(found[0], found[2], 1)
    np.testing.assert_array_max_ulp(found[1], found[2], 1)


def test_rare_classes(any_backend):
    layer = um.nn.AdaptiveLogSoftmax(None, 12, [3, 7], div_value=3.0)
    x, target = on(any_backend, numbers(0, 2, 4, 6)), np.array([[0, 2, 3, 6], [7, 11, 12, -1]])
    layer = layer.init(0, x, on(any_backend, target))
    shapes = {name: tuple(leaf.shape) for name, leaf in layer.parameters().state_dict().items()}
    assert shapes == {
        "head": (6, 5), "projections.0": (6, 2), "projections.1": (6, 1), "outputs.0": (2, 4), "outputs.1": (1, 5),
    }  # fmt: skip
    every = host(layer.log_prob(x), any_backend)
    np.testing.assert_allclose(np.exp(every).sum(-1), 1.0, rtol=1e-5)
    found = layer(x, on(any_backend, target))
    picked = host(found.log_probs, any_backend)
    assert np.isnan(picked[1, 2:]).all()
    expected = np.take_along_axis(every, np.clip(target, 0, 11)[..., None], -1)[..., 0]
    np.testing.assert_allclose(picked.ravel()[:6], expected.ravel()[:6], rtol=1e-6)
    known = layer(x, on(any_backend, np.clip(target, 0, 11)))
    np.testing.assert_allclose(host(known.loss, any_backend), -host(known.log_probs, any_backend).mean(), rtol=1e-6)
    assert host(layer.predict(x), any_backend, dtype="int32").tolist() == every.argmax(-1).tolist()


# Losses ---------------------------------------------------------------------------------------------------------------


def test_a_label_that_is_no_class_gives_nan_unless_it_is_ignored(any_backend):
    log_probs = on(any_backend, np.log(np.float32([[0.25, 0.75], [0.5, 0.5], [0.5, 0.5]])))
    labels = on(any_backend, np.array([1, 2, -100]))
    values = host(um.losses.nll(log_probs, labels, reduction="none", ignore_index=-100), any_backend)
    np.testing.assert_allclose(values, [-np.log(0.75), np.nan, 0.0], rtol=1e-6)
    ignored = on(any_backend, np.array([-100, -100, -100]))
    assert float(um.losses.nll(log_probs, ignored, ignore_index=-100)) == 0.0


def test_losses_weigh_examples(any_backend):
    preds, weight = on(any_backend, numbers(0, 3, 4)), on(any_backend, np.float32([1.0, 0.0, 3.0]))
    lists = on(any_backend, np.array([[0, 1, -1, 2], [3, -1, 0, 0], [2, -1, -1, -1]]))
    for loss in (um.losses.MultiLabelMargin, um.losses.MultiLabelSoftMargin):
        values = host(loss(reduction="none")(preds, lists), any_backend)
        assert values.shape == (3,)
        found = loss(reduction="weighted mean", weight=2.0)(preds, lists, sample_weight=weight)
        np.testing.assert_allclose(host(found, any_backend), 2 * (values[0] + 3 * values[2]) / 4, rtol=1e-6)


def test_a_distance_with_parameters_is_part_of_the_loss(backend):
    class Learned(um.Module):
        def __init__(self):
            self.layer = um.nn.Linear(3, 2)

        def __call__(self, one, other):
            return F.pairwise_distance(self.layer(one), self.layer(other))

    loss = um.losses.TripletMarginWithDistance(distance=Learned(), margin=5.0, on="x").init(0)
    arrays = [{"x": on(backend, numbers(seed, 4, 3))} for seed in range(3)]
    slopes = um.grad(lambda m: m(*arrays))(loss).distance.layer.kernel
    assert np.abs(host(slopes, backend)).max() > 0
    assert sorted(loss.parameters().state_dict()) == ["distance.layer.bias", "distance.layer.kernel"]


def test_derivatives_at_the_kinks_of_losses(backend):
    x = on(backend, np.float32([1.0]))
    slope = um.grad(lambda v: um.losses.hinge_embedding(v, on(backend, np.array([-1]))))(x)
    assert host(slope, backend).tolist() == [0.0]
    pair, labels = on(backend, np.float32([[1.0, 0.0]])), on(backend, np.array([[0, -1]]))
    slope = um.grad(lambda v: um.losses.multi_label_margin(v, labels))(pair)
    assert host(slope, backend).tolist() == [[0.0, 0.0]]


# Convolutions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["ZEROS", "CIRCULAR", "REFLECT", "EDGE"])
def test_modes_of_padding_are_those_of_the_convolution(any_backend, mode):
    x = on(any_backend, numbers(0, 2, 5, 4, 3))
    plain = um.nn.Conv(3, 2, 3, padding=1, padding_mode=mode).init(0)
    layer = um.nn.GeneralConv(("NHWC", "HWIO", "NHWC"), 2, 3, in_features=3, padding=1, padding_mode=mode).init(0)
    layer.kernel, layer.bias = plain.kernel, plain.bias
    np.testing.assert_allclose(host(layer(x), any_backend), host(plain(x), any_backend), rtol=1e-5, atol=1e-6)
    both = um.nn.SeparableConv(3, 2, 3, padding=1, padding_mode=mode).init(0)
    depthwise = um.nn.DepthwiseConv(3, 3, padding=1, padding_mode=mode, use_bias=False).init(0)
    depthwise.kernel = both.depthwise.kernel
    expected = host(both.pointwise(depthwise(x)), any_backend)
    np.testing.assert_allclose(host(both(x), any_backend), expected, rtol=1e-5, atol=1e-6)
