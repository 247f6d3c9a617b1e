"""Which engines the tests run on.

``UNIMOD_TEST_ENGINES`` (or ``--test-engines``) names them, separated by commas; without it all three are tested.

A test that takes ``backend`` runs once on each engine that differentiates, one that takes ``any_backend`` once on
each engine; the value is the engine's name, and ``UNIMOD_BACKEND`` has the same value during the test. A test with
``@pytest.mark.needs("jax", "torch")`` runs when all the engines that it names are tested. What is not asked for is
deselected, never skipped; what is asked for and not installed ends the run before collection.
"""

from __future__ import annotations

import collections
import importlib.util
import os
import zlib

import hypothesis
import pytest

VARIABLE = "UNIMOD_TEST_ENGINES"
RANDOM = "UNIMOD_TEST_RANDOM"
ENGINES = ("jax", "torch", "numpy")
FIXTURES = {"backend": ("jax", "torch"), "any_backend": ENGINES}

MANY = 12
"""The number of parameters from which on a quick run takes half of them."""

ENGINES_KEY = pytest.StashKey[tuple[str, ...]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--test-engines",
        default=os.environ.get(VARIABLE) or ",".join(ENGINES),
        help=f"the engines to test, separated by commas (default: ${VARIABLE}, else {','.join(ENGINES)})",
    )


# The same examples in every run, so that a failure is there for everyone; UNIMOD_TEST_RANDOM=1 looks for new ones.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.register_profile("random", deadline=None)
hypothesis.settings.load_profile("random" if os.environ.get(RANDOM) else "repeatable")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ENGINES_KEY] = engines = requested(config.getoption("--test-engines"))
    # The CPU is where results are compared; on a machine with an accelerator JAX would choose that instead.
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if "torch" in engines:
        use_one_thread()


def requested(text: str) -> tuple[str, ...]:
    """The engines named in ``text``, each known and installed."""
    engines = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in engines if name not in ENGINES]
    if unknown or not engines:
        raise pytest.UsageError(f"{VARIABLE}={text!r}: expected some of {', '.join(ENGINES)}, separated by commas")
    missing = [name for name in engines if importlib.util.find_spec(name) is None]
    if missing:
        raise pytest.UsageError(f"{VARIABLE}={text!r} asks for {', '.join(missing)}, which is not installed here")
    return engines


def use_one_thread() -> None:
    """Keep torch from using every core in every worker; the result of a reduction depends on it too."""
    import torch

    torch.set_num_threads(1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, names in FIXTURES.items():
        if fixture in metafunc.fixturenames and fixture not in explicit(metafunc):
            metafunc.parametrize(fixture, names)


def explicit(metafunc: pytest.Metafunc) -> set[str]:
    """The arguments that the test parametrizes by itself."""
    names: set[str] = set()
    for mark in metafunc.definition.iter_markers("parametrize"):
        argnames = mark.args[0] if mark.args else mark.kwargs["argnames"]
        names.update(part.strip() for part in (argnames.split(",") if isinstance(argnames, str) else argnames))
    return names


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    engines = config.stash[ENGINES_KEY]
    tested = set(engines)
    kept, dropped = [], []
    rows = collections.Counter(map(function_of, items))
    for item in items:
        (kept if needed(item) <= tested and not is_thinned(item, rows[function_of(item)]) else dropped).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def needed(item: pytest.Item) -> set[str]:
    """The engines that ``item`` cannot do without."""
    names = {name for mark in item.iter_markers("needs") for name in mark.args}
    names.update(values(item))
    if not names <= set(ENGINES):
        raise pytest.UsageError(f"{item.nodeid}: needs(...) takes names of {', '.join(ENGINES)}, got {sorted(names)}")
    return names


def function_of(item: pytest.Item) -> str:
    """The test without its parameters."""
    return item.nodeid.partition("[")[0]


def is_thinned(item: pytest.Item, rows: int) -> bool:
    """Whether a quick run does without ``item``.

    Of a test marked ``thin(n)`` it takes one in n of the parameters, of others with many of them one in two; the suite
    of the package has a rule of its own.
    """
    if not hasattr(item, "callspec") or not item.config.getoption("unimod_quick", default=False):
        return False
    mark = item.get_closest_marker("thin")
    is_long = rows > MANY and "unimod_check" not in getattr(item, "fixturenames", ())
    share = mark.args[0] if mark else 2 if is_long else 1
    return bool(zlib.crc32(item.nodeid.encode()) % share)


def values(item: pytest.Item) -> list[str]:
    """The engines that ``backend`` and ``any_backend`` stand for in ``item``."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    return [params[fixture] for fixture in FIXTURES if fixture in params]


@pytest.fixture(scope="session")
def tested_engines(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The names of all engines that are tested in this run."""
    return request.config.stash[ENGINES_KEY]


@pytest.fixture(autouse=True)
def _choose_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the engine under test the default one, by the weakest rule, so that a test can still overrule it."""
    for name in values(request.node):
        monkeypatch.setenv("UNIMOD_BACKEND", name)
