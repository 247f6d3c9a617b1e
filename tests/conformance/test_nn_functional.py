"""Activations and pure layers of each engine, against the numpy engine in float64 and against the frameworks.

Bounds are in units of ``EPS * max(1, |reference|)`` with ``EPS`` that of float32: 4 for a few roundings, more where
the row says so.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import unimod.numpy as unp
from unimod import errors, random
from unimod.backends import _registry
from unimod.nn import activations, functional

pytestmark = pytest.mark.thin(2)

EPS = float(np.finfo(np.float32).eps)
KINKS = [-6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0]
FAR = [-1e4, -100.0, -20.5, 20.5, 100.0, 1e4]


def array(backend, x, dtype="float32"):
    return _registry.load(backend).arrays.asarray(x, dtype)


def host(backend, x, *, dtype="float32"):
    """A result as a numpy array, after the checks that it is the engine's own and has the dtype."""
    engine = _registry.of_type(type(x))
    assert engine is not None
    assert engine.name == backend
    assert engine.arrays.dtype_name(x) == dtype
    return np.asarray(engine.arrays.to_numpy(engine.arrays.astype(x, "float32")), np.float64)


def grads(backend, fn, *args, cotangent=None):
    """Derivatives of ``sum(fn(*args) * cotangent)`` by all arguments, by the framework itself."""
    weight = 1.0 if cotangent is None else array(backend, cotangent)
    if backend == "jax":
        import jax

        # Compiled as one function: faster than compiling every operation by itself.
        return jax.jit(jax.grad(lambda *xs: (fn(*xs) * weight).sum(), argnums=tuple(range(len(args)))))(*args)
    import torch

    leaves = [arg.detach().requires_grad_() for arg in args]
    return torch.autograd.grad((fn(*leaves) * weight).sum(), leaves)


def second(backend, fn, x):
    """The second derivatives of an elementwise function."""
    if backend == "jax":
        import jax

        return jax.jit(jax.grad(lambda v: jax.grad(lambda u: fn(u).sum())(v).sum()))(x)
    import torch

    x = x.detach().requires_grad_()
    (first,) = torch.autograd.grad(fn(x).sum(), x, create_graph=True)
    if not first.requires_grad:
        return torch.zeros_like(x)
    (out,) = torch.autograd.grad(first.sum(), x, allow_unused=True, materialize_grads=True)
    return out


def close(actual, reference, *, bound=4):
    assert actual.shape == reference.shape
    error = np.abs(actual - reference) / np.maximum(1.0, np.abs(reference))
    assert np.max(error, initial=0.0) <= bound * EPS


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# --- activations -----------------------------------------------------------------------------------------------------

ACTIVATIONS = {
    # name: (options, kinks that have no second derivative or none at all, bound of values, bound of derivatives)
    "relu": ({}, [0.0], 4, 8),
    "relu6": ({}, [0.0, 6.0], 4, 8),
    "leaky_relu": ({"negative_slope": 0.2}, [0.0], 4, 8),
    "sigmoid": ({}, [], 4, 8),
    "log_sigmoid": ({}, [], 4, 8),
    "softplus": ({}, [], 4, 8),
    "silu": ({}, [], 4, 8),
    "mish": ({}, [], 4, 40),  # x * (1 - tanh^2): XLA's tanh is 1 from 7.9 on
    "tanh": ({}, [], 4, 8),
    "soft_sign": ({}, [0.0], 4, 8),
    "elu": ({"alpha": 0.7}, [0.0], 4, 8),
    "celu": ({"alpha": 0.7}, [0.0], 4, 8),
    "selu": ({}, [0.0], 4, 8),
    "gelu": ({}, [], 8, 12),  # torch writes 1 + erf(x), which cancels for negative x
    "gelu_tanh": ({"approximate": "tanh"}, [], 8, 40),  # 1 + tanh cancels, and see mish
    "hard_tanh": ({}, [-1.0, 1.0], 4, 8),
    "hard_sigmoid": ({}, [-3.0, 3.0], 4, 8),
    "hard_silu": ({}, [-3.0, 3.0], 4, 8),
}
AT_KINKS = {
    # name: derivative at the kinks of the table above
    "relu": [0.0],
    "relu6": [0.0, 0.0],
    "leaky_relu": [0.2],
    "soft_sign": [1.0],
    "elu": [0.7],
    "celu": [1.0],
    "selu": [1.0507009873554805 * 1.6732632423543772],
    "hard_tanh": [0.0, 0.0],
    "hard_sigmoid": [0.0, 0.0],
    "hard_silu": [0.0, 1.0],
}


