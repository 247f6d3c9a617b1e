"""The choice of engines for a test run: what is asked for runs or is an error, the rest is deselected."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest

CONFTEST = pathlib.Path(__file__).parents[1] / "conftest.py"

TESTS = """
import os
import pytest

def test_differentiable(backend):
    assert os.environ["UNIMOD_BACKEND"] == backend

def test_all(any_backend):
    assert os.environ["UNIMOD_BACKEND"] == any_backend

@pytest.mark.needs("jax", "torch")
def test_pair(tested_engines):
    assert {"jax", "torch"} <= set(tested_engines)

@pytest.mark.parametrize("backend", ["jax"])
def test_one(backend):
    pass

def test_none():
    pass
"""

MAIN = """
import importlib.util, sys, types
hidden, present = {hidden}, {present}
sys.modules.update(dict.fromkeys(present, types.SimpleNamespace(set_num_threads=lambda n: None)))
importlib.util.find_spec = (lambda real: lambda name, *a: (
    None if name in hidden else object() if name in present else real(name, *a)))(importlib.util.find_spec)
import pytest
raise SystemExit(pytest.main(["-q", "-rA", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--strict-markers"]))
"""


@pytest.fixture
def run(tmp_path):
    """Run pytest on ``TESTS`` in a process where some frameworks are made to look installed and others not."""
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text("utf-8"), "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = needs(*engines)\n", "utf-8")
    (tmp_path / "test_it.py").write_text(TESTS, "utf-8")

    def run(engines: str, hidden: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        present = tuple(name for name in ("jax", "torch") if name not in hidden)
        env = os.environ | {"UNIMOD_TEST_ENGINES": engines, "PYTEST_ADDOPTS": ""}
        code = MAIN.format(hidden=hidden, present=present)
        return subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)

    return run


def passed(done: subprocess.CompletedProcess[str]) -> set[str]:
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"^PASSED test_it\.py::(\S+)", done.stdout, re.MULTILINE))


ALONE = {
    "jax": {"test_differentiable[jax]", "test_all[jax]", "test_one[jax]", "test_none"},
    "torch": {"test_differentiable[torch]", "test_all[torch]", "test_none"},
    "numpy": {"test_all[numpy]", "test_none"},
}


@pytest.mark.parametrize("engine", ALONE)
def test_one_engine_alone(run, engine):
    hidden = tuple({"jax", "torch"} - {engine})
    done = run(engine, hidden)
    assert passed(done) == ALONE[engine]
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("engines", ["", "jax,torch,numpy", " numpy, torch ,jax "])
def test_all_engines(run, engines):
    assert passed(run(engines)) == set.union(*ALONE.values()) | {"test_pair"}


@pytest.mark.parametrize("engines", ["torch", "jax,torch", ""])
def test_a_missing_framework_is_a_usage_error(run, engines):
    done = run(engines, hidden=("torch",))
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "asks for torch, which is not installed" in done.stderr
    assert "passed" not in done.stdout


@pytest.mark.parametrize("engines", ["tensorflow", "jax,torhc", ","])
def test_an_unknown_engine_is_a_usage_error(run, engines):
    done = run(engines)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "expected some of jax, torch, numpy" in done.stderr
