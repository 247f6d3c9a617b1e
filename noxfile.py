"""The checks of unimod, one session each: ``nox -s tests``, ``nox -s lint types``, ``nox --list``.

Every session also runs in the environment that nox itself is in, without installing anything: ``nox --no-venv``.
Environments are kept and reused; ``nox -R`` skips installing too, when the pins have not changed.
"""

from __future__ import annotations

import pathlib
import sys

import nox

PINS = "requirements/cpu.txt"
ENGINES = ("jax", "torch", "numpy")
FRAMEWORKS = ("jax", "jaxlib", "optax", "torch")
GUIDES = [
    f"docs/{name}.md"
    for name in ("guide", "summary", "arrays", "precision", "optimizers", "functional", "interop", "stateful")
]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests", "conformance", "doctest"]


@nox.session
def tests(session: nox.Session) -> None:
    """Unit tests, the rules of dependence and the examples."""
    install(session)
    pytest(session, "-n", "2", *existing("tests/unit", "tests/architecture", "tests/examples"), *session.posargs)


@nox.session
def conformance(session: nox.Session) -> None:
    """Every op, layer, loss, optimizer and transform on every engine, against a reference; repetitions thinned out."""
    install(session)
    folders = existing("tests/conformance", "tests/oracle")
    pytest(session, "-n", "2", "--unimod-quick", *folders, *session.posargs)
    if not session.posargs:
        session.run(python(session), "-m", "tests.array_api", "torch", external=True)


@nox.session
def conformance_full(session: nox.Session) -> None:
    """The same in every dtype, the engines against each other, the large networks' guide, the standard's own suite."""
    install(session)
    pytest(session, "-n", "2", *existing("tests/conformance", "tests/oracle"), *session.posargs)
    for name in ENGINES[:2]:
        pytest(session, "--doctest-glob=*.md", "docs/nets.md", env={"UNIMOD_BACKEND": name})
    session.run(python(session), "-m", "tests.array_api", external=True)


@nox.session
def array_api(session: nox.Session) -> None:
    """The Array API standard's own suite on both engines, where ``ARRAY_API_TESTS`` names a checkout of it."""
    install(session)
    session.run(python(session), "-m", "tests.array_api", *session.posargs, external=True)


@nox.session
@nox.parametrize("only", [nox.param(name, id=name) for name in ("jax", "torch", "neither")])
def isolated(session: nox.Session, only: str) -> None:
    """The built wheel with one framework only, or with none: what can run there, runs."""
    extras = "test" if only == "neither" else f"{only},test"
    folder = pathlib.Path(session.create_tmp())
    for old in folder.glob("unimod-*.whl"):
        old.unlink()
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), ".")
    (wheel,) = folder.glob("unimod-*.whl")
    session.install("--quiet", "--force-reinstall", "--no-deps", str(wheel))
    session.install("--quiet", "-c", PINS, f"unimod[{extras}] @ {wheel.resolve().as_uri()}")
    absent = [name for name in FRAMEWORKS if not extra_brings(only, name)]
    session.run("python", "-c", f"import importlib.util as u; assert not [n for n in {absent} if u.find_spec(n)]")
    engines = "numpy" if only == "neither" else f"{only},numpy"
    session.run("python", "-m", "unimod")
    folders = existing("tests/unit", "tests/conformance", "tests/architecture")
    pytest(session, *folders, *session.posargs, engines=engines)


@nox.session
def lint(session: nox.Session) -> None:
    """Format and lint."""
    install(session, "ruff")
    run(session, "ruff", "format", "--check", ".")
    run(session, "ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Static types of the package; the frameworks are needed, for their own types."""
    install(session)
    run(session, "mypy")


@nox.session
def doctest(session: nox.Session) -> None:
    """Every example in the docstrings and in the guide, once on each engine: the printed text is the same."""
    install(session)
    for name in ENGINES:
        examples = ["--doctest-modules", "src/unimod", "--ignore=src/unimod/backends", "--doctest-glob=*.md", *GUIDES]
        pytest(session, "-n", "2", *examples, *session.posargs, env={"UNIMOD_BACKEND": name})


@nox.session
def bench(session: nox.Session) -> None:
    """Time and memory against native code in the same process; prints ratios, asserts nothing."""
    install(session)
    session.run(python(session), "-m", "benchmarks", *session.posargs, env=ONE_THREAD, external=True)


def install(session: nox.Session, *packages: str) -> None:
    """The pins and the package; or some packages alone, at their pinned versions."""
    if is_shared(session):
        return
    if packages:
        session.install("--quiet", "-c", PINS, *packages)
    else:
        session.install("--quiet", "-r", PINS, "-e", ".")


def pytest(session: nox.Session, *args: str, engines: str = "", env: dict[str, str] | None = None) -> None:
    """Run pytest, each process with one thread, on the named engines (default: what the environment says, else all)."""
    chosen = {"UNIMOD_TEST_ENGINES": engines} if engines else {}
    session.run(python(session), "-m", "pytest", "-q", *args, env=ONE_THREAD | chosen | (env or {}), external=True)


def run(session: nox.Session, module: str, *args: str) -> None:
    """Run a module's command line in the session's environment."""
    session.run(python(session), "-m", module, *args, external=True)


def python(session: nox.Session) -> str:
    """The interpreter of the session, or under ``--no-venv`` the one that runs nox."""
    return sys.executable if is_shared(session) else "python"


def is_shared(session: nox.Session) -> bool:
    """Whether the session runs in the environment of nox itself."""
    return session.venv_backend == "none"


def existing(*folders: str) -> list[str]:
    """Those of ``folders`` that this copy of the repository has; without any, pytest would run everything."""
    found = [folder for folder in folders if pathlib.Path(folder).is_dir()]
    if not found:
        raise FileNotFoundError(f"none of {', '.join(folders)} is here")
    return found


def extra_brings(extra: str, package: str) -> bool:
    """Whether installing ``unimod[extra]`` is meant to bring ``package``."""
    return package in {"jax": ("jax", "jaxlib", "optax"), "torch": ("torch",)}.get(extra, ())
