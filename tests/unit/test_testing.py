"""The assertions, the sabotage, the plugin and the report of ``unimod.testing``."""

from __future__ import annotations

import json
import math
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import unimod as um
from unimod import config
from unimod.backends import _registry
from unimod.errors import OptionError, TreeError
from unimod.testing import Bound, MismatchError, assert_close, assert_conformant, assert_native, checks, max_ulp, report
from unimod.testing.bounds import largest, ulps
from unimod.testing.cases import CASES
from unimod.testing.sabotage import recorded, sabotage

ONE = np.ones(3, np.float32)


def moved(steps, x=ONE):
    for _ in range(steps):
        x = np.nextafter(x, np.float32(2))
    return x


# --- bounds and assertions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_ulps_are_counted(steps):
    assert max_ulp({"a": moved(steps)}, {"a": ONE}) == steps
    assert_close(moved(steps), ONE, ulp=steps)
    if steps:
        with pytest.raises(MismatchError, match=f"{steps} ulp"):
            assert_close(moved(steps), ONE, ulp=steps - 1)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(1, 50))
def test_ulps_of_any_float(start, steps):
    x = y = np.float32(start)
    with np.errstate(over="ignore"):  # beyond the largest number there is infinity, which is left out below
        for _ in range(steps):
            y = np.nextafter(y, np.float32(math.inf))
    if np.isfinite(y):
        is_across_zero = x <= 0 <= y and x != y  # the two zeros are one number, and no step
        assert float(ulps(np.asarray(x), np.asarray(y), "float32")) in (
            {steps, steps - 1, steps + 1} if is_across_zero else {steps}
        )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_one_rounding_is_one_ulp_in_every_dtype(dtype):
    x = um.numpy.asarray([1.0], dtype=dtype, backend="numpy")
    y = um.numpy.asarray([1.0 + um.numpy.finfo(dtype).eps], dtype=dtype, backend="numpy")
    assert max_ulp(x, y) == 1.0


def test_nan_and_inf_are_near_themselves_only():
    x = np.array([np.nan, np.inf, -np.inf, 1.0], np.float32)
    assert_close(x, x.copy(), rtol=1e-6)
    for index in range(3):
        y = x.copy()
        y[index] = 1.0
        for options in ({"rtol": 1e9}, {"ulp": 10**9}):
            with pytest.raises(MismatchError):
                assert_close(y, x, **options)


def test_an_error_says_which_leaf_how_far_and_where():
    tree = {"a": [ONE, np.zeros((2, 2), np.float32)]}
    other = {"a": [ONE, np.array([[0, 0], [0.5, 0.25]], np.float32)]}
    with pytest.raises(MismatchError) as caught:
        assert_close(tree, other, rtol=1e-3, atol=1e-3)
    text = str(caught.value)
    assert "tree['a'][1] at index (1, 0); 2 of 4 elements" in text
    assert "off by 0.5" in text
    assert "0 in f32[2, 2] on numpy" in text
    assert caught.value.share > 300


@pytest.mark.parametrize(
    ("actual", "expected", "what"),
    [
        (ONE, ONE[:2], "in shape"),
        (ONE, ONE.astype(np.float64), "in dtype"),
        (ONE.astype(np.int32), 2 * ONE.astype(np.int32), "off by 1"),
        (ONE > 0, ONE > 2, "off by 1"),
        (["text"], ["other"], "differs"),
        (2, 3, "off by 1"),
    ],
)
def test_what_differs_is_found(actual, expected, what):
    with pytest.raises(MismatchError, match=what):
        assert_close(actual, expected)


def test_structures_must_be_equal():
    with pytest.raises(TreeError):
        assert_close({"a": ONE}, {"b": ONE})


def test_only_one_kind_of_bound():
    with pytest.raises(OptionError):
        assert_close(ONE, ONE, ulp=1, rtol=1e-3)


def test_a_bound_is_measured_in_its_own_units():
    far = largest(np.float32([1, 2]), np.float32([1, 2 + 4 * 2**-22]), Bound(eps=8))
    assert far.share == pytest.approx(0.5, rel=1e-5)
    assert far.index == (1,)
    assert Bound(eps=4, rtol=1e-3).times(2) == Bound(eps=8, rtol=2e-3)
    assert str(Bound(ulp=3)) == "3 ulp"
    assert str(Bound(eps=4, atol=1e-6)) == "eps 4, atol 1e-06"


