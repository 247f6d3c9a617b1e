"""Engines' own functions for norms, ctc and recurrent layers: in every layout and transform as what is composed."""

from __future__ import annotations

import dataclasses
import functools
import types

import numpy as np
import pytest

import unimod as um
from unimod import losses
from unimod.backends import _registry
from unimod.nn import _batch
from unimod.nn import functional as F
from unimod.testing.assertions import assert_native

pytestmark = pytest.mark.thin(3)

unp = um.numpy
jit = functools.partial(um.jit, compiler="graph")

SHAPES = {
    "rows": (6, 4),
    "sequence": (3, 5, 4),
    "image": (3, 5, 2, 4),
    "volume": (2, 3, 2, 2, 4),
    "six": (2, 2, 2, 2, 2, 4),
}
SCALE, BIAS = np.array([0.5, 1.0, -2.0, 1.5]), np.array([0.1, 0.0, -1.0, 2.0])
FAR = 1000.0


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def on(backend, x, dtype="float32"):
    return _registry.load(backend).arrays.asarray(np.asarray(x), dtype)


def host(x, backend, *, dtype="float32"):
    assert_native(x, backend)
    assert um.dtype_of(x) == dtype
    return np.asarray(um.to_backend(unp.astype(x, "float32"), "numpy"), np.float64)


def composed(backend, name):
    """Put the engine without one of its functions in its place."""
    engine = _registry.load(backend)
    kept = {key: value for key, value in vars(engine.nn).items() if key != name}
    return dataclasses.replace(engine, nn=types.SimpleNamespace(**kept))


@pytest.fixture
def without(monkeypatch):
    def take(backend, name):
        monkeypatch.setitem(_registry._loaded, backend, composed(backend, name))
        _registry.forget_types()

    yield take
    monkeypatch.undo()
    _registry.forget_types()


# Normalisation


def batch_norm(x, scale, bias, axis):
    return _batch.by_batch(x, scale, bias, axis=axis, epsilon=1e-5)[0]


NORMS = {
    "batch": batch_norm,
    "group": lambda x, scale, bias, axis: F.group_norm(x, 2, scale, bias, axis=axis),
    "instance": lambda x, scale, bias, axis: F.instance_norm(x, scale, bias, axis=axis),
}


def expected(name, x, axis):
    """In float64, channels last and back."""
    last = np.moveaxis(np.asarray(x, np.float64), axis, -1)
    grouped = last.reshape(*last.shape[:-1], 2, 2) if name == "group" else last
    axes = {"batch": range(last.ndim - 1), "group": (*range(1, last.ndim - 1), last.ndim)}.get(
        name, range(1, last.ndim - 1)
    )
    mean, var = (fn(grouped, axis=tuple(axes), keepdims=True) for fn in (np.mean, np.var))
    out = ((grouped - mean) / np.sqrt(var + 1e-5)).reshape(last.shape) * SCALE + BIAS
    return np.moveaxis(out, -1, axis)


