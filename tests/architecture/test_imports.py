"""Who may import whom."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.architecture import guards
from tests.architecture.guards import Source

FRONT = guards.front_sources()
BACKEND_FILES = [source for source in guards.package_sources() if source.backend in guards.BACKENDS]


def ids(source: Source) -> str:
    return source.name


@pytest.mark.parametrize("source", FRONT, ids=ids)
def test_the_front_imports_no_framework(source):
    assert guards.foreign_imports(source) == []


@pytest.mark.parametrize("source", FRONT, ids=ids)
def test_the_front_reaches_no_backend_but_through_the_registry(source):
    assert guards.backend_folders_imported(source) == []
    assert guards.imports_by_string(source) == []


@pytest.mark.parametrize("source", FRONT, ids=ids)
def test_what_only_shows_things_is_imported_late(source):
    assert guards.eager_imports(source) == []


@pytest.mark.parametrize("source", BACKEND_FILES, ids=ids)
def test_a_backend_imports_its_own_framework_only(source):
    assert guards.backend_imports(source) == []


@pytest.mark.parametrize("source", FRONT, ids=ids)
def test_the_front_does_not_ask_which_engine_it_has(source):
    assert guards.backend_branches(source) == []


def test_there_is_something_to_look_at():
    assert {source.backend for source in BACKEND_FILES} == set(guards.BACKENDS)
    assert {"__init__.py", "config.py", "numpy/_dispatch.py"} <= {source.name for source in FRONT}


PROBE = """
import json, os, sys, threading, warnings
import numpy
before = dict(os.environ), list(warnings.filters), numpy.geterr(), threading.active_count()
import unimod
after = dict(os.environ), list(warnings.filters), numpy.geterr(), threading.active_count()
print(json.dumps({"modules": sorted({name.partition(".")[0] for name in sys.modules}), "same": before == after}))
"""


@pytest.fixture(scope="module")
def imported():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_importing_unimod_imports_no_framework(imported):
    heavy = guards.FRAMEWORKS | guards.LAZY | guards.TESTING | {"sklearn", "scipy", "pandas"}
    assert heavy.intersection(imported["modules"]) == set()
    assert "unimod" in imported["modules"]


def test_importing_unimod_changes_no_global_setting(imported):
    assert imported["same"]
