"""An engine with the functions that the protocols require and no other: the front writes the rest with them."""

from __future__ import annotations

import dataclasses
import types

import numpy as np
import pytest

import unimod as um
from tests.architecture import protocol
from unimod.backends import _facts, _optional, _registry
from unimod.config import HOST
from unimod.errors import CapabilityError
from unimod.numpy import _table
from unimod.testing import checks, sabotage
from unimod.testing.cases import CASES

NUMPY_ROWS = [case for case in CASES if case.name.startswith("numpy.")]
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
        assert set(sabotage.public(getattr(_registry.load(HOST), module))) & optional or module == "optim"


@pytest.mark.parametrize("case", NUMPY_ROWS, ids=lambda case: case.name)
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


@pytest.mark.parametrize("name", GRADED)
def test_gradients_of_what_is_composed(name, backend, install):
    case = next(case for case in CASES if case.name == f"numpy.{name}")
    slopes = checks.slopes(case, case.dtypes[0])
    install(backend)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "slopes", lambda *_: slopes)
        checks.gradient(case, backend, case.dtypes[0])


def test_the_engine_is_whole_again():
    assert _registry.load(HOST).math is not None
    assert um.numpy.sinh(np.zeros(1, np.float32)).tolist() == [0.0]
    assert isinstance(_registry.load(HOST).math, types.ModuleType)