def test_native_arrays(any_backend):
    x = um.numpy.ones((2,))
    assert_native({"a": [x, 3, "text"]}, any_backend)
    with pytest.raises(MismatchError, match="no array"):
        assert_native({"a": 1}, any_backend)
    with pytest.raises(MismatchError, match=r"\['b'\]"):
        assert_native({"a": x, "b": object()}, any_backend)


@pytest.mark.needs("jax", "torch")
def test_an_array_of_another_engine_is_not_native():
    x = {"a": um.numpy.ones((2,), backend="torch"), "b": um.numpy.ones((2,), backend="jax")}
    with pytest.raises(MismatchError, match=r"\['b'\][^$]*f32\[2\] on jax"):
        assert_native(x, "torch")


# --- assert_conformant -----------------------------------------------------------------------------------------------

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


def network():
    layers = um.nn.Linear(3, 4), um.nn.BatchNorm(4), um.nn.tanh, um.nn.Dropout(0.5), um.nn.Linear(4, 2)
    return um.nn.Sequential(*layers).init(0, backend="numpy")


def on(name, x):
    return config.engine_of(x).name == name


@pytest.mark.needs("jax", "torch")
def test_a_model_is_conformant():
    assert_conformant(network(), X)
    assert_conformant(network().eval(), X, check_vmap=True)


@pytest.mark.needs("jax", "torch")
def test_a_function_of_trees_and_options_is_conformant():
    def fn(tree, index, *, scale):
        return {"y": um.numpy.take(tree["x"], index) * scale, "n": index}

    assert_conformant(fn, {"x": X}, np.array([0, 2], np.int32), scale=np.float32(2))


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize(
    ("fn", "what"),
    [
        (lambda x: x + 1e-3 if on("torch", x) else x, "The result of torch"),
        (lambda x: um.stop_gradient(x) + 0 * x if on("torch", x) else x, "The gradient of torch"),
        (lambda x: um.numpy.astype(x, "bfloat16") if on("torch", x) else x, "in dtype"),
    ],
)
def test_what_is_not_conformant_is_named(fn, what):
    with pytest.raises(MismatchError, match=what):
        assert_conformant(fn, X, check_jit=False)


class Counting(um.Module):
    def __init__(self):
        self.count = um.State(np.zeros((), np.float32))

    def __call__(self, x):
        self.count = self.count + (2 if on("torch", x) else 1)
        return x * 2


@pytest.mark.needs("jax", "torch")
def test_a_state_that_differs_is_named():
    with pytest.raises(MismatchError, match=r"The state of torch[^$]*'count'"):
        assert_conformant(Counting(), X, check_jit=False)


@pytest.mark.needs("jax", "torch")
def test_a_function_with_a_memory_differs_when_jitted():
    calls = []

    def fn(x):
        calls.append(1)
        return x * len(calls)

    with pytest.raises(MismatchError):
        assert_conformant(fn, X, check_grad=False)


@pytest.mark.needs("torch", "numpy")
def test_an_engine_is_asked_only_for_what_it_can_do():
    assert_conformant(network(), X, engines=("torch", "numpy"))
    with pytest.raises(MismatchError, match=r"The result of numpy differs from that of torch: off by 0\.5"):
        assert_conformant(lambda x: x + 0.5 if on("numpy", x) else x, X, engines=("torch", "numpy"))


@pytest.mark.parametrize("engines", [(), ("numpy",), ("numpy", "numpy")])
def test_nothing_to_compare(engines):
    with pytest.raises(OptionError):
        assert_conformant(lambda x: x, X, engines=engines)


# --- sabotage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["float32", "bfloat16", "float16", "int32", "int8", "uint8", "uint32", "bool", "complex64"]
)
def test_what_is_broken_is_wrong_everywhere_and_of_the_same_kind(any_backend, dtype):
    arrays = _registry.load(any_backend).arrays
    x = arrays.asarray(np.array([[0, 1, 1]]), dtype)
    with sabotage(any_backend, "arrays", "copy"):
        y = arrays.copy(x)
    assert_native(y, any_backend)
    assert tuple(y.shape) == (1, 3)
    assert arrays.dtype_name(y) == dtype
    assert np.all(np.asarray(arrays.to_numpy(y)) != np.asarray(arrays.to_numpy(x)))
    assert_close(arrays.copy(x), x)


