"""Convolutions, pooling and resizing: what is refused, the edges of their definitions, and equal weights."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod import errors
from unimod.nn import functional
from unimod.testing.assertions import assert_native

pytestmark = pytest.mark.thin(3)


def ones(*shape, dtype="float32"):
    return um.numpy.ones(shape, dtype=dtype)


def host(x):
    return um.to_backend(x, "numpy")


def layer(cls, *args, **options):
    return cls(*args, **options).init(0)


def general(*numbers, x=(5, 5, 2, 1), size=3):
    return um.nn.GeneralConv(numbers, 3, size).init(0, ones(*x))


nn = um.nn
REFUSED = {
    "kernel larger than the input": (
        errors.ShapeError, "larger than the padded input on spatial axis 1",
        lambda: layer(nn.Conv, 2, 3, 5, padding=(1, 0))(ones(1, 4, 4, 2)),
    ),
    "kernel larger than the input, mapped": (
        errors.ShapeError, "larger than the padded input",
        lambda: um.vmap(layer(nn.Conv, 2, 3, 5, padding="VALID"))(ones(2, 1, 4, 4, 2)),
    ),
    "channels": (errors.ShapeError, "was built for 2", lambda: layer(nn.Conv, 2, 3, 3)(ones(1, 4, 4, 3))),
    "channels, channels first": (
        errors.ShapeError, "Conv2D got 4 features on axis -3",
        lambda: layer(nn.Conv2D, 2, 3, 3, data_format="NCHW")(ones(1, 4, 4, 2)),
    ),
    "channels of a transposed one": (
        errors.ShapeError, "was built for 2", lambda: layer(nn.ConvTranspose, 2, 3, 3)(ones(1, 4, 4, 3)),
    ),
    "channels of a general one": (
        errors.ShapeError, "GeneralConv got 3 features on the axis C",
        lambda: general("HWCN", "OIHW", "NHWC")(ones(5, 5, 3, 1)),
    ),
    "channels of a function": (
        errors.ShapeError, "its kernel takes 2", lambda: functional.conv_local(ones(1, 4, 3), ones(3, 2, 2, 5)),
    ),
    "axes": (errors.ShapeError, "too few axes", lambda: layer(nn.Conv3D, 2, 3, 3)(ones(4, 4, 2))),
    "axes of a general one": (
        errors.ShapeError, "wrong number of axes", lambda: general("HWCN", "OIHW", "NHWC")(ones(5, 5, 2)),
    ),
    "axes of a kernel": (errors.ShapeError, "1, 2 or 3 spatial", lambda: functional.conv(ones(1, 4), ones(2, 3))),
    "axes of an unshared kernel": (
        errors.ShapeError, "wrong number of axes", lambda: functional.conv_local(ones(1, 4, 2), ones(3, 2, 2)),
    ),
    "kernel sizes": (errors.OptionError, "`kernel_size` does not fit 1", lambda: nn.Conv1D(2, 3, (3, 3))),
    "four kernel sizes": (errors.ShapeError, "1, 2 or 3 spatial", lambda: nn.Conv(2, 3, (3, 3, 3, 3))),
    "groups": (errors.ShapeError, "cannot split its channels into 3", lambda: nn.Conv(4, 6, 3, groups=3)),
    "no groups": (errors.ShapeError, "cannot split its channels into 0", lambda: nn.ConvTranspose(4, 6, 3, groups=0)),
    "groups, inferred": (
        errors.ShapeError, "cannot split its channels into 2",
        lambda: nn.Conv(None, 4, 3, groups=2).init(0, ones(1, 4, 4, 3)),
    ),
    "padding": (
        errors.OptionError, "`padding` does not fit 2",
        lambda: layer(nn.Conv, 2, 3, 3, padding="HALF")(ones(1, 4, 4, 2)),
    ),
    "causal padding of two axes": (
        errors.OptionError, "`padding` does not fit 2",
        lambda: layer(nn.Conv, 2, 3, 3, padding="CAUSAL")(ones(1, 4, 4, 2)),
    ),
    "circular padding of a transposed one": (
        errors.OptionError, "`padding` does not fit 2",
        lambda: layer(nn.ConvTranspose, 2, 3, 3, padding="CIRCULAR")(ones(1, 4, 4, 2)),
    ),
    "padding mode": (
        errors.OptionError, "no such `padding_mode`",
        lambda: layer(nn.Conv, 2, 3, 3, padding_mode="SYMMETRIC")(ones(1, 4, 4, 2)),
    ),
    "stride": (errors.OptionError, "`stride`", lambda: layer(nn.Conv, 2, 3, 3, stride=0)(ones(1, 4, 4, 2))),
    "output padding": (
        errors.OptionError, "`output_padding` does not fit",
        lambda: layer(nn.ConvTranspose, 2, 3, 3, stride=2, output_padding=2)(ones(1, 4, 4, 2)),
    ),
    "data format": (
        errors.OptionError, "`data_format` does not fit 2",
        lambda: layer(nn.Conv, 2, 3, 3, data_format="NCW")(ones(1, 2, 4, 4)),
    ),
    "data format of a pool": (
        errors.OptionError, "`data_format` does not fit 1", lambda: nn.MaxPool(2, data_format="NCHW")(ones(1, 4, 4)),
    ),
    "dimension numbers": (errors.OptionError, "`dimension_numbers`", lambda: general("NHWC", "HWIO", "NHWD")),
    "dimension numbers, twice the same": (
        errors.OptionError, "`dimension_numbers`", lambda: general("NHHC", "HHIO", "NHHC"),
    ),
    "dimension numbers, two texts": (errors.OptionError, "`dimension_numbers`", lambda: general("NHWC", "HWIO")),
    "bias": (
        errors.ShapeError, "got a `bias` of another shape",
        lambda: functional.conv(ones(1, 4, 2), ones(3, 2, 4), ones(2)),
    ),
    "dtype": (
        errors.DTypeError, "another dtype than its own leaves",
        lambda: layer(nn.Conv, 2, 3, 3, data_format="NCHW")(ones(1, 2, 4, 4, dtype="float16")),
    ),
    "integers": (errors.DTypeError, "floating-point", lambda: functional.avg_pool(ones(1, 4, 2, dtype="int32"), 2)),
    "places": (
        errors.ShapeError, "one kernel for each place",
        lambda: layer(nn.ConvLocal, 2, 3, 3, spatial=(5, 5))(ones(1, 6, 5, 2)),
    ),
    "sizes of places": (errors.OptionError, "`spatial` does not fit", lambda: nn.ConvLocal(2, 3, 3, spatial=(5,))),
    "window": (errors.ShapeError, "larger than the padded input", lambda: nn.AvgPool(5)(ones(1, 4, 4, 2))),
    "dilated window": (errors.ShapeError, "larger than the", lambda: nn.MaxPool(3, dilation=2)(ones(1, 4, 4, 2))),
    "axes of a pool": (errors.ShapeError, "min_pool works on 1, 2 or 3", lambda: nn.MinPool((2, 2))(ones(4, 4))),
    "axes of a global pool": (errors.ShapeError, "works on 1, 2 or 3", lambda: nn.GlobalAvgPool()(ones(4, 4))),
    "norm": (errors.OptionError, "less than 1", lambda: nn.LpPool(2, norm=0.5)),
    "bins": (errors.OptionError, "positive numbers of bins", lambda: nn.AdaptiveAvgPool((0, 2))(ones(1, 4, 4, 2))),
    "method": (errors.OptionError, "no such method", lambda: nn.Resize(3, method="area")(ones(1, 4, 4, 2))),
    "size": (errors.OptionError, "`size` does not fit 2", lambda: nn.Resize(0)(ones(1, 4, 4, 2))),
    "factor of pixels": (errors.ShapeError, "cannot divide its channels", lambda: nn.PixelShuffle(2)(ones(1, 4, 4, 6))),
    "pixels": (errors.ShapeError, "pixels on an axis", lambda: nn.PixelUnshuffle(3)(ones(1, 4, 6, 2))),
    "widths": (errors.OptionError, "`widths` does not fit 2", lambda: nn.Pad((-1, 1))(ones(1, 4, 4, 2))),
    "pad mode": (errors.OptionError, "no such mode", lambda: nn.Pad(1, mode="mirror")(ones(1, 4, 4, 2))),
}  # fmt: skip


@pytest.mark.parametrize("row", REFUSED)
def test_what_is_refused_is_refused_alike(row, tested_engines):
    expected, text, call = REFUSED[row]
    texts = set()
    for engine in tested_engines:
        with um.use_backend(engine), pytest.raises(errors.UnimodError, match=text) as caught:
            call()
        assert type(caught.value) is expected
        assert caught.value.got
        texts.add(str(caught.value).replace(f" on {engine}", ""))
    assert len(texts) == 1, texts


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Conv(3, 4, 3),
        lambda: nn.ConvTranspose(3, 4, 3),
        lambda: nn.GeneralConv(("NCHW", "OIHW", "NCHW"), 4, 3, in_features=3),
        lambda: nn.ConvLocal(3, 4, 2, spatial=(4, 5)),
        lambda: nn.SeparableConv(3, 4, 3),
    ],
)
def test_the_same_seed_gives_the_same_weights_on_both_engines(make):
    first, second = make().init(0, backend="jax"), make().init(0, backend="torch")
    for a, b in zip(um.tree.leaves(first), um.tree.leaves(second), strict=True):
        assert tuple(a.shape) == tuple(b.shape)
        np.testing.assert_allclose(host(a), host(b), rtol=1e-6, atol=1e-7)


def test_a_general_convolution_has_the_numbers_of_a_usual_one(any_backend):
    usual = layer(nn.Conv, 3, 4, (3, 2))
    other = nn.GeneralConv(("CWHN", "OWIH", "WNCH"), 4, (2, 3), in_features=3).init(0)
    image = np.random.default_rng(0).standard_normal((2, 5, 6, 3)).astype(np.float32)
    assert tuple(other.kernel.shape) == (4, 2, 3, 3)
    # The kernel's own order of spatial axes is W, H, and so is the order in which it was drawn.
    other.kernel = um.Parameter(um.numpy.permute_dims(usual.kernel, (3, 1, 2, 0)))
    out = other(um.to_backend(image.transpose(3, 2, 1, 0).copy(), any_backend))
    assert_native(out, any_backend)
    expected = host(usual(um.to_backend(image, any_backend)))
    np.testing.assert_allclose(host(out).transpose(1, 3, 0, 2), expected, rtol=1e-5, atol=1e-6)


def test_the_kernel_does_not_depend_on_the_format(any_backend):
    last, first = layer(nn.Conv, 3, 4, 3), layer(nn.Conv, 3, 4, 3, data_format="NCHW")
    image = np.random.default_rng(0).standard_normal((2, 5, 6, 3)).astype(np.float32)
    out = first(um.to_backend(image.transpose(0, 3, 1, 2).copy(), any_backend))
    assert tuple(out.shape) == (2, 4, 5, 6)
    expected = host(last(um.to_backend(image, any_backend)))
    np.testing.assert_allclose(host(out).transpose(0, 2, 3, 1), expected, rtol=1e-5, atol=1e-6)
    assert np.array_equal(host(first.kernel), host(last.kernel))


def test_images_without_a_batch_axis_and_with_two(any_backend):
    model = layer(nn.Conv, 2, 3, 3, stride=2)
    images = um.to_backend(np.random.default_rng(0).standard_normal((2, 3, 5, 5, 2)).astype(np.float32), any_backend)
    full = host(model(images))
    assert full.shape == (2, 3, 3, 3, 3)
    np.testing.assert_allclose(host(model(images[1, 2])), full[1, 2], rtol=1e-5, atol=1e-6)
    for pool in (nn.MaxPool((2, 2)), nn.AdaptiveAvgPool((2, 3)), nn.Resize((4, 4)), nn.PixelUnshuffle((5, 1))):
        several = host(pool(images))
        np.testing.assert_allclose(several[1, 2], host(pool(images[1, 2])), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", ["CIRCULAR", "REFLECT", "EDGE"])
def test_padding_wider_than_the_image(any_backend, mode):
    names = {"CIRCULAR": "wrap", "REFLECT": "reflect", "EDGE": "edge"}
    x = np.arange(1, 4, dtype=np.float32).reshape(1, 3, 1)
    kernel = np.eye(8, dtype=np.float32)[:, :, None].transpose(0, 2, 1)
    out = functional.conv(
        um.to_backend(x, any_backend), um.to_backend(kernel, any_backend), padding=((5, 4),), padding_mode=mode
    )
    padded = np.pad(x, ((0, 0), (5, 4), (0, 0)), mode=names[mode])
    assert_native(out, any_backend)
    assert host(out).dtype == np.float32
    assert np.array_equal(host(out)[0], np.stack([padded[0, i : i + 8, 0] for i in range(5)]))


def test_a_power_mean_of_zeros_has_no_derivative(backend):
    x = um.numpy.zeros((1, 4, 1))
    slope = um.grad(lambda x: um.numpy.sum(functional.lp_pool(x, 2, norm=1.5)))(x)
    assert host(slope).ravel().tolist() == [0.0] * 4


@pytest.mark.parametrize("name", ["adaptive_avg_pool", "adaptive_max_pool"])
def test_bins_of_an_axis_that_stays(any_backend, name):
    x = um.to_backend(np.random.default_rng(0).standard_normal((1, 4, 5, 2)).astype(np.float32), any_backend)
    out = getattr(functional, name)(x, (None, 5))
    assert_native(out, any_backend)
    assert np.array_equal(host(out), host(x))


def test_half_precision_is_summed_in_single(any_backend):
    x = um.numpy.ones((1, 300, 1), dtype="bfloat16")
    for out in (functional.adaptive_avg_pool(x, 1), functional.global_avg_pool(x), functional.resize(x, 1)):
        assert str(um.dtype_of(out)) == "bfloat16"
        assert host(out).astype(np.float32).ravel().tolist() == [1.0]
    assert host(functional.lp_pool(x, 300, norm=1)).astype(np.float32).ravel().tolist() == [300.0]


def test_upsampling_by_one_number_takes_all_axes(any_backend):
    assert tuple(nn.Upsample(3)(ones(1, 2, 3, 4, 2)).shape) == (1, 6, 9, 12, 2)
    assert tuple(nn.Upsample((1, 2), data_format="NCHW")(ones(1, 2, 3, 4)).shape) == (1, 2, 3, 8)


def test_sizes_are_inferred_by_nested_layers(any_backend):
    model = um.nn.Sequential(
        nn.Conv2D(None, 4, 3, data_format="NCHW"),
        nn.DepthwiseConv(None, 3, channel_multiplier=2, data_format="NCHW"),
        nn.SeparableConv(None, 5, 3, data_format="NCHW"),
        nn.ConvTranspose(None, 2, 2, stride=2, data_format="NCHW"),
        nn.ConvLocal(None, 3, 2, data_format="NCHW"),
    ).init(0, ones(1, 3, 6, 6))
    out = model(ones(2, 3, 6, 6))
    assert_native(out, any_backend)
    assert tuple(out.shape) == (2, 3, 11, 11)
    assert (model.layers[1].groups, model.layers[1].out_features) == (4, 8)


def test_layers_of_fixed_rank_are_the_general_one(any_backend):
    assert um.Conv2D is nn.Conv2D
    assert issubclass(nn.Conv1D, nn.Conv)
    assert issubclass(nn.ConvTranspose3D, nn.ConvTranspose)
    assert nn.Conv1D(1, 1, 3).kernel_size == (3,)
    assert nn.ConvTranspose3D(1, 1, 3).kernel_size == (3, 3, 3)
