"""The pytest plugin: which engines the conformance suite runs on, and a report of how near they come.

It is loaded in every run of pytest where unimod is installed, and does nothing until a test asks for one of its
fixtures. The engines are chosen by ``--unimod-engines jax,torch`` or by ``unimod_engines = jax torch`` in the
configuration; without either, all that are installed are tested. ``--unimod-quick`` leaves out what repeats other
checks. ``--unimod-report PATH`` writes ``PATH.json`` and ``PATH.html`` with the largest deviation of every case, check
and engine.

Fixtures: ``unimod_engine`` (one test for each engine), ``unimod_engines`` (the names of those that differentiate),
``unimod_check`` (``(check, case, dtype, engine)``, which runs a check and notes its outcome for the report).
"""

from __future__ import annotations

import pathlib
import zlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from unimod.testing.case import Case

FIXTURE = "unimod_engine"
OUTCOME = "unimod_outcome"

ENGINES_KEY = pytest.StashKey[tuple[str, ...]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("unimod", "conformance of engines")
    group.addoption("--unimod-engines", default=None, help="engines for the conformance suite, separated by commas")
    group.addoption(
        "--unimod-report", default=None, metavar="PATH", help="write PATH.json and PATH.html about the suite"
    )
    group.addoption(
        "--unimod-quick",
        action="store_true",
        default=False,
        help="of each case the first dtype, one of the others on one engine, and one check of the transforms, in turn; "
        "not the agreement of engines, which follows from their nearness to the reference",
    )
    parser.addini("unimod_engines", "engines for the conformance suite", type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Refuse engines that are not there, before anything is collected."""
    if config.getoption("unimod_engines", default=None) or config.getini("unimod_engines"):
        engines(config)


def engines(config: pytest.Config) -> tuple[str, ...]:
    """The engines to test: the option's, else the configured ones, else all that are installed."""
    found = config.stash.get(ENGINES_KEY, None)
    if found is None:
        found = config.stash[ENGINES_KEY] = _chosen(config)
    return found


def _chosen(config: pytest.Config) -> tuple[str, ...]:
    from unimod.backends import _registry

    option = config.getoption("unimod_engines", default=None)
    named = [part.strip() for part in option.split(",")] if option else list(config.getini("unimod_engines"))
    unknown = [name for name in named if name not in _registry.names() or not _registry.is_installed(name)]
    if unknown:
        raise pytest.UsageError(f"unimod_engines: {', '.join(unknown)} is not installed; there are {_registry.names()}")
    return tuple(named) or tuple(name for name in _registry.names() if _registry.is_installed(name))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes ``unimod_engine`` once on each engine."""
    if FIXTURE in metafunc.fixturenames:
        metafunc.parametrize(FIXTURE, engines(metafunc.config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what an engine does not declare to be able to do, and bring the checks of a case together."""
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        (kept if _applies(config, item) else dropped).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    items[:] = _by_case(kept)


def _by_case(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests of the suite in the order of their cases: what one check computed and compiled serves the next.

    With several workers neighbours run in the same one.
    """
    places = [place for place, item in enumerate(items) if "unimod_check" in getattr(item, "fixturenames", ())]
    order: dict[Any, int] = {}
    for place in places:
        order.setdefault(_case(items[place]), len(order))
    ordered = list(items)
    for place, item in zip(places, sorted((items[p] for p in places), key=lambda one: order[_case(one)]), strict=True):
        ordered[place] = item
    return ordered


def _case(item: pytest.Item) -> Any:
    return item.callspec.params["case"]  # type: ignore[attr-defined]


def _applies(config: pytest.Config, item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    if "unimod_check" not in fixtures:
        return True
    params = item.callspec.params  # type: ignore[attr-defined]
    is_quick = config.getoption("unimod_quick", default=False)
    if is_quick and not _is_quick(config, item, params["case"], params["dtype"], params.get(FIXTURE)):
        return False
    if "unimod_engines" in fixtures:
        return len(differentiating(config)) > 1 and _needed(item, params) <= _capabilities(differentiating(config))
    return _needed(item, params) <= _capabilities([params[FIXTURE]])


def _is_quick(config: pytest.Config, item: pytest.Item, case: Case, dtype: str, engine: str | None) -> bool:
    from unimod.testing import checks

    check, turn = _check(item), zlib.crc32(case.name.encode())
    if check not in checks.quick(case, turn):
        return False
    named = differentiating(config) or engines(config)
    return dtype == case.dtypes[0] or (
        engine == named[turn // 8 % len(named)] and dtype in checks.quick_dtypes(check, case, turn)
    )


def _check(item: pytest.Item) -> str:
    return item.originalname.removeprefix("test_")  # type: ignore[attr-defined, no-any-return]


def _needed(item: pytest.Item, params: dict[str, Any]) -> frozenset[str]:
    from unimod.testing import checks

    case, dtype = params["case"], params["dtype"]
    check = _check(item)
    needed: frozenset[str] = case.needed(dtype)
    return needed | (checks.CHECKS[check][1] if check in checks.CHECKS else frozenset())


def _capabilities(names: Iterable[str]) -> frozenset[str]:
    from unimod.backends import _registry

    return frozenset.intersection(*(_registry.load(name).facts.CAPABILITIES for name in names))


def differentiating(config: pytest.Config) -> tuple[str, ...]:
    """The engines to test that have derivatives."""
    from unimod.backends import _capabilities as has

    return tuple(name for name in engines(config) if has.GRAD in _capabilities([name]))


@pytest.fixture
def unimod_engines(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The names of the engines under test that differentiate."""
    return differentiating(request.config)


@pytest.fixture
def unimod_check(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Run a check of the suite, and note its outcome for the report."""

    def run(check: str, case: Case, dtype: str, engine: str | tuple[str, ...]) -> None:
        from unimod.testing import checks

        name = engine if isinstance(engine, str) else "+".join(engine)
        row = {"case": case.name, "check": check, "dtype": dtype, "engine": name, "bound": str(case.bound)}
        try:
            with checks.allowing(dtype):
                share = (
                    checks.agreement(case, engine, dtype)
                    if isinstance(engine, tuple)
                    else checks.CHECKS[check][0](case, engine, dtype)
                )
        except Exception as error:
            record_property(OUTCOME, {**row, "share": getattr(error, "share", None), "error": str(error)})
            raise
        record_property(OUTCOME, {**row, "share": share, "error": ""})

    return run


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect what the tests noted, in the process that reports (with xdist: the controller)."""
    if report.when == "call":
        _noted.extend(value for name, value in report.user_properties if name == OUTCOME)


_noted: list[Any] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report, where one was asked for."""
    path = session.config.getoption("unimod_report", default=None)
    if path and not hasattr(session.config, "workerinput"):
        from unimod.testing import report

        report.write(pathlib.Path(path), _noted)
    _noted.clear()
