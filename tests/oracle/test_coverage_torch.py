"""What is called otherwise than in torch.nn, against torch.nn, with copied weights; values and derivatives."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod.nn import functional as F
from unimod.testing.assertions import assert_native

pytestmark = [pytest.mark.needs("torch"), pytest.mark.thin(3)]


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def close(actual, expected, *, tolerance=2e-6):
    assert_native(actual, "torch")
    one, other = um.to_backend(actual.detach(), "numpy"), expected.detach().numpy()
    assert one.shape == other.shape
    assert one.dtype == other.dtype
    np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def both(ours, theirs, *arrays, tolerance=2e-6):
    """Values and derivatives by all arrays, under a cotangent that is not all ones."""
    import torch

    found = []
    for fn in (ours, theirs):
        leaves = [torch.from_numpy(array).requires_grad_() for array in arrays]
        y = fn(*leaves)
        weights = torch.linspace(-1, 2, y.numel()).reshape(y.shape)
        found.append((y, *torch.autograd.grad((y * weights).sum(), leaves)))
    for one, other in zip(*found, strict=True):
        close(one, other, tolerance=tolerance)


# Windows --------------------------------------------------------------------------------------------------------------

WINDOWS = [
    {"kernel_size": 2},
    {"kernel_size": (3, 2), "stride": (2, 1), "padding": 1},
    {"kernel_size": (2, 3), "stride": 2, "padding": (0, 2), "dilation": (2, 1)},
]


def ours(options):
    return {"window" if name == "kernel_size" else name: value for name, value in options.items()}


@pytest.mark.parametrize("options", WINDOWS)
def test_unfold_and_fold(options):
    import torch

    unfold = torch.nn.Unfold(**options)
    both(um.nn.Unfold(**ours(options), data_format="NCHW"), unfold, numbers(0, 2, 3, 6, 7))
    rows = unfold(torch.zeros(2, 3, 6, 7)).shape
    fold = um.nn.Fold((6, 7), **ours(options), data_format="NCHW")
    both(fold, torch.nn.Fold((6, 7), **options), numbers(1, *rows))


def test_rows_of_windows_make_a_convolution():
    import torch

    x, kernel = torch.from_numpy(numbers(0, 2, 5, 6, 3)), torch.from_numpy(numbers(1, 3, 2, 3, 4))
    rows = F.unfold(x, (3, 2), stride=2, padding=1)
    expected = F.conv(x, kernel, stride=2, padding=1).reshape(2, -1, 4)
    close(rows @ kernel.reshape(-1, 4), expected, tolerance=1e-5)


POOLS = [
    (1, {"kernel_size": 2}),
    (2, {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0)}),
    (2, {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    (2, {"kernel_size": 2, "stride": 1, "dilation": 2}),
    (3, {"kernel_size": 2}),
]
FORMATS = {1: "NCW", 2: "NCHW", 3: "NCDHW"}


@pytest.mark.parametrize(("axes", "options"), POOLS)
def test_pooling_with_indices(axes, options):
    import torch

    native = getattr(torch.nn, f"MaxPool{axes}d")(**options, return_indices=True)
    layer = um.nn.MaxPoolWithIndices(**ours(options), data_format=FORMATS[axes])
    # Few numbers, so that there are ties: the first of them is named.
    x = np.round(numbers(0, 2, 3, 6, 5, 4)[(slice(None),) * (2 + axes) + (0,) * (3 - axes)] * 2)
    indices = layer(torch.from_numpy(x))[1]
    assert um.dtype_of(indices) == "int32"
    assert indices.tolist() == native(torch.from_numpy(x))[1].tolist()
    both(lambda v: layer(v)[0], lambda v: native(v)[0], x)


@pytest.mark.parametrize("size", [None, (7, 6)])
def test_unpooling(size):
    import torch

    x = numbers(0, 2, 3, 7, 6)
    _, places = torch.nn.functional.max_pool2d(torch.from_numpy(x), (2, 3), return_indices=True)
    places = places if size else torch.nn.functional.max_pool2d(torch.ones(2, 3, 6, 6), (2, 3), return_indices=True)[1]
    native, layer = torch.nn.MaxUnpool2d((2, 3)), um.nn.MaxUnpool((2, 3), data_format="NCHW")
    maxima = numbers(1, *places.shape)
    both(lambda v: layer(v, places, size=size), lambda v: native(v, places, output_size=size), maxima)


@pytest.mark.parametrize(("axes", "sizes"), [(2, (3, 5)), (2, (1, 4)), (3, (2, 3, 3))])
def test_fractional_pooling_with_the_same_draws(axes, sizes):
    import torch

    key = um.random.key(5, backend="torch")
    draws = um.random.uniform(key, (2, 3, axes))
    # torch's draws for two axes begin with the last one.
    native = getattr(torch.nn, f"FractionalMaxPool{axes}d")(
        2, output_size=sizes, _random_samples=draws.flip(-1) if axes == 2 else draws
    )
    x = numbers(0, 2, 3, 6, 8, 5)[(slice(None),) * (2 + axes) + (0,) * (3 - axes)].copy()
    both(lambda v: F.fractional_max_pool(v, key, 2, size=sizes, data_format=FORMATS[axes]), native, x)


def test_shuffling_of_channels():
    import torch

    both(um.nn.ChannelShuffle(3, axis=1), torch.nn.ChannelShuffle(3), numbers(0, 2, 6, 2, 3))


# Embeddings -----------------------------------------------------------------------------------------------------------

TABLE = numbers(0, 6, 3)
BAGS = np.array([[0, 2, 2, 5], [1, 1, 1, 1], [3, 1, 0, 4]])


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding_idx", [None, 1])
def test_bags_of_one_length(mode, padding_idx):
    import torch

    # A maximum that stands in a bag twice is named once there, and shared here: the sum of both is the same.
    ids, native = torch.from_numpy(BAGS), torch.nn.functional.embedding_bag
    both(
        lambda table: F.embedding_bag(table, ids, mode=mode, padding_idx=padding_idx),
        lambda table: native(ids, table, mode=mode, padding_idx=padding_idx),
        TABLE,
    )


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding_idx", [None, -5])
@pytest.mark.parametrize(("offsets", "last"), [([0, 3, 3, 7], False), ([0, 12], False), ([0, 1, 1, 12], True)])
def test_bags_one_behind_the_other(mode, padding_idx, offsets, last):
    import torch

    ids, starts = torch.from_numpy(BAGS.reshape(-1)), torch.tensor(offsets)
    options = {"mode": mode, "padding_idx": padding_idx, "include_last_offset": last}
    both(
        lambda table: F.embedding_bag(table, ids, starts, **options),
        lambda table: torch.nn.functional.embedding_bag(ids, table, starts, **options),
        TABLE,
    )


def test_weights_of_bags():
    import torch

    ids, native = torch.from_numpy(BAGS), torch.nn.functional.embedding_bag
    both(
        lambda table, weights: F.embedding_bag(table, ids, mode="sum", weights=weights),
        lambda table, weights: native(ids, table, mode="sum", per_sample_weights=weights),
        TABLE, numbers(1, 3, 4),
    )  # fmt: skip


@pytest.mark.parametrize("norm_type", [1.0, 2.0])
def test_the_greatest_norm_of_an_embedding(norm_type):
    import torch

    layer = um.nn.Embed(6, 3, max_norm=1.2, norm_type=norm_type).init(0, backend="torch")
    bags = um.nn.EmbeddingBag(6, 3, max_norm=1.2, norm_type=norm_type).init(0, backend="torch")
    layer.embedding = bags.embedding = torch.from_numpy(TABLE.copy())
    for ours_, native in ((layer, torch.nn.Embedding), (bags, torch.nn.EmbeddingBag)):
        theirs = native(6, 3, max_norm=1.2, norm_type=norm_type)
        theirs.weight.data = torch.from_numpy(TABLE.copy())
        close(ours_(torch.from_numpy(BAGS)), theirs(torch.from_numpy(BAGS)))
    assert layer.embedding.numpy().tolist() == TABLE.tolist()


# Distances ------------------------------------------------------------------------------------------------------------


def test_cosines():
    import torch

    one, other = numbers(0, 4, 1, 3), numbers(1, 5, 3)
    one[0] = 0
    both(um.nn.CosineSimilarity(axis=2), torch.nn.CosineSimilarity(dim=2), one[1:], other)
    close(um.nn.CosineSimilarity()(*map(torch.from_numpy, (one, other))), torch.cosine_similarity(
        *map(torch.from_numpy, (one, other)), dim=-1))  # fmt: skip


@pytest.mark.parametrize("p", [1.0, 2.0, 3.5, float("inf")])
@pytest.mark.parametrize("keepdims", [False, True])
def test_distances(p, keepdims):
    import torch

    both(
        um.nn.PairwiseDistance(p=p, keepdims=keepdims),
        torch.nn.PairwiseDistance(p=p, keepdim=keepdims),
        numbers(0, 4, 3), numbers(1, 4, 3), tolerance=1e-5,
    )  # fmt: skip


# Rare classes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_bias", [False, True])
def test_adaptive_softmax(has_bias):
    import torch

    native = torch.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 9, 14], div_value=2.0, head_bias=has_bias)
    layer = um.nn.AdaptiveLogSoftmax(8, 20, [5, 9, 14], div_value=2.0, use_head_bias=has_bias).init(0, backend="torch")

    def copied(leaf, weight):
        turned = weight.detach().mT.clone()
        assert leaf.shape == turned.shape
        return turned

    layer.head = copied(layer.head, native.head.weight)
    if has_bias:
        layer.head_bias = native.head.bias.detach().clone()
    parts = [(few.weight, out.weight) for few, out in native.tail]
    layer.projections = [copied(leaf, few) for leaf, (few, _) in zip(layer.projections, parts, strict=True)]
    layer.outputs = [copied(leaf, out) for leaf, (_, out) in zip(layer.outputs, parts, strict=True)]
    target, x = torch.tensor([0, 4, 5, 8, 9, 13, 14, 19]), numbers(0, 8, 8)
    both(lambda v: layer(v, target).log_probs, lambda v: native(v, target).output, x)
    both(lambda v: layer(v, target).loss, lambda v: native(v, target).loss, x)
    both(layer.log_prob, native.log_prob, x)
    assert layer.predict(torch.from_numpy(x)).tolist() == native.predict(torch.from_numpy(x)).tolist()


# Losses ---------------------------------------------------------------------------------------------------------------

SCORES = numbers(0, 3, 4)
SIGNS = np.array([[1, -1, 1, 1], [-1, -1, 1, -1], [1, 1, -1, 1]])
LISTS = np.array([[2, 0, -1, 1], [-1, 1, 1, 1], [3, 1, 0, 2]])
WEIGHT = np.array([0.5, 1.0, 2.0, 1.5], np.float32)

LOSSES = {
    "SoftMargin": ("SoftMarginLoss", SIGNS, {}, {}),
    "HingeEmbedding": ("HingeEmbeddingLoss", SIGNS, {"margin": 0.8}, {"margin": 0.8}),
    "MultiLabelMargin": ("MultiLabelMarginLoss", LISTS, {}, {}),
    "MultiLabelSoftMargin": (
        "MultiLabelSoftMarginLoss", (SIGNS + 1) // 2, {"class_weight": WEIGHT}, {"weight": WEIGHT},
    ),
    "NLL": (
        "NLLLoss", np.array([2, 0, 3]), {"class_weight": WEIGHT, "ignore_index": 3},
        {"weight": WEIGHT, "ignore_index": 3},
    ),
}  # fmt: skip


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, reduction):
    import torch

    theirs, target, options, native = LOSSES[name]
    options = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    native = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in native.items()}
    target = torch.from_numpy(target)
    loss, other = (
        getattr(um.losses, name)(reduction=reduction, **options),
        getattr(torch.nn, theirs)(reduction=reduction, **native),
    )
    both(lambda v: loss(v, target), lambda v: other(v, target), SCORES)


def test_likelihood_of_images():
    import torch

    target = torch.from_numpy(np.random.default_rng(1).integers(0, 3, (2, 4, 5)))
    loss = um.losses.NLL(axis=1, ignore_index=1)
    both(lambda v: loss(v, target), lambda v: torch.nn.NLLLoss(ignore_index=1)(v, target), numbers(0, 2, 3, 4, 5))


@pytest.mark.parametrize("swap", [False, True])
def test_triplets_of_any_distance(swap):
    import torch

    arrays = [numbers(seed, 4, 3) for seed in range(3)]
    for distance in (None, torch.nn.PairwiseDistance(p=1.0)):
        options = {} if distance is None else {"distance": um.nn.PairwiseDistance(p=1.0)}
        loss = um.losses.TripletMarginWithDistance(margin=0.7, swap=swap, **options)
        native = torch.nn.TripletMarginWithDistanceLoss(distance_function=distance, margin=0.7, swap=swap)
        both(loss, native, *arrays)


# Others ---------------------------------------------------------------------------------------------------------------


def test_randomized_rectifier_in_evaluation():
    import torch

    both(um.nn.RReLU().init(0, backend="torch").eval(), torch.nn.RReLU().eval(), numbers(0, 3, 4))


def test_the_channels_of_a_local_response():
    import torch

    layer = um.nn.LocalResponseNorm(4, alpha=0.3, beta=0.6, k=1.5, axis=1)
    both(layer, torch.nn.LocalResponseNorm(4, 0.3, 0.6, 1.5), numbers(0, 2, 6, 3, 2), tolerance=1e-5)
    # Behind the first channels the window of CrossMapLRN2d does not let go of the first one.
    x, few = torch.from_numpy(numbers(0, 2, 6, 3, 2)), (slice(None), slice(3))
    found, expected = um.nn.LocalResponseNorm(5, alpha=0.3, axis=1)(x), torch.nn.CrossMapLRN2d(5, 0.3)(x)
    close(found[few], expected[few], tolerance=1e-5)
    close(found, torch.nn.LocalResponseNorm(5, 0.3)(x), tolerance=1e-5)


@pytest.mark.parametrize(("ours_", "theirs"), [("CIRCULAR", "circular"), ("REFLECT", "reflect"), ("EDGE", "replicate")])
def test_modes_of_padding_of_general_and_separable_convolutions(ours_, theirs):
    import torch

    native = torch.nn.Conv2d(3, 4, 3, stride=2, padding=(1, 2), padding_mode=theirs)
    layer = um.nn.GeneralConv(
        ("NCHW", "OIHW", "NCHW"), 4, 3, in_features=3, stride=2, padding=(1, 2), padding_mode=ours_
    ).init(0, backend="torch")
    layer.kernel, layer.bias = native.weight.detach().clone(), native.bias.detach().clone()
    both(layer, native, numbers(0, 2, 3, 6, 7), tolerance=1e-5)
    depthwise = torch.nn.Conv2d(3, 6, 3, padding=1, padding_mode=theirs, groups=3, bias=False)
    pointwise = torch.nn.Conv2d(6, 4, 1)
    layer = um.nn.SeparableConv(3, 4, 3, channel_multiplier=2, padding=1, padding_mode=ours_, data_format="NCHW").init(
        0, backend="torch"
    )
    layer.depthwise.kernel = depthwise.weight.detach().permute(2, 3, 1, 0).clone()
    layer.pointwise.kernel = pointwise.weight.detach().permute(2, 3, 1, 0).clone()
    layer.pointwise.bias = pointwise.bias.detach().clone()
    both(layer, lambda x: pointwise(depthwise(x)), numbers(0, 2, 3, 6, 7), tolerance=1e-5)
