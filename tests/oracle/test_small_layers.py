"""Activations and small layers against jax.nn, torch.nn and torch.nn.functional, and layers of flax.linen."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod.testing.assertions import assert_native

pytestmark = pytest.mark.thin(3)

X = np.linspace(-4.1, 4.3, 25, dtype=np.float32)
KINKS = np.array([-1.0, -0.5, 0.5, 1.0], np.float32)


def on(backend, x):
    return um.to_backend(np.asarray(x), backend)


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def close(actual, expected, backend, *, tolerance=2e-6):
    assert_native(actual, backend)
    host, expected = um.to_backend(actual, "numpy"), np.asarray(expected)
    assert host.shape == expected.shape
    assert host.dtype == expected.dtype
    np.testing.assert_allclose(host, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("name", ["sparse_plus", "sparse_sigmoid", "squareplus", "identity", "logsumexp"])
def test_activations_of_jax(name):
    import jax

    x = on("jax", X)
    close(getattr(um.nn, name)(x), getattr(jax.nn, name)(x), "jax")


@pytest.mark.needs("jax")
def test_functions_of_jax_with_options():
    import jax

    x, mask = on("jax", numbers(0, 3, 4)), on("jax", np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 1, 1]], bool))
    close(um.nn.softmax(x, where=mask), jax.nn.softmax(x, where=mask), "jax")
    close(um.nn.log_softmax(x, where=mask), jax.nn.log_softmax(x, where=mask), "jax")
    close(um.nn.standardize(x, axis=0), jax.nn.standardize(x, axis=0, algorithm="stable"), "jax", tolerance=1e-5)
    close(um.nn.squareplus(x, b=0.5), jax.nn.squareplus(x, 0.5), "jax")
    positive = abs(x) + 0.01
    close(um.nn.log1mexp(positive), jax.nn.log1mexp(positive), "jax")
    close(um.nn.logsumexp(x, axis=1, keepdims=True), jax.nn.logsumexp(x, axis=1, keepdims=True), "jax")
    ids = on("jax", np.array([0, 3, 5], np.int32))
    close(um.nn.one_hot(ids, 4), jax.nn.one_hot(ids, 4), "jax")


TORCH = {
    "tanh_shrink": ("tanhshrink", {}, ()),
    "soft_shrink": ("softshrink", {}, ()),
    "hard_shrink": ("hardshrink", {}, ()),
    "threshold": ("threshold", {"threshold": 0.5, "value": -2.0}, (0.5, -2.0)),
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", TORCH)
def test_activations_of_torch_and_their_derivatives(name):
    import torch

    theirs, options, args = TORCH[name]
    found = []
    for fn in (lambda v: getattr(um.nn, name)(v, **options), lambda v: getattr(torch.nn.functional, theirs)(v, *args)):
        x = torch.from_numpy(np.concatenate([X, KINKS])).requires_grad_()
        y = fn(x)
        found.append((y.detach(), *torch.autograd.grad(y.sum(), x)))
    for one, other in zip(*found, strict=True):
        close(one, other, "torch")


@pytest.mark.needs("torch")
def test_layers_of_torch():
    import torch

    x1, x2 = torch.from_numpy(numbers(0, 4, 3)), torch.from_numpy(numbers(1, 4, 2))
    native = torch.nn.Bilinear(3, 2, 5)
    layer = um.nn.Bilinear(3, 2, 5).init(0, backend="torch")
    layer.kernel, layer.bias = native.weight.detach().permute(1, 2, 0).clone(), native.bias.detach().clone()
    close(layer(x1, x2), native(x1, x2).detach(), "torch")
    images = torch.from_numpy(numbers(2, 2, 3, 4))
    slopes = torch.from_numpy(numbers(3, 3))
    layer = um.nn.PReLU(3, axis=1).init(0, backend="torch")
    assert um.to_backend(layer.slope, "numpy").tolist() == torch.nn.PReLU(3).weight.tolist()
    layer.slope = slopes
    close(layer(images), torch.nn.functional.prelu(images, slopes), "torch")
    close(um.nn.Flatten(0, 1)(images), torch.nn.Flatten(0, 1)(images), "torch")
    close(um.nn.Unflatten(2, (2, -1))(images), torch.nn.Unflatten(2, (2, -1))(images), "torch")


@pytest.mark.needs("torch")
def test_the_padding_of_an_embedding_of_torch():
    import torch

    table, ids = numbers(0, 5, 3), np.array([[0, 2, 4], [2, 1, 0]])
    native = torch.nn.functional.embedding
    found = []
    for fn in (um.nn.functional.embedding, lambda t, i, padding_idx: native(i, t, padding_idx=padding_idx)):
        leaf = torch.from_numpy(table).requires_grad_()
        y = fn(leaf, torch.from_numpy(ids), padding_idx=2)
        found.append((y.detach(), *torch.autograd.grad((y * torch.arange(1.0, 19.0).reshape(2, 3, 3)).sum(), leaf)))
    for one, other in zip(*found, strict=True):
        close(one, other, "torch")
    assert found[0][1][2].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.needs("torch")
@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_alpha_dropout_has_the_two_values_of_torch(rate):
    import torch

    torch.manual_seed(0)
    x = torch.zeros(200)
    native = torch.nn.functional.alpha_dropout(x, rate, training=True)
    ours = um.nn.AlphaDropout(rate).init(0, backend="torch")(x)
    assert_native(ours, "torch")
    np.testing.assert_allclose(sorted(set(ours.tolist())), sorted(set(native.tolist())), rtol=1e-6)


@pytest.mark.needs("jax")
def test_general_layers_of_flax():
    import flax.linen as nn

    x, kernel, bias = numbers(0, 2, 3, 5, 4), numbers(1, 3, 4, 2, 6), numbers(2, 2, 6)
    expected = nn.DenseGeneral((2, 6), axis=(1, -1)).apply({"params": {"kernel": kernel, "bias": bias}}, x)
    layer = um.nn.LinearGeneral((3, 4), (2, 6), axis=(1, -1)).init(0, backend="jax")
    layer.kernel, layer.bias = on("jax", kernel), on("jax", bias)
    close(layer(on("jax", x)), expected, "jax", tolerance=1e-5)
    kernel = numbers(3, 4, 2, 6)
    expected = nn.Einsum((4, 2, 6), "abcd,dnh->abcnh").apply({"params": {"kernel": kernel, "bias": bias}}, x)
    layer = um.nn.Einsum("abcd,dnh->abcnh", (4, 2, 6), bias_shape=(2, 6)).init(0, backend="jax")
    layer.kernel, layer.bias = on("jax", kernel), on("jax", bias)
    close(layer(on("jax", x)), expected, "jax", tolerance=1e-5)
    table = numbers(4, 7, 4)
    embed = um.nn.Embed(7, 4).init(0, backend="jax")
    embed.embedding = on("jax", table)
    expected = nn.Embed(7, 4).apply({"params": {"embedding": table}}, x, method="attend")
    close(embed.attend(on("jax", x)), expected, "jax", tolerance=1e-5)


@pytest.mark.needs("jax")
def test_the_average_of_haiku():
    import haiku as hk
    import jax

    values = [numbers(seed, 3) for seed in range(4)]
    for debias in (True, False):
        transformed = hk.transform_with_state(lambda x, d=debias: hk.ExponentialMovingAverage(0.8, zero_debias=d)(x))
        state = transformed.init(jax.random.key(0), values[0])[1]
        state = jax.tree.map(np.zeros_like, state)
        ema = um.nn.EMA(0.8, debias=debias).init(0, on("jax", np.zeros(3, np.float32)))
        for value in values:
            expected, state = transformed.apply({}, state, None, value)
            close(ema(on("jax", value)), expected, "jax")
