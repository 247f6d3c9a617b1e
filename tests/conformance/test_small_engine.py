"""An engine with the functions that the protocols require and no other: the front writes the rest with them."""

from __future__ import annotations

import dataclasses
import functools
import types

import numpy as np
import pytest

import unimod as um
from tests.architecture import protocol
from unimod.backends import _facts, _optional, _registry
from unimod.config import HOST
from unimod.errors import CapabilityError
from unimod.nn import _composed, _composed_windows
from unimod.numpy import _defaults, _table
from unimod.random import _composed as _composed_samplers
from unimod.random import _composed_choices
from unimod.testing import checks, sabotage
from unimod.testing.cases import CASES

NUMPY_ROWS = [case for case in CASES if case.name.startswith("numpy.")]
RANDOM_ROWS = [case for case in CASES if case.name.startswith("random.")]
LAYERS = {
    "Linear", "Conv", "ConvTranspose", "BatchNorm", "LayerNorm", "Dropout", "Embed", "MaxPool", "GRU", "Sequential",
    "MultiHeadAttention",
}  # fmt: skip
NN_ROWS = [
    case
    for case in CASES
    if case.name.startswith("nn.")
    and (case.name.partition("[")[0].rpartition(".")[2] in _optional.NN or case.name.removeprefix("nn.") in LAYERS)
]
"""The functions that an engine needs not have, with their options, and a layer of each kind."""

NOT_COMPOSED = {"numpy.linalg.lu", "numpy.linalg.eig", "numpy.linalg.eigvals"}
"""What an engine without a function of its own cannot do."""

GRADED = ("sinh", "asinh", "atanh", "tan", "hypot", "logaddexp", "cbrt", "erfinv", "fmod", "sign", "clip", "copysign")


STATED = ("NAME", "CAPABILITIES", "DIVERGENCES")


def small(engine):
    """The engine without what is optional; everything else of it is kept, also what only it itself calls."""
    stripped = {module: types.SimpleNamespace() for module in _optional.ALL}
    for module, name in [*protocol.required(), *(("facts", name) for name in STATED)]:
        if module in stripped:
            setattr(stripped[module], name, getattr(getattr(engine, module), name))
    return dataclasses.replace(engine, **stripped)


def is_of_the_namespace(callback):
    """Whether it completes engines; others register classes, which cannot be done twice."""
    return getattr(callback, "func", callback).__module__.startswith("unimod.numpy")


@pytest.fixture
def install(monkeypatch):
    """Put the small engine of a backend in its place for one test."""

    def put(backend):
        engine = small(_registry.load(backend))
        _facts.complete(engine)
        for callback in _registry._on_load:
            if is_of_the_namespace(callback):
                callback(engine)
        monkeypatch.setitem(_registry._loaded, backend, engine)
        _registry.forget_types()
        _table.forget()
        checks.forget()

    yield put
    monkeypatch.undo()
    _registry.forget_types()
    _table.forget()
    checks.forget()


def test_the_small_engine_has_no_optional_function():
    engine = small(_registry.load(HOST))
    for module, optional in _optional.ALL.items():
        assert not optional & set(vars(getattr(engine, module)))
        assert set(sabotage.public(getattr(_registry.load(HOST), module))) & optional or module in (
            "control",
            "inspect",
            "optim",
        )


def test_loops_and_branches_of_the_small_engine(any_backend, install):
    install(any_backend)
    with um.use_backend(any_backend):
        xs = um.numpy.asarray([1.0, 2.0, 4.0])
        for rows, total, sums in ((xs, 7.0, [7.0, 6.0, 4.0]), (xs[:0], 0.0, [])):
            last, ys = um.scan(lambda c, x: (c + x, c + x), 0.0, rows, reverse=True)
            assert (float(last), [float(y) for y in ys], um.dtype_of(ys)) == (total, sums, um.float32)
            assert um.engine_of(last, ys).name == any_backend
        assert int(um.while_loop(lambda n: n < 10, lambda n: n * 3, xs.shape[0])) == 27
        found = [float(um.switch(i, (um.numpy.sum, um.numpy.max), xs)) for i in (-1, 0, 1, 5)]
        assert found == [7.0, 7.0, 4.0, 4.0]


