"""Normalisations: data far from zero, half precision, states, what they refuse, and what their wrappers keep."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from unimod.errors import DTypeError, NotInitializedError, ShapeError
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
    return np.asarray(um.to_backend(um.numpy.astype(x, "float32"), "numpy"), np.float64)


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


NORMS = {
    "batch": (lambda x: F.batch_norm(x, *F.moments(x)), (0, 1)),
    "layer": (F.layer_norm, (2,)),
    "group": (lambda x: F.group_norm(x, 2), None),
    "instance": (F.instance_norm, (1,)),
    "standardize": (um.nn.standardize, (2,)),
}


def expected(name, x):
    x = x.astype(np.float64)
    grouped = x.reshape(*x.shape[:-1], 2, -1) if name == "group" else x
    axes = (1, 3) if name == "group" else NORMS[name][1]
    out = (grouped - grouped.mean(axes, keepdims=True)) / np.sqrt(grouped.var(axes, keepdims=True) + 1e-5)
    return out.reshape(x.shape)


@pytest.mark.parametrize("name", NORMS)
def test_data_far_from_zero(any_backend, name):
    """A mean of 1000 with a deviation of 0.01: a mean of squares less a square would be off by whole deviations."""
    x = (1000 + 0.01 * numbers(0, 16, 8, 16)).astype(np.float32)
    actual = host(NORMS[name][0](on(any_backend, x)), any_backend)
    # Sums near 1000 are rounded to 6e-5 in float32, 0.6 % of the deviation, once or a few times.
    assert np.max(np.abs(actual - expected(name, x))) < 0.03
    assert abs(actual.std() - expected(name, x).std()) < 1e-3


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", NORMS)
def test_half_precision_is_computed_in_float32(any_backend, name, dtype):
    x = on(any_backend, 300 + numbers(1, 4, 6, 8), dtype)
    exact = expected(name, host(x, any_backend, dtype=dtype))
    actual = host(NORMS[name][0](x), any_backend, dtype=dtype)
    # One rounding to half precision, and those of float32: squares of 300 would be inf in float16.
    assert np.max(np.abs(actual - exact)) <= {"float16": 2**-10, "bfloat16": 2**-7}[dtype] * np.max(np.abs(exact))


def test_rms_norm_of_large_half_precision(any_backend):
    x = on(any_backend, [[3e4, 4e4]], "float16")
    np.testing.assert_allclose(host(F.rms_norm(x), any_backend, dtype="float16"), [[0.8486, 1.1314]], atol=1e-3)


def test_a_group_of_constants_has_finite_derivatives(backend):
    x = on(backend, np.full((2, 3, 4), 5.0, np.float32))
    for fn in (lambda v: F.group_norm(v, 2), F.instance_norm, F.rms_norm):
        slope = um.grad(lambda v, fn=fn: um.numpy.sum(fn(v)))(x)
        assert np.all(np.isfinite(host(slope, backend)))


@pytest.mark.parametrize("axis", [1, -3])
def test_batch_norm_channels_first_is_that_of_channels_last(any_backend, axis):
    x = numbers(2, 4, 3, 5, 6)
    first = um.nn.BatchNorm(3, axis=axis).init(0)
    last = um.nn.BatchNorm(3).init(0)
    y = host(first(on(any_backend, x)), any_backend)
    other = host(last(on(any_backend, np.moveaxis(x, 1, -1))), any_backend)
    np.testing.assert_allclose(y, np.moveaxis(other, -1, 1), atol=1e-6)
    np.testing.assert_allclose(host(first.var, any_backend), host(last.var, any_backend), rtol=1e-6)


def test_a_mask_is_a_smaller_batch(any_backend):
    x, mask = numbers(3, 6, 3), np.array([1, 1, 0, 1, 0, 1], bool)
    x[~mask] = np.inf
    masked, small = (um.nn.BatchNorm(3, unbiased=True).init(0) for _ in range(2))
    y = host(masked(on(any_backend, x), mask=on(any_backend, mask[:, None])), any_backend)
    other = host(small(on(any_backend, x[mask])), any_backend)
    np.testing.assert_allclose(y[mask], other, atol=1e-6)
    for name in ("mean", "var"):
        np.testing.assert_allclose(
            host(getattr(masked, name), any_backend), host(getattr(small, name), any_backend), rtol=1e-6
        )


def test_a_mask_without_any_value(any_backend):
    x, mask = on(any_backend, numbers(4, 3, 2)), on(any_backend, np.zeros((3, 1), bool))
    mean, var = F.moments(x, mask=mask)
    assert host(mean, any_backend).tolist() == host(var, any_backend).tolist() == [0.0, 0.0]


def test_batch_norm_without_running_statistics(any_backend):
    layer = um.nn.BatchNorm(3, track_running_stats=False).init(0)
    assert not um.tree.leaves(layer.states())
    x = on(any_backend, numbers(5, 4, 3))
    assert host(layer(x), any_backend).tolist() == host(layer.eval()(x), any_backend).tolist()


def test_inferred_sizes_and_initial_values(any_backend):
    x = on(any_backend, numbers(6, 2, 4, 3))
    for layer, shape in (
        (um.nn.RMSNorm(None, scale_init=um.nn.initializers.constant(0.5)), (3,)),
        (um.nn.GroupNorm(2, None, axis=1, scale_init=um.nn.initializers.constant(0.5)), (4,)),
        (um.nn.InstanceNorm(None, scale_init=um.nn.initializers.constant(0.5)), (3,)),
        (um.nn.BatchNorm(None, axis=1, scale_init=um.nn.initializers.constant(0.5)), (4,)),
        (um.nn.LayerNorm(None, scale_init=um.nn.initializers.constant(0.5)), (3,)),
    ):
        model = layer.init(0, x)
        assert host(model.scale, any_backend).tolist() == np.full(shape, 0.5).tolist()
        assert tuple(model(x).shape) == (2, 4, 3)


# Wrappers -------------------------------------------------------------------------------------------------------------


def test_spectral_norm_comes_to_the_largest_singular_value(any_backend):
    layer = um.nn.SpectralNorm(um.nn.Conv(2, 5, 3), num_steps=30).init(0)
    kernel = host(layer.layer.kernel, any_backend).reshape(-1, 5)
    layer(on(any_backend, numbers(7, 1, 4, 4, 2)))
    used, _, _ = F.spectral_norm(layer.layer.kernel, layer.u, layer.v, num_steps=0)
    largest = np.linalg.svd(host(used, any_backend).reshape(-1, 5), compute_uv=False)[0]
    np.testing.assert_allclose(largest, 1.0, rtol=1e-3)
    np.testing.assert_allclose(host(layer.layer.kernel, any_backend).reshape(-1, 5), kernel)


def test_the_vectors_of_spectral_norm_move_in_training_only(any_backend):
    layer, x = um.nn.SpectralNorm(um.nn.Linear(3, 4)).init(0), on(any_backend, numbers(8, 2, 3))
    layer.layer.kernel = on(any_backend, numbers(9, 3, 4))
    before = host(layer.u, any_backend).tolist()
    for quiet in (layer.eval(), layer.freeze()):
        quiet(x)
        assert host(quiet.u, any_backend).tolist() == before
    layer(x)
    assert host(layer.u, any_backend).tolist() != before
    assert list(layer.states().state_dict()) == ["u", "v"]
    assert list(layer.parameters().state_dict()) == ["layer.kernel", "layer.bias"]


def test_the_kernel_of_zeros_stays(any_backend):
    layer = um.nn.SpectralNorm(um.nn.Linear(3, 4, kernel_init=um.nn.initializers.zeros())).init(0)
    assert np.all(host(layer(on(any_backend, numbers(8, 2, 3))), any_backend) == 0)


def test_weight_norm_starts_as_the_layer(any_backend):
    x = on(any_backend, numbers(10, 2, 5, 3))
    inner = um.nn.Conv(3, 4, (2,)).init(0)
    outer = um.nn.WeightNorm(inner).init(0)
    np.testing.assert_allclose(host(outer(x), any_backend), host(inner(x), any_backend), atol=1e-6)
    assert set(outer.parameters().state_dict()) == {"layer.kernel", "layer.bias", "scale"}


class Noisy(um.nn.Linear):
    """A linear layer with a state."""

    def __init__(self):
        super().__init__(2, 2)
        self.calls = um.numpy.zeros((), dtype="int32")

    def __call__(self, x):
        self.calls = self.calls + 1
        return super().__call__(x)


def test_wrappers_keep_the_other_states_of_the_layer(any_backend):
    x = um.numpy.ones((1, 2))
    for wrapper in (um.nn.WeightNorm, um.nn.SpectralNorm):
        model = wrapper(Noisy()).init(0)
        model(x)
        model(x)
        assert int(model.layer.calls) == 2


def test_wrappers_under_jit_and_grad(backend):
    x = on(backend, numbers(11, 2, 3))
    for wrapper in (um.nn.WeightNorm, um.nn.SpectralNorm):
        model = wrapper(um.nn.Linear(None, 2)).init(0, x)
        step = jit(lambda m, v: (um.grad(lambda p: um.numpy.sum(m.update(p)(v) ** 2))(m.parameters()), m))
        grads, _ = step(model, x)
        again, _ = step(model, x)
        assert step.trace_count == 1
        assert um.tree.map(lambda leaf: tuple(leaf.shape), grads.state_dict()) == um.tree.map(
            lambda leaf: tuple(leaf.shape), model.parameters().state_dict()
        )
        assert np.array_equal(host(grads.layer.kernel, backend), host(again.layer.kernel, backend))
        # The derivative by a kernel that is divided by its own size has no part along the kernel.
        if wrapper is um.nn.WeightNorm:
            along = host(grads.layer.kernel, backend) * host(model.layer.kernel, backend)
            np.testing.assert_allclose(along.sum(0), 0.0, atol=1e-5)


def test_wrappers_refuse_what_has_no_kernel(any_backend):
    for wrapper in (um.nn.WeightNorm, um.nn.SpectralNorm):
        with pytest.raises(DTypeError, match="wraps a layer"):
            wrapper(um.nn.Identity())
        with pytest.raises(DTypeError, match="wraps a layer"):
            wrapper(um.nn.Embed(3, 2))
        assert tuple(wrapper(um.nn.Embed(3, 2), name="embedding").init(0)(on(any_backend, [1])).shape) == (1, 2)
        with pytest.raises(NotInitializedError):
            wrapper(um.nn.Linear(3, 2))(um.numpy.ones((1, 3)))


# Refused --------------------------------------------------------------------------------------------------------------

REFUSED = [
    (lambda: um.nn.GroupNorm(3, 4), "cannot be split into 3 groups"),
    (lambda: um.nn.GroupNorm(0, None), "cannot be split into 0 groups"),
    (lambda: F.group_norm(um.numpy.ones((2, 5)), 2), "cannot be split into 2 groups"),
    (lambda: F.group_norm(um.numpy.ones((4,)), 2), "too few axes"),
    (lambda: F.group_norm(um.numpy.ones((2, 4)), 2, axis=0), "the axis of the batch as that of the channels"),
    (lambda: F.group_norm(um.numpy.ones((2, 4)), 2, um.numpy.ones((3,))), "another shape"),
    (lambda: F.instance_norm(um.numpy.ones((2, 1, 4))), "at least two values for each channel in each example"),
    (lambda: F.instance_norm(um.numpy.ones((2, 3, 4)), axis=3), "no axis 3"),
    (lambda: F.rms_norm(um.numpy.ones((3,)), num_axes=2), "too few axes"),
    (lambda: um.nn.RMSNorm(3).init(0)(um.numpy.ones((2, 4))), "was built for 3"),
    (lambda: um.nn.BatchNorm(3, axis=1).init(0)(um.numpy.ones((2, 4, 3))), "on axis 1 of `x`, but was built for 3"),
    (lambda: um.nn.GroupNorm(1, 3, axis=1).init(0)(um.numpy.ones((2, 4, 3))), "on axis 1 of `x`, but was built for 3"),
    (lambda: F.moments(um.numpy.ones((1, 3))), "at least two values for each channel"),
    (lambda: F.spectral_norm(*(um.numpy.ones(s) for s in ((2, 3), (2,), (3,)))), "another shape"),
    (lambda: F.weight_norm(um.numpy.ones((2, 3)), um.numpy.ones((2,))), "another shape"),
]


@pytest.mark.parametrize("index", range(len(REFUSED)))
def test_refused_shapes(any_backend, index):
    call, text = REFUSED[index]
    with pytest.raises(ShapeError, match=text) as caught:
        call()
    assert caught.value.got
    assert caught.value.expected
    assert caught.value.fix


def test_refused_dtypes(any_backend):
    x = um.numpy.ones((2, 3, 4), dtype="int32")
    for call in (
        lambda: F.rms_norm(x),
        lambda: F.group_norm(x, 2),
        lambda: F.instance_norm(x),
        lambda: F.local_response_norm(x),
    ):
        with pytest.raises(DTypeError, match="floating-point"):
            call()
    for layer in (um.nn.RMSNorm(4), um.nn.GroupNorm(2, 4), um.nn.InstanceNorm(4), um.nn.BatchNorm(3, axis=1)):
        with pytest.raises(DTypeError, match="another dtype"):
            layer.init(0)(um.numpy.ones((2, 3, 4), dtype="float16"))
