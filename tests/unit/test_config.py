"""Which engine does the work: the precedence of the rules."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import unimod as um
from unimod import config
from unimod.backends import _registry
from unimod.errors import BackendNotInstalledError, MixedBackendError, UnknownBackendError

pytestmark = pytest.mark.needs("jax", "torch", "numpy")


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    monkeypatch.delenv(config.VARIABLE, raising=False)
    um.reset_backend()
    yield
    um.reset_backend()


def chosen() -> tuple[str, str]:
    info = um.backend_info()
    assert um.engine_of().name == info.name
    return info.name, info.rule


def test_the_first_that_is_installed():
    assert chosen() == ("jax", "installed")


def test_an_engine_that_is_not_installed_is_passed_over(monkeypatch):
    monkeypatch.setattr(_registry, "is_installed", lambda name: name != "jax")
    assert chosen() == ("torch", "installed")
    monkeypatch.setattr(_registry, "is_installed", lambda name: False)
    with pytest.raises(UnknownBackendError, match="No backend is installed"):
        um.backend_info()


def test_each_rule_overrules_the_ones_below(monkeypatch):
    monkeypatch.setenv(config.VARIABLE, "torch")
    assert chosen() == ("torch", "UNIMOD_BACKEND")
    um.set_backend("numpy")
    assert chosen() == ("numpy", "set_backend")
    with um.use_backend("torch") as engine:
        assert engine.name == "torch"
        assert chosen() == ("torch", "use_backend")
        with um.use_backend("jax"):
            assert chosen() == ("jax", "use_backend")
            assert um.backend_info("numpy").rule == "argument"
            assert um.engine_of(backend="numpy").name == "numpy"
        assert chosen() == ("torch", "use_backend")
    assert chosen() == ("numpy", "set_backend")
    um.reset_backend()
    assert chosen() == ("torch", "UNIMOD_BACKEND")


def test_data_overrules_everything():
    x = um.numpy.ones((1,), backend="torch")
    with um.use_backend("jax"):
        assert um.engine_of(x, backend="numpy").name == "torch"
        assert um.engine_of(x + 1).name == "torch"


def test_an_empty_variable_is_no_choice(monkeypatch):
    monkeypatch.setenv(config.VARIABLE, "")
    assert chosen() == ("jax", "installed")


def test_an_unknown_name_in_the_variable(monkeypatch):
    monkeypatch.setenv(config.VARIABLE, "tensorflow")
    with pytest.raises(UnknownBackendError, match="no backend called 'tensorflow'") as caught:
        um.numpy.ones((1,))
    assert "UNIMOD_BACKEND" in caught.value.fix


@pytest.mark.parametrize("choose", [um.set_backend, lambda name: um.use_backend(name).__enter__()])
def test_a_wrong_choice_changes_nothing(choose):
    before = chosen()
    with pytest.raises(UnknownBackendError):
        choose("tensorflow")
    assert chosen() == before


def test_a_block_ends_after_an_exception():
    with pytest.raises(KeyError), um.use_backend("torch"):
        raise KeyError
    assert chosen() == ("jax", "installed")


def test_a_block_holds_for_its_thread_and_the_setter_for_all():
    found = []
    with um.use_backend("torch"):
        thread = threading.Thread(target=lambda: found.append(chosen()))
        thread.start()
        thread.join()
    um.set_backend("numpy")
    thread = threading.Thread(target=lambda: found.append(chosen()))
    thread.start()
    thread.join()
    assert found == [("jax", "installed"), ("numpy", "set_backend")]


def test_what_is_told_about_a_backend():
    info = um.backend_info("torch")
    assert info.version
    assert info.devices[0]
    assert "jit" in info.capabilities
    assert set(info.installed) >= {"jax", "torch", "numpy"}


def test_a_missing_framework_is_told(monkeypatch):
    def missing(name):
        raise BackendNotInstalledError("missing")

    monkeypatch.setattr(_registry, "load", missing)
    with pytest.raises(BackendNotInstalledError):
        um.set_backend("jax")
    assert config._process_wide == []


def test_host_arrays_follow_the_others():
    host, jax, torch = (um.numpy.ones((1,), backend=name) for name in ("numpy", "jax", "torch"))
    assert um.engine_of(host, torch).name == "torch"
    assert um.engine_of(jax, host).name == "jax"
    assert um.engine_of(host, 1.0, None).name == "numpy"


def test_two_engines_are_refused_and_named():
    jax, torch = (um.numpy.ones((1, 2), backend=name) for name in ("jax", "torch"))
    with pytest.raises(MixedBackendError) as caught:
        um.engine_of(np.ones(1), jax, 3, torch)
    assert caught.value.got == "f64[1] on numpy, f32[1, 2] on jax, f32[1, 2] on torch"


def test_descriptions():
    assert config.short(3) == "int"
    assert config.describe_value(3) == "3"
    assert config.short(np.float32(1)) == "f32[]"