def test_facts_that_the_small_engine_does_not_state(install):
    install(HOST)
    engine, x = _registry.load(HOST), np.ones(2, np.float32)
    assert engine.facts.device_kinds() == ("cpu",)
    assert engine.facts.has_x64()
    with engine.facts.use_x64(False):
        assert um.numpy.asarray(1.0, dtype="float64", backend=HOST).dtype == np.float64
    assert (engine.arrays.dtype_name(x), engine.arrays.device_name(x), engine.arrays.is_concrete(x)) == (
        ("float32", "cpu", True)
    )
    copied = engine.arrays.copy(x)
    assert not np.shares_memory(copied, x)
    assert copied.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("case", [*NUMPY_ROWS, *RANDOM_ROWS, *NN_ROWS], ids=lambda case: case.name)
def test_every_row_of_the_namespace_on_the_small_engine(case, install, monkeypatch):
    dtype = case.dtypes[0]
    kept = checks.reference(case, dtype)
    install(HOST)
    monkeypatch.setattr(checks, "reference", lambda *_: kept)
    if case.target in NOT_COMPOSED:
        with pytest.raises(CapabilityError):
            checks.value(case, HOST, dtype)
        return
    checks.value(case, HOST, dtype)


HALF_ROWS = [case for case in NN_ROWS if "bfloat16" in case.dtypes]


@pytest.mark.parametrize("case", HALF_ROWS, ids=lambda case: case.name)
def test_half_precision_is_rounded_once(case, install, monkeypatch):
    kept = checks.reference(case, "bfloat16")
    install(HOST)
    monkeypatch.setattr(checks, "reference", lambda *_: kept)
    checks.value(case, HOST, "bfloat16")


@pytest.mark.parametrize("name", GRADED)
def test_gradients_of_what_is_composed(name, backend, install):
    case = next(case for case in CASES if case.name == f"numpy.{name}")
    slopes = checks.slopes(case, case.dtypes[0])
    install(backend)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "slopes", lambda *_: slopes)
        checks.gradient(case, backend, case.dtypes[0])


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", [case for case in NN_ROWS if case.has_gradient], ids=lambda case: case.name)
def test_gradients_of_activations_and_layers(case, install, monkeypatch):
    slopes = checks.slopes(case, "float32")
    install("torch")
    monkeypatch.setattr(checks, "slopes", lambda *_: slopes)
    checks.gradient(case, "torch", "float32")


ACTIVATIONS = _defaults.ON_DEMAND["nn._composed"][1].split()
EDGES = [-np.inf, -1e4, -30.0, -3.0, -1.0, -1e-6, 0.0, 1e-6, 1.0, 3.0, 6.0, 30.0, 1e4, np.inf, np.nan]


def values_and_slopes(function, x):
    _, slopes = um.value_and_grad(lambda x: um.numpy.sum(function(x)))(x)
    return function(x).tolist(), slopes.tolist()


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_at_kinks_and_at_the_ends(name):
    engine, finite = _registry.load("torch"), um.numpy.asarray(EDGES[1:-2], dtype="float64", backend="torch")
    whole, composed = getattr(engine.nn, name), functools.partial(getattr(_composed, name), engine)
    for found, expected in zip(values_and_slopes(composed, finite), values_and_slopes(whole, finite), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14, err_msg="a few roundings of float64")
    ends = np.float32(EDGES[-2:])
    found = composed(um.to_backend(ends, "torch")).tolist()
    np.testing.assert_array_equal(found, getattr(_registry.load(HOST).nn, name)(ends))
    assert np.isnan(found[1])


@pytest.mark.needs("torch")
@pytest.mark.parametrize("window", [(2,), (3, 2)])
def test_of_equal_numbers_in_a_window_the_first_one_has_the_slope(window):
    engine = _registry.load("torch")
    x = um.numpy.asarray(np.random.default_rng(0).integers(0, 3, (2, *(7,) * len(window), 3)), dtype="float32")
    x = um.to_backend(x, "torch")
    options = {"window": window, "stride": (2,) * len(window), "padding": ((1, 1),) + ((0, 0),) * (len(window) - 1)}
    found = values_and_slopes(functools.partial(_composed_windows.max_pool, engine, **options), x)
    assert found == values_and_slopes(functools.partial(engine.nn.max_pool, **options), x)


def test_a_nan_in_a_window_is_its_greatest_number():
    x = np.array([[1.0, np.nan, 3.0, 4.0]], np.float32).reshape(1, 4, 1)
    found = _composed_windows.max_pool(_registry.load(HOST), x, window=(2,), stride=(1,), padding=((0, 0),))
    assert np.isnan(found).ravel().tolist() == [True, True, False]


