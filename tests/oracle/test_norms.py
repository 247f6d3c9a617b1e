"""Normalisations against flax.linen, torch.nn and torch.nn.functional, wherever the definition is the same."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod.nn import functional as F
from unimod.testing.assertions import assert_native

pytestmark = pytest.mark.thin(3)

TOLERANCE = 3e-5
"""Roundings of sums, a square root and a division, in another order."""


def numbers(seed, *shape):
    return (3 * np.random.default_rng(seed).standard_normal(shape) + 1).astype(np.float32)


def on(backend, x):
    return um.to_backend(np.asarray(x), backend)


def close(actual, expected, backend):
    assert_native(actual, backend)
    host, expected = um.to_backend(actual, "numpy"), np.asarray(expected)
    assert host.shape == expected.shape
    assert host.dtype == expected.dtype
    np.testing.assert_allclose(host, expected, rtol=TOLERANCE, atol=TOLERANCE)


def filled(layer, backend, **leaves):
    """The layer with these leaves."""
    model = layer.init(0, backend=backend)
    for name, value in leaves.items():
        setattr(model, name, on(backend, value))
    return model


# flax.linen -----------------------------------------------------------------------------------------------------------


def linen(name, x, scale=None, bias=None, **options):
    import flax.linen as nn

    module = getattr(nn, name)(**options)
    params = {n: v for n, v in (("scale", scale), ("bias", bias)) if v is not None}
    return module.apply({"params": params}, x)


@pytest.mark.needs("jax")
def test_layers_of_flax():
    x, scale, bias = numbers(0, 2, 3, 5, 6), numbers(1, 6), numbers(2, 6)
    options = {"use_fast_variance": False}
    rows = [
        (um.nn.LayerNorm(6), linen("LayerNorm", x, scale, bias, epsilon=1e-5, **options)),
        (um.nn.RMSNorm(6, epsilon=1e-5), linen("RMSNorm", x, scale, epsilon=1e-5)),
        (um.nn.RMSNorm(6), linen("RMSNorm", x, scale)),
        (um.nn.GroupNorm(3, 6), linen("GroupNorm", x, scale, bias, num_groups=3, epsilon=1e-5, **options)),
        (um.nn.InstanceNorm(6), linen("InstanceNorm", x, scale, bias, epsilon=1e-5, **options)),
    ]
    for layer, expected in rows:
        leaves = {"scale": scale, **({"bias": bias} if layer.use_bias else {})}
        close(filled(layer, "jax", **leaves)(on("jax", x)), expected, "jax")


@pytest.mark.needs("jax")
@pytest.mark.parametrize("mask", [None, np.array([True, True, False, True])[:, None, None]])
def test_batch_norm_of_flax(mask):
    import flax.linen as nn

    x, scale, bias = numbers(0, 4, 3, 5), numbers(1, 5), numbers(2, 5)
    mean, var = numbers(3, 5), np.abs(numbers(4, 5))
    module = nn.BatchNorm(use_running_average=False, momentum=0.8, epsilon=1e-5, use_fast_variance=False)
    variables = {"params": {"scale": scale, "bias": bias}, "batch_stats": {"mean": mean, "var": var}}
    expected, state = module.apply(variables, x, mask=mask, mutable=["batch_stats"])
    layer = filled(um.nn.BatchNorm(5, decay=0.8), "jax", scale=scale, bias=bias, mean=mean, var=var)
    close(layer(on("jax", x), mask=None if mask is None else on("jax", mask)), expected, "jax")
    close(layer.mean, state["batch_stats"]["mean"], "jax")
    close(layer.var, state["batch_stats"]["var"], "jax")


@pytest.mark.needs("jax")
def test_spectral_norm_of_flax():
    import flax.linen as nn
    import jax

    x, kernel, u = numbers(0, 4, 3), numbers(1, 3, 5), numbers(2, 5)
    module = nn.SpectralNorm(nn.Dense(5, use_bias=False), n_steps=2, epsilon=1e-12)
    variables = module.init(jax.random.key(0), x, update_stats=False)
    variables = {
        "params": jax.tree.map(lambda _: kernel, variables["params"]),
        "batch_stats": jax.tree.map(lambda leaf: u[None] if leaf.ndim == 2 else leaf, variables["batch_stats"]),
    }
    expected, state = module.apply(variables, x, update_stats=True, mutable=["batch_stats"])
    layer = um.nn.SpectralNorm(um.nn.Linear(3, 5, use_bias=False), num_steps=2).init(0, backend="jax")
    layer.layer.kernel, layer.u = on("jax", kernel), on("jax", u)
    close(layer(on("jax", x)), expected, "jax")
    (new_u,) = [leaf for leaf in jax.tree.leaves(state) if leaf.ndim == 2]
    close(layer.u, new_u[0], "jax")


# torch ----------------------------------------------------------------------------------------------------------------


@pytest.mark.needs("torch")
def test_functions_of_torch_channels_first():
    import torch
    from torch.nn import functional

    x, scale, bias = numbers(0, 2, 6, 5, 4), numbers(1, 6), numbers(2, 6)
    native = [torch.from_numpy(v) for v in (x, scale, bias)]
    close(F.group_norm(native[0], 3, *native[1:], axis=1), functional.group_norm(native[0], 3, *native[1:]), "torch")
    expected = functional.instance_norm(native[0], weight=native[1], bias=native[2])
    close(F.instance_norm(*native, axis=1), expected, "torch")
    close(F.rms_norm(native[0], epsilon=1e-6), functional.rms_norm(native[0], (4,), eps=1e-6), "torch")
    expected = functional.rms_norm(native[0], (5, 4), torch.ones(5, 4), eps=1e-3)
    close(F.rms_norm(native[0], torch.ones(5, 4), num_axes=2, epsilon=1e-3), expected, "torch")
    for size in (2, 3, 5):
        expected = functional.local_response_norm(native[0], size, alpha=0.3, beta=0.6, k=2.0)
        close(F.local_response_norm(native[0], size, alpha=0.3, beta=0.6, k=2.0, axis=1), expected, "torch")


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", ["group_norm", "instance_norm"])
def test_derivatives_of_torch(name):
    import torch
    from torch.nn import functional

    cotangent = torch.from_numpy(numbers(3, 2, 6, 5))
    found = []
    for fn, options in ((getattr(F, name), {"axis": 1}), (getattr(functional, name), {})):
        leaves = [torch.from_numpy(v).requires_grad_() for v in (numbers(0, 2, 6, 5), numbers(1, 6), numbers(2, 6))]
        x, scale, bias = leaves
        if name == "group_norm":
            y = fn(x, 2, scale, bias, **options)
        else:
            y = fn(x, scale, bias, **options) if options else fn(x, weight=scale, bias=bias)
        found.append(torch.autograd.grad((y * cotangent).sum(), leaves))
    for one, other in zip(*found, strict=True):
        close(one, other, "torch")


@pytest.mark.needs("torch")
@pytest.mark.parametrize("tracked", [True, False])
def test_batch_norm_of_torch_channels_first(tracked):
    import torch

    x = torch.from_numpy(numbers(0, 3, 6, 5))
    native = torch.nn.BatchNorm1d(6, momentum=0.2, track_running_stats=tracked)
    layer = um.nn.BatchNorm(6, axis=1, decay=0.8, unbiased=True, track_running_stats=tracked).init(0, backend="torch")
    for _ in range(2):
        close(layer(x), native(x).detach(), "torch")
    close(layer.eval()(x), native.eval()(x).detach(), "torch")
    if tracked:
        close(layer.mean, native.running_mean, "torch")
        close(layer.var, native.running_var, "torch")


@pytest.mark.needs("torch")
def test_reparametrizations_of_torch():
    import torch
    from torch.nn.utils import parametrizations

    x = torch.from_numpy(numbers(0, 4, 3))
    native = parametrizations.spectral_norm(torch.nn.Linear(3, 5)).eval()
    layer = um.nn.SpectralNorm(um.nn.Linear(3, 5)).init(0, backend="torch").eval()
    layer.layer.kernel = native.parametrizations.weight.original.detach().T.clone()
    layer.layer.bias = native.bias.detach().clone()
    layer.u, layer.v = native.parametrizations.weight[0]._u.clone(), native.parametrizations.weight[0]._v.clone()
    close(layer(x), native(x).detach(), "torch")
    native = parametrizations.weight_norm(torch.nn.Linear(3, 5))
    weights = native.parametrizations.weight
    layer = um.nn.WeightNorm(um.nn.Linear(3, 5)).init(0, backend="torch")
    layer.layer.kernel, layer.layer.bias = weights.original1.detach().T.clone(), native.bias.detach().clone()
    layer.scale = 2 * weights.original0.detach()[:, 0]
    with torch.no_grad():
        weights.original0.mul_(2)
    close(layer(x), native(x).detach(), "torch")
