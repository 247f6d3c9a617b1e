"""Each method of each engine is broken in turn, and some row of the suite has to notice.

Which rows use a method is recorded once, on the engine that is quickest; the front calls the same methods on all. The
numpy engine is the reference, so when it is the broken one, the rows are run on an engine that is not.
"""

from __future__ import annotations

import contextlib
import functools

import pytest

from unimod.backends import _registry
from unimod.backends._capabilities import GRAD, JIT, VMAP
from unimod.config import HOST
from unimod.testing import checks
from unimod.testing.cases import CASES
from unimod.testing.sabotage import methods, recorded, sabotage

QUICKEST = ("torch", "jax", "numpy")

NOT_COVERED = {
    "facts.owns": "its answers are kept by the registry from the first array of a type on",
    "facts.version": "a text about the framework, of which nothing is computed",
    "facts.register_node": "called once, when the engine is loaded; tests/unit tests what it registers",
    "facts.device_kinds": "a text for reprs and errors, of which nothing is computed",
    "facts.set_x64": "a switch of the process; tests/unit turns it",
    "facts.use_x64": "a switch of the thread, and an engine without one does nothing; tests/unit turns it",
    "compile.named_scope": "a name for profiles, of which nothing is computed",
    "inspect.callback": "returns nothing; test_debugging.py reads what it calls",
    "inspect.check": "returns nothing; test_checks.py reads the failures",
    "inspect.cost": "a measurement; test_profile.py reads it",
    "inspect.trace_file": "a file, of which nothing is computed",
    "inspect.wait": "returns nothing, and waits for what is computed in any case",
    "parallel.axis_size": "a Python number, which is not broken here; test_named_axes.py reads it",
    "compile.is_tracing": "chooses the text of an error; tests/unit reads these texts",
}
NOT_COVERED_ON = {
    "jax.arrays.is_concrete": "chooses the text of an error; tests/unit reads these texts",
    "torch.arrays.is_concrete": "chooses the text of an error; tests/unit reads these texts",
    "numpy.arrays.device_name": "there is one device",
    "torch.facts.has_x64": "chooses between two dtypes of a counter, where the wider one is always there",
    "numpy.facts.has_x64": "chooses between two dtypes of a counter, where the wider one is always there",
}
"""The same of one engine."""
UNDECLARED = {
    # what belongs to a capability is not asked of an engine that does not declare it
    "autodiff.value_and_grad": GRAD,
    "autodiff.vjp": GRAD,
    "autodiff.jvp": GRAD,
    "autodiff.linearize": GRAD,
    "parallel.vmap": VMAP,
    "compile.jit": JIT,
}
BETWEEN_ENGINES = {"arrays.from_foreign"}
"""What is called only where there is a second engine."""

MOST = 80
"""How many rows are asked, before a broken method is said not to be noticed."""


def runs_on(case, engine):
    return case.needed(case.dtypes[0]) <= _registry.load(engine).facts.CAPABILITIES


@functools.cache
def users(recorder):
    """For each ``(engine, module, name)`` the cases that call it on the recorder or in the reference."""
    found = {}
    names = tuple(dict.fromkeys((recorder, HOST)))
    with recorded(*names) as calls:
        for case in CASES:
            if runs_on(case, recorder):
                checks.forget()
                calls.clear()
                checks.value(case, recorder, case.dtypes[0])
                for call in calls:
                    found.setdefault(call, []).append(case)
    return found


def witness(engine, tested):
    """The engine on which the rows are run: the broken one, but never the reference itself if there is another."""
    return next((name for name in QUICKEST if name in tested), engine) if engine == HOST else engine


def candidates(engine, module, name, recorder):
    """The cases that use a method: on the engine itself, then on the recorder; first those about it and quick ones."""
    table = users(recorder)
    found = []
    for place in dict.fromkeys((engine, recorder)):
        own = table.get((place, module, name), [])
        found += sorted(own, key=lambda case: (name not in case.target, len(case.name), not case.widen))
    return list(dict.fromkeys(found))


def notices(case, engine):
    try:
        checks.value(case, engine, case.dtypes[0])
    except Exception:
        return True
    return False


def pytest_generate_tests(metafunc):
    if "method" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--test-engines").split(",")
        rows = [(engine, *method) for engine in wanted for method in methods(engine)]
        metafunc.parametrize("method", [pytest.param(row, id=".".join(row)) for row in rows])


@pytest.fixture
def recorder(tested_engines):
    return next(name for name in QUICKEST if name in tested_engines)


@pytest.mark.thin(4)
def test_a_broken_method_is_noticed(method, recorder, tested_engines):
    engine, module, name = method
    needed = UNDECLARED.get(f"{module}.{name}")
    if needed is not None and needed not in _registry.load(engine).facts.CAPABILITIES:
        assert (engine, module, name) not in users(recorder)
        return
    place = witness(engine, tested_engines)
    cases = [case for case in candidates(engine, module, name, recorder) if runs_on(case, place)]
    if f"{module}.{name}" in NOT_COVERED or f"{engine}.{module}.{name}" in NOT_COVERED_ON:
        assert not any(_tells(case, place, method) for case in cases[:20]), "it is noticed: take it off the list"
        return
    if len(tested_engines) == 1 and f"{module}.{name}" in BETWEEN_ENGINES and not cases:
        return
    assert cases, f"not covered: no row of the suite calls {module}.{name}"
    # A row whose reference is a formula does not use the broken reference engine; run on that engine it does.
    places = dict.fromkeys((place, engine))
    assert any(_tells(case, where, method) for where in places for case in cases[:MOST] if runs_on(case, where))


def _tells(case, place, method):
    """Whether a case passes, and fails when the method is broken; where the reference is, against what it was."""
    assert not notices(case, place)
    kept = checks.reference(case, case.dtypes[0])
    with sabotage(*method), contextlib.ExitStack() as stack:
        if place == HOST:
            stack.enter_context(pytest.MonkeyPatch.context()).setattr(checks, "reference", lambda *_: kept)
        return notices(case, place)


def test_the_list_of_methods_that_no_row_needs_is_not_stale():
    known = {f"{module}.{name}" for module, name in methods(HOST)}
    assert known >= {*NOT_COVERED, *UNDECLARED, *(name.split(".", 1)[1] for name in NOT_COVERED_ON)}


def test_what_is_broken_is_whole_again():
    before = {method: getattr(getattr(_registry.load(HOST), method[0]), method[1]) for method in methods(HOST)}
    for module, name in methods(HOST):
        with sabotage(HOST, module, name):
            assert getattr(getattr(_registry.load(HOST), module), name) is not before[module, name]
    assert before == {method: getattr(getattr(_registry.load(HOST), method[0]), method[1]) for method in methods(HOST)}
