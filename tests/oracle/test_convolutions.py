"""Convolutions, pooling and resizing against torch.nn, torch.nn.functional, flax.linen and jax.image."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod.nn import functional
from unimod.testing.assertions import assert_native

pytestmark = pytest.mark.thin(3)


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def on(backend, x):
    return um.to_backend(np.asarray(x), backend)


def close(actual, expected, backend, *, rtol=2e-5):
    host = um.to_backend(actual, "numpy")
    expected = np.asarray(expected)
    assert_native(actual, backend)
    assert host.shape == expected.shape
    assert host.dtype == expected.dtype
    np.testing.assert_allclose(host, expected, rtol=rtol, atol=rtol * np.max(np.abs(expected)))


# torch.nn -------------------------------------------------------------------------------------------------------------


def adopted(layer, native):
    """The layer with the weights of a torch layer, whose kernel is (out, in, spatial...) or transposed."""
    kernel = native.weight.detach().numpy()
    order = (*range(2, kernel.ndim), 0, 1) if "Transpose" in type(native).__name__ else (*range(2, kernel.ndim), 1, 0)
    layer = layer.init(0, backend="torch")
    if "Transpose" in type(native).__name__:
        per_group = kernel.reshape(native.groups, -1, *kernel.shape[1:])
        kernel = np.concatenate([np.moveaxis(part, (0, 1), (-2, -1)) for part in per_group], -1)
    else:
        kernel = np.transpose(kernel, order)
    assert tuple(layer.kernel.shape) == kernel.shape
    layer.kernel = um.Parameter(on("torch", np.ascontiguousarray(kernel)))
    if native.bias is not None:
        layer.bias = um.Parameter(on("torch", native.bias.detach().numpy()))
    return layer


FIRST = {1: "NCW", 2: "NCHW", 3: "NCDHW"}
TORCH_CONVS = [
    (1, 4, 6, 3, {"padding": 1}, {}),
    (1, 4, 6, 5, {"padding": 2, "stride": 2, "groups": 2}, {"padding_mode": "circular"}),
    (2, 3, 5, (3, 2), {"padding": (1, 0), "stride": (2, 1)}, {}),
    (2, 4, 6, 3, {"padding": "same", "dilation": 2, "groups": 2}, {"padding_mode": "reflect"}),
    (2, 4, 4, 3, {"padding": 2, "groups": 4}, {"padding_mode": "replicate"}),
    (3, 2, 3, 2, {"padding": 1, "use_bias": False}, {}),
]
MODES = {"circular": "CIRCULAR", "reflect": "REFLECT", "replicate": "EDGE", "zeros": "ZEROS"}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("index", range(len(TORCH_CONVS)))
def test_conv_is_that_of_torch(index):
    import torch

    axes, given, out, size, options, more = TORCH_CONVS[index]
    options = dict(options)
    use_bias = options.pop("use_bias", True)
    native = getattr(torch.nn, f"Conv{axes}d")(given, out, size, bias=use_bias, **options, **more)
    mode = MODES[more.get("padding_mode", "zeros")]
    layer = getattr(um.nn, f"Conv{axes}D")(
        given, out, size, use_bias=use_bias, padding_mode=mode, data_format=FIRST[axes], **options
    )
    x = torch.from_numpy(numbers(index, 2, given, *(6, 7, 5)[:axes]))
    layer = adopted(layer, native)
    close(layer(x), native(x).detach(), "torch")
    grads = um.grad(lambda model: um.numpy.sum(um.numpy.square(model(x))))(layer)
    native(x).square().sum().backward()
    close(grads.kernel, native.weight.grad.permute(*range(2, axes + 2), 1, 0), "torch", rtol=1e-4)
    if use_bias:
        close(grads.bias, native.bias.grad, "torch", rtol=1e-4)


TORCH_TRANSPOSED = [
    (1, 4, 6, 4, {"padding": 1, "stride": 2}),
    (1, 4, 6, 3, {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2}),
    (2, 3, 4, 3, {"stride": 2, "padding": 1, "output_padding": (1, 0)}),
    (2, 4, 4, (3, 2), {"stride": (3, 1), "padding": (0, 1), "output_padding": (2, 0), "dilation": (1, 2)}),
    (2, 4, 4, 3, {"stride": 1, "dilation": 2, "output_padding": 1}),
    (3, 2, 2, 2, {"stride": 2, "use_bias": False}),
]


@pytest.mark.needs("torch")
@pytest.mark.parametrize("index", range(len(TORCH_TRANSPOSED)))
def test_conv_transpose_is_that_of_torch(index):
    import torch

    axes, given, out, size, options = TORCH_TRANSPOSED[index]
    options = {"padding": 0, **options}
    use_bias = options.pop("use_bias", True)
    native = getattr(torch.nn, f"ConvTranspose{axes}d")(given, out, size, bias=use_bias, **options)
    layer = getattr(um.nn, f"ConvTranspose{axes}D")(
        given, out, size, use_bias=use_bias, data_format=FIRST[axes], **options
    )
    x = torch.from_numpy(numbers(index, 2, given, *(5, 4, 3)[:axes]))
    close(adopted(layer, native)(x), native(x).detach(), "torch")


POOLS = [
    ("max", 1, 3, {"stride": 2, "padding": 1}),
    ("max", 2, (3, 2), {"stride": (1, 2), "padding": (1, 0), "dilation": (2, 1)}),
    ("max", 2, 3, {"stride": 2, "padding": 1, "ceil_mode": True, "dilation": 2}),
    ("max", 3, 2, {"stride": 1, "dilation": 2}),
    ("avg", 1, 3, {"stride": 2, "padding": 1, "ceil_mode": True}),
    ("avg", 2, 2, {"ceil_mode": True, "padding": 1}),
    ("avg", 2, (3, 2), {"stride": 2, "ceil_mode": True, "padding": (1, 0), "count_include_pad": False}),
    ("avg", 3, 2, {"padding": 1, "count_include_pad": False}),
    ("lp", 2, 2, {"stride": 1, "ceil_mode": True}),
]


@pytest.mark.needs("torch")
@pytest.mark.parametrize("index", range(len(POOLS)))
def test_pooling_is_that_of_torch(index):
    import torch
    import torch.nn.functional as F

    kind, axes, window, options = POOLS[index]
    x = numbers(index, 2, 3, *(6, 7, 5)[:axes])
    x = torch.from_numpy(np.abs(x) if kind == "lp" else x)
    extra = {"norm": 3.0} if kind == "lp" else {}
    native = getattr(F, f"{kind}_pool{axes}d")
    expected = native(x, 3.0, window, **options) if kind == "lp" else native(x, window, **options)
    close(
        getattr(functional, f"{kind}_pool")(x, window, data_format=FIRST[axes], **options, **extra), expected, "torch"
    )


@pytest.mark.needs("torch")
@pytest.mark.parametrize("n", range(1, 9))
@pytest.mark.parametrize("m", range(1, 7))
def test_adaptive_pooling_is_that_of_torch(n, m):
    import torch
    import torch.nn.functional as F

    x = torch.from_numpy(numbers(n, 2, 3, n, 4))
    options = {"data_format": "NCHW"}
    close(functional.adaptive_avg_pool(x, (m, 3), **options), F.adaptive_avg_pool2d(x, (m, 3)), "torch")
    close(functional.adaptive_max_pool(x, (m, 3), **options), F.adaptive_max_pool2d(x, (m, 3)), "torch", rtol=0)


@pytest.mark.needs("torch")
def test_ties_of_an_adaptive_maximum_give_the_derivative_to_the_first_as_in_torch():
    import torch
    import torch.nn.functional as F

    x = torch.ones(1, 1, 5, 4)
    slope = um.grad(lambda x: um.numpy.sum(functional.adaptive_max_pool(x, (3, 3), data_format="NCHW")))(x)
    native = x.clone().requires_grad_()
    F.adaptive_max_pool2d(native, (3, 3)).sum().backward()
    close(slope, native.grad, "torch", rtol=0)


@pytest.mark.needs("torch")
def test_ties_of_a_dilated_maximum_give_the_derivative_to_the_first_as_in_torch(backend):
    import torch
    import torch.nn.functional as F

    x = np.ones((1, 5, 6, 1), np.float32)
    options = {"stride": 1, "dilation": 2}
    slope = um.grad(lambda x: um.numpy.sum(functional.max_pool(x, 2, **options)))(on(backend, x))
    native = torch.from_numpy(x).movedim(-1, 1).requires_grad_()
    F.max_pool2d(native, 2, **options).sum().backward()
    close(slope, native.grad.movedim(1, -1), backend, rtol=0)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("size", [(7, 9), (3, 2), (8, 5), (4, 6)])
def test_resizing_is_that_of_torch_where_the_definition_is_the_same(size):
    import torch
    import torch.nn.functional as F

    x = torch.from_numpy(numbers(0, 2, 3, 4, 6))
    options = {"data_format": "NCHW"}
    native = {"size": size, "mode": "bilinear", "align_corners": False}
    close(functional.resize(x, size, **options), F.interpolate(x, antialias=True, **native), "torch")
    close(functional.resize(x, size, antialias=False, **options), F.interpolate(x, **native), "torch")
    cubic = F.interpolate(x, size=size, mode="bicubic", antialias=True, align_corners=False)
    close(functional.resize(x, size, method="cubic", **options), cubic, "torch")
    nearest = F.interpolate(x, size=size, mode="nearest-exact")
    close(functional.resize(x, size, method="nearest", **options), nearest, "torch", rtol=0)


@pytest.mark.needs("torch")
def test_pixels_and_channels_are_those_of_torch():
    import torch
    import torch.nn.functional as F

    x = torch.from_numpy(numbers(0, 2, 8, 4, 6))
    close(um.nn.PixelShuffle(2, data_format="NCHW")(x), F.pixel_shuffle(x, 2), "torch", rtol=0)
    close(um.nn.PixelUnshuffle(2, data_format="NCHW")(x), F.pixel_unshuffle(x, 2), "torch", rtol=0)


@pytest.mark.needs("torch")
@pytest.mark.parametrize(("mode", "native"), [("edge", "replicate"), ("reflect", "reflect"), ("wrap", "circular")])
def test_padding_is_that_of_torch(mode, native):
    import torch
    import torch.nn.functional as F

    x = torch.from_numpy(numbers(0, 2, 3, 4, 6))
    layer = um.nn.Pad(((1, 2), (3, 0)), mode=mode, data_format="NCHW")
    close(layer(x), F.pad(x, (3, 0, 1, 2), mode=native), "torch", rtol=0)


# Flax and JAX ---------------------------------------------------------------------------------------------------------

FLAX_CONVS = [
    (3, (3,), {"padding": "CAUSAL", "kernel_dilation": 2}),
    (4, (3, 3), {"padding": "SAME", "strides": (2, 2)}),
    (4, (2, 3), {"padding": "CIRCULAR", "feature_group_count": 2}),
    (4, (4, 3), {"padding": "CIRCULAR", "kernel_dilation": (2, 1), "strides": (1, 2)}),
    (2, (4, 5), {"padding": "REFLECT"}),
    (2, (2, 2, 3), {"padding": "VALID", "use_bias": False}),
]
NAMES = {"strides": "stride", "kernel_dilation": "dilation", "feature_group_count": "groups"}


@pytest.mark.needs("jax")
@pytest.mark.parametrize("index", range(len(FLAX_CONVS)))
def test_conv_is_that_of_flax(index):
    import flax.linen
    import jax

    given, size, options = FLAX_CONVS[index]
    native = flax.linen.Conv(4, size, precision="highest", bias_init=jax.nn.initializers.normal(), **options)
    x = on("jax", numbers(index, 2, *(6, 7, 5)[: len(size)], given))
    variables = native.init(jax.random.key(0), x)
    layer = um.nn.Conv(None, 4, size, **{NAMES.get(name, name): value for name, value in options.items()})
    layer = layer.init(0, x, backend="jax")
    for name, value in variables["params"].items():
        assert getattr(layer, name).shape == value.shape
        setattr(layer, name, um.Parameter(value))
    close(layer(x), native.apply(variables, x), "jax")


@pytest.mark.needs("jax")
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(("size", "stride", "dilation"), [(3, 2, 1), (2, 3, 1), (4, 2, 1), (3, 1, 2), (1, 2, 1)])
def test_conv_transpose_is_that_of_flax(padding, size, stride, dilation):
    import flax.linen
    import jax

    options = {"strides": (stride,) * 2, "kernel_dilation": (dilation,) * 2, "padding": padding}
    native = flax.linen.ConvTranspose(3, (size, size), transpose_kernel=True, precision="highest", **options)
    x = on("jax", numbers(0, 2, 4, 5, 2))
    variables = native.init(jax.random.key(0), x)
    layer = um.nn.ConvTranspose(2, 3, size, stride=stride, dilation=dilation, padding=padding).init(0, backend="jax")
    layer.kernel = um.Parameter(variables["params"]["kernel"].swapaxes(-1, -2))
    close(layer(x), native.apply(variables, x), "jax")


@pytest.mark.needs("jax")
def test_conv_local_is_that_of_flax():
    import flax.linen
    import jax

    native = flax.linen.ConvLocal(3, (2, 3), strides=(1, 2), padding="VALID", precision="highest")
    x = on("jax", numbers(0, 2, 4, 7, 2))
    variables = native.init(jax.random.key(0), x)
    layer = um.nn.ConvLocal(2, 3, (2, 3), stride=(1, 2), spatial=(4, 7)).init(0, backend="jax")
    # Flax has the input channels before the places of the window.
    kernel = variables["params"]["kernel"].reshape(3, 3, 2, 2, 3, 3)
    layer.kernel = um.Parameter(kernel.transpose(0, 1, 3, 4, 2, 5))
    close(layer(x), native.apply(variables, x), "jax")


@pytest.mark.needs("jax")
@pytest.mark.parametrize(
    "dimension_numbers",
    [("HWCN", "OIHW", "NHWC"), ("NCHW", "OIHW", "NCHW"), ("NHWC", "WHIO", "CWHN"), ("NWC", "OWI", "CNW")],
)
def test_general_conv_is_that_of_jax(dimension_numbers):
    from jax import lax

    sizes = {"N": 2, "C": 4, "I": 2, "O": 6, "H": 6, "W": 7}
    window = {**sizes, "H": 3, "W": 2}
    x = on("jax", numbers(0, *(sizes[letter] for letter in dimension_numbers[0])))
    kernel = on("jax", numbers(1, *(window[letter] for letter in dimension_numbers[1])))
    axes = len(dimension_numbers[0]) - 2
    stride, dilation, padding = (1, 2)[:axes], (2, 1)[:axes], ((1, 0), (2, 1))[:axes]
    options = {"dimension_numbers": dimension_numbers, "rhs_dilation": dilation, "feature_group_count": 2}
    expected = lax.conv_general_dilated(x, kernel, stride, padding, precision="highest", **options)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": 2}
    close(functional.general_conv(x, kernel, dimension_numbers=dimension_numbers, **options), expected, "jax")


@pytest.mark.needs("jax")
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_pooling_is_that_of_flax(padding):
    import flax.linen

    x = on("jax", numbers(0, 2, 6, 7, 3))
    native = {"window_shape": (3, 2), "strides": (2, 1), "padding": padding}
    options = {"stride": (2, 1), "padding": padding}
    close(functional.max_pool(x, (3, 2), **options), flax.linen.max_pool(x, **native), "jax", rtol=0)
    close(functional.min_pool(x, (3, 2), **options), flax.linen.pooling.min_pool(x, **native), "jax", rtol=0)
    for include in (True, False):
        expected = flax.linen.avg_pool(x, count_include_pad=include, **native)
        close(functional.avg_pool(x, (3, 2), count_include_pad=include, **options), expected, "jax")


@pytest.mark.needs("jax")
@pytest.mark.parametrize("method", ["nearest", "linear", "cubic", "lanczos3"])
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("size", [(7, 3), (8, 6), (1, 12)])
def test_resizing_is_that_of_jax(method, antialias, size):
    import jax

    x = on("jax", numbers(0, 2, 4, 6, 3))
    expected = jax.image.resize(x, (2, *size, 3), method, antialias=antialias, precision="highest")
    close(
        functional.resize(x, size, method=method, antialias=antialias),
        expected,
        "jax",
        rtol=0 if method == "nearest" else 2e-5,
    )