def test_lists_and_words_are_broken_too(any_backend):
    engine = _registry.load(any_backend)
    x = engine.arrays.ones((2,), "float32")
    with sabotage(any_backend, "optim", "apply_updates"):
        broken = engine.optim.apply_updates([x, x], [x, x])
    whole = engine.optim.apply_updates([x, x], [x, x])
    assert [float(a[0]) > float(b[0]) for a, b in zip(broken, whole, strict=True)] == [True, True]
    with sabotage(any_backend, "arrays", "device_name"):
        assert engine.arrays.device_name(x).startswith("not_")


def test_calls_are_recorded(any_backend):
    with recorded(any_backend) as calls:
        um.numpy.add(um.numpy.ones((2,)), 1)
    assert {(any_backend, "arrays", "ones"), (any_backend, "math", "add")} <= calls
    assert all(engine == any_backend for engine, *_ in calls)


# --- plugin and report -----------------------------------------------------------------------------------------------

SUITE = "from unimod.testing.suite import *\n"


def run(folder, *options):
    (folder / "test_engine.py").write_text(SUITE)
    (folder / "pytest.ini").write_text("[pytest]\nunimod_engines = numpy\n")
    source = pathlib.Path(um.__file__).parents[1]
    env = {**os.environ, "PYTHONPATH": str(source), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "unimod.testing.plugin", *options]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_the_suite_certifies_an_engine_and_reports(tmp_path):
    done = run(tmp_path, "-k", "add or relu or Linear", "--unimod-report", "out/report")
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout
    rows = json.loads((tmp_path / "out/report.json").read_text())
    assert {row["engine"] for row in rows} == {"numpy"}
    assert {"numpy.add", "nn.Linear", "nn.relu"} <= {row["case"] for row in rows}
    assert {row["check"] for row in rows} == {"value", "eval", "layout", "vmap"}
    assert all(row["share"] <= 1 and not row["error"] for row in rows)
    page = (tmp_path / "out/report.html").read_text()
    assert "<td>numpy.add</td>" in page
    assert "http" not in page


def test_an_engine_that_is_not_there_is_a_usage_error(tmp_path):
    done = run(tmp_path, "--unimod-engines", "mlx")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "mlx" in done.stdout + done.stderr


def test_the_plugin_loads_nothing_before_it_is_used():
    probe = "import sys, unimod.testing.plugin; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {
        "jax",
        "torch",
        "optax",
        "unimod.testing.cases",
        "unimod.testing.suite",
        "unimod.testing.report",
    }


def test_the_report_shows_failures(tmp_path):
    row = {"case": "numpy.add", "check": "value", "dtype": "float32", "engine": "jax", "bound": "eps 4"}
    rows = [{**row, "share": 0.5, "error": ""}, {**row, "engine": "torch", "share": math.inf, "error": "off by <1>"}]
    as_json, as_html = report.write(tmp_path / "report.html", rows)
    assert [row["share"] for row in json.loads(as_json.read_text())] == [0.5, None]
    page = as_html.read_text()
    assert ">0.5</td>" in page
    assert "off by &lt;1&gt;" in page
    assert "2 checks of 1 cases, 1 failed." in page


def test_a_quick_run_leaves_out_what_repeats_other_checks(tmp_path):
    def collected(*options):
        done = run(tmp_path, "--collect-only", "-k", "numpy.add-", *options)
        return {line for line in done.stdout.splitlines() if "::" in line}

    everything, quick = collected(), collected("--unimod-quick")
    assert quick < everything
    left = {line.rsplit("-", 1)[1].rstrip("]") for line in quick if "test_value" in line}
    assert "float32" in left
    assert len(left) == 2


def test_checks_of_transforms_take_turns_in_a_quick_run():
    linear = next(case for case in CASES if case.name == "nn.Linear")
    turns = [set(checks.quick(linear, turn)) - {"value", "layout"} for turn in range(6)]
    assert [len(taken & {"gradient", "jit", "vmap"}) for taken in turns] == [1] * 6
    assert set().union(*turns) == {"gradient", "jit", "vmap", "eval", "frozen"}
