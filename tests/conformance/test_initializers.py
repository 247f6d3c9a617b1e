"""Initializers of each engine, against ``jax.nn.initializers`` with the same key, and against their definitions."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from unimod import config, errors, random, transforms
from unimod.backends import _registry
from unimod.nn import initializers

pytestmark = pytest.mark.thin(3)

ROWS = {
    # name: (initializer, the distribution that decides how exact it is)
    "uniform": (initializers.uniform(0.3), "uniform"),
    "normal": (initializers.normal(0.2), "normal"),
    "truncated_normal": (initializers.truncated_normal(0.2), "normal"),
    "lecun_uniform": (initializers.lecun_uniform(), "uniform"),
    "lecun_normal": (initializers.lecun_normal(), "normal"),
    "glorot_uniform": (initializers.glorot_uniform(), "uniform"),
    "glorot_normal": (initializers.glorot_normal(), "normal"),
    "kaiming_uniform": (initializers.kaiming_uniform(), "uniform"),
    "kaiming_normal": (initializers.kaiming_normal(), "normal"),
    "fan_out": (initializers.variance_scaling(0.5, "fan_out", "normal"), "normal"),
    "fan_geo_avg": (initializers.variance_scaling(3.0, "fan_geo_avg", "uniform"), "uniform"),
}
SHAPE = (3, 3, 4, 6)


def theirs(name):
    from jax.nn import initializers as jax_initializers

    if name in ("uniform", "normal", "truncated_normal"):
        return getattr(jax_initializers, name)({"uniform": 0.3}.get(name, 0.2))
    if name == "fan_out":
        return jax_initializers.variance_scaling(0.5, "fan_out", "normal")
    if name == "fan_geo_avg":
        return jax_initializers.variance_scaling(3.0, "fan_geo_avg", "uniform")
    return getattr(jax_initializers, name.replace("kaiming", "he"))()


def drawn(backend, init, shape, dtype="float32", seed=11):
    with config.use_backend(backend):
        out = init(random.key(seed), shape, dtype)
    engine = _registry.of_type(type(out))
    assert engine is not None
    assert engine.name == backend
    assert engine.arrays.dtype_name(out) == dtype
    assert tuple(out.shape) == shape
    return np.asarray(engine.arrays.to_numpy(engine.arrays.astype(out, "float32")))


def ulps(one, other):
    spacing = np.spacing(np.maximum(np.abs(one), np.abs(other)))
    return np.max(np.abs(one.astype(np.float64) - other) / spacing, initial=0.0)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("name", ROWS)
def test_the_numbers_are_those_of_jax_nn_initializers(any_backend, name):
    import jax

    expected = np.asarray(theirs(name)(jax.random.key(11, impl="threefry2x32"), SHAPE, "float32"))
    assert ulps(drawn(any_backend, ROWS[name][0], SHAPE), expected) <= 4


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row[1] == "uniform"])
def test_the_uniform_family_is_equal_to_the_last_bit(name):
    one, other = (drawn(backend, ROWS[name][0], SHAPE) for backend in ("jax", "torch"))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("name", ROWS)
def test_half_precision_keeps_the_dtype(backend, name):
    out = drawn(backend, ROWS[name][0], SHAPE, "bfloat16")
    assert len(np.unique(out)) > 20
    assert np.all(np.isfinite(out))


@pytest.mark.parametrize(
    ("mode", "fan"), [("fan_in", 20), ("fan_out", 60), ("fan_avg", 40), ("fan_geo_avg", math.sqrt(1200))]
)
@pytest.mark.parametrize("distribution", ["truncated_normal", "normal", "uniform"])
def test_the_variance_is_scale_over_fan(any_backend, mode, fan, distribution):
    init = initializers.variance_scaling(2.0, mode, distribution, in_axis=0, out_axis=2, batch_axis=3)
    out = drawn(any_backend, init, (4, 5, 12, 100))
    # 24000 draws: the standard error of the variance is below 1 %.
    assert abs(out.var() * fan / 2 - 1) < 0.04
    assert abs(out.mean()) < 4 * math.sqrt(2 / fan / out.size)


@pytest.mark.parametrize(("init", "value"), [("zeros", 0.0), ("ones", 1.0)])
def test_constants_follow_the_engine_of_the_key(any_backend, init, value):
    assert np.all(drawn(any_backend, getattr(initializers, init)(), (3, 2)) == value)
    assert np.all(
        drawn(any_backend, initializers.constant(0.5), (), "bfloat16" if any_backend != "numpy" else "float16") == 0.5
    )
    with config.use_backend(any_backend):
        key = random.key(0)
    other = "torch" if any_backend == "numpy" and _registry.is_installed("torch") else "numpy"
    with config.use_backend(other):
        out = initializers.zeros()(key, (2,))
    assert _registry.of_type(type(out)).name == any_backend


@pytest.mark.parametrize("name", ROWS)
def test_a_kernel_without_entries_is_empty(any_backend, name):
    assert drawn(any_backend, ROWS[name][0], (0, 4)).size == 0


def test_initializers_are_values():
    for one, other in ((initializers.lecun_normal(), initializers.lecun_normal()), (initializers.zeros(),) * 2):
        assert one == other == pickle.loads(pickle.dumps(one))
        assert hash(one) == hash(other)
    assert initializers.normal(0.1) != initializers.normal(0.2)
    assert initializers.he_normal is initializers.kaiming_normal
    assert initializers.xavier_uniform is initializers.glorot_uniform


def test_wrong_initializers_are_refused():
    with pytest.raises(errors.OptionError, match="this mode"):
        initializers.variance_scaling(1.0, "fan", "normal")
    with pytest.raises(errors.OptionError, match="this distribution"):
        initializers.variance_scaling(1.0, "fan_in", "gauss")
    with pytest.raises(errors.OptionError, match="not positive"):
        initializers.variance_scaling(0.0, "fan_in", "normal")
    with pytest.raises(errors.ShapeError, match="at least two axes"):
        initializers.compute_fans((3,))
    with pytest.raises(errors.ShapeError, match="does not exist"):
        initializers.compute_fans((3, 4), in_axis=2)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 2, 4), (5, 5)])
def test_orthogonal_matrices_are_orthogonal(any_backend, shape):
    q = drawn(any_backend, initializers.orthogonal(), shape).reshape(-1, shape[-1]).astype(np.float64)
    small = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(small, np.eye(min(q.shape)), atol=2e-6)


STRUCTURED = {
    "orthogonal": (initializers.orthogonal(), (4, 6)),
    "delta_orthogonal": (initializers.delta_orthogonal(), (3, 4, 6)),
    "identity": (initializers.identity(0.5), (4, 6)),
    "dirac": (initializers.dirac(), (3, 4, 6)),
    "sparse": (initializers.sparse(0.5), (4, 6)),
    "symmetric_uniform": (initializers.symmetric_uniform(0.3), (4, 6)),
}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", STRUCTURED)
def test_structured_initializers_in_half_precision(any_backend, name, dtype):
    init, shape = STRUCTURED[name]
    half, wide = drawn(any_backend, init, shape, dtype), drawn(any_backend, init, shape)
    assert np.array_equal(half == 0, wide == 0) or name == "symmetric_uniform"
    assert np.all(np.isfinite(half))


@pytest.mark.parametrize("name", STRUCTURED)
def test_structured_initializers_under_vmap(backend, name):
    init, shape = STRUCTURED[name]
    with config.use_backend(backend):
        keys = random.split(random.key(3), 2)
        mapped = transforms.vmap(lambda words: init(random.wrap_key_data(words), shape))(random.key_data(keys))
        single = [init(key, shape) for key in keys]
    for row, expected in zip(mapped, single, strict=True):
        to_numpy = _registry.load(backend).arrays.to_numpy
        np.testing.assert_allclose(to_numpy(row), to_numpy(expected), atol=1e-6)


def test_structured_initializers_are_values():
    for one, other in ((initializers.orthogonal(), initializers.orthogonal()), (initializers.dirac(),) * 2):
        assert one == other == pickle.loads(pickle.dumps(one))
        assert hash(one) == hash(other)
    assert initializers.eye is initializers.identity


@pytest.mark.parametrize(
    ("init", "shape", "text"),
    [
        (initializers.orthogonal(), (3,), "2 or more axes"),
        (initializers.delta_orthogonal(), (3, 4), "3 to 5 axes"),
        (initializers.delta_orthogonal(), (3, 4, 2), "as many outputs as inputs"),
        (initializers.identity(), (3, 4, 2), "2 axes"),
        (initializers.dirac(), (3, 4), "3 to 5 axes"),
        (initializers.sparse(0.5), (3,), "2 axes"),
    ],
)
def test_shapes_that_a_structure_does_not_have(any_backend, init, shape, text):
    with config.use_backend(any_backend), pytest.raises(errors.ShapeError, match=text):
        init(random.key(0), shape)


def test_wrong_options_of_structured_initializers(any_backend):
    with pytest.raises(errors.OptionError, match="not a fraction"):
        initializers.sparse(1.5)
    with pytest.raises(errors.OptionError, match="this activation"):
        initializers.gain("softplus")
    with pytest.raises(errors.OptionError, match="this mode"):
        initializers.kaiming_normal(mode="fan")
    with config.use_backend(any_backend), pytest.raises(errors.OptionError, match="cannot split the outputs"):
        initializers.dirac(groups=2)(random.key(0), (3, 2, 3))