FLOATS = ("float32", "float64", "float16", "bfloat16")
DRAWS = [
    *(("uniform", (dtype, *bounds)) for dtype in FLOATS for bounds in ((0.0, 1.0), (-0.3, 1.7))),
    *((name, (dtype,)) for dtype in FLOATS for name in ("normal", "gumbel", "exponential")),
]
INTEGERS = [(0, 10, "int32"), (-5, 300, "int8"), (0, 2**40, "int64"), (0, 2**32, "uint32"), (7, 3, "int32")]


@pytest.mark.parametrize("backend", [HOST, pytest.param("torch", marks=pytest.mark.needs("torch"))])
@pytest.mark.parametrize(("name", "options"), DRAWS, ids=str)
def test_composed_draws_are_those_of_the_engine_(name, options, backend):
    engine = _registry.load(backend)
    key, shape = engine.random.key(3, 4), (500,)
    found = getattr(_composed_samplers, name)(engine, key, shape, *options)
    expected = getattr(engine.random, name)(key, shape, *options)
    assert engine.arrays.dtype_name(found) == options[0]
    # torch draws normal values of float32 on the host by numpy's log1p, which is not its own to the last bit.
    ulp = 4 if (backend, name, options[0]) == ("torch", "normal", "float32") else 0
    found, expected = (np.float64(um.numpy.astype(x, "float64").tolist()) for x in (found, expected))
    assert np.all(np.abs(found - expected) <= ulp * 2.0**-23 * np.abs(expected))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("bounds", [(-2.0, 2.0), (0.5, np.inf), (np.float32([-1.0] * 500), np.float32([3.0] * 500))])
def test_composed_truncated_draws_are_those_of_the_engine(dtype, bounds):
    engine = _registry.load(HOST)
    call = (engine.random.key(3, 4), *bounds, (500,), dtype)
    found = _composed_samplers.truncated_normal(engine, *call)
    assert found.dtype.name == dtype
    assert found.tolist() == engine.random.truncated_normal(*call).tolist()


ON_TORCH = pytest.mark.needs("torch")
# A product of 128 bits needs unsigned integers, with which torch does not compute.
RANGES = [
    *((HOST, *one) for one in INTEGERS),
    *(pytest.param("torch", *one, marks=ON_TORCH) for one in INTEGERS if not one[-1].endswith("64")),
]


@pytest.mark.parametrize(("backend", "low", "high", "dtype"), RANGES)
@pytest.mark.parametrize("is_array", [False, True])
def test_composed_integers_are_those_of_the_engine(low, high, dtype, is_array, backend):
    engine = _registry.load(backend)
    bounds = (low, high) if not is_array else tuple(engine.arrays.asarray(v, "int64") for v in (low, high))
    call = (engine.random.key(3, 4), (400,), *bounds, dtype)
    found, expected = _composed_choices.randint(engine, *call), engine.random.randint(*call)
    assert engine.arrays.dtype_name(found) == dtype
    assert found.tolist() == expected.tolist()


CHOICES = [(9, (3, 2), True, None), (9, (4,), False, None), (5, (100,), True, "p"), (5, (4,), False, "p")]


@pytest.mark.parametrize("backend", [HOST, pytest.param("torch", marks=pytest.mark.needs("torch"))])
@pytest.mark.parametrize(("size", "shape", "replace", "p"), CHOICES)
def test_composed_choices_are_those_of_the_engine(size, shape, replace, p, backend):
    engine = _registry.load(backend)
    weights = None if p is None else engine.arrays.asarray(np.arange(1, size + 1) / 15, "float32")
    call = (engine.random.key(3, 4), size, shape, replace, weights, 0)
    found, expected = _composed_choices.choice(engine, *call), engine.random.choice(*call)
    assert found.tolist() == expected.tolist()
    assert engine.arrays.dtype_name(found) == engine.arrays.dtype_name(expected)


def test_the_engine_is_whole_again():
    assert _registry.load(HOST).math is not None
    assert um.numpy.sinh(np.zeros(1, np.float32)).tolist() == [0.0]
    assert all(isinstance(getattr(_registry.load(HOST), module), types.ModuleType) for module in _optional.ALL)
