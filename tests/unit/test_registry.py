"""The registry: engines are found by name and by the type of their arrays."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import types

import numpy as np
import pytest

import unimod as um
from unimod.backends import _registry
from unimod.errors import BackendNotInstalledError, UnknownBackendError


def test_an_engine_is_loaded_once(any_backend):
    engine = _registry.load(any_backend)
    assert engine is _registry.load(any_backend)
    assert engine.name == any_backend
    assert engine in _registry.loaded()
    assert repr(engine).startswith(f"<engine {any_backend} ")


def test_arrays_find_their_engine(any_backend):
    assert _registry.of_type(type(um.numpy.ones((1,)))).name == any_backend


@pytest.mark.parametrize("value", [1, "a", None, [np.ones(1)], object()])
def test_other_values_have_no_engine(value):
    assert _registry.of_type(type(value)) is None
    assert not um.is_array(value)


def test_scalars_of_numpy_are_arrays():
    assert um.is_array(np.float32(1.0))


def test_subclasses_of_arrays_are_arrays():
    class Special(np.ndarray):
        pass

    assert um.engine_of(np.ones(1).view(Special)).name == "numpy"


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownBackendError, match="no backend called 'tensorflow'") as caught:
        _registry.load("tensorflow")
    assert caught.value.expected == "one of jax, torch, numpy"


def test_a_missing_framework_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "unimod.backends.jax", None)
    monkeypatch.delitem(_registry._loaded, "jax", raising=False)

    def missing(name):
        raise ModuleNotFoundError("No module named 'jax'", name="jax")

    monkeypatch.setattr(_registry.importlib, "import_module", missing)
    with pytest.raises(BackendNotInstalledError, match="needs jax") as caught:
        _registry.load("jax")
    assert caught.value.fix == 'pip install "unimod[jax]"'
    assert isinstance(caught.value, ImportError)


def test_an_error_inside_a_backend_is_not_taken_for_a_missing_framework(monkeypatch):
    monkeypatch.delitem(_registry._loaded, "jax", raising=False)

    def broken(name):
        raise ModuleNotFoundError("No module named 'scipy'", name="scipy")

    monkeypatch.setattr(_registry.importlib, "import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="scipy"):
        _registry.load("jax")


def test_third_parties_register_an_engine(monkeypatch):
    engine = _registry.load("numpy")
    point = importlib.metadata.EntryPoint("mine", "mine:ENGINE", _registry.GROUP)
    monkeypatch.setattr(importlib.metadata.EntryPoint, "load", lambda self: types.SimpleNamespace(ENGINE=engine))
    monkeypatch.setattr(_registry, "_third_parties", lambda: (point,))
    assert _registry.names() == ("jax", "torch", "numpy", "mine")
    assert _registry.is_installed("mine")
    try:
        assert _registry.load("mine") is engine
    finally:
        _registry._loaded.pop("mine", None)
        _registry.forget_types()


def test_listeners_hear_of_every_engine(monkeypatch):
    monkeypatch.setattr(_registry, "_on_load", [])
    heard = []
    _registry.load("numpy")
    _registry.on_load(lambda engine: heard.append(engine.name))
    assert "numpy" in heard


def test_importing_the_package_loads_no_framework():
    program = "import sys, unimod; print([name for name in ('jax', 'torch', 'optax') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.needs("torch")
def test_an_array_loads_its_engine_and_registers_modules_with_it():
    program = (
        "import unimod as um, torch\n"
        "class M(um.Module):\n"
        "    def __init__(self): self.w = um.Parameter(torch.ones(2))\n"
        "m = M()\n"
        "assert um.is_array(m.w)\n"
        "import torch.utils._pytree as pytree\n"
        "assert pytree.tree_map(lambda x: x + 1, m).w.tolist() == [2.0, 2.0]\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