def rows():
    return [(name, shape) for name in NORMS for shape in SHAPES if not (name == "instance" and shape == "rows")]


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize(("name", "shape"), rows())
def test_a_norm_in_every_layout(any_backend, name, shape, axis):
    """Of an array that lies in memory as it is read, and of a view of one in the other layout."""
    x = numbers(0, *SHAPES[shape]) + 0.5
    x, other = np.moveaxis(x, -1, axis), 1 if axis == -1 else -1
    plain = on(any_backend, x.copy())
    view = unp.moveaxis(on(any_backend, np.moveaxis(x, axis, other).copy()), other, axis)
    for given in (plain, view):
        y = host(NORMS[name](given, on(any_backend, SCALE), on(any_backend, BIAS), axis), any_backend)
        assert y.shape == x.shape
        np.testing.assert_allclose(y, expected(name, x, axis), atol=3e-6, rtol=3e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("name", NORMS)
def test_a_norm_of_data_far_from_zero(any_backend, name, axis, dtype):
    """Where the kernels' own sums would be off by whole deviations."""
    x = FAR * (1 + numbers(1, 4, 9, 11, 4) * (1e-5 if dtype == "float32" else 0.02))
    if axis == 1:
        x = np.moveaxis(x, -1, 1)
    x = on(any_backend, x, dtype)
    scale, bias = (on(any_backend, v, dtype) for v in (SCALE, BIAS))
    reference = expected(name, np.asarray(um.to_backend(unp.astype(x, "float32"), "numpy")), axis)
    y = host(NORMS[name](x, scale, bias, axis), any_backend, dtype=dtype)
    # Sums near 1000 are rounded to 6e-5 in float32, 0.6 % of the deviation, a few times, and the scale is 2 at most.
    bound = {"float32": 0.1, "bfloat16": 2.0**-6, "float16": 2.0**-9}[dtype]
    assert np.max(np.abs(y - reference)) < bound * (1 if dtype == "float32" else np.max(np.abs(reference)))
    # A variance that were off by a part of itself would be off by half of that part here, in each channel.
    if dtype == "float32":
        axes = tuple(a for a in range(4) if a != axis % 4)
        np.testing.assert_allclose(y.std(axes), reference.std(axes), rtol=2e-3)


@pytest.mark.parametrize("is_far", [False, True], ids=["near", "far"])
@pytest.mark.parametrize("name", NORMS)
def test_derivatives_of_a_norm(backend, name, is_far):
    """First and second ones, eager, traced and mapped, against differences of the formula."""
    x, move = numbers(2, 3, 5, 4) + (20 if is_far else 0), numbers(3, 3, 5, 4)
    weight = numbers(4, 3, 5, 4)

    def value(x):
        return np.sum(weight * expected(name, x, -1))

    step = 1e-5
    slope = (value(x + step * move) - value(x - step * move)) / (2 * step)
    fn = lambda x, w: unp.sum(w * NORMS[name](x, on(backend, SCALE), on(backend, BIAS), -1))  # noqa: E731
    grad = um.grad(fn)
    native, factor = on(backend, x), on(backend, weight)
    for found in (grad(native, factor), jit(grad)(native, factor), um.vmap(grad)(native[None], factor[None])[0]):
        actual = host(found, backend)
        assert actual.shape == x.shape
        np.testing.assert_allclose(np.sum(actual * move), slope, rtol=1e-3 if is_far else 2e-4, atol=2e-4)
    curved = um.grad(lambda x: unp.sum(unp.square(grad(x, factor))))(native)
    again = jit(um.grad(lambda x: unp.sum(unp.square(grad(x, factor)))))(native)
    np.testing.assert_allclose(host(curved, backend), host(again, backend), rtol=1e-2, atol=5e-3)


@pytest.mark.parametrize("name", ["group", "batch"])
@pytest.mark.parametrize("leaves", ["scale", "bias"])
def test_a_norm_with_one_leaf_has_second_derivatives(backend, name, leaves):
    x = on(backend, numbers(5, 3, 5, 4))
    scale, bias = (on(backend, v) if leaves == part else None for v, part in ((SCALE, "scale"), (BIAS, "bias")))
    fn = lambda x: unp.sum(unp.square(NORMS[name](x, scale, bias, -1)) * on(backend, BIAS))  # noqa: E731
    curved = host(um.grad(lambda x: unp.sum(unp.square(um.grad(fn)(x))))(x), backend)
    assert np.all(np.isfinite(curved))
    assert np.any(curved != 0)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_running_statistics_are_exact_and_biased(backend, dtype):
    x = on(backend, FAR + 9 * numbers(6, 7, 9, 4), dtype)
    exact = host(x, backend, dtype=dtype)
    layer = um.nn.BatchNorm(4, decay=0.0, dtype=dtype).init(0, backend=backend)
    layer(x)
    mean, var = (host(v, backend, dtype=dtype) for v in (layer.mean, layer.var))
    eps = {"bfloat16": 2.0**-8}.get(dtype, 1e-6)
    np.testing.assert_allclose(mean, exact.mean((0, 1)), rtol=eps)
    np.testing.assert_allclose(var, exact.var((0, 1)), rtol=max(eps, 1e-4))


@pytest.mark.parametrize("name", ["group_norm", "rms_norm", "batch_norm"])
def test_a_norm_is_what_is_composed(backend, name, without):
    x, scale, bias = on(backend, numbers(7, 3, 5, 4)), on(backend, SCALE), on(backend, BIAS)
    fn = {
        "group_norm": lambda x, s, b: F.group_norm(x, 2, s, b),
        "rms_norm": lambda x, s, b: F.rms_norm(x, s) + b,
        "batch_norm": lambda x, s, b: batch_norm(x, s, b, -1),
    }[name]
    loss = lambda *xs: unp.sum(unp.square(fn(*xs)) * xs[0])  # noqa: E731
    found = [fn(x, scale, bias), *um.grad(loss, argnums=(0, 1, 2))(x, scale, bias)]
    without(backend, name)
    for one, other in zip(found, [fn(x, scale, bias), *um.grad(loss, argnums=(0, 1, 2))(x, scale, bias)], strict=True):
        np.testing.assert_allclose(host(one, backend), host(other, backend), rtol=1e-4, atol=1e-4)


# Connectionist temporal classification

LABELS = np.array([[1, 1, 2], [3, 2, 3], [2, -7, 99], [1, 2, 3], [1, 1, 1]])
FRAMES, COUNTS = np.array([6, 5, 4, 0, 4]), np.array([3, 3, 1, 0, 3])


def lattice(backend, dtype="float32", seed=8):
    logits = on(backend, 2 * numbers(seed, 5, 6, 4), dtype)
    return logits, *(on(backend, v, "int32") for v in (LABELS, FRAMES, COUNTS))


def ctc(logits, labels, frames, counts):
    return losses.ctc(logits, labels, logit_lengths=frames, label_lengths=counts, reduction="none")


def total(*args):
    values = ctc(*args)
    return unp.sum(unp.where(unp.isfinite(values), values, 0.0))


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_ctc_is_what_is_composed(backend, dtype, without):
    if dtype == "float64" and not _registry.load(backend).facts.has_x64():
        dtype = "float32"
    args = lattice(backend, dtype)
    found = [ctc(*args), um.grad(total)(*args), jit(um.grad(total))(*args)]
    without(backend, "ctc_loss")
    reference = [ctc(*args), um.grad(total)(*args), um.grad(total)(*args)]
    for one, other in zip(found, reference, strict=True):
        bound = 2.0**-7 if dtype == "bfloat16" else 1e-5
        np.testing.assert_allclose(
            host(one, backend, dtype=dtype), host(other, backend, dtype=dtype), rtol=bound, atol=bound
        )


def test_ctc_of_no_frames_and_of_too_few(any_backend):
    values = host(ctc(*lattice(any_backend)), any_backend)
    assert values[3] == 0
    assert np.isinf(values).tolist() == [False] * 4 + [True]


def test_the_derivative_of_ctc_is_zero_where_nothing_is_said(backend):
    slope = host(um.grad(total)(*lattice(backend)), backend)
    assert np.all(np.isfinite(slope))
    assert [bool(np.all(slope[i, n:] == 0)) for i, n in enumerate(FRAMES)] == [True] * 5
    assert np.all(slope[4] == 0)
    np.testing.assert_allclose(slope.sum(-1), 0, atol=1e-5)


def test_ctc_in_transforms(backend):
    """Mapped, traced and differentiated twice: as one after the other."""
    logits, *rest = lattice(backend)
    many = unp.stack([logits, unp.flip(logits, axis=1), logits * 0.5])
    grad = um.grad(total)
    curved = lambda x: um.grad(lambda x: unp.sum(unp.square(grad(x, *rest))))(x)  # noqa: E731
    for fn in (lambda x: ctc(x, *rest), lambda x: grad(x, *rest), curved):
        alone = np.stack([host(fn(many[i]), backend) for i in range(3)])
        np.testing.assert_allclose(host(um.vmap(fn)(many), backend), alone, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(host(jit(um.vmap(fn))(many), backend), alone, rtol=1e-4, atol=1e-5)
    assert np.any(host(curved(logits), backend) != 0)


def test_the_second_derivative_of_ctc(backend):
    logits, *rest = lattice(backend)
    move = on(backend, numbers(9, 5, 6, 4))
    curve = um.grad(lambda x: unp.sum(um.grad(total)(x, *rest) * move))(logits)
    step = 1e-2
    slopes = [host(um.grad(total)(logits + s * move, *rest), backend) for s in (step, -step)]
    np.testing.assert_allclose(host(curve, backend), (slopes[0] - slopes[1]) / (2 * step), atol=2e-3)


# Recurrent layers

LAYERS = {"rnn": um.nn.VanillaRNN, "gru": um.nn.GRU, "lstm": um.nn.LSTM}


def energy(model, x):
    return unp.sum(unp.square(model(x)))


@pytest.mark.parametrize("has_own_weights", [False, True], ids=["shared weights", "own weights"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_mapped_recurrent_layer(backend, name, has_own_weights):
    model = LAYERS[name](3, 4).init(0, backend=backend)
    x = on(backend, numbers(10, 2, 2, 5, 3))
    models = [model, model.map(lambda leaf: leaf * 0.9)] if has_own_weights else [model] * 2
    axes = (0, 0) if has_own_weights else (None, 0)
    model = um.tree.map(lambda *leaves: unp.stack(leaves), *models) if has_own_weights else model
    slopes = um.grad(energy, argnums=(0, 1))
    alone = [um.tree.leaves(slopes(models[i], x[i])) for i in range(2)]
    for mapped in (um.vmap(slopes, in_axes=axes), jit(um.vmap(slopes, in_axes=axes))):
        for found, *each in zip(um.tree.leaves(mapped(model, x)), *alone, strict=True):
            reference = np.stack([host(v, backend) for v in each])
            np.testing.assert_allclose(host(found, backend), reference, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_a_wide_batch_is_many_narrow_ones(backend, name):
    """From some width on engines take other paths, with derivatives and without."""
    model = LAYERS[name](3, 4).init(0, backend=backend)
    x = on(backend, numbers(13, 20, 5, 3))
    found = [model(x), um.grad(lambda x: energy(model, x))(x)]
    alone = [(model(part), um.grad(lambda x: energy(model, x))(part)) for part in (x[:7], x[7:14], x[14:])]
    for whole, parts in zip(found, zip(*alone, strict=True), strict=True):
        reference = np.concatenate([host(part, backend) for part in parts])
        np.testing.assert_allclose(host(whole, backend), reference, rtol=1e-5, atol=1e-6)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", LAYERS)
def test_the_graph_of_a_mapped_layer_does_not_grow_with_the_steps(name):
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    model = LAYERS[name](3, 4).init(0, backend="torch")
    mapped = um.vmap(um.grad(lambda x: energy(model, x)))
    sizes = [len(list(make_fx(mapped)(torch.zeros(2, 2, steps, 3)).graph.nodes)) for steps in (3, 30)]
    assert sizes[0] == sizes[1]


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", LAYERS)
def test_recurrent_layers_under_forward_derivatives(name):
    import torch

    model = LAYERS[name](3, 4, dtype="float64").init(0, backend="torch")
    x, move = (torch.from_numpy(numbers(seed, 2, 5, 3)) for seed in (11, 12))
    _, slope = torch.func.jvp(model, (x,), (move,))
    torch.testing.assert_close(slope, (model(x + 1e-6 * move) - model(x - 1e-6 * move)) / 2e-6, atol=1e-6, rtol=1e-6)