def activation(name):
    options, kinks, *_ = ACTIVATIONS[name]
    fn = getattr(activations, name.removesuffix("_tanh") if name == "gelu_tanh" else name)
    return (lambda x: fn(x, **options)), kinks


def smooth_points(kinks):
    x = np.concatenate([KINKS, FAR, np.random.default_rng(7).normal(size=300) * 4]).astype(np.float32)
    return x[[not any(abs(v - k) < 1e-3 for k in kinks) for v in x]]


def test_every_activation_has_a_row():
    public = {
        name
        for name, value in vars(activations).items()
        if callable(value) and getattr(value, "__module__", "") == activations.__name__ and not name.startswith("_")
    }
    aliases = {"swish", "hard_swish"}
    assert public - aliases == {name for name in ACTIVATIONS if name != "gelu_tanh"} | {"softmax", "log_softmax", "glu"}
    assert {name for name, row in ACTIVATIONS.items() if row[1]} == set(AT_KINKS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_values(backend, name):
    fn, _ = activation(name)
    x = smooth_points([])
    close(host(backend, fn(array(backend, x))), fn(x.astype(np.float64)), bound=ACTIVATIONS[name][2])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_derivatives(backend, name):
    fn, kinks = activation(name)
    x = smooth_points(kinks)
    (actual,) = grads(backend, fn, array(backend, x))
    wide, step = x.astype(np.float64), 1e-5
    reference = (fn(wide + step) - fn(wide - step)) / (2 * step)
    # The difference quotient is off by the rounding of f, relative to the step, at large arguments.
    error = np.abs(host(backend, actual) - reference)
    assert np.all(error <= ACTIVATIONS[name][3] * EPS * np.maximum(1, np.abs(reference)) + np.abs(wide) * 2e-16 / step)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_second_derivatives(backend, name):
    fn, kinks = activation(name)
    x = smooth_points(kinks)
    actual = host(backend, second(backend, fn, array(backend, x)))
    wide, step = x.astype(np.float64), 1e-4
    reference = (fn(wide + step) - 2 * fn(wide) + fn(wide - step)) / step**2
    # XLA's tanh is 1 from 7.9 on, which costs mish and gelu 2e-5; the quotient is off by rounding over step^2.
    assert np.all(np.abs(actual - reference) <= 4e-5 + np.maximum(1, np.abs(wide)) * 4e-16 / step**2)


@pytest.mark.parametrize("name", AT_KINKS)
def test_activation_derivatives_at_kinks(backend, name):
    fn, kinks = activation(name)
    (actual,) = grads(backend, fn, array(backend, np.float32(kinks)))
    close(host(backend, actual), np.asarray(AT_KINKS[name]))


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_in_float64_are_exact_to_float64(name):
    fn, _ = activation(name)
    x = np.concatenate([smooth_points([]), np.linspace(15, 40, 20)]).astype(np.float64)
    engine = _registry.load("torch")
    out = fn(array("torch", x, "float64"))
    assert engine.arrays.dtype_name(out) == "float64"
    np.testing.assert_allclose(engine.arrays.to_numpy(out), fn(x), rtol=1e-14, atol=2e-15)


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_in_bfloat16_are_equal_on_both_engines(name):
    fn, _ = activation(name)
    x = smooth_points([])
    one, other = (host(b, fn(array(b, x, "bfloat16")), dtype="bfloat16") for b in ("jax", "torch"))
    # One unit in the last place of bfloat16; 4e-6 is the float32 rounding of gelu's cancellation in its tail.
    assert np.all(np.abs(one - other) <= 2**-7 * np.abs(one) + 4e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_of_float16_keep_the_dtype_and_round_once(any_backend, name):
    fn, _ = activation(name)
    x = np.clip(smooth_points([]), -1e3, 1e3).astype(np.float16)
    reference = fn(x.astype(np.float64))
    actual = host(any_backend, fn(array(any_backend, x, "float16")), dtype="float16")
    # One unit in the last place of float16; 1e-6 is the float32 rounding of gelu's cancellation in its tail.
    assert np.all(np.abs(actual - reference) <= 2**-10 * np.abs(reference) + 1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("fn", [activations.softmax, activations.log_softmax])
def test_softmax_in_half_precision_rounds_once(any_backend, fn, dtype):
    x = array(any_backend, [[6.0, 1e-3, -2e-3, 0.5, 1.0]], dtype)
    exact = host(any_backend, unp.astype(fn(unp.astype(x, "float32")), dtype), dtype=dtype)
    found = host(any_backend, fn(x), dtype=dtype)
    # One unit in the last place, where two float32 roundings fall on different sides of a half.
    assert np.all(np.abs(found - exact) <= {"float16": 2**-10, "bfloat16": 2**-7}[dtype] * np.abs(exact))


def test_activations_take_scalars_and_ints(backend):
    assert host(backend, activations.relu(array(backend, [-2, 3], "int32"))).tolist() == [0.0, 3.0]
    assert host(backend, activations.sigmoid(array(backend, 0, "int32"))).shape == ()


def test_gelu_with_an_unknown_approximation(any_backend):
    with pytest.raises(errors.OptionError, match="approximation"):
        activations.gelu(array(any_backend, [1.0]), approximate="exact")


# --- softmax ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("fn", [activations.softmax, activations.log_softmax])
def test_softmax(backend, fn, axis):
    x = 20 * normal(0, 4, 5, 6)
    x[0, 0, :3] = -np.inf
    reference = fn(x.astype(np.float64), axis=axis)
    actual = host(backend, fn(array(backend, x), axis=axis))
    is_finite = np.isfinite(reference)
    assert np.array_equal(np.isfinite(actual), is_finite)
    close(actual[is_finite], reference[is_finite], bound=8)


def test_softmax_of_a_slice_without_any_entry_is_zero_with_zero_derivatives(backend):
    x, mask = array(backend, normal(1, 3, 4)), np.array([[1, 1, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]], bool)
    fn = lambda v: activations.softmax(v, where=array(backend, mask, "bool"))  # noqa: E731
    actual = host(backend, fn(x))
    expected = np.where(mask, np.exp(normal(1, 3, 4).astype(np.float64)), 0)
    close(actual, expected / np.maximum(expected.sum(-1, keepdims=True), 1e-300))
    (slope,) = grads(backend, fn, x, cotangent=normal(2, 3, 4))
    assert np.all(np.isfinite(host(backend, slope)))
    assert np.all(host(backend, slope)[1:] == 0)


def test_glu(backend):
    x = normal(3, 2, 6, 3)
    reference = x[:, :3].astype(np.float64) / (1 + np.exp(-x[:, 3:].astype(np.float64)))
    close(host(backend, activations.glu(array(backend, x), axis=1)), reference)
    with pytest.raises(errors.ShapeError, match="cannot halve axis 2"):
        activations.glu(array(backend, x))
    with pytest.raises(errors.ShapeError, match="no axis 3"):
        activations.softmax(array(backend, x), axis=3)


# --- convolution -----------------------------------------------------------------------------------------------------

CONVS = [
    # spatial, kernel, channels in, out, options
    ((9,), (3,), 4, 6, {"padding": "SAME"}),
    ((10,), (4,), 4, 6, {"padding": "CAUSAL", "dilation": 2}),
    ((7,), (2,), 6, 6, {"padding": ((3, 0),), "groups": 6, "stride": 2}),
    ((9, 10), (3, 3), 3, 5, {"padding": "SAME", "stride": 2}),
    ((9, 10), (2, 4), 4, 6, {"padding": "VALID", "dilation": (2, 1), "groups": 2}),
    ((9, 10), (3, 2), 4, 8, {"padding": ((2, 0), (0, 3)), "stride": (3, 1), "groups": 4}),
    ((5, 5), (1, 1), 2, 3, {"padding": 1}),
    ((8, 9), (5, 5), 1, 2, {"padding": "SAME", "stride": 3, "dilation": 2}),
    ((4, 5, 6), (3, 2, 3), 2, 4, {"padding": "SAME", "stride": (1, 2, 2)}),
    ((5, 4, 4), (2, 2, 2), 4, 4, {"padding": ((1, 0), (0, 1), (1, 1)), "groups": 2}),
]


def conv_case(index):
    spatial, kernel, inputs, outputs, options = CONVS[index]
    groups = options.get("groups", 1)
    return normal(index, 2, *spatial, inputs), normal(index + 50, *kernel, inputs // groups, outputs), options


def torch_conv(x, kernel, fn_name, plan, options):
    import torch
    import torch.nn.functional as F

    rank = x.ndim - 2
    x, kernel = (torch.from_numpy(v.astype(np.float64)) for v in (x, kernel))
    x = F.pad(x.movedim(-1, 1), [w for pair in reversed(plan.padding) for w in pair])
    kernel = kernel.permute(rank + 1, rank, *range(rank))
    fn = getattr(F, f"{fn_name}{rank}d")
    out = fn(x, kernel, stride=plan.stride, dilation=plan.dilation, groups=options.get("groups", 1))
    return out.movedim(1, -1).numpy()


@pytest.mark.needs("torch")
@pytest.mark.parametrize("index", range(len(CONVS)))
def test_the_reference_convolution_is_torchs(index):
    from unimod.nn import _shapes

    x, kernel, options = conv_case(index)
    laid = {"stride": 1, "dilation": 1, **{k: v for k, v in options.items() if k != "groups"}}
    plan = _shapes.plan(x.shape[1:-1], kernel.shape[:-2], **laid)
    reference = functional.conv(x.astype(np.float64), kernel.astype(np.float64), **options)
    np.testing.assert_allclose(reference, torch_conv(x, kernel, "conv", plan, options), rtol=1e-12, atol=1e-12)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("index", [i for i, row in enumerate(CONVS) if row[4]["padding"] in ("SAME", "VALID")])
def test_the_reference_convolution_is_xlas(index):
    from jax import lax

    x, kernel, options = conv_case(index)
    rank = x.ndim - 2
    letters = "DHW"[3 - rank :]
    pair = lambda name: np.broadcast_to(options.get(name, 1), rank).tolist()  # noqa: E731
    out = lax.conv_general_dilated(
        x,
        kernel,
        pair("stride"),
        options["padding"],
        rhs_dilation=pair("dilation"),
        dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
        feature_group_count=options.get("groups", 1),
        precision="highest",
    )
    close(
        np.asarray(out, np.float64),
        functional.conv(x.astype(np.float64), kernel.astype(np.float64), **options),
        bound=32,
    )


@pytest.mark.parametrize("fn", [functional.conv, functional.conv_transpose])
@pytest.mark.parametrize("index", range(len(CONVS)))
def test_convolution_values_and_derivatives(backend, fn, index):
    x, kernel, options = conv_case(index)
    if fn is functional.conv_transpose and options["padding"] == "CAUSAL":
        options = {**options, "padding": "VALID"}
    run = lambda a, b: fn(a, b, **options)  # noqa: E731
    native = array(backend, x), array(backend, kernel)
    reference = run(x.astype(np.float64), kernel.astype(np.float64))
    # Sums of up to 36 products of normal numbers.
    close(host(backend, run(*native)), reference, bound=32)
    # Convolution is linear in each argument: the derivative is the adjoint, <df(d), c> = <d, df'(c)>.
    cotangent = normal(99, *reference.shape)
    by_x, by_kernel = grads(backend, run, *native, cotangent=cotangent)
    move_x, move_kernel = normal(1, *x.shape).astype(np.float64), normal(2, *kernel.shape).astype(np.float64)
    moved = np.sum(cotangent * run(move_x, kernel.astype(np.float64)))
    close(np.sum(host(backend, by_x) * move_x), moved, bound=400)
    moved = np.sum(cotangent * run(x.astype(np.float64), move_kernel))
    close(np.sum(host(backend, by_kernel) * move_kernel), moved, bound=400)


@pytest.mark.parametrize("index", [i for i, row in enumerate(CONVS) if row[4]["padding"] != "CAUSAL"])
def test_the_reference_transposed_convolution_is_the_adjoint_of_the_convolution(index):
    spatial, window, inputs, outputs, options = CONVS[index]
    groups = options.get("groups", 1)
    x, kernel = normal(0, 2, *spatial, inputs).astype(np.float64), normal(1, *window, inputs // groups, outputs)
    kernel = kernel.astype(np.float64)
    y = functional.conv_transpose(x, kernel, **options)
    other = normal(2, *y.shape).astype(np.float64)
    grouped = kernel.reshape(*window, inputs // groups, groups, outputs // groups)
    swapped = np.moveaxis(grouped, -1, -3).swapaxes(-1, -2).reshape(*window, outputs // groups, inputs)
    back = functional.conv(other, swapped, **options)
    assert back.shape == x.shape or options["padding"] == "VALID"
    np.testing.assert_allclose(np.sum(y * other), np.sum(x * back[tuple(slice(n) for n in x.shape)]), rtol=1e-10)


def test_convolution_keeps_further_batch_axes(backend):
    x, kernel = normal(0, 2, 3, 5, 2), normal(1, 3, 2, 4)
    full = host(backend, functional.conv(array(backend, x), array(backend, kernel)))
    assert full.shape == (2, 3, 5, 4)
    single = functional.conv(array(backend, x[1, 2]), array(backend, kernel))
    close(host(backend, single), full[1, 2])


def test_convolution_in_bfloat16_keeps_the_dtype(backend):
    x, kernel, options = conv_case(3)
    out = functional.conv(array(backend, x, "bfloat16"), array(backend, kernel, "bfloat16"), **options)
    reference = functional.conv(x.astype(np.float64), kernel.astype(np.float64), **options)
    actual = host(backend, out, dtype="bfloat16")
    # 27 products, each of factors rounded to 2^-9, and a result rounded to 2^-9.
    assert np.all(np.abs(actual - reference) <= 2**-9 * np.abs(reference) + 27 * 2**-8)


CONV_ERRORS = [
    ((1, 5, 3), (3, 2, 4), {}, errors.ShapeError, "got 3 channels on the last axis of `x`, but its kernel takes 2"),
    ((1, 5, 4), (3, 2, 4), {"groups": 3}, errors.ShapeError, "cannot split its channels into 3 groups"),
    ((1, 5, 4), (3, 2, 3), {"groups": 2}, errors.ShapeError, "cannot split its channels into 2 groups"),
    ((2,), (3, 2, 4), {}, errors.ShapeError, "too few axes"),
    ((1, 5, 2), (2, 4), {}, errors.ShapeError, "1, 2 or 3 spatial axes"),
    ((1, 2, 2), (3, 2, 4), {"padding": "VALID"}, errors.ShapeError, "larger than the padded input"),
    ((1, 5, 2), (3, 2, 4), {"padding": "FULL"}, errors.OptionError, "`padding` does not fit 1 spatial axes"),
]


@pytest.mark.parametrize(("x", "kernel", "options", "error", "text"), CONV_ERRORS)
def test_a_wrong_convolution_is_refused(any_backend, x, kernel, options, error, text):
    with pytest.raises(error, match=text) as caught:
        functional.conv(array(any_backend, np.zeros(x)), array(any_backend, np.zeros(kernel)), **options)
    assert caught.value.got
    assert caught.value.expected
    assert caught.value.fix


def test_a_convolution_of_two_dtypes_is_refused(any_backend):
    x, kernel = array(any_backend, np.zeros((1, 5, 2)), "float16"), array(any_backend, np.zeros((3, 2, 4)))
    with pytest.raises(errors.DTypeError, match="different dtypes"):
        functional.conv(x, kernel)
    with pytest.raises(errors.DTypeError, match="floating-point"):
        functional.conv(array(any_backend, np.zeros((1, 5, 2)), "int32"), kernel)


# --- pooling ---------------------------------------------------------------------------------------------------------

POOLS = [
    ((9,), 2, {}),
    ((9,), 3, {"stride": 2, "padding": "SAME"}),
    ((9, 10), 3, {"padding": "SAME", "stride": 2}),
    ((9, 10), (2, 3), {"padding": ((1, 0), (0, 2)), "stride": 1}),
    ((6, 6), 2, {"padding": 2}),
    ((4, 5, 6), 2, {"padding": "SAME"}),
    ((4, 5, 6), (2, 1, 3), {"stride": 1, "padding": ((1, 1), (0, 0), (0, 1))}),
]
POOL_FNS = {
    "max": functional.max_pool,
    "sum": functional.sum_pool,
    "avg": functional.avg_pool,
    "avg_without_pad": lambda x, window, **options: functional.avg_pool(x, window, count_include_pad=False, **options),
}


@pytest.mark.parametrize("name", POOL_FNS)
@pytest.mark.parametrize("index", range(len(POOLS)))
def test_pooling_values_and_derivatives(backend, name, index):
    spatial, window, options = POOLS[index]
    if index == 4 and name in ("max", "avg_without_pad"):
        options = {**options, "padding": 1}  # else there are windows without any value: -inf, and 0 / 0
    x = normal(index, 2, *spatial, 3)
    run = lambda v: POOL_FNS[name](v, window, **options)  # noqa: E731
    reference = run(x.astype(np.float64))
    close(host(backend, run(array(backend, x))), reference, bound=8)
    cotangent, move = normal(8, *reference.shape), normal(9, *x.shape).astype(np.float64)
    (by_x,) = grads(backend, run, array(backend, x), cotangent=cotangent)
    # Exact for the linear ones; max_pool is linear as long as no maximum changes places.
    step = 1e-7 if name == "max" else 1.0
    moved = np.sum(cotangent * (run(x + step * move) - reference)) / step
    close(np.sum(host(backend, by_x) * move), moved, bound=100)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("include", [True, False])
def test_the_reference_of_pooling_is_torchs(include):
    import torch
    import torch.nn.functional as F

    x = normal(0, 2, 9, 10, 3).astype(np.float64)
    native = torch.from_numpy(x).movedim(-1, 1)
    options = {"stride": (2, 1), "padding": 1}
    expected = F.avg_pool2d(native, (3, 2), count_include_pad=include, **options).movedim(1, -1).numpy()
    np.testing.assert_allclose(
        functional.avg_pool(x, (3, 2), count_include_pad=include, **options), expected, rtol=1e-13
    )
    expected = F.max_pool2d(native, (3, 2), **options).movedim(1, -1).numpy()
    np.testing.assert_array_equal(functional.max_pool(x, (3, 2), **options), expected)


def test_max_pool_gives_the_derivative_of_a_tie_to_the_first(backend):
    x = array(backend, np.zeros((1, 2, 2, 1)))
    (slope,) = grads(backend, lambda v: functional.max_pool(v, 2), x)
    assert host(backend, slope).ravel().tolist() == [1.0, 0.0, 0.0, 0.0]


def test_max_pool_never_takes_the_padding(backend):
    x = array(backend, np.full((1, 3, 1), -5.0))
    assert host(backend, functional.max_pool(x, 2, padding="SAME")).ravel().tolist() == [-5.0, -5.0]


def test_pooling_keeps_half_precision(backend):
    x = array(backend, np.full((1, 300, 1), 1.0), "bfloat16")
    # A running sum in bfloat16 stops at 256.
    assert host(backend, functional.sum_pool(x, 300), dtype="bfloat16").ravel().tolist() == [300.0]
    assert host(backend, functional.avg_pool(x, 300), dtype="bfloat16").ravel().tolist() == [1.0]


def test_wrong_pooling_is_refused(any_backend):
    x = array(any_backend, np.zeros((1, 4, 4, 2)))
    with pytest.raises(errors.ShapeError, match="larger than the padded input"):
        functional.max_pool(x, 5)
    with pytest.raises(errors.OptionError, match="`window` does not fit"):
        functional.max_pool(x, (2, 0))
    with pytest.raises(errors.ShapeError, match="spatial axes"):
        functional.avg_pool(array(any_backend, np.zeros((3, 2))), 2)
    with pytest.raises(errors.DTypeError, match="floating-point"):
        functional.sum_pool(array(any_backend, np.zeros((1, 4, 2)), "int32"), 2)


# --- normalisation ---------------------------------------------------------------------------------------------------


def norms():
    scale, bias = normal(5, 6), normal(6, 6)
    batch = lambda x, s, b: functional.batch_norm(x, *functional.moments(x), s, b)  # noqa: E731
    return {
        "layer_norm": (functional.layer_norm, scale, bias),
        "layer_norm_2": (lambda x, s, b: functional.layer_norm(x, s, b, num_axes=2), normal(5, 5, 6), normal(6, 5, 6)),
        "batch_norm": (batch, scale, bias),
    }


@pytest.mark.parametrize("name", norms())
def test_normalisation_values_and_derivatives(backend, name):
    fn, scale, bias = norms()[name]
    args = (3 * normal(4, 4, 5, 6) + 1, scale, bias)
    wide = [arg.astype(np.float64) for arg in args]
    reference = fn(*wide)
    native = [array(backend, arg) for arg in args]
    close(host(backend, fn(*native)), reference, bound=16)
    cotangent = normal(7, *reference.shape)
    for index, actual in enumerate(grads(backend, fn, *native, cotangent=cotangent)):
        move, step = normal(8 + index, *args[index].shape).astype(np.float64), 1e-6
        high, low = ([*wide[:index], wide[index] + s * move, *wide[index + 1 :]] for s in (step, -step))
        moved = np.sum(cotangent * (fn(*high) - fn(*low))) / (2 * step)
        close(np.sum(host(backend, actual) * move), moved, bound=200)


@pytest.mark.parametrize("name", norms())
def test_normalisation_of_data_far_from_zero(backend, name):
    fn, scale, bias = norms()[name]
    ones, zeros = np.ones_like(scale), np.zeros_like(bias)
    x = (1000 + 0.01 * normal(4, 64, 5, 6)).astype(np.float32)
    reference = fn(x.astype(np.float64), ones.astype(np.float64), zeros.astype(np.float64))
    actual = host(backend, fn(array(backend, x), array(backend, ones), array(backend, zeros)))
    # A float32 mean of 1000 is known to some units in the last place, 6e-5, each 0.006 of a standard deviation. A
    # variance as E[x^2] - E[x]^2 would be known to 0.06, which is 600 variances.
    assert np.max(np.abs(actual - reference)) <= 0.05
    assert abs(actual.std() - reference.std()) <= 1e-3


def test_moments_are_two_pass_and_biased(backend):
    x = (1000 + 0.01 * normal(4, 512, 3)).astype(np.float32)
    mean, var = (host(backend, value) for value in functional.moments(array(backend, x)))
    close(mean, x.astype(np.float64).mean(0), bound=2)
    np.testing.assert_allclose(var, x.astype(np.float64).var(0), rtol=1e-4)


def test_normalisation_in_half_precision_has_float32_statistics(backend):
    x = normal(1, 64, 5)
    half = array(backend, x, "bfloat16")
    mean, var = functional.moments(half)
    rounded = host(backend, half, dtype="bfloat16")
    close(host(backend, mean), rounded.mean(0))
    close(host(backend, var), rounded.var(0))
    for dtype in ("bfloat16", "float32"):
        scale = array(backend, normal(2, 5), dtype)
        wide = host(backend, scale, dtype=dtype)
        actual = host(backend, functional.layer_norm(half, scale), dtype="bfloat16")
        reference = functional.layer_norm(rounded, wide)
        assert np.all(np.abs(actual - reference) <= 2**-8 * np.abs(reference) + 1e-6)
        actual = host(backend, functional.batch_norm(half, mean, var, scale), dtype="bfloat16")
        reference = functional.batch_norm(rounded, *functional.moments(rounded), wide)
        assert np.all(np.abs(actual - reference) <= 2**-8 * np.abs(reference) + 1e-6)


def test_wrong_normalisation_is_refused(any_backend):
    x, three = array(any_backend, np.zeros((4, 2))), array(any_backend, np.zeros(3))
    with pytest.raises(errors.ShapeError, match="layer_norm got a `scale`"):
        functional.layer_norm(x, three)
    with pytest.raises(errors.ShapeError, match="batch_norm got a `mean`"):
        functional.batch_norm(x, three, three)
    with pytest.raises(errors.ShapeError, match="at least two values"):
        functional.moments(x[:1])
    with pytest.raises(errors.ShapeError, match="too few axes"):
        functional.layer_norm(x, num_axes=3)
    with pytest.raises(errors.DTypeError, match="floating-point"):
        functional.layer_norm(array(any_backend, np.zeros((4, 2)), "int32"))


# --- dropout and embedding -------------------------------------------------------------------------------------------


def test_dropout_scales_what_is_kept_and_selects(backend):
    x = np.full((200, 10), 2.0)
    x[0, 0] = x[5, 5] = np.inf
    with_key = lambda v, **options: functional.dropout(v, random.key(3), 0.25, **options)  # noqa: E731
    actual = host(backend, with_key(array(backend, x)))
    assert not np.isnan(actual).any()
    assert set(np.unique(actual)) <= {0.0, float(np.float32(2 / 0.75)), np.inf}
    assert 0.2 < np.mean(actual == 0) < 0.3
    (slope,) = grads(backend, with_key, array(backend, x))
    assert np.array_equal(host(backend, slope) != 0, actual != 0)
    rows = host(backend, with_key(array(backend, np.ones((50, 4))), broadcast_axes=(-1,)))
    assert np.all(rows == rows[:, :1])
    assert 0 < np.mean(rows == 0) < 1


@pytest.mark.needs("jax", "torch")
def test_the_mask_of_dropout_is_the_same_on_both_engines():
    one, other = (host(b, functional.dropout(array(b, normal(0, 64, 32)), key(b, 5), 0.3)) for b in ("jax", "torch"))
    assert np.array_equal(one, other)


def key(backend, seed):
    from unimod import config

    with config.use_backend(backend):
        return random.key(seed)


def test_dropout_at_the_ends(any_backend):
    x = array(any_backend, [1.0, np.inf, np.nan])
    assert functional.dropout(x, None, 0.0) is x
    assert host(any_backend, functional.dropout(x, None, 1.0)).tolist() == [0.0, 0.0, 0.0]
    for rate in (-0.1, 1.5, math.nan):
        with pytest.raises(errors.OptionError, match="not a probability") as caught:
            functional.dropout(x, None, rate)
        assert isinstance(caught.value, ValueError)


def test_embedding(backend):
    table, ids = normal(0, 7, 2, 3), np.array([[1, 6, -1], [0, 1, 1]])
    run = lambda t: functional.embedding(t, array(backend, ids, "int32"))  # noqa: E731
    assert np.array_equal(host(backend, run(array(backend, table))), table[ids])
    (slope,) = grads(backend, run, array(backend, table))
    counts = np.bincount(ids.ravel() % 7, minlength=7)
    assert np.array_equal(host(backend, slope), np.broadcast_to(counts[:, None, None], table.shape))
    with pytest.raises(errors.DTypeError, match="takes integers as `ids`"):
        functional.embedding(array(backend, table), array(backend, [1.0]))


# --- torch's own transforms ------------------------------------------------------------------------------------------

LAYERS = {
    # Each is a function of images (2, 6, 6, 3) alone; kernels and scales depend on them too, for second derivatives.
    "conv": lambda x: functional.conv(x, x[0, :3, :2, :, None] * x[1, 2:5, :2, None, :], padding=((0, 1), (1, 0))),
    "conv_transpose": lambda x: functional.conv_transpose(x, x[0, :3, :2, :, None] * x[1, 2:5, :2, None, :], stride=2),
    "max_pool": lambda x: functional.max_pool(x * x, 3, stride=2, padding="SAME"),
    "max_pool_3d": lambda x: functional.max_pool((x * x)[None], (1, 2, 2)),
    "avg_pool": lambda x: functional.avg_pool(x * x, 3, stride=2, padding="SAME", count_include_pad=False),
    "avg_pool_3d": lambda x: functional.avg_pool((x * x)[None], (1, 2, 2)),
    "layer_norm": lambda x: functional.layer_norm(x, x[0, 0, 0], x[1, 1, 1]),
    "batch_norm": lambda x: functional.batch_norm(x, *functional.moments(x), x[0, 0, 0], x[1, 1, 1]),
    "softmax": lambda x: activations.softmax(x) * activations.log_softmax(x, axis=1),
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", LAYERS)
def test_layers_pass_through_the_transforms_of_torch(name):
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    fn = LAYERS[name]
    xs = torch.from_numpy(normal(0, 4, 2, 6, 6, 3)).double()
    loss = lambda x: fn(x).sin().sum()  # noqa: E731
    slope = torch.func.grad(loss)
    one_by_one = torch.stack([slope(x) for x in xs])
    torch.testing.assert_close(torch.func.vmap(slope)(xs), one_by_one, rtol=1e-10, atol=1e-10)
    graph = make_fx(slope, tracing_mode="fake")(xs[0])
    torch.testing.assert_close(graph(xs[1]), one_by_one[1], rtol=1e-10, atol=1e-10)
    # Second order, against a difference of first derivatives along one direction.
    move, step = torch.from_numpy(normal(1, 2, 6, 6, 3)).double(), 1e-6
    product = torch.func.grad(lambda x: (slope(x) * move).sum())(xs[0])
    quotient = (slope(xs[0] + step * move) - slope(xs[0] - step * move)) / (2 * step)
    torch.testing.assert_close(product, quotient, rtol=1e-5, atol=1e-5)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("name", LAYERS)
def test_layers_pass_through_the_transforms_of_jax(name):
    import jax

    fn = LAYERS[name]
    xs = jax.numpy.asarray(normal(0, 4, 2, 6, 6, 3))
    slope = jax.grad(lambda x: jax.numpy.sin(fn(x)).sum())
    compiled = jax.jit(slope)
    one_by_one = np.stack([compiled(x) for x in xs])
    np.testing.assert_allclose(jax.jit(jax.vmap(slope))(xs), one_by_one, rtol=1e-4, atol=1e-4)
    move = normal(1, 2, 6, 6, 3)
    product = jax.jit(jax.grad(lambda x: (slope(x) * move).sum()))(xs[0])
    assert product.shape == xs[0].shape
    assert np.all(np.isfinite(product))
